//! The people of a demo, each calling the suite as themselves.

use crate::client::{Actor, Connections, Fettle};

/// Everybody who acts.
#[derive(Clone)]
pub(super) struct Cast {
    /// Reports, decides, answers.
    pub(super) customer: Fettle,
    /// Answers the customer.
    pub(super) agent: Fettle,
    /// Receives parts.
    pub(super) storekeeper: Fettle,
    /// Finds times.
    pub(super) planner: Fettle,
    /// Sets up and reads.
    pub(super) administrator: Fettle,
    connections: Connections,
}

impl Cast {
    /// Everybody, over the same connections.
    pub(super) fn of(connections: &Connections) -> anyhow::Result<Cast> {
        Ok(Cast {
            customer: connections.acting_as(Actor::Customer)?,
            agent: connections.acting_as(Actor::Agent)?,
            storekeeper: connections.acting_as(Actor::Storekeeper)?,
            planner: connections.acting_as(Actor::Planner)?,
            administrator: connections.acting_as(Actor::Administrator)?,
            connections: connections.clone(),
        })
    }

    /// Who repairs: "technicians/{uuid}".
    pub(super) fn technician(&self, name: &str) -> anyhow::Result<Fettle> {
        self.connections.technician(name)
    }

    /// The customer is this one from now on: "parties/{uuid}".
    pub(super) fn meet(&mut self, party: &str) -> anyhow::Result<()> {
        self.customer = self.connections.customer(party)?;
        Ok(())
    }
}
