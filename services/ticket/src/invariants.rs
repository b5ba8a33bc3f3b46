//! What must hold in this service's tables at any time, for `fettle verify`.

pub use chassis::invariants::Breach;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::store::timeline::{Arguments, Stored};

/// Every law of this module.
pub const LAWS: [&str; 3] = [TIMELINE, PROCESS, WORDS];

/// Every timeline verifies end to end, and its ticket knows its last entry.
const TIMELINE: &str = "G9";

/// No ticket is forgotten; one that is over holds nothing; quotes agree with their tickets.
const PROCESS: &str = "PROCESS";

/// An erased ticket is over, and no word of it is left in its timeline and quotes.
const WORDS: &str = "ERASED_TICKETS_SAY_NOTHING";

/// Entries checked in one read.
const BATCH: i64 = 2_000;

/// Every breach, ordered by law and subject.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = chains(conn).await?;
    breaches.extend(heads(conn).await?);
    breaches.extend(processes(conn).await?);
    breaches.extend(quotes(conn).await?);
    breaches.extend(words(conn).await?);
    Ok(breaches)
}

/// G9: every entry's hash follows from its content and the entry before.
async fn chains(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = Vec::new();
    let mut at = (String::new(), Uuid::nil(), 0_i64);
    let mut previous: Option<Stored> = None;
    loop {
        let rows = sqlx::query!(
            r#"select tenant_id, ticket_id, sequence, verb, actor, occurred_at, recorded_at, state,
                arguments as "arguments!: Json<Arguments>", body, salt, text_hash, previous_hash,
                hash
            from ticket_events
            where (tenant_id, ticket_id, sequence) > ($1, $2, $3)
            order by tenant_id, ticket_id, sequence limit $4"#,
            at.0,
            at.1,
            at.2,
            BATCH
        );
        let rows = rows.fetch_all(&mut *conn).await?;
        let Some(last) = rows.last() else {
            return Ok(breaches);
        };
        at = (last.tenant_id.clone(), last.ticket_id, last.sequence);
        for row in rows {
            let stored = Stored {
                ticket_id: row.ticket_id,
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
            };
            if let Some(detail) = broken(&row.tenant_id, &stored, previous.as_ref()) {
                let subject = format!("tickets/{}/events/{}", stored.ticket_id, stored.sequence);
                breaches.push(Breach {
                    law: TIMELINE,
                    subject,
                    detail,
                });
            }
            previous = Some(stored);
        }
    }
}

/// Why an entry does not follow the one before it in reading order.
fn broken(tenant: &str, entry: &Stored, previous: Option<&Stored>) -> Option<String> {
    let before = previous.filter(|before| before.ticket_id == entry.ticket_id);
    let (sequence, hash) = match before {
        Some(before) => (before.sequence + 1, before.hash.clone()),
        None => (1, vec![0; 32]),
    };
    if entry.sequence != sequence {
        return Some(format!("entry {sequence} is missing before it"));
    }
    if entry.previous_hash != hash {
        return Some("it does not follow the entry before it".to_owned());
    }
    let expected = entry.expected_hash(tenant);
    if expected.is_none_or(|expected| expected.as_slice() != entry.hash) {
        return Some("its content was changed after it was written".to_owned());
    }
    let text = entry.body.as_ref().zip(entry.salt.as_ref());
    let changed = text.is_some_and(|(body, salt)| {
        let hash = crate::domain::timeline::text_hash(salt, body);
        entry.text_hash.as_deref() != Some(hash.as_slice())
    });
    changed.then(|| "its text was changed after it was written".to_owned())
}

/// G9: the ticket's head is the last entry of its chain.
async fn heads(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.ticket_id, t.last_sequence, e.sequence as "sequence?"
        from tickets t
        left join lateral (
            select sequence, hash from ticket_events e
            where e.tenant_id = t.tenant_id and e.ticket_id = t.ticket_id
            order by sequence desc limit 1
        ) e on true
        where e.sequence is distinct from t.last_sequence or e.hash is distinct from t.last_hash
        order by t.ticket_id limit 1000"#
    );
    let rows = rows.fetch_all(conn).await?;
    let breach = |subject: Uuid, last: i64, found: Option<i64>| Breach {
        law: TIMELINE,
        subject: format!("tickets/{subject}"),
        detail: format!(
            "its head is entry {last}, its timeline ends at {}",
            found.unwrap_or(0)
        ),
    };
    Ok(rows
        .into_iter()
        .map(|row| breach(row.ticket_id, row.last_sequence, row.sequence))
        .collect())
}

/// A ticket that is over and whose process rests holds nothing; an open one is never forgotten.
async fn processes(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.ticket_id, t.state, t.facts ->> 'hold' as hold, t.facts ->> 'visit' as visit,
            p.ticket_id is null as "forgotten!"
        from tickets t
        left join processes p on p.tenant_id = t.tenant_id and p.ticket_id = t.ticket_id
        where p.ticket_id is null or (
            t.state in ('CLOSED', 'CANCELLED', 'REJECTED') and p.due_at is null and (
                t.facts ->> 'hold' in ('ASKED', 'HELD', 'BACKORDERED')
                or t.facts ->> 'visit' in ('ASKED', 'OPEN', 'BOOKED', 'UNDER_WAY')
                or jsonb_array_length(t.facts -> 'stray_holds') > 0
                or jsonb_array_length(t.facts -> 'stray_visits') > 0))
        order by t.ticket_id limit 1000"#
    );
    let rows = rows.fetch_all(conn).await?;
    let breaches = rows.into_iter().map(|row| {
        let (hold, visit) = (row.hold.unwrap_or_default(), row.visit.unwrap_or_default());
        let detail = match row.forgotten {
            true => "no process looks after it".to_owned(),
            false => format!(
                "it is {} and may still hold parts ({hold}) or a visit ({visit})",
                row.state
            ),
        };
        Breach {
            law: PROCESS,
            subject: format!("tickets/{}", row.ticket_id),
            detail,
        }
    });
    Ok(breaches.collect())
}

/// A ticket's fact of its quote agrees with the quote, and a ticket that is over has none open.
async fn quotes(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select q.quote_id, q.ticket_id, q.state, t.facts ->> 'quote' as fact
        from quotes q
        join tickets t on t.tenant_id = q.tenant_id and t.ticket_id = q.ticket_id
        where t.facts ->> 'quote_id' = q.quote_id::text and (
            (q.state = 'APPROVED') <> coalesce(t.facts ->> 'quote' = 'APPROVED', false)
            or (q.state = 'DECLINED' and t.facts ->> 'quote' is distinct from 'REFUSED')
            or (q.state = 'OPEN' and t.state in ('CLOSED', 'CANCELLED', 'REJECTED')))
        order by q.quote_id limit 1000"#
    );
    let rows = rows.fetch_all(conn).await?;
    let breaches = rows.into_iter().map(|row| Breach {
        law: PROCESS,
        subject: format!("tickets/{}/quotes/{}", row.ticket_id, row.quote_id),
        detail: format!(
            "it is {} and its ticket knows {}",
            row.state,
            row.fact.unwrap_or_default()
        ),
    });
    Ok(breaches.collect())
}

/// Erased tickets that say something still, or are not over.
async fn words(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.ticket_id, t.state in ('CLOSED', 'CANCELLED', 'REJECTED') as "is_over!"
        from tickets t
        where t.erased_at is not null and (
            t.state not in ('CLOSED', 'CANCELLED', 'REJECTED')
            or exists (select from ticket_events e where e.tenant_id = t.tenant_id
                and e.ticket_id = t.ticket_id and e.body is not null)
            or exists (select from quotes q where q.tenant_id = t.tenant_id
                and q.ticket_id = t.ticket_id and (q.decline_reason is not null
                or jsonb_path_exists(q.lines, '$[*] ? (@.description != "")'))))
        order by t.ticket_id limit 1000"#
    );
    let rows = rows.fetch_all(conn).await?;
    let breaches = rows.into_iter().map(|row| Breach {
        law: WORDS,
        subject: format!("tickets/{}", row.ticket_id),
        detail: match row.is_over {
            true => "it was erased, and words of it are still kept".to_owned(),
            false => "it was erased and is not over".to_owned(),
        },
    });
    Ok(breaches.collect())
}

/// Those of the given tickets that are over and whose process rests: nothing more is to come, so
/// nothing may be held for them anywhere.
pub async fn at_rest(
    conn: &mut PgConnection,
    tickets: &[(String, Uuid)],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let (tenants, ids): (Vec<String>, Vec<Uuid>) = tickets.iter().cloned().unzip();
    let rows = sqlx::query!(
        "select t.tenant_id, t.ticket_id
        from unnest($1::text[], $2::uuid[]) as asked (tenant_id, ticket_id)
        join tickets t on t.tenant_id = asked.tenant_id and t.ticket_id = asked.ticket_id
        join processes p on p.tenant_id = t.tenant_id and p.ticket_id = t.ticket_id
        where t.state in ('CLOSED', 'CANCELLED', 'REJECTED') and p.due_at is null",
        &tenants[..],
        &ids[..]
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket_id)).collect())
}

/// Tickets of customers whom the channel service has erased that are not erased themselves.
pub async fn unerased_of(
    conn: &mut PgConnection,
    parties: &[(String, Uuid)],
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let (tenants, ids): (Vec<String>, Vec<Uuid>) = parties.iter().cloned().unzip();
    let rows = sqlx::query!(
        "select t.tenant_id, t.ticket_id
        from unnest($1::text[], $2::uuid[]) as asked (tenant_id, party_id)
        join tickets t on t.tenant_id = asked.tenant_id and t.party_id = asked.party_id
        where t.erased_at is null",
        &tenants[..],
        &ids[..]
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket_id)).collect())
}

/// Tickets that were erased a while ago ([`Breach::SETTLES_SECONDS`]).
pub async fn erased(conn: &mut PgConnection) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tenant_id, ticket_id from tickets
        where erased_at < now() - make_interval(secs => $1)",
        Breach::SETTLES_SECONDS
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    Ok(rows.map(|row| (row.tenant_id, row.ticket_id)).collect())
}
