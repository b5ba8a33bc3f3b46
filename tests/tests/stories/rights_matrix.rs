//! Every line of the reviewed table of rights, asked of the running services with requests that
//! could be granted: what is somebody's own is not refused, what is a stranger's is not there.

#[path = "rights_matrix/asking.rs"]
mod asking;
#[path = "rights_matrix/beside.rs"]
mod beside;
#[path = "rights_matrix/owned.rs"]
mod owned;
#[path = "rights_matrix/requests.rs"]
mod requests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tonic::{Code, Status};

use self::asking::ask;
use self::owned::Owned;
use self::requests::{About, Asked};
use crate::rights::reason;

const TABLE: &str = include_str!("../../../policies/authz/matrix.csv");

/// What nobody can be a stranger to: (RPC, column), and why.
const NEVER_FOREIGN: [(&str, &str); 3] = [
    // A report is its caller's organisation's, whatever it says.
    ("TicketService/CreateTicket", "partner"),
    // Policies are the program's, the same for every tenant.
    ("PolicyService/GetWarrantyPolicy", "tenant"),
    ("PolicyService/ListWarrantyPolicies", "tenant"),
];

/// What may be called off before it is there: a name that nobody knows is then nobody's, and a
/// stranger's refusal differs from that answer.
const WITHDRAWABLE: [&str; 2] = [
    "WorkOrderService/CancelWorkOrder",
    "ReservationService/ReleaseReservation",
];

/// One cell of the table.
#[derive(Clone, Debug)]
struct Cell {
    role: &'static str,
    column: &'static str,
    yes: bool,
}

/// The cells of each RPC that say yes or no.
fn reviewed() -> BTreeMap<&'static str, Vec<Cell>> {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().split(',').skip(2).collect();
    let mut rights = BTreeMap::<_, Vec<Cell>>::new();
    for line in lines {
        let mut words = line.split(',');
        let (rpc, role) = (words.next().unwrap(), words.next().unwrap());
        if role == "public" {
            continue;
        }
        let cells = columns.iter().zip(words).filter(|(_, word)| *word != "-");
        let cells = cells.map(|(column, word)| Cell {
            role,
            column,
            yes: word == "yes",
        });
        rights.entry(rpc).or_default().extend(cells);
    }
    rights
}

/// The RPCs in the order they are asked in, each with its cells.
fn questions(owned: &Owned) -> Vec<(Asked, Vec<Cell>)> {
    let mut rights = reviewed();
    for (rpc, column) in NEVER_FOREIGN {
        let cells = rights.get_mut(rpc).unwrap();
        let before = cells.len();
        cells.retain(|cell| cell.column != column || cell.yes);
        assert!(cells.len() < before, "{rpc} {column} is no exception");
    }
    let asked = requests::all(owned).into_iter().map(|asked| {
        let cells = rights.remove(asked.rpc);
        let cells = cells.unwrap_or_else(|| panic!("{} is not in the table, or twice", asked.rpc));
        (asked, cells)
    });
    let asked = asked.collect();
    assert!(
        rights.is_empty(),
        "requests.rs has none for {:?}",
        rights.keys()
    );
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_a_strangers_is_not_there_and_what_is_refused_changes_nothing() {
    // Given one of everything, and what each caller hears of names that are nobody's,
    let mut owned = Owned::new().await;
    let questions = questions(&owned);
    let mut absent = BTreeMap::new();
    for (asked, cells) in &questions {
        let About::Named(name, nobodys) = &asked.about else {
            continue;
        };
        let body = replaced(&asked.body, name, nobodys);
        for Cell { role, column, .. } in cells.iter().filter(|cell| !cell.yes) {
            let stranger = owned.stranger(role, column);
            let answer = ask(&mut owned.world, &stranger, asked.rpc, &body).await;
            absent.insert((asked.rpc, *role, *column), told(&answer));
        }
    }
    owned.comes_to_rest().await;
    let before = owned.rows().await;

    // when strangers ask for what is there,
    let (mut count, mut wrong) = (0, Vec::new());
    for (asked, cells) in &questions {
        for cell in cells.iter().filter(|cell| !cell.yes) {
            let stranger = owned.stranger(cell.role, cell.column);
            let answer = ask(&mut owned.world, &stranger, asked.rpc, &asked.body).await;
            let nothing = absent.get(&(asked.rpc, cell.role, cell.column));
            if let Err(why) = hidden(asked, cell, &answer, nothing) {
                wrong.push(format!("{} {cell:?}: {why}", asked.rpc));
            }
            count += 1;
        }
    }

    // then they hear what they hear of what is not there, and nothing has changed.
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 450, "only {count} questions");
    owned.comes_to_rest().await;
    let after = owned.rows().await;
    assert!(before.len() > 25, "only {} tables", before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ones_own_is_refused_to_nobody_whom_the_table_permits_it() {
    // Given one of everything,
    let mut owned = Owned::new().await;
    let questions = questions(&owned);

    // when those ask whom the table permits it, also where it is another's in one thing,
    let (mut done, mut wrong) = (BTreeSet::new(), Vec::new());
    let mut count = 0;
    for (asked, cells) in &questions {
        let mut callers = BTreeSet::new();
        for cell in cells.iter().filter(|cell| cell.yes) {
            let caller = owned.stranger(cell.role, cell.column);
            // Who is nothing in a column asks there what it asked before.
            if !callers.insert(format!("{caller:?}")) {
                continue;
            }
            let answer = ask(&mut owned.world, &caller, asked.rpc, &asked.body).await;
            match granted(asked, &answer) {
                Ok(true) => _ = done.insert(asked.rpc),
                Ok(false) => {}
                Err(why) => wrong.push(format!("{} {cell:?}: {why}", asked.rpc)),
            }
            count += 1;
        }
    }

    // then nobody is refused for want of a right, and everything was done by somebody.
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 300, "only {count} questions");
    let asked = questions.iter().map(|(asked, _)| asked.rpc);
    let never: Vec<&str> = asked.filter(|rpc| !done.contains(rpc)).collect();
    assert!(never.is_empty(), "nobody got an answer to {never:?}");
}

/// Whether a stranger heard nothing of it.
fn hidden(
    asked: &Asked,
    cell: &Cell,
    answer: &Result<Value, Status>,
    nothing: Option<&String>,
) -> Result<(), String> {
    let heard = told(answer);
    let is = |so: bool| so.then_some(()).ok_or_else(|| heard.clone());
    match &asked.about {
        About::Named(name, nobodys) => {
            let nothing = nothing.expect("asked before");
            let same = heard.replace(name, nobodys) == *nothing;
            match answer {
                Err(status) if status.code() == Code::NotFound => {
                    let apart = WITHDRAWABLE.contains(&asked.rpc) && cell.column == "region";
                    is(same || apart)
                }
                Ok(_) => is(same && WITHDRAWABLE.contains(&asked.rpc)),
                Err(_) => is(false),
            }
        }
        // What a caller of another tenant makes is of that tenant; ours has nothing of it.
        About::Made if cell.column == "tenant" => Ok(()),
        About::Made => {
            let status = answer.as_ref().err();
            let denied = status.filter(|status| status.code() == Code::PermissionDenied);
            is(denied.is_some_and(|status| reason(status) == "NOT_PERMITTED"))
        }
        About::Listed(row) => is(answer.is_ok() && !heard.contains(row)),
    }
}

/// Whether it was done; refused for what it is and not for who asks is as good.
fn granted(asked: &Asked, answer: &Result<Value, Status>) -> Result<bool, String> {
    match answer {
        Ok(answer) => match &asked.about {
            About::Listed(row) if !answer.to_string().contains(row) => {
                Err(format!("{row} is not listed"))
            }
            _ => Ok(true),
        },
        Err(status) => match status.code() {
            Code::FailedPrecondition | Code::AlreadyExists => Ok(false),
            _ => Err(told(&Err(status.clone()))),
        },
    }
}

/// Everything an answer says but when it was made.
fn told(answer: &Result<Value, Status>) -> String {
    match answer {
        Ok(answer) => {
            let mut answer = answer.clone();
            if let Some(fields) = answer.as_object_mut() {
                fields.remove("createTime");
            }
            answer.to_string()
        }
        Err(status) => {
            let details = tonic_types::StatusExt::get_error_details(status);
            format!("{:?} {}: {details:?}", status.code(), status.message())
        }
    }
}

fn replaced(body: &Value, name: &str, other: &str) -> Value {
    serde_json::from_str(&body.to_string().replace(name, other)).unwrap()
}
