//! Parts: arriving, held, counted.

use std::sync::atomic::{AtomicU32, Ordering};

use chassis::testing::eventually;
use proto::inventory::v1::reservation::State;
use proto::inventory::v1::{
    GetPartRequest, GetReservationRequest, GetStockLevelsRequest, ListReservationsRequest,
    ListStockMovementsRequest, ReceiveStockRequest, Reservation, StockMovement,
};

use super::{PATIENCE, World};

impl World {
    /// Pieces arrive from a supplier, with serial numbers where the part has them.
    pub async fn receive_stock(&self, location: &str, part: &str, pieces: i64) -> StockMovement {
        let name = format!("parts/{part}");
        let catalogued = self
            .parts()
            .get_part(GetPartRequest { name: name.clone() })
            .await;
        let serial_numbers = match catalogued.unwrap().into_inner().serialised {
            true => (0..pieces).map(|_| a_serial_of(part)).collect(),
            false => Vec::new(),
        };
        let request = ReceiveStockRequest {
            location: format!("stockLocations/{location}"),
            part: name,
            quantity: pieces,
            serial_numbers,
            reference: "delivery note 1".to_owned(),
            occur_time: self.next(),
            ..Default::default()
        };
        self.stock()
            .receive_stock(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Pieces of a part at a location: (free to hold, held).
    pub async fn level(&self, location: &str, part: &str) -> (i64, i64) {
        let request = GetStockLevelsRequest {
            part: format!("parts/{part}"),
            location: format!("stockLocations/{location}"),
            ..Default::default()
        };
        let levels = self
            .stock()
            .get_stock_levels(request)
            .await
            .unwrap()
            .into_inner()
            .levels;
        levels
            .first()
            .map_or((0, 0), |level| (level.available, level.held))
    }

    /// Movements of stock for a resource, oldest first.
    pub async fn movements(&self, subject: &str) -> Vec<StockMovement> {
        let request = ListStockMovementsRequest {
            subject: subject.to_owned(),
            ..Default::default()
        };
        let answer = self
            .stock()
            .list_stock_movements(request)
            .await
            .unwrap()
            .into_inner();
        answer.movements.into_iter().rev().collect()
    }

    /// A reservation as it stands.
    pub async fn reservation(&self, name: &str) -> Reservation {
        let request = GetReservationRequest {
            name: name.to_owned(),
        };
        self.reservations()
            .get_reservation(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Awaits a reservation to be in a state.
    pub async fn await_reservation(&self, name: &str, state: State) -> Reservation {
        let what = format!("{name} is {}", state.as_str_name());
        eventually(PATIENCE, &what, async || {
            Some(self.reservation(name).await).filter(|found| found.state() == state)
        })
        .await
    }

    /// The reservations of a ticket in one of these states; every one when none is named.
    pub async fn reservations_of(&self, ticket: &str, states: &[State]) -> Vec<Reservation> {
        let request = ListReservationsRequest {
            ticket: ticket.to_owned(),
            states: states.iter().map(|state| i32::from(*state)).collect(),
            ..Default::default()
        };
        self.reservations()
            .list_reservations(request)
            .await
            .unwrap()
            .into_inner()
            .reservations
    }
}

/// A serial number that no other piece has.
fn a_serial_of(part: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("{part}-{:06}", COUNT.fetch_add(1, Ordering::Relaxed))
}
