//! Visits: booked, under way, ended, called off.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Answered, Taken, caused, silent, stray};
use crate::domain::moves::State;
use crate::domain::process::{Hold, Visit};
use crate::domain::ticket::{Deed, RepairStep, Ticket, VerbRefused, What};

/// News of a work order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VisitNews {
    /// Nobody is free yet.
    Open {
        /// Findings that say why, as the peer wrote them.
        findings: Vec<Vec<u8>>,
    },
    /// A technician's time is booked.
    Scheduled {
        /// The technician.
        technician: Uuid,
        /// Start of the visit.
        start: Timestamp,
        /// Its end.
        end: Timestamp,
    },
    /// The technician is on the way.
    Departed,
    /// The technician is there.
    Arrived,
    /// The repair began.
    Started,
    /// Fixed.
    Completed {
        /// Whose report says what was done: "workOrders/{uuid}".
        work_order: String,
    },
    /// Ended without a fix.
    Incomplete {
        /// Whose report says what is missing: "workOrders/{uuid}".
        work_order: String,
    },
    /// The work order was cancelled, by us or by somebody in dispatch.
    Cancelled,
}

/// Dispatch answered or told something about the work order of `round`.
pub fn visit_told(ticket: &mut Ticket, round: i32, news: VisitNews, deed: &Deed<'_>) -> Answered {
    use VisitNews::{
        Arrived, Cancelled, Completed, Departed, Incomplete, Open, Scheduled, Started,
    };
    if round > ticket.round {
        return Ok(Taken::Foreign);
    }
    if round < ticket.round {
        let over = matches!(news, Completed { .. } | Incomplete { .. } | Cancelled);
        return Ok(stray(&mut ticket.facts.stray_visits, round, over));
    }
    match (ticket.facts.visit, &news) {
        (Visit::Gone, _) => return Ok(Taken::Late),
        (Visit::UnderWay, Open { .. } | Scheduled { .. }) => return Ok(Taken::Late),
        (Visit::UnderWay, Departed) | (Visit::Open, Open { .. }) => return Ok(Taken::Known),
        _ => {}
    }
    match news {
        Open { findings } => return Ok(nobody_free(ticket, findings, deed)),
        Scheduled {
            technician,
            start,
            end,
        } => {
            return Ok(scheduled(ticket, technician, (start, end), deed));
        }
        Completed { work_order } => return completed(ticket, work_order, deed),
        Incomplete { work_order } => return incomplete(ticket, work_order, deed),
        Cancelled => return called_off(ticket, deed),
        Departed => ticket.log("departed", deed, &[]),
        Arrived => {
            ticket.moment(deed.at, What::Arrived);
            ticket.log("arrived", deed, &[]);
            at_work(ticket, deed)?;
        }
        Started => {
            ticket.step = RepairStep::Repair;
            ticket.log("repair_started", deed, &[]);
            at_work(ticket, deed)?;
        }
    }
    ticket.facts.visit = Visit::UnderWay;
    Ok(caused(ticket, deed))
}

fn nobody_free(ticket: &mut Ticket, findings: Vec<Vec<u8>>, deed: &Deed<'_>) -> Taken {
    ticket.facts.visit = Visit::Open;
    ticket.facts.window = None;
    ticket.facts.technician = None;
    ticket.findings = findings;
    ticket.step = RepairStep::Visit;
    ticket.log("visit_open", deed, &[]);
    caused(ticket, deed)
}

fn scheduled(
    ticket: &mut Ticket,
    technician: Uuid,
    window: (Timestamp, Timestamp),
    deed: &Deed<'_>,
) -> Taken {
    let facts = &mut ticket.facts;
    let known = (Visit::Booked, Some(technician), Some(window));
    if (facts.visit, facts.technician, facts.window) == known {
        return Taken::Known;
    }
    (facts.visit, facts.technician, facts.window) = known;
    ticket.findings.clear();
    ticket.log("visit_booked", deed, &[("start", window.0.to_string())]);
    if ticket.state.is_open() {
        ticket.step = RepairStep::Visit;
        ticket.told.push("ticket.scheduled");
    }
    caused(ticket, deed)
}

/// The technician is there: whatever the ticket waited for, work is done now.
fn at_work(ticket: &mut Ticket, deed: &Deed<'_>) -> Result<(), VerbRefused> {
    match ticket.state {
        State::Acknowledged => ticket.start(&silent(deed)),
        State::Pending | State::Held => ticket.resume(&silent(deed)),
        _ => Ok(()),
    }
}

/// The inventory settles the parts by the same event: used ones are consumed, others go back.
fn visit_is_over(ticket: &mut Ticket) {
    ticket.facts.visit = Visit::Gone;
    if ticket.facts.hold == Hold::Held {
        ticket.facts.hold = Hold::Gone;
    }
}

/// What the technician wrote stays with the work order; the ticket says where to read it.
fn completed(ticket: &mut Ticket, work_order: String, deed: &Deed<'_>) -> Answered {
    visit_is_over(ticket);
    let resolution = format!("Repaired; {work_order} has the report");
    ticket.log("repaired", deed, &[("work_order", work_order)]);
    if ticket.state.is_open() {
        ticket.resolve(&resolution, &silent(deed))?;
    }
    Ok(caused(ticket, deed))
}

fn incomplete(ticket: &mut Ticket, work_order: String, deed: &Deed<'_>) -> Answered {
    visit_is_over(ticket);
    ticket.log("visit_incomplete", deed, &[("work_order", work_order)]);
    if ticket.state.is_open() {
        at_work(ticket, deed)?;
        ticket.new_round();
    }
    Ok(caused(ticket, deed))
}

/// A ticket that still wants the visit begins a round; one that does not has what it wished.
fn called_off(ticket: &mut Ticket, deed: &Deed<'_>) -> Answered {
    ticket.facts.visit = Visit::Gone;
    ticket.log("visit_cancelled", deed, &[]);
    if !ticket.state.is_open() {
        return Ok(Taken::Changed);
    }
    ticket.new_round();
    Ok(caused(ticket, deed))
}

/// Dispatch cancelled the visit of `round`, as the ticket wished.
pub fn visit_cancelled(ticket: &mut Ticket, round: i32, deed: &Deed<'_>) -> Taken {
    let taken = visit_let_go(ticket, round);
    if taken == Taken::Changed {
        ticket.log("visit_cancelled", deed, &[]);
    }
    taken
}

/// Dispatch does not cancel the visit of `round`, as the repair is over: the inventory settles its
/// parts with it. Nobody waits for either any more.
pub fn visit_ends_itself(ticket: &mut Ticket, round: i32) -> Taken {
    let taken = visit_let_go(ticket, round);
    if taken == Taken::Changed {
        ticket.facts.stray_holds.retain(|stray| *stray != round);
        if round == ticket.round {
            visit_is_over(ticket);
        }
    }
    taken
}

fn visit_let_go(ticket: &mut Ticket, round: i32) -> Taken {
    if round == ticket.round && ticket.facts.may_book() {
        ticket.facts.visit = Visit::Gone;
        return Taken::Changed;
    }
    stray(&mut ticket.facts.stray_visits, round, true)
}
