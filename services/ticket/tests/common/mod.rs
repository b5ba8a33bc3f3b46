//! A ticket and its deeds, without a database.

#![allow(dead_code)]

use jiff::{SignedDuration, Timestamp};
use ticket::domain::moves::State;
use ticket::domain::process::Facts;
use ticket::domain::ticket::{Deed, Fault, Head, Kind, Moment, RepairStep, Ticket, What};
use uuid::Uuid;

/// The instant at which tickets of these tests are reported.
pub(crate) const REPORTED: Timestamp = Timestamp::constant(1_632_800_000, 0);

/// A ticket of that kind, just reported.
pub(crate) fn reported(kind: Kind) -> Ticket {
    Ticket {
        tenant: "acme".to_owned(),
        id: Uuid::from_u128(7),
        number: "F1-000001-4".to_owned(),
        kind,
        title: "does not start".to_owned(),
        description: String::new(),
        serial_number: "SN-1".to_owned(),
        product: String::new(),
        party: None,
        partner: None,
        region: "cn".to_owned(),
        site: None,
        fault: Fault::default(),
        impact: 2,
        urgency: 2,
        state: State::Acknowledged,
        step: RepairStep::None,
        pause: None,
        queue: "repairs".to_owned(),
        assignee: String::new(),
        external_key: None,
        round: 1,
        attention: String::new(),
        resolution: String::new(),
        sla_policy: "standard-onsite@1".to_owned(),
        moments: vec![Moment {
            at: REPORTED,
            what: What::Reported,
        }],
        facts: Facts::default(),
        decision: None,
        findings: Vec::new(),
        reported_at: REPORTED,
        created_at: REPORTED,
        updated_at: REPORTED,
        version: 1,
        head: Head {
            sequence: 1,
            hash: [0; 32],
        },
        fresh: Vec::new(),
        told: Vec::new(),
        erased_at: None,
    }
}

/// Something that is done so many minutes after the report.
pub(crate) fn after(minutes: i64) -> Deed<'static> {
    let at = REPORTED + SignedDuration::from_mins(minutes);
    Deed {
        actor: "services/test",
        at,
        note: None,
    }
}
