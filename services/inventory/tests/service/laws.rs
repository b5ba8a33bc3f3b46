//! The laws of the stock: kept under any sequence of commands, and missed when they are broken.

use inventory::domain::stock::location_name;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use proto::inventory::v1::reservation::State;
use sqlx::AssertSqlSafe;

use crate::support::{House, house, used, wants};

#[derive(Clone, Debug)]
enum Command {
    Receive {
        part: usize,
        place: usize,
        quantity: i64,
    },
    Adjust {
        part: usize,
        place: usize,
        delta: i64,
    },
    Reserve {
        wants: Vec<(usize, i64)>,
    },
    Release {
        which: usize,
    },
    Complete {
        which: usize,
        used: i64,
    },
}

fn command() -> impl Strategy<Value = Command> {
    let receive =
        (0_usize..3, 0_usize..2, 1_i64..6).prop_map(|(part, place, quantity)| Command::Receive {
            part,
            place,
            quantity,
        });
    let adjust = (0_usize..3, 0_usize..2, -4_i64..4)
        .prop_filter("moves something", |(_, _, delta)| *delta != 0)
        .prop_map(|(part, place, delta)| Command::Adjust { part, place, delta });
    let reserve = proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=2)
        .prop_flat_map(|parts| {
            let count = parts.len();
            (Just(parts), proptest::collection::vec(1_i64..5, count))
        })
        .prop_map(|(parts, counts)| Command::Reserve {
            wants: parts.into_iter().zip(counts).collect(),
        });
    let release = any::<usize>().prop_map(|which| Command::Release { which });
    let complete =
        (any::<usize>(), 0_i64..6).prop_map(|(which, used)| Command::Complete { which, used });
    prop_oneof![2 => receive, 1 => adjust, 4 => reserve, 2 => release, 2 => complete]
}

const PARTS: [&str; 3] = ["A", "B", "C"];
const PLACES: [&str; 2] = ["SH", "BJ"];

async fn obey(house: &House, made: &mut Vec<String>, command: Command) {
    match command {
        Command::Receive {
            part,
            place,
            quantity,
        } => {
            house.receive(PARTS[part], PLACES[place], quantity).await;
        }
        // Taking more than is free is refused, which must change nothing.
        Command::Adjust { part, place, delta } => {
            let _ = house.adjust(PARTS[part], PLACES[place], delta).await;
        }
        Command::Reserve { wants: lines } => {
            let lines: Vec<_> = lines
                .into_iter()
                .map(|(part, n)| (PARTS[part], n))
                .collect();
            made.push(house.reserve(wants(&lines)).await.name);
        }
        Command::Release { which } if !made.is_empty() => {
            let _ = house.release(&made[which % made.len()]).await;
        }
        Command::Complete { which, used: count } if !made.is_empty() => {
            let report = vec![used("A", count, "", ""), used("B", count, "", "OLD")];
            let name = &made[which % made.len()];
            house
                .hears("work_order.completed", name, report)
                .await
                .unwrap();
        }
        Command::Release { .. } | Command::Complete { .. } => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sequence_of_commands_breaks_a_law() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..4 {
        let house = house().await;
        for part in PARTS {
            house.part(part, false).await;
        }
        for (place, latitude) in PLACES.into_iter().zip([31.0, 39.0]) {
            house.location(place, latitude).await;
        }
        let sequence = proptest::collection::vec(command(), 40);
        let commands = sequence.new_tree(&mut runner).unwrap().current();
        let mut made = Vec::new();
        for command in commands.clone() {
            obey(&house, &mut made, command).await;
        }
        assert_eq!(house.breaches().await, [], "{commands:?}");
    }
}

/// A store in which every law has something to say, and nothing is wrong.
async fn sound() -> (House, String) {
    let house = house().await;
    house.part("BAT-1", true).await;
    house.location("SH", 31.0).await;
    house.receive_pieces("BAT-1", "SH", &["N1", "N2"]).await;
    let held = house.reserve(wants(&[("BAT-1", 1)])).await;
    assert_eq!(
        (held.state(), house.breaches().await),
        (State::Held, vec![])
    );
    (house, held.name)
}

/// Changes rows behind the service's back, as a fault of the store would.
async fn corrupt(house: &House, sql: &str) {
    let mut tx = chassis::db::begin(&house.admin, "begin").await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!(
        "set local session_replication_role = replica; {sql}"
    )))
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_law_is_named_with_what_breaks_it() {
    let shelf = format!("acme/parts/BAT-1 at {}", location_name("SH"));
    for (law, sql, subject) in [
        (
            "G3_LEDGER_MOVEMENTS_BALANCE",
            "update stock_entries set quantity = 3 where account = 'supplier'",
            None,
        ),
        (
            "G3_BALANCES_EQUAL_LEDGER",
            "update stock_levels set available = 7",
            Some(&shelf),
        ),
        (
            "G3_STOCK_NOT_NEGATIVE",
            "alter table stock_levels drop constraint stock_levels_available_check;
             update stock_levels set available = -1",
            Some(&shelf),
        ),
        (
            "G3_HELD_EQUALS_RESERVATIONS",
            "update reservation_lines set quantity = 2",
            Some(&shelf),
        ),
        (
            "G3_PIECES_EQUAL_BALANCES",
            "delete from part_serials where serial = 'N2'",
            Some(&shelf),
        ),
        (
            "G3_LINES_STAND_WITH_RESERVATION",
            "update reservation_lines set standing = 'SETTLED'",
            None,
        ),
        (
            "G3_HELD_WITHIN_EXPIRY",
            "update reservations set expire_at = now() - interval '1 day'",
            None,
        ),
    ] {
        let (house, held) = sound().await;

        corrupt(&house, sql).await;

        let breaches = house.breaches().await;
        let breach = breaches.iter().find(|b| b.law == law);
        let breach = breach.unwrap_or_else(|| panic!("{law} is not missed: {breaches:?}"));
        match subject {
            Some(subject) => assert_eq!(&breach.subject, subject),
            None if law == "G3_LEDGER_MOVEMENTS_BALANCE" => {
                assert!(
                    breach.subject.starts_with("acme/stockMovements/"),
                    "{breach:?}"
                );
            }
            None => assert_eq!(breach.subject, format!("acme/{held}")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_itself_refuses_changes_and_lopsided_movements() {
    let (house, _) = sound().await;
    for sql in [
        "update stock_entries set quantity = 3 where account = 'supplier'",
        "delete from stock_movements",
        "truncate stock_entries",
        "insert into stock_entries (tenant_id, movement, position, account, quantity)
         select tenant_id, id, 9, 'customer', 1 from stock_movements limit 1",
    ] {
        let refused = sqlx::query(sql).execute(&house.admin).await.unwrap_err();
        let code = refused
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default();
        assert!(code == "23001" || code == "23514", "{sql}: {refused}");
    }
    assert_eq!(house.breaches().await, []);
}
