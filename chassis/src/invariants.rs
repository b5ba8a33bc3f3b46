//! What must hold in the tables that every service has, as queries that name what breaks it:
//! promise G6, every event in order and none lost; and no person who was erased waits for it.
//!
//! For operators (`fettle verify`) and for tests of faults. A service checks its own tables in a
//! module of the same name; across services [`feeds_agree`] compares what consumers have passed
//! with what producers gave.

use sqlx::PgConnection;

/// Something that breaks a law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The law, beginning with the promise where it is one: "G6_FEED_HAS_NO_GAP".
    pub law: &'static str,
    /// What breaks it: a resource name, or a place. Never a secret or a person's words.
    pub subject: String,
    /// How.
    pub detail: String,
}

impl Breach {
    /// Seconds within which what one service does about another's change has happened, where every
    /// service runs; younger changes are not held against it.
    pub const SETTLES_SECONDS: f64 = 60.0;
}

/// The numbers given in a partition follow each other without a gap, none twice.
pub const FEED: &str = "G6_FEED_HAS_NO_GAP";
/// The relay's own count is the last number it gave.
pub const COUNT: &str = "G6_RELAY_COUNTS_RIGHT";
/// An event is numbered soon after its commit.
pub const WAITING: &str = "G6_NOTHING_WAITS_UNNUMBERED";
/// A later version of an aggregate has a later number.
pub const ORDER: &str = "G6_VERSIONS_IN_ORDER";
/// No event waits among the dead letters.
pub const DEAD: &str = "G6_NO_DEAD_LETTER_WAITS";
/// An erasure is done soon after it is due.
pub const ERASURE: &str = "NO_ERASURE_WAITS";
/// A consumer has passed no more than its producer gave.
pub const AHEAD: &str = "G6_NO_CONSUMER_AHEAD";

/// Every law of [`check`].
pub const LAWS: [&str; 6] = [FEED, COUNT, WAITING, ORDER, DEAD, ERASURE];

/// Seconds an event may wait for its number: an outage of the relay's process and its lease.
const PATIENCE_SECONDS: f64 = 60.0;

/// Seconds an erasure may be due: its worker's lease, and a store that was away for a while.
const ERASURE_PATIENCE_SECONDS: f64 = 600.0;

/// Most breaches named per law.
const MOST: i64 = 100;

/// Every breach of [`LAWS`] in the connection's schema.
pub async fn check(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let mut breaches = gaps(conn).await?;
    breaches.extend(counts(conn).await?);
    breaches.extend(waiting(conn).await?);
    breaches.extend(disorder(conn).await?);
    breaches.extend(dead_letters(conn).await?);
    breaches.extend(erasures(conn).await?);
    Ok(breaches)
}

async fn gaps(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select partition, sequence as "sequence!", before as "before!"
         from (
             select partition, sequence,
                 lag(sequence) over (partition by partition order by sequence) as before
             from outbox where sequence is not null
         ) numbered
         where sequence <> before + 1
         order by partition, sequence limit $1"#,
        MOST,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = |partition: i16, sequence: i64, before: i64| Breach {
        law: FEED,
        subject: format!("partition {partition}"),
        detail: format!("number {sequence} follows {before}"),
    };
    Ok(rows
        .map(|row| breach(row.partition, row.sequence, row.before))
        .collect())
}

async fn counts(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select r.partition, r.numbered, r.published, last.sequence as "last!"
         from relay_partitions r
         cross join lateral (
             select max(sequence) as sequence from outbox o where o.partition = r.partition
         ) last
         where last.sequence > r.numbered or r.published > r.numbered
         order by r.partition"#,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: COUNT,
        subject: format!("partition {}", row.partition),
        detail: format!(
            "numbered {}, published {}, but {} was given",
            row.numbered, row.published, row.last
        ),
    });
    Ok(breach.collect())
}

async fn waiting(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select kind, aggregate, extract(epoch from now() - recorded_at)::bigint as "seconds!"
         from outbox
         where sequence is null and recorded_at < now() - make_interval(secs => $1)
         order by event_id limit $2"#,
        PATIENCE_SECONDS,
        MOST,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: WAITING,
        subject: row.aggregate,
        detail: format!("{} waits for its number since {} s", row.kind, row.seconds),
    });
    Ok(breach.collect())
}

async fn disorder(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select aggregate, version as "version!", before as "before!"
         from (
             select aggregate, version, sequence,
                 lag(version) over (partition by tenant_id, aggregate order by sequence) as before
             from outbox where sequence is not null
         ) told
         where version < before
         order by aggregate, version limit $1"#,
        MOST,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: ORDER,
        subject: row.aggregate,
        detail: format!(
            "version {} is told after version {}",
            row.version, row.before
        ),
    });
    Ok(breach.collect())
}

async fn dead_letters(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        "select id, consumer, kind, aggregate, reason from dead_letters
         where replayed_at is null order by failed_at limit $1",
        MOST,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: DEAD,
        subject: format!("deadLetters/{}", row.id),
        detail: format!(
            "{} refused {} of {}: {}",
            row.consumer, row.kind, row.aggregate, row.reason
        ),
    });
    Ok(breach.collect())
}

async fn erasures(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select subject, extract(epoch from now() - look_at)::bigint as "seconds!"
         from erasures where look_at < now() - make_interval(secs => $1)
         order by look_at limit $2"#,
        ERASURE_PATIENCE_SECONDS,
        MOST,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: ERASURE,
        subject: row.subject,
        detail: format!("is to be erased since {} s", row.seconds),
    });
    Ok(breach.collect())
}

/// How far a feed has come on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Who reads it; the producer itself on its own side.
    pub reader: String,
    /// Who tells.
    pub producer: String,
    /// Which of its feeds.
    pub partition: i16,
    /// The last number given, or passed.
    pub sequence: i64,
}

/// What `producer` has published in each of its feeds; read in its schema.
pub async fn published(conn: &mut PgConnection, producer: &str) -> Result<Vec<Place>, sqlx::Error> {
    let rows = sqlx::query!("select partition, published from relay_partitions order by partition");
    let rows = rows.fetch_all(conn).await?.into_iter();
    let place = rows.map(|row| Place {
        reader: producer.to_owned(),
        producer: producer.to_owned(),
        partition: row.partition,
        sequence: row.published,
    });
    Ok(place.collect())
}

/// What the consumers of a service have passed; read in its schema.
pub async fn passed(conn: &mut PgConnection) -> Result<Vec<Place>, sqlx::Error> {
    let rows = sqlx::query!(
        "select consumer, producer, partition, sequence from inbox_positions
         order by consumer, producer, partition",
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let place = rows.map(|row| Place {
        reader: row.consumer,
        producer: row.producer,
        partition: row.partition,
        sequence: row.sequence,
    });
    Ok(place.collect())
}

/// No consumer has passed what was not given: that happens when a producer's database went back
/// in time. Read `passed` before `published`, or an event in between looks like a breach.
pub fn feeds_agree(published: &[Place], passed: &[Place]) -> Vec<Breach> {
    let given = |place: &Place| {
        let feed = |p: &&Place| p.producer == place.producer && p.partition == place.partition;
        published.iter().find(feed).map(|p| p.sequence)
    };
    let ahead = passed.iter().filter_map(|place| {
        let given = given(place)?;
        (place.sequence > given).then(|| Breach {
            law: AHEAD,
            subject: format!(
                "{} hearing {}/{}",
                place.reader, place.producer, place.partition
            ),
            detail: format!("it passed {} of {given} events", place.sequence),
        })
    });
    ahead.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consumer_that_passed_what_was_never_given_is_named() {
        let place = |reader: &str, sequence| Place {
            reader: reader.to_owned(),
            producer: "dispatch".to_owned(),
            partition: 3,
            sequence,
        };
        let given = [place("dispatch", 7)];
        assert_eq!(
            feeds_agree(&given, &[place("ticket", 7), place("inventory", 2)]),
            []
        );
        let found = feeds_agree(&given, &[place("ticket", 8)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].law, AHEAD);
        assert_eq!(found[0].subject, "ticket hearing dispatch/3");
    }
}
