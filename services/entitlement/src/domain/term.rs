//! How long a term runs: its length, lengthened and restarted by repairs, moved off holidays.

use calendar::{Calendar, DayKind};
use jiff::civil::Date;

use super::asset::{Asset, Repair};
use super::policy::{Effect, Policy, RepairRule, Term, UNIT};
use super::standing::Begin;

/// A public holiday longer than this many days is an error of the calendar.
const LONGEST_HOLIDAY: usize = 60;

/// A repair rule with the policy it stands in.
pub(crate) type Ruled<'a> = (&'a Policy, &'a RepairRule);

/// A term as it ran out for one component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) term: &'a Term,
    /// Last day, included.
    pub(crate) end: Date,
    /// Days that repairs added, and by which rule.
    pub(crate) extended: Option<(i32, Ruled<'a>)>,
    /// The repair whose own term set the end, and by which rule.
    pub(crate) repaired: Option<(Date, Ruled<'a>)>,
    pub(crate) shift: Shift,
}

/// What public holidays did to a last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shift {
    /// Nothing.
    None,
    /// Moved it from this day.
    From(Date),
    /// Nobody has listed the holidays of its year.
    Unlisted,
}

/// The longest run of a policy's terms for a component, as of a day.
pub(crate) fn longest<'a>(
    policy: &'a Policy,
    begin: &Begin<'_>,
    component: &str,
    asset: &Asset,
    on: Date,
    supplements: &[Ruled<'a>],
    calendar: Option<&Calendar>,
) -> Option<Run<'a>> {
    let specific = policy.terms.iter().any(|term| term.names(component));
    let speaks = |term: &Term| term.names(if specific { component } else { UNIT });
    let in_time = |term: &Term| registered_in_time(term, begin, asset);
    let terms = policy
        .terms
        .iter()
        .filter(|term| speaks(term) && in_time(term));
    let mut best: Option<Run<'a>> = None;
    for term in terms {
        let run = run(
            policy,
            term,
            begin,
            component,
            asset,
            on,
            supplements,
            calendar,
        );
        best = match (best, run) {
            (Some(best), Some(run)) if run.end <= best.end => Some(best),
            (best, run) => run.or(best),
        };
    }
    best
}

/// Whether the device was registered soon enough for the term.
pub(crate) fn registered_in_time(term: &Term, begin: &Begin<'_>, asset: &Asset) -> bool {
    let latest = term
        .registered_within
        .map(|within| within.after(begin.date));
    latest.is_none_or(|latest| asset.registered_on <= latest)
}

#[allow(clippy::too_many_arguments)]
fn run<'a>(
    policy: &'a Policy,
    term: &'a Term,
    begin: &Begin<'_>,
    component: &str,
    asset: &Asset,
    on: Date,
    supplements: &[Ruled<'a>],
    calendar: Option<&Calendar>,
) -> Option<Run<'a>> {
    let end = match (term.length, begin.contract) {
        (Some(length), None) => length.after(begin.date),
        (Some(length), Some(contract)) => length.after(begin.date).min(contract.end_on),
        (None, contract) => contract?.end_on,
    };
    let mut run = Run {
        term,
        end,
        extended: None,
        repaired: None,
        shift: Shift::None,
    };
    for repair in asset
        .repairs
        .iter()
        .filter(|repair| repair.completed_on <= on)
    {
        let own = policy.repairs.iter().map(|rule| (policy, rule));
        let rules = own.chain(supplements.iter().copied());
        run.repaired_by(repair, component, policy, begin.date, rules);
    }
    (run.end, run.shift) = shifted(run.end, calendar);
    Some(run)
}

impl<'a> Run<'a> {
    /// What one repair does. Two policies that both extend do not extend twice.
    fn repaired_by(
        &mut self,
        repair: &Repair,
        component: &str,
        owner: &Policy,
        start: Date,
        rules: impl Iterator<Item = Ruled<'a>>,
    ) {
        let term_end = self.end;
        let within = start <= repair.received_on && repair.received_on <= term_end;
        let mut extended = false;
        let mut own_term: Option<(Date, Ruled<'a>)> = None;
        for (policy, rule) in rules {
            let own = match rule.effect {
                Effect::ExtendTerm if within && !extended && repair.days() > 0 => {
                    extended = true;
                    self.extend(repair.days(), (policy, rule));
                    continue;
                }
                Effect::RestartPart if within && repair.concerns(component) => self.term.length,
                Effect::PartAtLeast(length) if repair.concerns(component) => {
                    let own = std::ptr::eq(policy, owner);
                    let differs = self.term.repaired_at_least.filter(|_| own);
                    Some(differs.unwrap_or(length))
                }
                _ => continue,
            };
            let until = own.map(|length| length.after(repair.completed_on));
            if let Some(until) = until
                && own_term.is_none_or(|(best, _)| best < until)
            {
                own_term = Some((until, (policy, rule)));
            }
        }
        if let Some((until, rule)) = own_term
            && until > self.end
        {
            self.end = until;
            self.repaired = Some((repair.completed_on, rule));
        }
    }

    fn extend(&mut self, days: i32, rule: Ruled<'a>) {
        self.end = super::length::Length::days(days).after(self.end);
        let (before, rule) = self.extended.unwrap_or((0, rule));
        self.extended = Some((before + days, rule));
    }
}

/// Moves a last day off a public holiday to the next working day.
pub(crate) fn shifted(end: Date, calendar: Option<&Calendar>) -> (Date, Shift) {
    let Some(calendar) = calendar else {
        return (end, Shift::None);
    };
    if !calendar.covers(end) {
        return (end, Shift::Unlisted);
    }
    if !matches!(calendar.day(end).kind, DayKind::Holiday(_)) {
        return (end, Shift::None);
    }
    let mut later = end.series(jiff::Span::new().days(1)).take(LONGEST_HOLIDAY);
    let working = later.find(|day| calendar.day(*day).kind.is_working_day());
    working.map_or((end, Shift::None), |day| (day, Shift::From(end)))
}
