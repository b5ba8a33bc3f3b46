//! The people of a demo, each calling the suite as themselves.

use crate::client::{Actor, Connections, Fettle};

/// Everybody who acts.
#[derive(Clone)]
pub(super) struct Cast {
    /// Reports, decides, answers.
    pub(super) customer: Fettle,
    /// Answers the customer.
    pub(super) agent: Fettle,
    /// Repairs.
    pub(super) technician: Fettle,
    /// Receives parts.
    pub(super) storekeeper: Fettle,
    /// Finds times.
    pub(super) planner: Fettle,
    /// Sets up and reads.
    pub(super) administrator: Fettle,
}

impl Cast {
    /// Everybody, over the same connections.
    pub(super) fn of(connections: &Connections) -> anyhow::Result<Cast> {
        Ok(Cast {
            customer: connections.acting_as(Actor::Customer)?,
            agent: connections.acting_as(Actor::Agent)?,
            technician: connections.acting_as(Actor::Technician)?,
            storekeeper: connections.acting_as(Actor::Storekeeper)?,
            planner: connections.acting_as(Actor::Planner)?,
            administrator: connections.acting_as(Actor::Administrator)?,
        })
    }
}
