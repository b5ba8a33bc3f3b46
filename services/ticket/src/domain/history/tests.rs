//! Every way to tamper with a history, and what is said of it.

use chassis::testing::development_key;
use jiff::SignedDuration;

use super::*;

/// What is done to an entry.
type Edit<'a> = &'a dyn Fn(&mut Entry);

const TICKET: Uuid = Uuid::from_u128(7);

/// Five entries of a ticket, chained; the second and the fourth have a text.
fn history(tenant: &str, ticket: Uuid) -> History {
    let mut history = History {
        tenant: tenant.to_owned(),
        ticket,
        number: "F1-000001-4".to_owned(),
        format: FORMAT.to_owned(),
        entries: Vec::new(),
        head: Head {
            sequence: 0,
            hash: START,
        },
        exported_at: Timestamp::constant(1_632_900_000, 0),
        key: String::new(),
        signature: Vec::new(),
    };
    for (sequence, verb) in (1..).zip(["report", "note", "start", "note", "resolve"]) {
        let at = Timestamp::constant(1_632_800_000, 0) + SignedDuration::from_mins(sequence);
        let text = (verb == "note").then(|| format!("note {sequence}"));
        let salt = text.as_ref().map(|_| vec![9; 16]);
        let sealed = text.as_ref().zip(salt.as_ref());
        let entry = Entry {
            sequence,
            verb: verb.to_owned(),
            actor: "users/7".to_owned(),
            occurred_at: at,
            recorded_at: at,
            arguments: vec![("title".to_owned(), "does not start".to_owned())],
            state: "ACKNOWLEDGED".to_owned(),
            text_hash: sealed.map(|(text, salt)| text_hash(salt, text)),
            text,
            salt,
            previous: history.head.hash,
            hash: START,
        };
        let hash = history.seal(&entry, &entry.previous);
        history.head = Head { sequence, hash };
        history.entries.push(Entry { hash, ..entry });
    }
    history.signed(&development_key())
}

fn found(history: &History) -> Vec<Finding> {
    history.check(&development_key().ring(&Issuer::Development))
}

/// What is found after a change.
fn after(change: impl FnOnce(&mut History)) -> Vec<Finding> {
    let mut history = history("acme", TICKET);
    change(&mut history);
    found(&history)
}

/// Seals all entries anew from `from` on, as a forger would who has no key.
fn sealed_anew(history: &mut History, from: usize) {
    for place in from..history.entries.len() {
        let previous = match place {
            0 => START,
            place => history.entries[place - 1].hash,
        };
        history.entries[place].previous = previous;
        history.entries[place].hash = history.seal(&history.entries[place], &previous);
        history.head = Head {
            sequence: history.entries[place].sequence,
            hash: history.entries[place].hash,
        };
    }
}

#[test]
fn a_history_as_it_was_handed_out_is_whole() {
    assert_eq!(after(|_| {}), []);
}

#[test]
fn an_erased_text_leaves_the_history_whole_and_is_counted() {
    let mut history = history("acme", TICKET);
    history.entries[1].text = None;
    history.entries[1].salt = None;

    assert_eq!(found(&history), []);
    assert_eq!(history.texts_left_out(), 1);
}

#[test]
fn every_edit_of_an_entry_names_the_entry() {
    let moment = SignedDuration::from_micros(1);
    let edits: [(&str, Edit<'_>); 10] = [
        ("verb", &|entry| entry.verb.push('s')),
        ("actor", &|entry| entry.actor = "users/8".to_owned()),
        ("occurred", &|entry| entry.occurred_at += moment),
        ("recorded", &|entry| entry.recorded_at -= moment),
        ("arguments", &|entry| entry.arguments.clear()),
        ("value", &|entry| entry.arguments[0].1.push('.')),
        ("state", &|entry| entry.state = "CLOSED".to_owned()),
        ("text hash", &|entry| entry.text_hash = Some([7; 32])),
        ("previous", &|entry| entry.previous[31] ^= 1),
        ("hash", &|entry| entry.hash[0] ^= 1),
    ];
    for (what, edit) in edits {
        let found = after(|history| edit(&mut history.entries[2]));
        assert_eq!(found, [Finding::Edited(3)], "{what}");
    }
}

#[test]
fn a_text_that_is_not_the_sealed_one_is_found() {
    let edits: [Edit<'_>; 4] = [
        &|entry| entry.text = Some("I said nothing".to_owned()),
        &|entry| entry.text = None,
        &|entry| entry.salt = None,
        &|entry| entry.salt = Some(vec![8; 16]),
    ];
    for edit in edits {
        assert_eq!(after(|h| edit(&mut h.entries[1])), [Finding::Text(2)]);
    }
    let put_in = after(|history| {
        history.entries[2].text = Some("words".to_owned());
        history.entries[2].salt = Some(vec![9; 16]);
    });
    assert_eq!(put_in, [Finding::Text(3)]);
}

#[test]
fn dropped_and_swapped_and_repeated_entries_are_found() {
    let dropped = after(|history| drop(history.entries.remove(2)));
    assert_eq!(dropped, [Finding::Missing { first: 3, last: 3 }]);
    let first_two = after(|history| drop(history.entries.drain(..2)));
    assert_eq!(first_two, [Finding::Missing { first: 1, last: 2 }]);
    let swapped = after(|history| history.entries.swap(2, 3));
    assert_eq!(swapped, [Finding::Misplaced(3)]);
    let renumbered = after(|history| {
        history.entries.swap(2, 3);
        history.entries[2].sequence = 3;
        history.entries[3].sequence = 4;
    });
    assert!(renumbered.len() >= 2, "{renumbered:?}");
    let repeated = after(|history| history.entries.insert(1, history.entries[0].clone()));
    assert!(repeated.contains(&Finding::Misplaced(1)), "{repeated:?}");
}

#[test]
fn an_entry_that_was_sealed_anew_no_longer_leads_to_the_next() {
    let one = after(|history| {
        history.entries[2].actor = "users/8".to_owned();
        let previous = history.entries[2].previous;
        history.entries[2].hash = history.seal(&history.entries[2], &previous);
    });
    assert_eq!(one, [Finding::Apart(4)]);

    let all = after(|history| {
        history.entries[2].actor = "users/8".to_owned();
        sealed_anew(history, 2);
    });
    assert_eq!(all, [Finding::Signature]);
}

#[test]
fn entries_of_another_ticket_or_tenant_are_found() {
    let foreign = after(|ours| {
        let theirs = history("acme", Uuid::from_u128(8));
        ours.entries[2..4].clone_from_slice(&theirs.entries[2..4]);
    });
    assert_eq!(foreign, [Finding::Foreign(3), Finding::Foreign(4)]);

    let other = Uuid::from_u128(8);
    let of_another_ticket = [Finding::OtherTicket(other), Finding::Signature];
    assert_eq!(after(|history| history.ticket = other), of_another_ticket);
    let of_another_tenant = [Finding::OtherTicket(TICKET), Finding::Signature];
    let renamed = after(|history| history.tenant = "other".to_owned());
    assert_eq!(renamed, of_another_tenant);
    let renumbered = after(|history| history.number = "F1-000002-2".to_owned());
    assert_eq!(renumbered, [Finding::Signature]);
}

#[test]
fn a_truncated_history_is_found_also_when_its_head_was_moved() {
    let cut = after(|history| history.entries.truncate(3));
    assert_eq!(cut, [Finding::Truncated { last: 3, head: 5 }]);
    let moved = after(|history| {
        history.entries.truncate(3);
        sealed_anew(history, 2);
    });
    assert_eq!(moved, [Finding::Signature]);
    let emptied = after(|history| history.entries.clear());
    assert_eq!(emptied, [Finding::Empty]);
    let last = after(|history| history.head.hash[5] ^= 1);
    assert_eq!(last, [Finding::Head(5), Finding::Signature]);
}

#[test]
fn a_signature_counts_from_a_known_key_of_who_hands_out_histories() {
    let signed = history("acme", TICKET);
    let key = development_key();
    let issuer = |name: &str| Issuer::parse(name).unwrap();

    assert_eq!(signed.check(&key.ring(&issuer("services/ticket"))), []);
    for other in ["edge", "services/inventory"] {
        let found = signed.check(&key.ring(&issuer(other)));
        assert_eq!(found, [Finding::Signer(issuer(other))]);
    }
    let unknown = signed.check(&Keyring::default());
    assert_eq!(unknown, [Finding::UnknownKey(key.kid().to_owned())]);
    assert_eq!(after(|h| h.signature[0] ^= 1), [Finding::Signature]);
    let later = after(|h| h.exported_at += SignedDuration::from_micros(1));
    assert_eq!(later, [Finding::Signature]);
    let format = after(|h| h.format = "fettle-timeline-2".to_owned());
    assert_eq!(format, [Finding::Format("fettle-timeline-2".to_owned())]);
}
