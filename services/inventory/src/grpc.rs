//! The RPCs, by resource: parse, load, decide, save, reply.

use std::sync::Arc;

use chassis::db::Db;
use chassis::page::PageKey;
use chassis::service::Service;
use jiff::SignedDuration;
use proto::inventory::v1::part_service_server::PartServiceServer;
use proto::inventory::v1::reservation_service_server::ReservationServiceServer;
use proto::inventory::v1::stock_service_server::StockServiceServer;

mod part;
mod reservation;
mod stock;

/// What every RPC works with. Cheap to clone.
#[derive(Clone)]
pub struct Inventory {
    db: Db,
    page_key: Arc<PageKey>,
    hold_for: SignedDuration,
}

impl Inventory {
    /// The RPCs over a store.
    pub fn new(db: Db, page_key: PageKey, hold_for: SignedDuration) -> Inventory {
        Inventory {
            db,
            page_key: Arc::new(page_key),
            hold_for,
        }
    }

    /// Adds the three gRPC services.
    pub fn add_to(self, service: Service) -> Service {
        service
            .rpc(PartServiceServer::new(self.clone()))
            .rpc(StockServiceServer::new(self.clone()))
            .rpc(ReservationServiceServer::new(self))
    }
}

/// A page's rows, and the row its successor begins after when there is one. `rows` holds one
/// more than the page when there is a next one.
fn cut<T>(rows: &mut Vec<T>, size: i64) -> Option<&T> {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if rows.len() <= size {
        return None;
    }
    rows.truncate(size);
    rows.last()
}
