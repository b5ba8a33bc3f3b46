//! A history in a file, as its holder checks it: whole, or each way to tamper with it by a line.

#![allow(
    clippy::unwrap_used,
    reason = "a test's ground: what is missing ends it"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use chassis::identity::{Issuer, SigningKey, write_key_pair};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use ticket::domain::history::{Entry, History};
use ticket::domain::ticket::Head;
use ticket::domain::timeline::{FORMAT, START, Sealed, seal, text_hash};
use uuid::Uuid;

const TICKET: Uuid = Uuid::from_u128(7);
const AT: Timestamp = Timestamp::constant(1_632_800_000, 0);

/// What is done to the entries, and what is said of it.
type Crime<'a> = (&'a dyn Fn(&mut Vec<Value>), &'a [&'a str]);

/// A folder with the keys of the ticket service.
struct Ground(TempDir);

impl Ground {
    fn new() -> Ground {
        let ground = Ground(tempfile::tempdir().unwrap());
        let (private, set) = (ground.path("ticket.pem"), ground.path("keys.json"));
        let issuer = Issuer::parse("services/ticket").unwrap();
        write_key_pair(&private, &set, &issuer).unwrap();
        ground
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Five entries with a note among them, as the service hands them out.
    fn history(&self) -> Value {
        let mut head = Head {
            sequence: 0,
            hash: START,
        };
        let mut entries = Vec::new();
        for verb in ["report", "note", "start", "pause", "resolve"] {
            let entry = entry(head, verb);
            head = Head {
                sequence: entry.sequence,
                hash: entry.hash,
            };
            entries.push(entry);
        }
        let history = History {
            tenant: "acme".to_owned(),
            ticket: TICKET,
            number: "F1-000001-4".to_owned(),
            format: FORMAT.to_owned(),
            entries,
            head,
            exported_at: AT + SignedDuration::from_hours(24),
            key: String::new(),
            signature: Vec::new(),
        };
        let key = SigningKey::read(&self.path("ticket.pem")).unwrap();
        proto::to_json(&ticket::wire::write_history(&history.signed(&key))).unwrap()
    }

    /// Exit code and lines of `verify-ticket` on a file with that in it.
    fn verify(&self, history: &Value, more: &[&str]) -> (Option<i32>, Vec<String>) {
        let (file, keys) = (self.path("history.json"), self.path("keys.json"));
        std::fs::write(&file, history.to_string()).unwrap();
        let keys = keys.to_string_lossy().into_owned();
        self.run(&file, &[&["--keys", keys.as_str()], more].concat())
    }

    fn run(&self, file: &Path, more: &[&str]) -> (Option<i32>, Vec<String>) {
        let output = Command::new(env!("CARGO_BIN_EXE_fettle"))
            .arg("verify-ticket")
            .arg(file)
            .args(more)
            .env("FETTLE_DIR", self.path("suite"))
            .output()
            .unwrap();
        let said =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (
            output.status.code(),
            said.lines().map(str::to_owned).collect(),
        )
    }
}

fn entry(head: Head, verb: &str) -> Entry {
    let sequence = head.sequence + 1;
    let text = (verb == "note").then(|| "the customer called".to_owned());
    let salt = text.as_ref().map(|_| vec![9; 16]);
    let sealed = text.as_ref().zip(salt.as_ref());
    let hashed = sealed.map(|(text, salt)| text_hash(salt, text));
    let at = AT + SignedDuration::from_mins(sequence);
    let arguments = vec![("title".to_owned(), "does not start".to_owned())];
    let hash = seal(
        &head.hash,
        &Sealed {
            tenant: "acme",
            ticket: TICKET,
            sequence,
            verb,
            actor: "users/7",
            occurred_at: at,
            recorded_at: at,
            arguments: &arguments,
            state: "ACKNOWLEDGED",
            text_hash: hashed,
        },
    );
    Entry {
        sequence,
        verb: verb.to_owned(),
        actor: "users/7".to_owned(),
        occurred_at: at,
        recorded_at: at,
        arguments,
        state: "ACKNOWLEDGED".to_owned(),
        text,
        salt,
        text_hash: hashed,
        previous: head.hash,
        hash,
    }
}

#[test]
fn a_history_as_it_was_exported_is_whole() {
    let ground = Ground::new();

    let (code, said) = ground.verify(&ground.history(), &[]);

    assert_eq!(code, Some(0), "{said:?}");
    let whole = "F1-000001-4 of acme: whole, 5 entries, signed on 2021-09-29T03:33:20Z";
    assert_eq!(said, [whole]);
}

#[test]
fn a_history_that_was_tampered_with_is_told_line_by_line() {
    let ground = Ground::new();
    let crimes: [Crime; 7] = [
        (
            &|entries| entries[2]["actor"] = json!("users/8"),
            &["entry 3 was changed after it was written"],
        ),
        (
            &|entries| entries[0]["time"] = json!("2021-09-28T03:34:20.000001Z"),
            &["entry 1 was changed after it was written"],
        ),
        (
            &|entries| entries[1]["text"] = json!("nobody called"),
            &["the text of entry 2 was changed after it was written"],
        ),
        (&|entries| drop(entries.remove(2)), &["entry 3 is missing"]),
        (
            &|entries| entries.swap(2, 3),
            &["entry 3 stands out of its order"],
        ),
        (
            &|entries| entries.truncate(4),
            &["it ends at entry 4, and its head is entry 5"],
        ),
        (
            &|entries| {
                entries[0]["verb"] = json!("reported");
                entries.remove(3);
            },
            &[
                "entry 1 was changed after it was written",
                "entry 4 is missing",
            ],
        ),
    ];
    for (crime, expected) in crimes {
        let mut history = ground.history();
        crime(history["entries"].as_array_mut().unwrap());

        let (code, said) = ground.verify(&history, &[]);

        assert_eq!(said, expected);
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_signature_is_of_one_ticket_by_a_known_key() {
    let ground = Ground::new();
    let mut renumbered = ground.history();
    renumbered["number"] = json!("F1-000002-2");

    let (code, said) = ground.verify(&renumbered, &[]);

    let unsigned = "the signature is not of this ticket, head and time";
    assert_eq!((code, said), (Some(1), vec![unsigned.to_owned()]));
    let (code, said) = Ground::new().verify(&ground.history(), &[]);
    assert_eq!(code, Some(1));
    assert!(
        said[0].contains("which the key set does not have"),
        "{said:?}"
    );
}

#[test]
fn with_json_the_verdict_is_one_document() {
    let ground = Ground::new();
    let mut history = ground.history();
    let note = history["entries"][1].as_object_mut().unwrap();
    note.retain(|name, _| name != "text" && name != "salt");

    let (code, erased) = ground.verify(&history, &["--json"]);
    history["entries"][2]["verb"] = json!("stop");
    let (edited_code, edited) = ground.verify(&history, &["--json"]);

    let erased: Value = serde_json::from_str(&erased.concat()).unwrap();
    let edited: Value = serde_json::from_str(&edited.concat()).unwrap();
    assert_eq!((code, edited_code), (Some(0), Some(1)));
    assert_eq!(erased["whole"], json!(true));
    assert_eq!(erased["textsLeftOut"], json!(1));
    assert_eq!(edited["whole"], json!(false));
    let findings = json!(["entry 3 was changed after it was written"]);
    assert_eq!(edited["findings"], findings);
}

#[test]
fn what_is_no_history_or_has_no_keys_is_said_so() {
    let ground = Ground::new();
    let mut added_to = ground.history();
    added_to["remark"] = json!("paid");
    let mut broken = ground.history();
    broken["entries"][1]["hash"] = json!("AAAA");

    let (code, said) = ground.verify(&added_to, &[]);
    assert_eq!(code, Some(1));
    assert!(said[0].contains("is no ticket's history"), "{said:?}");
    let (code, said) = ground.verify(&broken, &[]);
    assert_eq!(
        (code, said),
        (Some(1), vec!["entries[1].hash cannot be read".to_owned()])
    );
    let (code, said) = ground.run(&ground.path("nowhere.json"), &[]);
    assert_eq!(code, Some(1));
    assert!(said[0].contains("--keys"), "{said:?}");
}
