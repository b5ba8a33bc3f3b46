//! Histories as they travel: no byte of one can change unseen.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::LazyLock;

use chassis::identity::{Issuer, Keyring};
use chassis::testing::development_key;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use prost::Message;
use proto::ticket::v1::TicketHistory;
use ticket::domain::history::{Entry, Finding, History};
use ticket::domain::ticket::Head;
use ticket::domain::timeline::{FORMAT, START, Sealed, seal, text_hash};
use ticket::wire::{read_history, write_history};
use uuid::Uuid;

const TICKET: Uuid = Uuid::from_u128(7);
const REPORTED: Timestamp = Timestamp::constant(1_632_800_000, 123_456_000);

static RING: LazyLock<Keyring> = LazyLock::new(|| development_key().ring(&Issuer::Development));

/// What an entry of any history says: verb, value of its argument, state, text.
type Words = (String, String, &'static str, Option<String>);

fn words() -> impl Strategy<Value = Words> {
    let states = prop::sample::select(vec!["ACKNOWLEDGED", "IN_PROGRESS", "CLOSED"]);
    let text = prop::option::of("\\PC{1,30}");
    ("[a-z_]{1,12}", "\\PC{0,20}", states, text)
}

/// The history of these entries, signed.
fn history(words: &[Words]) -> History {
    let (mut head, mut entries) = (
        Head {
            sequence: 0,
            hash: START,
        },
        Vec::new(),
    );
    for (verb, value, state, text) in words {
        let (sequence, previous) = (head.sequence + 1, head.hash);
        let at = REPORTED + SignedDuration::from_mins(sequence);
        let salt = text.as_ref().map(|_| vec![9; 16]);
        let sealed = text.as_ref().zip(salt.as_ref());
        let text_hash = sealed.map(|(text, salt)| text_hash(salt, text));
        let arguments = vec![("value".to_owned(), value.clone())];
        let sealed = Sealed {
            tenant: "acme",
            ticket: TICKET,
            sequence,
            verb,
            actor: "users/7",
            occurred_at: at,
            recorded_at: at,
            arguments: &arguments,
            state,
            text_hash,
        };
        let hash = seal(&previous, &sealed);
        head = Head { sequence, hash };
        entries.push(Entry {
            sequence,
            verb: verb.clone(),
            actor: "users/7".to_owned(),
            occurred_at: at,
            recorded_at: at,
            arguments,
            state: (*state).to_owned(),
            text: text.clone(),
            salt,
            text_hash,
            previous,
            hash,
        });
    }
    let history = History {
        tenant: "acme".to_owned(),
        ticket: TICKET,
        number: "F1-000001-4".to_owned(),
        format: FORMAT.to_owned(),
        entries,
        head,
        exported_at: REPORTED + SignedDuration::from_hours(24),
        key: String::new(),
        signature: Vec::new(),
    };
    history.signed(&development_key())
}

fn found(message: &TicketHistory) -> Vec<Finding> {
    match read_history(message) {
        Ok(history) => history.check(&RING),
        Err(unreadable) => unreadable,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_byte_of_a_history_changes_unseen(
        words in prop::collection::vec(words(), 1..5),
        mask in 1..=255_u8,
    ) {
        let whole = write_history(&history(&words));
        prop_assert_eq!(found(&whole), []);
        let bytes = whole.encode_to_vec();

        for place in 0..bytes.len() {
            let mut edited = bytes.clone();
            edited[place] ^= mask;
            let Ok(edited) = TicketHistory::decode(edited.as_slice()) else { continue };
            let same = edited == whole;
            prop_assert_eq!(found(&edited).is_empty(), same, "byte {}: {:?}", place, edited);
        }
    }

    #[test]
    fn no_order_but_the_told_one_is_whole(
        words in prop::collection::vec(words(), 2..7),
        places in any::<[prop::sample::Index; 2]>(),
    ) {
        let whole = write_history(&history(&words));
        let [one, other] = places.map(|place| place.index(words.len()));

        let mut swapped = whole.clone();
        swapped.entries.swap(one, other);
        prop_assert_eq!(found(&swapped).is_empty(), one == other);
        let mut dropped = whole.clone();
        dropped.entries.remove(one);
        prop_assert!(!found(&dropped).is_empty());
        let mut repeated = whole.clone();
        repeated.entries.insert(one, whole.entries[other].clone());
        prop_assert!(!found(&repeated).is_empty());
    }
}
