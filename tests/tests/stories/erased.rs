//! A person is erased: no service tells of them any more, and everything that counts stands.

use proto::channel::v1::{ErasePartyRequest, GetPartyRequest};
use proto::dispatch::v1::WorkOrder;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{AddTicketNoteRequest, CreateTicketRequest, Ticket};
use sqlx::{AssertSqlSafe, PgPool};
use stories::world::{BOSTON_DESKTOP, NOTEBOOK, Report, SERVICES, World, until};
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What is said of or by the customer in this story, each word in one place.
const WORDS: [&str; 12] = [
    "Quillwort",     // title
    "Ragwort",       // description
    "Saltmarsh",     // street
    "Tansy9041",     // postal code
    "Umbrellafern",  // note
    "We look at it", // an agent's answer
    "Works again",   // at closing
    "Lin Yue",       // signature of the visit, and the party's name
    "As I said",     // survey
    "Velvetgrass",   // title of the open ticket
    "Woodruff",      // note on the open ticket
    "30.2741",       // where they live
];

/// (service, table) of every row that shows these words, in plain text or within bytes. Places of
/// technicians and stock are nobody's home.
async fn shown(world: &mut World, words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for service in SERVICES {
        let pool = world.suite().pool_of(service.name);
        for table in tables(&pool, service.name).await {
            let mut conn = pool.acquire().await.unwrap();
            let as_text = sqlx::raw_sql("set bytea_output = escape");
            as_text.execute(&mut *conn).await.unwrap();
            let sql = format!("select count(*) from {table} t where strpos(t::text, $1) > 0");
            let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql)).bind(words);
            if count.fetch_one(&mut *conn).await.unwrap() > 0 {
                found.push(format!("{}.{table}", service.name));
            }
        }
    }
    let places = ["dispatch.technicians", "inventory.stock_locations"];
    found.retain(|table| !places.contains(&table.as_str()));
    found
}

async fn tables(pool: &PgPool, schema: &str) -> Vec<String> {
    let sql = "select table_name::text from information_schema.tables
         where table_schema = $1 and table_type = 'BASE TABLE'";
    let tables = sqlx::query_scalar(sql).bind(schema).fetch_all(pool).await;
    tables.unwrap()
}

/// A report of the customer with words in every field that takes some, told with a request id.
fn report(world: &World, title: &str) -> CreateTicketRequest {
    let mut request = Report::fault(NOTEBOOK, "MEMORY").request(&world.party, world.now());
    let ticket = request.ticket.as_mut().unwrap();
    ticket.title = title.to_owned();
    ticket.description = "Ragwort fell into it".to_owned();
    let address = ticket.site.as_mut().unwrap().address.as_mut().unwrap();
    address.address_lines = vec!["9 Saltmarsh Lane".to_owned()];
    address.postal_code = "Tansy9041".to_owned();
    request.request_id = format!("report {}", title.len());
    request
}

async fn reported(world: &World, request: CreateTicketRequest) -> Result<Ticket, Status> {
    Ok(world.tickets().create_ticket(request).await?.into_inner())
}

async fn noted(world: &World, ticket: &Ticket, text: &str) -> Result<(), Status> {
    let request = AddTicketNoteRequest {
        name: ticket.name.clone(),
        text: text.to_owned(),
        request_id: format!("note {}", text.len()),
        ..Default::default()
    };
    world.tickets().add_ticket_note(request).await.map(drop)
}

async fn erase(world: &World, party: &str) {
    let request = ErasePartyRequest {
        name: party.to_owned(),
        ..Default::default()
    };
    world.parties().erase_party(request).await.unwrap();
}

/// Awaits that all of a ticket is erased wherever it is kept.
async fn erased(world: &World, ticket: &Ticket) -> Ticket {
    until("the ticket is erased everywhere", async || {
        let found = world.ticket(&ticket.name).await;
        let orders = world.work_orders_of(&ticket.name, &[]).await;
        let surveys = world.surveys_of(&found).await;
        let all = found.erase_time.is_some()
            && orders.iter().all(|order| order.erase_time.is_some())
            && surveys.iter().all(|survey| survey.erase_time.is_some());
        all.then_some(found)
            .ok_or_else(|| format!("{orders:?} {surveys:?}"))
    })
    .await
}

fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = answer.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
    status.get_details_error_info().unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_person_is_nowhere_and_every_chain_and_ledger_stands() {
    // Given a customer with a repair behind them and one before them, and words in every place,
    let mut world = World::new().await;
    let first = report(&world, "Quillwort does not start");
    let over = reported(&world, first.clone()).await.unwrap();
    noted(&world, &over, "Umbrellafern called").await.unwrap();
    world.respond(&over).await;
    world.visit(&over).await.repair().await;
    world.confirm(&over).await;
    world.answer_survey(&over, 5).await;
    let second = report(&world, "Velvetgrass again");
    let open = reported(&world, second).await.unwrap();
    noted(&world, &open, "Woodruff is the neighbour")
        .await
        .unwrap();
    world.visit(&open).await;
    for words in WORDS {
        let tables = shown(&mut world, words).await;
        assert!(!tables.is_empty(), "{words} is nowhere to begin with");
    }
    let used = parts_used(&world, &over).await;
    assert!(!used.is_empty());

    // when they are erased,
    let party = world.party.clone();
    erase(&world, &party).await;

    // then the open repair is withdrawn and nothing is held for it,
    let ended = erased(&world, &open).await;
    assert_eq!(ended.state(), State::Cancelled);
    world.nothing_is_held_for(&open).await;
    // the other stays what it was, with what was used for it,
    let done = erased(&world, &over).await;
    assert_eq!(done.state(), State::Closed);
    assert_eq!(parts_used(&world, &over).await, used);
    assert_eq!(world.surveys_of(&over).await[0].score, 5);
    // no word of them is in any table of any service,
    for words in WORDS {
        until("nothing shows it", async || {
            let tables = shown(&mut world, words).await;
            let none = tables.is_empty();
            none.then_some(())
                .ok_or_else(|| format!("{words} in {tables:?}"))
        })
        .await;
    }
    // nobody acts for them or on what they asked,
    let request = GetPartyRequest {
        name: party.clone(),
    };
    assert_eq!(
        reason(world.parties().get_party(request).await),
        "PARTY_ERASED"
    );
    assert_eq!(reason(reported(&world, first).await), "ANSWER_ERASED");
    let later = Report::fault(NOTEBOOK, "MEMORY").request(&party, world.now());
    assert_eq!(reason(reported(&world, later).await), "CUSTOMER_ERASED");
    assert_eq!(
        reason(noted(&world, &over, "Once more").await),
        "TICKET_ERASED"
    );
    // and every chain, ledger and count verifies.
    world.verify().await;
}

async fn parts_used(world: &World, ticket: &Ticket) -> Vec<(String, i64, String)> {
    let orders = world.work_orders_of(&ticket.name, &[]).await;
    let used = orders
        .iter()
        .flat_map(|order: &WorkOrder| &order.parts_used);
    used.map(|part| (part.part.clone(), part.quantity, part.new_serial.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_down_erases_when_it_is_back() {
    let mut world = World::new().await;
    let ticket = reported(&world, report(&world, "Quillwort")).await.unwrap();
    world.visit(&ticket).await;
    world.stop("dispatch").await;
    let party = world.party.clone();

    erase(&world, &party).await;
    world
        .await_ticket(&ticket.name, "the ticket is erased", |ticket| {
            ticket.erase_time.is_some()
        })
        .await;
    world.start("dispatch").await;

    erased(&world, &ticket).await;
    world.nothing_is_held_for(&ticket).await;
    until("no street is left", async || {
        let tables = shown(&mut world, "Saltmarsh").await;
        let none = tables.is_empty();
        none.then_some(()).ok_or_else(|| format!("{tables:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_still_tells_of_somebody_is_named() {
    // Given a person who was erased while somebody else was not,
    let world = World::new().await;
    let ticket = reported(&world, report(&world, "Quillwort")).await.unwrap();
    let stays = world.report(BOSTON_DESKTOP, "DISPLAY").await;
    world.visit(&ticket).await;
    world
        .corrupt("update ticket.tickets set party_id = null where serial_number like '%BOS%'")
        .await;
    let party = world.party.clone();
    erase(&world, &party).await;
    erased(&world, &ticket).await;
    world.nothing_is_held_for(&ticket).await;
    world.corrupt("update ticket.tickets set erased_at = erased_at - interval '2 minutes' where erased_at is not null").await;
    world.corrupt("update channel.parties set erased_at = erased_at - interval '2 minutes' where erased_at is not null").await;
    let (holds, words) = world.told_by_verify();
    assert!(holds, "{words}");

    // when a work order and a ticket of theirs come back, as from an old copy of the tables,
    world
        .corrupt("update dispatch.work_orders set erased_at = null where erased_at is not null")
        .await;

    // then the ticket and the service are named, and nobody else.
    let (holds, words) = world.told_by_verify();
    assert!(!holds);
    let id = ticket.name.trim_start_matches("tickets/");
    let named = words
        .lines()
        .skip_while(|line| !line.contains("NOBODY_TELLS_OF_THE_ERASED  1 breach"));
    let named: Vec<&str> = named.take(2).collect();
    assert!(
        named
            .iter()
            .any(|line| line.contains(id) && line.contains("dispatch")),
        "{words}"
    );
    assert!(
        !words.contains(stays.name.trim_start_matches("tickets/")),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_exported_and_then_erased() {
    // Given a customer with a repair behind them,
    let mut world = World::new().await;
    let ticket = reported(&world, report(&world, "Quillwort")).await.unwrap();
    noted(&world, &ticket, "Umbrellafern called").await.unwrap();
    world.visit(&ticket).await.repair().await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    let party = world.party.clone();

    // when they ask for all that is kept of them,
    let (code, copy) = world.commands(&["export-person", &party]);

    // then it is told, from every service;
    assert_eq!(code, Some(0));
    assert_eq!(copy["party"]["displayName"], "Lin Yue");
    let case = &copy["tickets"][0];
    assert_eq!(case["ticket"]["title"], "Quillwort");
    let said: Vec<&str> = case["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect();
    assert!(said.contains(&"Umbrellafern called"), "{said:?}");
    assert_eq!(case["workOrders"][0]["signature"], "Lin Yue");
    assert_eq!(case["surveys"][0]["comment"], "As I said.");
    assert_eq!(case["reservations"].as_array().unwrap().len(), 1);
    assert!(copy["assets"].as_array().is_some());

    // asked whether to erase, nothing happens before somebody says yes;
    let (code, plan) = world.commands(&["erase-person", &party]);
    assert_eq!((code, &plan["tickets"]), (Some(1), &serde_json::json!(1)));
    assert_eq!(world.ticket(&ticket.name).await.title, "Quillwort");
    let (code, done) = world.commands(&["erase-person", &party, "--yes"]);
    assert_eq!(code, Some(0), "{done}");
    assert_eq!(done["ticketsErased"], 1);

    // and then there is nothing to tell.
    let (code, said) = world.commands(&["export-person", &party]);
    assert_eq!(code, Some(1));
    assert!(
        said["error"].as_str().unwrap().contains("was erased"),
        "{said}"
    );
}
