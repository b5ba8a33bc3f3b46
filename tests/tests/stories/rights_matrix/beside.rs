//! What the table has no column for: side doors past a wall, and fields of what is one's own.

use serde_json::{Value, json};
use stories::world::seeds::{MASSACHUSETTS, ZHEJIANG, site_of};
use stories::world::{BOSTON_DESKTOP, NOTEBOOK};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::asking::ask;
use super::owned::{NOWHERE, Owned};
use super::told;
use crate::rights::reason;

fn refused(answer: Result<Value, Status>, code: Code) -> Status {
    let status = answer.expect_err("it is refused");
    assert_eq!(status.code(), code, "{status:?}");
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn no_side_door_leads_from_one_region_into_another() {
    // Given visits and reservations in Zhejiang, and people bound to Massachusetts,
    let mut owned = Owned::new().await;
    let dispatcher = owned.stranger("dispatcher", "region");
    let keeper = owned.stranger("stock_keeper", "region");
    let site = proto::to_json(&site_of(BOSTON_DESKTOP)).unwrap();
    let order = |ticket: &str, name: &str| {
        json!({
            "name": name, "ticket": ticket, "step": "VISIT", "mode": "ON_SITE", "site": site,
            "region": MASSACHUSETTS,
        })
    };
    let taken = "tickets/01890000-0000-7000-8000-0000000000a3";
    let free = "tickets/01890000-0000-7000-8000-0000000000c1";

    // when these ask for a step that has its answer there, by step or by name,
    let create = "WorkOrderService/CreateWorkOrder";
    let spare = owned.spare_work_order.clone();
    for body in [order(taken, ""), order(taken, &spare), order(free, &spare)] {
        let answer = ask(&mut owned.world, &dispatcher, create, &body).await;
        let status = refused(answer, Code::PermissionDenied);
        // then they do not get it.
        assert_eq!(reason(&status), "NOT_PERMITTED");
    }
    let wanted = json!({
        "ticket": "tickets/01890000-0000-7000-8000-0000000000a1", "step": "PARTS",
        "lines": [{ "part": "parts/FAN-7", "quantity": "1" }], "region": MASSACHUSETTS,
    });
    let reserve = "ReservationService/ReserveParts";
    let answer = ask(&mut owned.world, &keeper, reserve, &wanted).await;
    refused(answer, Code::PermissionDenied);

    // A visit of their own is given to nobody there,
    let own = ask(&mut owned.world, &dispatcher, create, &order(free, "")).await;
    let own = own.unwrap()["name"].as_str().unwrap().to_owned();
    let (assign, book) = (
        "WorkOrderService/AssignWorkOrder",
        "AppointmentService/BookAppointment",
    );
    let (there, nobody) = (owned.technician.clone(), format!("technicians/{NOWHERE}"));
    let mut heard = Vec::new();
    for technician in [&there, &nobody] {
        let given = json!({ "name": own, "technician": technician });
        let answer = ask(&mut owned.world, &dispatcher, assign, &given).await;
        heard.push(told(&Err(refused(answer, Code::NotFound))).replace(&there, &nobody));
        let booked = json!({
            "workOrder": own, "technician": technician, "startTime": owned.start,
        });
        let answer = ask(&mut owned.world, &dispatcher, book, &booked).await;
        heard.push(told(&Err(refused(answer, Code::NotFound))).replace(&there, &nobody));
    }
    assert_eq!(heard[..2], heard[2..], "as if he were not there");

    // an unsigned completion is no question about whose visit it is,
    let technician = owned.stranger("technician", "technician");
    let unsigned = json!({
        "name": owned.work_order, "outcome": "COMPLETED", "report": "Replaced.",
    });
    let complete = "WorkOrderService/CompleteWorkOrder";
    let answer = ask(&mut owned.world, &technician, complete, &unsigned).await;
    refused(answer, Code::NotFound);

    // and what is withdrawn before it is made may be withdrawn again.
    let early = json!({ "name": format!("reservations/{NOWHERE}") });
    for _ in 0..2 {
        let release = "ReservationService/ReleaseReservation";
        let answer = ask(&mut owned.world, &keeper, release, &early).await;
        assert_eq!(answer.unwrap()["state"], "RELEASED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_neither_ranks_its_ticket_nor_asks_after_anothers_device() {
    // Given a customer's ticket,
    let mut owned = Owned::new().await;
    let (customer, agent) = (owned.owner("customer"), owned.owner("agent"));
    let (update, mask) = ("TicketService/UpdateTicket", "title,impact,urgency,queue");
    let changed = json!({
        "name": owned.ticket.name, "title": "On fire", "impact": 1, "urgency": 1, "queue": "now",
    });
    let body = json!({ "ticket": changed, "updateMask": mask });

    // when the customer says how grave it is and who shall take it up, that is refused by name;
    let answer = ask(&mut owned.world, &customer, update, &body).await;
    let status = refused(answer, Code::PermissionDenied);
    assert_eq!(reason(&status), "NOT_PERMITTED");
    let details = status.get_error_details();
    let metadata = &details.error_info().unwrap().metadata;
    assert_eq!(metadata["fields"], "impact,queue,urgency");
    let stands = owned.world.ticket(&owned.ticket.name).await;
    assert_eq!(stands.title, owned.ticket.title, "nothing is half done");

    // an agent may.
    let done = ask(&mut owned.world, &agent, update, &body).await.unwrap();
    assert_eq!(done["queue"], "now");

    // Given a device of a customer and one of nobody, when another customer asks what is owed,
    let today = owned.world.months_ago(0).to_string();
    let check = |serial: &str| json!({ "serialNumber": serial, "on": today, "site": { "region": ZHEJIANG } });
    let sold = json!({
        "serialNumber": "SN-SHELF", "product": "NB-14", "category": "NOTEBOOK",
        "facts": { "saleDate": owned.world.months_ago(1).to_string() }, "region": ZHEJIANG,
    });
    let register = "AssetService/RegisterAsset";
    let shelf = ask(
        &mut owned.world,
        &agent,
        register,
        &json!({ "asset": sold }),
    )
    .await;
    shelf.unwrap();
    let other = owned.stranger("customer", "customer");
    let rpc = "EntitlementService/CheckEntitlement";
    let anothers = ask(&mut owned.world, &other, rpc, &check(NOTEBOOK)).await;
    let none = ask(&mut owned.world, &other, rpc, &check("SN-NONE")).await;

    // then the first is as unknown as a number that is nowhere, and the second is answered.
    assert_eq!(reason(anothers.as_ref().unwrap_err()), "ASSET_UNKNOWN");
    assert_eq!(told(&anothers).replace(NOTEBOOK, "SN-NONE"), told(&none));
    let shelf = ask(&mut owned.world, &other, rpc, &check("SN-SHELF")).await;
    assert!(shelf.is_ok(), "{shelf:?}");
    let own = ask(&mut owned.world, &customer, rpc, &check(NOTEBOOK)).await;
    assert!(own.is_ok(), "{own:?}");
}
