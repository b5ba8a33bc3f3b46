//! Clocks: a pure function of moments, policy, calendar, zone and now.
//!
//! Nothing is added up and stored. A late fact changes the moments, and the next reading is right.
//!
//! Edges, decided once:
//! - A clock is broken when its stop, or now, is after its due instant: what the customer was told
//!   is what holds. A promise of time used up exactly at closing falls due at closing.
//! - A promise in working days falls due at the civil time the calendar gives, also where that is
//!   an opening; time that stood moves it by the same business time.
//! - A wait that begins exactly at the due instant stops the clock: the promise then falls due
//!   with the first instant that counts again.
//! - The latest wait is the one that holds: a second reason replaces the first.
//! - A resolution stops every clock; only a reopening starts it again. What stood between does
//!   not count, and a clock that was broken stays broken.
//! - Moments after `now` have not happened yet, but for the report itself.

use std::time::Duration;

use calendar::{Calendar, DayKind, State as Opening};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::policy::{Milestone, Promise, SlaPolicy, Within};
use super::ticket::{Moment, PauseReason, What};

/// One promise with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What is promised.
    pub milestone: Milestone,
    /// When it began.
    pub start: Timestamp,
    /// When it falls due as things stand.
    pub due: Timestamp,
    /// When it was kept.
    pub stop: Option<Timestamp>,
    /// Kept late, withdrawn late, or open and past due: stop, or now, is after `due`.
    pub breached: bool,
    /// Business time counted so far.
    pub counted: SignedDuration,
    /// Business time promised.
    pub promised: SignedDuration,
}

/// A stretch of a clock's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// First instant.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
    /// Whether it counted.
    pub counted: bool,
    /// Why it did or did not.
    pub why: String,
}

/// Where and how time counts.
#[derive(Clone, Copy)]
pub struct Counting<'a> {
    /// Whose hours.
    pub calendar: &'a Calendar,
    /// The site's zone.
    pub zone: &'a TimeZone,
    /// What is promised and whose time a wait is.
    pub policy: &'a SlaPolicy,
}

/// Every clock of the policy that has begun, in the policy's order.
pub fn read(counting: Counting<'_>, moments: &[Moment], now: Timestamp) -> Vec<Clock> {
    let promises = counting.policy.promises.iter();
    promises
        .filter_map(|promise| one(counting, promise, moments, now))
        .collect()
}

/// The earliest due instant of the clocks that are open.
pub fn next_due(clocks: &[Clock]) -> Option<Timestamp> {
    clocks
        .iter()
        .filter(|clock| clock.stop.is_none())
        .map(|clock| clock.due)
        .min()
}

/// How the time of one clock was counted up to `now` or its end.
pub fn explain(
    counting: Counting<'_>,
    clock: &Clock,
    moments: &[Moment],
    now: Timestamp,
) -> Vec<Interval> {
    let end = clock.stop.unwrap_or(now).max(clock.start);
    let mut intervals: Vec<Interval> = Vec::new();
    for stretch in Stretches::new(counting.policy, moments, clock.start, end) {
        match stretch.stood {
            Some(why) => push(&mut intervals, stretch.from, stretch.to, false, stood(why)),
            None => {
                for span in counting
                    .calendar
                    .spans(counting.zone, stretch.from, stretch.to)
                {
                    let (counted, why) = opening(span.state, span.kind);
                    push(&mut intervals, span.start, span.end, counted, why);
                }
            }
        }
    }
    intervals
}

fn push(list: &mut Vec<Interval>, start: Timestamp, end: Timestamp, counted: bool, why: String) {
    match list.last_mut() {
        Some(last) if last.end == start && last.counted == counted && last.why == why => {
            last.end = end;
        }
        _ => list.push(Interval {
            start,
            end,
            counted,
            why,
        }),
    }
}

fn stood(why: Stood) -> String {
    match why {
        Stood::Waiting(reason) => format!("paused: {}", reason.name()),
        Stood::Resolved => "resolved".to_owned(),
    }
}

fn opening(state: Opening, kind: DayKind<'_>) -> (bool, String) {
    match (state, kind) {
        (Opening::Open, DayKind::MakeUp(name)) => (true, format!("make-up day: {name}")),
        (Opening::Open, _) => (true, "open".to_owned()),
        (Opening::Closed(_), DayKind::Holiday(name)) => (false, format!("holiday: {name}")),
        (Opening::Closed(calendar::Closed::WeeklyClosed), _) => (false, "weekend".to_owned()),
        (Opening::Closed(_), _) => (false, "outside hours".to_owned()),
    }
}

fn one(
    counting: Counting<'_>,
    promise: &Promise,
    moments: &[Moment],
    now: Timestamp,
) -> Option<Clock> {
    let start = moments.iter().find(|m| m.what == What::Reported)?.at;
    let happened = moments.partition_point(|m| m.at <= now.max(start));
    let moments = &moments[..happened];
    let stop = stop(promise.milestone, moments).map(|at| at.max(start));
    let allowance = allowance(counting, promise, start);
    let until = stop.unwrap_or(now).max(start);
    let (counted, due) = count(counting, moments, (start, until), allowance);
    // A ticket withdrawn in time promises nothing more; one withdrawn late had broken its promise.
    let breached = until > due;
    let promised = allowance.time;
    Some(Clock {
        milestone: promise.milestone,
        start,
        due,
        stop,
        breached,
        counted,
        promised,
    })
}

/// When the promise was kept or ceased to bind, whichever came first.
fn stop(milestone: Milestone, moments: &[Moment]) -> Option<Timestamp> {
    let first = |what: What| moments.iter().find(|m| m.what == what).map(|m| m.at);
    let kept = match milestone {
        Milestone::FirstResponse | Milestone::CallBack => first(What::Responded),
        Milestone::Quote => first(What::Quoted),
        Milestone::OnSite => first(What::Arrived),
        Milestone::Resolution | Milestone::ComplaintOpinion | Milestone::Survey => None,
    };
    let ends = [kept, first(What::Ended), standing_resolution(moments)];
    ends.into_iter().flatten().min()
}

/// The first resolution that nobody has reopened since.
fn standing_resolution(moments: &[Moment]) -> Option<Timestamp> {
    let reopened = moments
        .iter()
        .rposition(|m| m.what == What::Reopened)
        .map_or(0, |i| i + 1);
    moments[reopened..]
        .iter()
        .find(|m| m.what == What::Resolved)
        .map(|m| m.at)
}

/// What a promise gives.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// Business time.
    time: SignedDuration,
    /// Where it is used up at a closing, it falls due at the opening that follows.
    to_opening: bool,
}

impl Allowance {
    /// When `rest` of it is used up, counted from `from`.
    fn used_up(self, counting: Counting<'_>, from: Timestamp, rest: SignedDuration) -> Timestamp {
        let Counting { calendar, zone, .. } = counting;
        let rest = Duration::try_from(rest).unwrap_or(Duration::ZERO);
        let Ok(at) = calendar.add(zone, from, rest) else {
            return Timestamp::MAX;
        };
        if !self.to_opening {
            return at;
        }
        calendar.next_open(zone, at).unwrap_or(at)
    }
}

/// What is promised from `start`; working days as the business time they span.
fn allowance(counting: Counting<'_>, promise: &Promise, start: Timestamp) -> Allowance {
    let Counting { calendar, zone, .. } = counting;
    let never = Allowance {
        time: SignedDuration::MAX,
        to_opening: false,
    };
    match promise.within {
        Within::Time(time) => SignedDuration::try_from(time).map_or(never, |time| Allowance {
            time,
            to_opening: false,
        }),
        Within::WorkingDays(days) => {
            let due = calendar.add_working_days(zone, start, days, false);
            due.map_or(never, |due| Allowance {
                time: calendar.elapsed(zone, start, due),
                to_opening: calendar.is_open(zone, due),
            })
        }
    }
}

/// Business time counted in a life, and the instant at which the promise is used up if the clock
/// runs on after it.
fn count(
    counting: Counting<'_>,
    moments: &[Moment],
    (start, until): (Timestamp, Timestamp),
    allowance: Allowance,
) -> (SignedDuration, Timestamp) {
    let Counting {
        calendar,
        zone,
        policy,
    } = counting;
    let (mut counted, mut due) = (SignedDuration::ZERO, None);
    for stretch in Stretches::new(policy, moments, start, until) {
        if stretch.stood.is_some() {
            continue;
        }
        let ran = calendar.elapsed(zone, stretch.from, stretch.to);
        let rest = allowance.time.saturating_sub(counted);
        if due.is_none() && (ran >= rest || stretch.to == until) {
            let used_up = allowance.used_up(counting, stretch.from, rest);
            // Used up exactly when a wait begins: the wait wins.
            due = (used_up < stretch.to || stretch.to == until).then_some(used_up);
        }
        counted += ran;
    }
    let rest = || allowance.time.saturating_sub(counted);
    (
        counted,
        due.unwrap_or_else(|| allowance.used_up(counting, until, rest())),
    )
}

/// Why a clock stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stood {
    /// A wait that is the customer's time.
    Waiting(PauseReason),
    /// Between a resolution and its reopening.
    Resolved,
}

/// A stretch in which a clock ran, or stood for that reason.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: Timestamp,
    to: Timestamp,
    stood: Option<Stood>,
}

/// The life of a clock cut where it began to stand and to run: none empty, without gap, in order.
struct Stretches<'a> {
    policy: &'a SlaPolicy,
    moments: std::slice::Iter<'a, Moment>,
    from: Timestamp,
    until: Timestamp,
    stood: Option<Stood>,
}

impl<'a> Stretches<'a> {
    fn new(
        policy: &'a SlaPolicy,
        moments: &'a [Moment],
        from: Timestamp,
        until: Timestamp,
    ) -> Stretches<'a> {
        Stretches {
            policy,
            moments: moments.iter(),
            from,
            until,
            stood: None,
        }
    }

    /// Why the clock stands after a moment.
    fn after(&self, what: What) -> Option<Stood> {
        match (what, self.stood) {
            (What::Reopened, _) => None,
            (What::Resolved, _) | (_, Some(Stood::Resolved)) => Some(Stood::Resolved),
            (What::Paused(reason), _) => self
                .policy
                .pauses
                .contains(&reason)
                .then_some(Stood::Waiting(reason)),
            (What::Resumed, _) => None,
            (_, stood) => stood,
        }
    }
}

impl Iterator for Stretches<'_> {
    type Item = Stretch;

    fn next(&mut self) -> Option<Stretch> {
        while let Some(moment) = self.moments.next() {
            let next = self.after(moment.what);
            if next == self.stood {
                continue;
            }
            let (from, stood) = (self.from, std::mem::replace(&mut self.stood, next));
            let to = moment.at.min(self.until);
            if to > from {
                self.from = to;
                return Some(Stretch { from, to, stood });
            }
        }
        let (from, to) = (self.from, self.until);
        self.from = to;
        (to > from).then_some(Stretch {
            from,
            to,
            stood: self.stood,
        })
    }
}
