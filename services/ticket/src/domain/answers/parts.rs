//! Parts: chosen, held, on order, lost, given back.

use super::{Answered, Taken, caused, stray, wait, wait_is_over};
use crate::domain::process::{Hold, PartLine, Visit};
use crate::domain::ticket::{Deed, PauseReason, RepairStep, Ticket};

/// News of a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartsNews {
    /// All parts are held; where, for the timeline.
    Held {
        /// Stock locations, in words.
        locations: String,
    },
    /// At least one part waits for stock.
    Backordered {
        /// Findings that say which, as the peer wrote them.
        findings: Vec<Vec<u8>>,
    },
    /// Given back, by us or by somebody in the inventory.
    Released,
    /// The hold ran out.
    Expired,
    /// Used up by the visit.
    Committed,
}

/// The parts the fault needs are known, maybe none.
pub fn parts_chosen(ticket: &mut Ticket, parts: Vec<PartLine>, deed: &Deed<'_>) -> Answered {
    if !ticket.state.is_open() {
        return Ok(Taken::Late);
    }
    let name = |line: &PartLine| format!("{} × {}", line.quantity, line.part);
    let named = parts.iter().map(name).collect::<Vec<_>>().join(", ");
    ticket.facts.parts = Some(parts);
    ticket.step = RepairStep::Parts;
    ticket.log("parts_chosen", deed, &[("parts", named)]);
    Ok(caused(ticket, deed))
}

/// The inventory answered or told something about the reservation of `round`.
pub fn reservation_told(
    ticket: &mut Ticket,
    round: i32,
    news: PartsNews,
    deed: &Deed<'_>,
) -> Answered {
    if round > ticket.round {
        return Ok(Taken::Foreign);
    }
    if round < ticket.round {
        let over = !matches!(news, PartsNews::Held { .. } | PartsNews::Backordered { .. });
        return Ok(stray(&mut ticket.facts.stray_holds, round, over));
    }
    if ticket.facts.hold == Hold::Gone {
        return Ok(Taken::Late);
    }
    match news {
        PartsNews::Held { locations } => return held(ticket, locations, deed),
        PartsNews::Backordered { findings } => return backordered(ticket, findings, deed),
        PartsNews::Committed => ticket.facts.hold = Hold::Gone,
        PartsNews::Released => return lost(ticket, "parts_released", deed),
        PartsNews::Expired => return lost(ticket, "parts_expired", deed),
    }
    Ok(Taken::Changed)
}

fn held(ticket: &mut Ticket, locations: String, deed: &Deed<'_>) -> Answered {
    if ticket.facts.hold == Hold::Held {
        return Ok(Taken::Known);
    }
    ticket.facts.hold = Hold::Held;
    ticket.findings.clear();
    ticket.log("parts_held", deed, &[("locations", locations)]);
    wait_is_over(ticket, PauseReason::WaitingPart, deed)?;
    Ok(caused(ticket, deed))
}

fn backordered(ticket: &mut Ticket, findings: Vec<Vec<u8>>, deed: &Deed<'_>) -> Answered {
    match ticket.facts.hold {
        Hold::NotAsked | Hold::Asked => {}
        Hold::Backordered => return Ok(Taken::Known),
        Hold::Held | Hold::Gone => return Ok(Taken::Late),
    }
    ticket.facts.hold = Hold::Backordered;
    ticket.findings = findings;
    ticket.log("parts_backordered", deed, &[]);
    wait(ticket, PauseReason::WaitingPart, deed)?;
    Ok(caused(ticket, deed))
}

/// The parts are not ours any more. A ticket that still wants them begins a round, unless the
/// technician is already under way: then the visit's own end says what follows.
fn lost(ticket: &mut Ticket, entry: &'static str, deed: &Deed<'_>) -> Answered {
    ticket.facts.hold = Hold::Gone;
    ticket.log(entry, deed, &[]);
    if !ticket.state.is_open() {
        return Ok(Taken::Changed);
    }
    if !matches!(ticket.facts.visit, Visit::UnderWay | Visit::Gone) {
        ticket.new_round();
    }
    wait_is_over(ticket, PauseReason::WaitingPart, deed)?;
    Ok(caused(ticket, deed))
}

/// The inventory gave back the parts of `round`, as the ticket wished.
pub fn parts_released(ticket: &mut Ticket, round: i32, deed: &Deed<'_>) -> Taken {
    let current = round == ticket.round && ticket.facts.may_hold();
    let taken = stray(&mut ticket.facts.stray_holds, round, true);
    if current {
        ticket.facts.hold = Hold::Gone;
    } else if taken != Taken::Changed {
        return taken;
    }
    ticket.log("parts_released", deed, &[]);
    Taken::Changed
}
