//! Whether the chains are whole: promise G9, asked of the tables.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use jiff_sqlx::Timestamp as SqlTimestamp;
use sqlx::PgConnection;

use super::Entry;
use super::heads::Head;
use super::reading::all;
use crate::chain::{Hash, START};
use crate::identity::Keyring;
use crate::invariants::Breach;

/// Every entry follows from its content and the one before.
pub const CHAIN: &str = "G9_AUDIT_CHAIN_UNBROKEN";
/// Every chain ends at the entry that its service signed.
pub const HEAD: &str = "G9_AUDIT_ENDS_AT_ITS_SIGNED_HEAD";
/// What was changed is chained soon after.
pub const WAITING: &str = "G9_AUDIT_NOTHING_WAITS";

/// Every law of [`check`].
pub const LAWS: [&str; 3] = [CHAIN, HEAD, WAITING];

/// Seconds a row may wait: an outage of the sealer's process and its lease.
const PATIENCE_SECONDS: f64 = 60.0;

/// Most breaches named per law.
const MOST: usize = 100;

/// One tenant's chain while it is read.
struct Chain {
    tenant: String,
    number: i64,
    hash: Hash,
}

/// Every breach of G9 in the audit of the connection's schema, and where each chain stands now.
/// `kept` are heads of this service that were put aside earlier.
pub async fn check(
    conn: &mut PgConnection,
    service: &str,
    ring: &Keyring,
    kept: &[Head],
) -> Result<(Vec<Breach>, Vec<Head>), sqlx::Error> {
    // One picture of all: the sealer goes on meanwhile.
    let mut tx =
        sqlx::Connection::begin_with(conn, "begin isolation level repeatable read read only")
            .await?;
    let heads = heads(&mut tx, service).await?;
    let mut found = Found::new(kept);
    let mut ends = BTreeMap::new();
    {
        let mut entries = all(&mut tx);
        let mut chain: Option<Chain> = None;
        while let Some(entry) = entries.try_next().await? {
            let tenant = &entry.row.tenant;
            let next = match chain.take() {
                Some(chain) if chain.tenant == *tenant => chain,
                ended => {
                    ends.extend(ended.map(|chain| (chain.tenant, (chain.number, chain.hash))));
                    Chain {
                        tenant: tenant.clone(),
                        number: 0,
                        hash: START,
                    }
                }
            };
            chain = Some(found.follow(next, entry));
        }
        ends.extend(chain.map(|chain| (chain.tenant, (chain.number, chain.hash))));
    }
    found.ends(&heads, &ends, ring);
    found.breaches.extend(waiting(&mut tx).await?);
    tx.rollback().await?;
    Ok((found.breaches, heads))
}

/// What was found, while it is looked for.
struct Found<'k> {
    breaches: Vec<Breach>,
    broken: usize,
    /// Heads put aside earlier that were not met yet, by tenant and number.
    kept: BTreeMap<&'k str, BTreeMap<i64, &'k Head>>,
}

impl<'k> Found<'k> {
    fn new(kept: &'k [Head]) -> Found<'k> {
        let mut by_tenant = BTreeMap::<_, BTreeMap<_, _>>::new();
        for head in kept {
            let of = by_tenant.entry(head.tenant.as_str()).or_default();
            of.insert(head.number, head);
        }
        Found {
            breaches: Vec::new(),
            broken: 0,
            kept: by_tenant,
        }
    }

    fn broken(&mut self, tenant: &str, number: i64, detail: String) {
        self.broken += 1;
        if self.broken <= MOST {
            self.breaches.push(Breach {
                law: CHAIN,
                subject: format!("{tenant}/auditEntries/{number}"),
                detail,
            });
        }
    }

    /// Looks at the next entry; the chain goes on from what stands there, so that one change is
    /// one breach.
    fn follow(&mut self, chain: Chain, entry: Entry) -> Chain {
        let Entry { number, row, hash } = entry;
        let due = chain.number + 1;
        let stands = Hash::try_from(hash).unwrap_or(START);
        if number != due {
            let gap = match number - 1 == due {
                true => format!("entry {due} is missing"),
                false => format!("entries {due} to {} are missing", number - 1),
            };
            self.broken(&row.tenant, due, gap);
        } else if row.seal(number, &chain.hash) != stands {
            let detail = "it was changed, or is not the one that was put here".to_owned();
            self.broken(&row.tenant, number, detail);
        }
        let kept = self.kept.get_mut(row.tenant.as_str());
        if let Some(head) = kept.and_then(|of| of.remove(&number))
            && head.hash != stands
        {
            self.head(head, "another entry stands in its place".to_owned());
        }
        Chain {
            number,
            hash: stands,
            ..chain
        }
    }

    fn head(&mut self, head: &Head, detail: String) {
        self.breaches.push(Breach {
            law: HEAD,
            subject: format!("{}/auditEntries/{}", head.tenant, head.number),
            detail,
        });
    }

    fn ends(&mut self, heads: &[Head], ends: &BTreeMap<String, (i64, Hash)>, ring: &Keyring) {
        for head in heads {
            if let Err(doubt) = head.check(ring) {
                self.head(head, doubt.to_string());
            }
            let (last, hash) = ends.get(&head.tenant).copied().unwrap_or((0, START));
            if last != head.number {
                let detail = format!(
                    "the head is entry {}, and the last one is {last}",
                    head.number
                );
                self.head(head, detail);
            } else if hash != head.hash {
                self.head(
                    head,
                    "the last entry has another hash than the head".to_owned(),
                );
            }
        }
        for (tenant, (last, _)) in ends {
            if !heads.iter().any(|head| head.tenant == *tenant) {
                self.breaches.push(Breach {
                    law: HEAD,
                    subject: format!("{tenant}/auditEntries/{last}"),
                    detail: "the chain has no head".to_owned(),
                });
            }
        }
        for head in std::mem::take(&mut self.kept)
            .into_values()
            .flat_map(BTreeMap::into_values)
        {
            self.head(
                head,
                "it was kept outside, and is no longer there".to_owned(),
            );
        }
    }
}

async fn heads(conn: &mut PgConnection, service: &str) -> Result<Vec<Head>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select tenant_id, number, hash, signed_at as "signed_at: SqlTimestamp", key_id, signature
        from audit_heads order by tenant_id"#,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let head = rows.map(|row| Head {
        service: service.to_owned(),
        tenant: row.tenant_id,
        number: row.number,
        hash: Hash::try_from(row.hash).unwrap_or(START),
        signed_at: row.signed_at.to_jiff(),
        key: row.key_id,
        signature: row.signature,
    });
    Ok(head.collect())
}

async fn waiting(conn: &mut PgConnection) -> Result<Vec<Breach>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select tenant_id, rpc, resource,
            extract(epoch from now() - recorded_at)::bigint as "seconds!"
        from audit_pending where recorded_at < now() - make_interval(secs => $1)
        order by id limit $2"#,
        PATIENCE_SECONDS,
        MOST as i64,
    );
    let rows = rows.fetch_all(conn).await?.into_iter();
    let breach = rows.map(|row| Breach {
        law: WAITING,
        subject: format!("{}/{}", row.tenant_id, row.resource),
        detail: format!("{} waits for its number since {} s", row.rpc, row.seconds),
    });
    Ok(breach.collect())
}
