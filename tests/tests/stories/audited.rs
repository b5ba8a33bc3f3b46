//! Who changed what is known afterwards, and nobody edits that unseen.

use std::collections::BTreeSet;

use chassis::testing::agent;
use sqlx::PgPool;
use stories::world::{NOTEBOOK, SERVICES, World, until};

/// Awaits that no change waits for its place in the chain.
async fn sealed(world: &mut World) {
    let pools = SERVICES.map(|service| world.suite().pool_of(service.name));
    until("every change is chained", async || {
        for pool in &pools {
            let waiting = "select count(*) from audit_pending";
            let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(pool).await.unwrap();
            if waiting > 0 {
                return Err(format!("{waiting} wait"));
            }
        }
        Ok(())
    })
    .await;
}

/// (method, principal) of what was asked of a service, and whether it says where from and what of.
async fn asked(pool: &PgPool) -> BTreeSet<(String, String)> {
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "select split_part(rpc, '/', 2), principal,
             origin <> '' and resource <> '' and after is not null
         from audit_entries",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let vague = rows.iter().find(|(_, _, whole)| !whole);
    assert_eq!(vague, None, "it says not what of or where from");
    rows.into_iter().map(|(rpc, who, _)| (rpc, who)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_the_main_job_is_in_the_audit_of_the_service_that_took_it() {
    // Given a device that is repaired from report to confirmation,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;

    // when all of it is chained,
    sealed(&mut world).await;

    // then each service knows who asked it for what:
    let us = agent().principal;
    let process = "services/ticket";
    for (service, expected) in [
        ("ticket", vec![("CreateTicket", us.as_str())]),
        ("inventory", vec![("ReserveParts", process)]),
        ("dispatch", vec![("CreateWorkOrder", process)]),
        ("channel", vec![("CreateParty", us.as_str())]),
        ("entitlement", vec![("RegisterAsset", us.as_str())]),
    ] {
        let found = asked(&world.suite().pool_of(service)).await;
        for (rpc, who) in expected {
            let there = found.contains(&(rpc.to_owned(), who.to_owned()));
            assert!(
                there,
                "{service} knows nothing of {rpc} by {who}: {found:?}"
            );
        }
    }
    let visits = asked(&world.suite().pool_of("dispatch")).await;
    for step in ["StartWorkOrder", "CompleteWorkOrder"] {
        assert!(
            visits.iter().any(|(rpc, _)| rpc == step),
            "{step}: {visits:?}"
        );
    }
    // a ticket's digests are the hashes of its own timeline,
    let strangers: i64 = sqlx::query_scalar(
        "select count(*) from audit_entries a
         where resource = $1 and not exists (
             select from ticket_events e
             where e.tenant_id = a.tenant_id and 'tickets/' || e.ticket_id = a.resource
                 and e.hash = a.after)",
    )
    .bind(&ticket.name)
    .fetch_one(&world.suite().pool_of("ticket"))
    .await
    .unwrap();
    assert_eq!(strangers, 0);
    // and every chain is whole.
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_that_was_edited_or_cut_off_is_named_by_verify() {
    // Given changes that are chained, and the heads of that day kept elsewhere,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await;
    sealed(&mut world).await;
    world.verify().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let heads = elsewhere.path().join("heads.json");
    let (holds, words) = world.told_by_verify_against(&heads);
    assert!(holds, "{words}");
    let (holds, words) = world.told_by_verify_against(&heads);
    assert!(holds, "what was kept is still there: {words}");

    // when somebody edits who reserved the parts,
    world
        .corrupt("update inventory.audit_entries set principal = 'users/1' where number = 1")
        .await;

    // then the entry is named;
    let (holds, words) = world.told_by_verify_against(&heads);
    assert!(!holds);
    let named = words
        .lines()
        .skip_while(|line| !line.contains("G9_AUDIT_CHAIN_UNBROKEN  1 breach"));
    let named: Vec<&str> = named.take(2).collect();
    assert!(
        named
            .last()
            .is_some_and(|line| line.contains("acme/auditEntries/1")),
        "{words}"
    );

    // and a chain that is gone with its head is missed by who kept the head.
    world.stop("channel").await;
    world.corrupt("delete from channel.audit_entries").await;
    world.corrupt("delete from channel.audit_heads").await;
    let (_, words) = world.told_by_verify_against(&heads);
    assert!(
        words.contains("it was kept outside, and is no longer there"),
        "{words}"
    );
}
