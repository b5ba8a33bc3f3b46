//! The ledger: every movement takes from one account what it gives to another.

/// Why pieces moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From a supplier.
    Receipt,
    /// A count was corrected.
    Adjustment,
    /// Set aside for a reservation.
    Hold,
    /// Free again.
    Release,
    /// Built into a customer's device.
    Consumption,
}

impl Kind {
    /// The name as contract and store write it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Receipt => "RECEIPT",
            Kind::Adjustment => "ADJUSTMENT",
            Kind::Hold => "HOLD",
            Kind::Release => "RELEASE",
            Kind::Consumption => "CONSUMPTION",
        }
    }
}

/// Where pieces are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Free at a location.
    Available(String),
    /// Held at a location.
    Held(String),
    /// Those who deliver to us.
    Supplier,
    /// Those whose devices we repair.
    Customer,
    /// The gap between count and book.
    Adjustment,
}

impl Account {
    /// The account's name in the store, and its location where it has one.
    pub fn parts(&self) -> (&'static str, Option<&str>) {
        match self {
            Account::Available(location) => ("available", Some(location)),
            Account::Held(location) => ("held", Some(location)),
            Account::Supplier => ("supplier", None),
            Account::Customer => ("customer", None),
            Account::Adjustment => ("adjustment", None),
        }
    }
}

/// One movement of one part; its entries add up to zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Why.
    pub kind: Kind,
    /// Part number.
    pub part: String,
    /// Pieces in (positive) or out (negative) of an account.
    pub entries: Vec<(Account, i64)>,
}

/// Pieces of a part at one location.
pub type At<'a> = (&'a str, i64);

/// A delivery.
pub fn receipt(part: &str, (location, quantity): At<'_>) -> Movement {
    let to = Account::Available(location.to_owned());
    moved(
        Kind::Receipt,
        part,
        vec![(Account::Supplier, -quantity), (to, quantity)],
    )
}

/// A corrected count; `delta` may be negative, not zero.
pub fn adjustment(part: &str, (location, delta): At<'_>) -> Movement {
    let at = Account::Available(location.to_owned());
    moved(
        Kind::Adjustment,
        part,
        vec![(Account::Adjustment, -delta), (at, delta)],
    )
}

/// Set aside at each place.
pub fn hold(part: &str, places: &[At<'_>]) -> Movement {
    let entries = places.iter().flat_map(|(location, quantity)| {
        let (from, to) = both(location);
        [(from, -quantity), (to, *quantity)]
    });
    moved(Kind::Hold, part, entries.collect())
}

/// Free again at each place.
pub fn release(part: &str, places: &[At<'_>]) -> Movement {
    let entries = places.iter().flat_map(|(location, quantity)| {
        let (to, from) = both(location);
        [(from, -quantity), (to, *quantity)]
    });
    moved(Kind::Release, part, entries.collect())
}

/// Out of what was held, into customers' devices.
pub fn consumption(part: &str, places: &[At<'_>]) -> Movement {
    let out = places
        .iter()
        .map(|(l, quantity)| (Account::Held((*l).to_owned()), -quantity));
    let total = places.iter().map(|(_, quantity)| quantity).sum();
    let entries = out.chain([(Account::Customer, total)]).collect();
    moved(Kind::Consumption, part, entries)
}

fn both(location: &str) -> (Account, Account) {
    (
        Account::Available(location.to_owned()),
        Account::Held(location.to_owned()),
    )
}

fn moved(kind: Kind, part: &str, entries: Vec<(Account, i64)>) -> Movement {
    Movement {
        kind,
        part: part.to_owned(),
        entries,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_movement_adds_up_to_zero(a in 1_i64..1_000_000, b in 1_i64..1_000_000) {
            let places = [("SH", a), ("BJ", b)];
            for movement in [
                receipt("P", ("SH", a)),
                adjustment("P", ("SH", a)),
                adjustment("P", ("SH", -a)),
                hold("P", &places),
                release("P", &places),
                consumption("P", &places),
            ] {
                let sum: i64 = movement.entries.iter().map(|(_, quantity)| quantity).sum();
                prop_assert_eq!(sum, 0, "{:?}", movement);
                prop_assert!(movement.entries.iter().all(|(_, quantity)| *quantity != 0));
            }
        }
    }

    #[test]
    fn what_is_held_leaves_the_shelf_it_lay_on() {
        let movement = hold("P", &[("SH", 2)]);
        let expected = [
            (Account::Available("SH".into()), -2),
            (Account::Held("SH".into()), 2),
        ];
        assert_eq!(movement.entries, expected);
    }
}
