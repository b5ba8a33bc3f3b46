//! The order in which unnumbered events get their places.

use std::collections::HashMap;

use uuid::Uuid;

/// An event that has no place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unnumbered {
    pub(super) event_id: Uuid,
    pub(super) tenant_id: String,
    pub(super) aggregate: String,
    pub(super) version: i64,
    pub(super) partition: i16,
}

/// Puts events in the order of their ids (about the order of time), except that within an
/// aggregate versions ascend: an event whose id is ahead of its version waits for the earlier
/// versions.
pub(super) fn in_order(mut events: Vec<Unnumbered>) -> Vec<Unnumbered> {
    events.sort_by(|a, b| {
        (&a.tenant_id, &a.aggregate, a.version, a.event_id).cmp(&(
            &b.tenant_id,
            &b.aggregate,
            b.version,
            b.event_id,
        ))
    });
    // The latest id among an event and the earlier versions of its aggregate.
    let mut latest: HashMap<(String, String), Uuid> = HashMap::new();
    let mut keyed: Vec<(Uuid, Unnumbered)> = Vec::with_capacity(events.len());
    for event in events {
        let aggregate = (event.tenant_id.clone(), event.aggregate.clone());
        let so_far = latest.entry(aggregate).or_insert(event.event_id);
        *so_far = (*so_far).max(event.event_id);
        keyed.push((*so_far, event));
    }
    // Stable: events of one aggregate with the same key stay in the order of their versions.
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: u128, aggregate: &str, version: i64) -> Unnumbered {
        Unnumbered {
            event_id: Uuid::from_u128(id),
            tenant_id: "acme".to_owned(),
            aggregate: aggregate.to_owned(),
            version,
            partition: 0,
        }
    }

    fn order(events: Vec<Unnumbered>) -> Vec<(String, i64)> {
        in_order(events)
            .into_iter()
            .map(|e| (e.aggregate, e.version))
            .collect()
    }

    #[test]
    fn events_of_different_aggregates_keep_the_order_of_their_ids() {
        let order = order(vec![event(3, "a", 1), event(1, "b", 7), event(2, "c", 1)]);

        let expected = [("b", 7), ("c", 1), ("a", 1)];
        assert_eq!(order, expected.map(|(a, v)| (a.to_owned(), v)));
    }

    #[test]
    fn versions_of_one_aggregate_ascend_even_when_a_clock_ran_ahead() {
        let order = order(vec![event(9, "a", 1), event(2, "a", 2), event(5, "b", 1)]);

        let expected = [("b", 1), ("a", 1), ("a", 2)];
        assert_eq!(order, expected.map(|(a, v)| (a.to_owned(), v)));
    }
}
