//! The timeline: entries sealed into the chain, and read back.

use chassis::{Ids, Refusal};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::history::Entry;
use crate::domain::ticket::{Head, Ticket};
use crate::domain::timeline::{Hash, Sealed, seal, text_hash};

/// Arguments as the table keeps them: pairs in their order.
pub type Arguments = Vec<(String, String)>;

/// New entries of one ticket, column by column, sealed behind its head.
pub struct Chained {
    /// Where the chain stands after them.
    pub head: Head,
    recorded_at: Timestamp,
    pub(in crate::store) sequences: Vec<i64>,
    pub(in crate::store) verbs: Vec<&'static str>,
    pub(in crate::store) actors: Vec<String>,
    pub(in crate::store) occurred: Vec<jiff_sqlx::Timestamp>,
    pub(in crate::store) states: Vec<&'static str>,
    pub(in crate::store) arguments: Vec<Json<Arguments>>,
    pub(in crate::store) bodies: Vec<Option<String>>,
    pub(in crate::store) salts: Vec<Option<Vec<u8>>>,
    pub(in crate::store) text_hashes: Vec<Option<Vec<u8>>>,
    pub(in crate::store) previous: Vec<Vec<u8>>,
    pub(in crate::store) hashes: Vec<Vec<u8>>,
}

impl Chained {
    /// Seals the ticket's fresh entries.
    pub fn seal(ticket: &Ticket, recorded_at: Timestamp, ids: &Ids) -> Chained {
        let most = ticket.fresh.len();
        let mut chained = Chained {
            head: ticket.head,
            recorded_at,
            sequences: Vec::with_capacity(most),
            verbs: Vec::with_capacity(most),
            actors: Vec::with_capacity(most),
            occurred: Vec::with_capacity(most),
            states: Vec::with_capacity(most),
            arguments: Vec::with_capacity(most),
            bodies: Vec::with_capacity(most),
            salts: Vec::with_capacity(most),
            text_hashes: Vec::with_capacity(most),
            previous: Vec::with_capacity(most),
            hashes: Vec::with_capacity(most),
        };
        for entry in &ticket.fresh {
            let salt = entry.text.as_ref().map(|_| ids.token()[..16].to_vec());
            let text = entry.text.as_ref().zip(salt.as_ref());
            let text_hash = text.map(|(text, salt)| text_hash(salt, text));
            let sequence = chained.head.sequence + 1;
            let hash = seal(
                &chained.head.hash,
                &Sealed {
                    tenant: &ticket.tenant,
                    ticket: ticket.id,
                    sequence,
                    verb: entry.verb,
                    actor: &entry.actor,
                    occurred_at: entry.occurred_at,
                    recorded_at,
                    arguments: &entry.arguments,
                    state: entry.state.name(),
                    text_hash,
                },
            );
            chained.sequences.push(sequence);
            chained.verbs.push(entry.verb);
            chained.actors.push(entry.actor.clone());
            chained.occurred.push(entry.occurred_at.to_sqlx());
            chained.states.push(entry.state.name());
            chained.arguments.push(Json(entry.arguments.clone()));
            chained.bodies.push(entry.text.clone());
            chained.salts.push(salt);
            chained
                .text_hashes
                .push(text_hash.map(|hash| hash.to_vec()));
            chained.previous.push(chained.head.hash.to_vec());
            chained.hashes.push(hash.to_vec());
            chained.head = Head { sequence, hash };
        }
        chained
    }

    /// When the last entry's event happened.
    pub fn last_occurred(&self) -> Option<Timestamp> {
        self.occurred.last().map(|at| at.to_jiff())
    }
}

/// New entries of several tickets, column by column.
#[derive(Default)]
pub(in crate::store) struct Entries<'a> {
    pub(in crate::store) tickets: Vec<Uuid>,
    pub(in crate::store) sequences: Vec<i64>,
    pub(in crate::store) verbs: Vec<&'static str>,
    pub(in crate::store) actors: Vec<&'a str>,
    pub(in crate::store) occurred: Vec<jiff_sqlx::Timestamp>,
    pub(in crate::store) recorded: Vec<jiff_sqlx::Timestamp>,
    pub(in crate::store) states: Vec<&'static str>,
    pub(in crate::store) arguments: Vec<Json<&'a Arguments>>,
    pub(in crate::store) bodies: Vec<Option<&'a str>>,
    pub(in crate::store) salts: Vec<Option<&'a [u8]>>,
    pub(in crate::store) text_hashes: Vec<Option<&'a [u8]>>,
    pub(in crate::store) previous: Vec<&'a [u8]>,
    pub(in crate::store) hashes: Vec<&'a [u8]>,
}

impl<'a> Entries<'a> {
    pub(in crate::store) fn of(all: impl Iterator<Item = (Uuid, &'a Chained)>) -> Entries<'a> {
        let mut entries = Entries::default();
        for (ticket, one) in all {
            let count = one.sequences.len();
            let recorded_at = one.recorded_at.to_sqlx();
            entries.tickets.extend(std::iter::repeat_n(ticket, count));
            entries.sequences.extend(&one.sequences);
            entries.verbs.extend(&one.verbs);
            entries.actors.extend(one.actors.iter().map(String::as_str));
            entries.occurred.extend(&one.occurred);
            entries
                .recorded
                .extend(std::iter::repeat_n(recorded_at, count));
            entries.states.extend(&one.states);
            entries
                .arguments
                .extend(one.arguments.iter().map(|said| Json(&said.0)));
            entries
                .bodies
                .extend(one.bodies.iter().map(Option::as_deref));
            entries.salts.extend(one.salts.iter().map(Option::as_deref));
            entries
                .text_hashes
                .extend(one.text_hashes.iter().map(Option::as_deref));
            entries
                .previous
                .extend(one.previous.iter().map(Vec::as_slice));
            entries.hashes.extend(one.hashes.iter().map(Vec::as_slice));
        }
        entries
    }
}

/// An entry as it is read.
#[allow(missing_docs)]
pub struct Stored {
    pub ticket_id: Uuid,
    pub sequence: i64,
    pub verb: String,
    pub actor: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub state: String,
    pub arguments: Arguments,
    pub body: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub text_hash: Option<Vec<u8>>,
    pub previous_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

impl Stored {
    /// The hash the entry should have behind the one it names.
    pub fn expected_hash(&self, tenant: &str) -> Option<Hash> {
        let text_hash = match &self.text_hash {
            Some(hash) => Some(hash.as_slice().try_into().ok()?),
            None => None,
        };
        let previous = self.previous_hash.as_slice().try_into().ok()?;
        let sealed = Sealed {
            tenant,
            ticket: self.ticket_id,
            sequence: self.sequence,
            verb: &self.verb,
            actor: &self.actor,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            arguments: &self.arguments,
            state: &self.state,
            text_hash,
        };
        Some(seal(&previous, &sealed))
    }

    /// The entry as it is handed out.
    pub fn kept(self) -> Result<Entry, Refusal> {
        let hash = |bytes: Vec<u8>| {
            let hash = Hash::try_from(bytes);
            hash.map_err(|_| Refusal::internal("a hash in the timeline is not of 32 bytes"))
        };
        Ok(Entry {
            sequence: self.sequence,
            verb: self.verb,
            actor: self.actor,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            arguments: self.arguments,
            state: self.state,
            salt: self.salt,
            text: self.body,
            text_hash: self.text_hash.map(hash).transpose()?,
            previous: hash(self.previous_hash)?,
            hash: hash(self.hash)?,
        })
    }
}

/// At most `limit` entries of a ticket after `after`, oldest first.
pub async fn list(
    conn: &mut PgConnection,
    tenant: &str,
    ticket: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Stored>, Refusal> {
    let rows = sqlx::query!(
        r#"select sequence, verb, actor, occurred_at, recorded_at, state,
            arguments as "arguments!: Json<Arguments>", body, salt, text_hash, previous_hash, hash
        from ticket_events
        where tenant_id = $1 and ticket_id = $2 and sequence > $3
        order by sequence limit $4"#,
        tenant,
        ticket,
        after,
        limit
    );
    let stored = rows.fetch_all(conn).await?.into_iter().map(|row| Stored {
        ticket_id: ticket,
        sequence: row.sequence,
        verb: row.verb,
        actor: row.actor,
        occurred_at: row.occurred_at.to_jiff(),
        recorded_at: row.recorded_at.to_jiff(),
        state: row.state,
        arguments: row.arguments.0,
        body: row.body,
        salt: row.salt,
        text_hash: row.text_hash,
        previous_hash: row.previous_hash,
        hash: row.hash,
    });
    Ok(stored.collect())
}
