//! A ticket's history, out and in again: what is read may have been edited by anybody.

use chassis::{names, refusal::to_pb};
use jiff::Timestamp;
use proto::ticket::v1 as pb;
use proto::ticket::v1::ticket_history as parts;

use crate::domain::history::{Entry, Finding, History};
use crate::domain::moves::State;
use crate::domain::ticket::Head;

use super::{TICKETS, state};

/// A history as its holder keeps it.
pub fn write_history(history: &History) -> pb::TicketHistory {
    pb::TicketHistory {
        ticket: names::name(TICKETS, history.ticket),
        number: history.number.clone(),
        tenant: history.tenant.clone(),
        format: history.format.clone(),
        entries: history.entries.iter().map(write_entry).collect(),
        head_sequence: history.head.sequence,
        head_hash: history.head.hash.to_vec().into(),
        export_time: Some(to_pb(history.exported_at)),
        key: history.key.clone(),
        signature: history.signature.clone().into(),
    }
}

fn write_entry(entry: &Entry) -> parts::Entry {
    let argument = |(name, value): &(String, String)| parts::Argument {
        name: name.clone(),
        value: value.clone(),
    };
    parts::Entry {
        sequence: entry.sequence,
        verb: entry.verb.clone(),
        actor: entry.actor.clone(),
        time: Some(to_pb(entry.occurred_at)),
        record_time: Some(to_pb(entry.recorded_at)),
        arguments: entry.arguments.iter().map(argument).collect(),
        state: State::parse(&entry.state).map_or(0, |known| state(known).into()),
        text: entry.text.clone().unwrap_or_default(),
        salt: entry.salt.clone().unwrap_or_default().into(),
        text_hash: entry
            .text_hash
            .map_or(Vec::new(), |hash| hash.to_vec())
            .into(),
        previous_hash: entry.previous.to_vec().into(),
        hash: entry.hash.to_vec().into(),
    }
}

/// The history that a message says, or every field of it that says nothing.
pub fn read_history(history: &pb::TicketHistory) -> Result<History, Vec<Finding>> {
    let mut wrong = Vec::new();
    let ticket = names::parse(TICKETS, &history.ticket);
    let ticket = known(&mut wrong, "ticket", ticket);
    let head = known(&mut wrong, "headHash", bytes(&history.head_hash));
    let exported_at = instant(history.export_time.as_ref());
    let exported_at = known(&mut wrong, "exportTime", exported_at);
    let mut entries = Vec::with_capacity(history.entries.len());
    for (place, entry) in history.entries.iter().enumerate() {
        entries.extend(read_entry(&mut wrong, place, entry));
    }
    let (Some(ticket), Some(hash), Some(exported_at), true) =
        (ticket, head, exported_at, wrong.is_empty())
    else {
        return Err(wrong);
    };
    let sequence = history.head_sequence;
    Ok(History {
        tenant: history.tenant.clone(),
        ticket,
        number: history.number.clone(),
        format: history.format.clone(),
        entries,
        head: Head { sequence, hash },
        exported_at,
        key: history.key.clone(),
        signature: history.signature.to_vec(),
    })
}

fn read_entry(wrong: &mut Vec<Finding>, place: usize, entry: &parts::Entry) -> Option<Entry> {
    let field = |name: &str| format!("entries[{place}].{name}");
    let occurred_at = known(wrong, field("time"), instant(entry.time.as_ref()));
    let recorded_at = instant(entry.record_time.as_ref());
    let recorded_at = known(wrong, field("recordTime"), recorded_at);
    let text_hash = match entry.text_hash.is_empty() {
        true => Some(None),
        false => bytes(&entry.text_hash).map(Some),
    };
    let text_hash = known(wrong, field("textHash"), text_hash);
    let previous = known(wrong, field("previousHash"), bytes(&entry.previous_hash));
    let hash = known(wrong, field("hash"), bytes(&entry.hash));
    let pair = |argument: &parts::Argument| (argument.name.clone(), argument.value.clone());
    // One that is not known is none that was sealed.
    let state = pb::ticket::State::try_from(entry.state);
    Some(Entry {
        sequence: entry.sequence,
        verb: entry.verb.clone(),
        actor: entry.actor.clone(),
        occurred_at: occurred_at?,
        recorded_at: recorded_at?,
        arguments: entry.arguments.iter().map(pair).collect(),
        state: state.map_or("", |state| state.as_str_name()).to_owned(),
        text: Some(entry.text.clone()).filter(|text| !text.is_empty()),
        salt: Some(entry.salt.to_vec()).filter(|salt| !salt.is_empty()),
        text_hash: text_hash?,
        previous: previous?,
        hash: hash?,
    })
}

/// Notes a field that could not be read.
fn known<T>(wrong: &mut Vec<Finding>, field: impl Into<String>, read: Option<T>) -> Option<T> {
    if read.is_none() {
        wrong.push(Finding::Unreadable(field.into()));
    }
    read
}

fn bytes(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}

/// An instant in whole microseconds; what is finer is in no hash, so it is none of ours.
fn instant(at: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let at = at.filter(|at| (0..1_000_000_000).contains(&at.nanos) && at.nanos % 1_000 == 0)?;
    Timestamp::new(at.seconds, at.nanos).ok()
}
