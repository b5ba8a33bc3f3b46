//! A well-formed request for every RPC, in an order in which none takes away what a later one
//! needs. An RPC that is not here fails the test.

use serde_json::{Value, json};
use stories::world::seeds::{NOTEBOOK_MODEL, ZHEJIANG, site_of};
use stories::world::{NOTEBOOK, Report};

use super::owned::{NOWHERE, Owned, PARTNER};

/// What a request does with what is there, and so how a stranger is answered.
pub(super) enum About {
    /// It names something, that is not there for a stranger: the name, and one that is nobody's.
    Named(String, String),
    /// It makes something, which is not permitted to a stranger.
    Made,
    /// It lists; this is in no stranger's list.
    Listed(String),
}

/// One RPC asked about what is [`Owned`].
pub(super) struct Asked {
    pub(super) rpc: &'static str,
    pub(super) body: Value,
    pub(super) about: About,
}

fn asked(rpc: &'static str, about: About, body: Value) -> Asked {
    Asked { rpc, body, about }
}

/// Something by the name it has, whose identifier is looked for where nothing is.
fn named(name: &str) -> About {
    let at = name.find('/').map_or(0, |stroke| stroke + 1);
    let collection = &name[..at];
    let rest = name[at..]
        .find('/')
        .map_or("", |stroke| &name[at + stroke..]);
    About::Named(name.to_owned(), format!("{collection}{NOWHERE}{rest}"))
}

/// Something known by a code.
fn coded(name: &str) -> About {
    let collection = name.find('/').map_or("", |stroke| &name[..=stroke]);
    About::Named(name.to_owned(), format!("{collection}NONE"))
}

fn listed(text: &str) -> About {
    About::Listed(text.to_owned())
}

/// All of them.
pub(super) fn all(owned: &Owned) -> Vec<Asked> {
    let mut all = parties_and_devices(owned);
    all.extend(stock(owned));
    all.extend(technicians_and_visits(owned));
    all.extend(feedback(owned));
    all.extend(tickets(owned));
    let party = &owned.party;
    all.push(asked(
        "PartyService/EraseParty",
        named(party),
        json!({ "name": party }),
    ));
    all
}

fn parties_and_devices(owned: &Owned) -> Vec<Asked> {
    use About::Made;
    let (party, asset, contract) = (&owned.party, &owned.asset, &owned.contract);
    let day = |months| owned.world.months_ago(months).to_string();
    let device = json!({
        "serialNumber": "SN-NEW", "product": NOTEBOOK_MODEL, "category": "NOTEBOOK",
        "owner": party, "facts": { "saleDate": day(1) }, "region": ZHEJIANG,
    });
    let signed = json!({
        "policy": "business-next-business-day", "assets": [asset],
        "start": day(1), "end": day(-11), "holder": party,
    });
    let person = json!({
        "displayName": "Zhou Na", "email": "zhou.na@example.com", "region": ZHEJIANG,
    });
    let renamed = json!({ "name": party, "displayName": "Lin Yue" });
    let fault = json!({
        "serialNumber": NOTEBOOK, "on": day(1), "site": { "region": ZHEJIANG },
    });
    let policy = "warrantyPolicies/xiaomi-notebook@1";
    vec![
        asked(
            "PartyService/GetParty",
            named(party),
            json!({ "name": party }),
        ),
        asked("PartyService/ListParties", listed(party), json!({})),
        asked(
            "PartyService/UpdateParty",
            named(party),
            json!({ "party": renamed, "updateMask": "displayName" }),
        ),
        asked("PartyService/CreateParty", Made, json!({ "party": person })),
        asked(
            "AssetService/GetAsset",
            named(asset),
            json!({ "name": asset }),
        ),
        asked("AssetService/ListAssets", listed(asset), json!({})),
        asked(
            "AssetService/RegisterAsset",
            Made,
            json!({ "asset": device }),
        ),
        asked(
            "ContractService/GetContract",
            named(contract),
            json!({ "name": contract }),
        ),
        asked("ContractService/ListContracts", listed(contract), json!({})),
        // A contract is of its maker's region; what a stranger has not is the device.
        asked(
            "ContractService/CreateContract",
            named(asset),
            json!({ "contract": signed }),
        ),
        asked(
            "EntitlementService/CheckEntitlement",
            coded(NOTEBOOK),
            fault,
        ),
        asked(
            "PolicyService/GetWarrantyPolicy",
            coded(policy),
            json!({ "name": policy }),
        ),
        asked(
            "PolicyService/ListWarrantyPolicies",
            listed(policy),
            json!({}),
        ),
    ]
}

fn stock(owned: &Owned) -> Vec<Asked> {
    use About::Made;
    let [kept, returned] = &owned.reservations;
    let (hangzhou, keyboard) = ("stockLocations/HANGZHOU", "parts/KBD-14");
    let wanted = json!({
        "ticket": "tickets/01890000-0000-7000-8000-0000000000b1", "step": "PARTS",
        "lines": [{ "part": keyboard, "quantity": "1" }], "region": ZHEJIANG,
    });
    let tomorrow = owned.world.now() + jiff::SignedDuration::from_hours(72);
    let extended = json!({ "name": kept, "expireTime": tomorrow.to_string() });
    let part = json!({ "number": "NEW-1", "title": "Hinge", "component": "HINGE" });
    let place = json!({ "code": "NEW", "kind": "DEPOT", "title": "Depot", "region": ZHEJIANG });
    let arrived = json!({ "location": hangzhou, "part": keyboard, "quantity": "1" });
    let counted = json!({
        "location": hangzhou, "part": keyboard, "delta": "1", "reason": "counted",
    });
    let fitting = json!({ "product": NOTEBOOK_MODEL, "component": "KEYBOARD" });
    vec![
        asked(
            "PartService/GetPart",
            coded(keyboard),
            json!({ "name": keyboard }),
        ),
        asked("PartService/ListParts", listed(keyboard), json!({})),
        asked("PartService/FindPartsForAsset", listed(keyboard), fitting),
        asked("PartService/CreatePart", Made, json!({ "part": part })),
        asked(
            "StockService/ListStockLocations",
            listed(hangzhou),
            json!({}),
        ),
        asked(
            "StockService/GetStockLevels",
            listed(hangzhou),
            json!({ "part": keyboard }),
        ),
        asked(
            "StockService/ListStockMovements",
            listed(&owned.movement),
            json!({}),
        ),
        asked(
            "StockService/CreateStockLocation",
            Made,
            json!({ "stockLocation": place }),
        ),
        asked("StockService/ReceiveStock", coded(hangzhou), arrived),
        asked("StockService/AdjustStock", coded(hangzhou), counted),
        asked(
            "ReservationService/GetReservation",
            named(kept),
            json!({ "name": kept }),
        ),
        asked(
            "ReservationService/ListReservations",
            listed(kept),
            json!({}),
        ),
        asked("ReservationService/ReserveParts", Made, wanted),
        asked(
            "ReservationService/ExtendReservation",
            named(kept),
            extended,
        ),
        asked(
            "ReservationService/CommitReservation",
            named(kept),
            json!({ "name": kept }),
        ),
        asked(
            "ReservationService/ReleaseReservation",
            named(returned),
            json!({ "name": returned }),
        ),
    ]
}

fn technicians_and_visits(owned: &Owned) -> Vec<Asked> {
    use About::Made;
    let (technician, visit, spare) = (
        &owned.technician,
        &owned.work_order,
        &owned.spare_work_order,
    );
    let of_visit = || named(visit);
    let site = proto::to_json(&site_of(NOTEBOOK)).unwrap();
    let hired = json!({
        "code": "NEW", "displayName": "Zheng He", "partner": PARTNER, "region": ZHEJIANG,
        "homeLatitude": 30.0, "homeLongitude": 120.0, "timeZone": "Asia/Shanghai",
    });
    let renamed = json!({ "name": technician, "displayName": "Qian Feng" });
    let order = json!({
        "ticket": "tickets/01890000-0000-7000-8000-0000000000b2", "step": "VISIT",
        "mode": "ON_SITE", "site": site, "region": ZHEJIANG, "party": owned.party,
    });
    let booked = json!({
        "workOrder": visit, "technician": technician, "startTime": owned.start,
    });
    let done = json!({
        "name": visit, "outcome": "COMPLETED", "report": "Replaced.", "signature": "Lin Yue",
    });
    let given = json!({ "name": visit, "technician": technician });
    let off = json!({ "name": spare, "reason": "not needed" });
    vec![
        asked(
            "TechnicianService/GetTechnician",
            named(technician),
            json!({ "name": technician }),
        ),
        asked(
            "TechnicianService/ListTechnicians",
            listed(technician),
            json!({}),
        ),
        asked(
            "TechnicianService/UpdateTechnician",
            named(technician),
            json!({ "technician": renamed, "updateMask": "displayName" }),
        ),
        asked(
            "TechnicianService/CreateTechnician",
            Made,
            json!({ "technician": hired }),
        ),
        asked(
            "WorkOrderService/GetWorkOrder",
            of_visit(),
            json!({ "name": visit }),
        ),
        asked("WorkOrderService/ListWorkOrders", listed(visit), json!({})),
        asked("WorkOrderService/CreateWorkOrder", Made, order),
        asked(
            "AppointmentService/FindSlots",
            of_visit(),
            json!({ "workOrder": visit }),
        ),
        asked("AppointmentService/BookAppointment", of_visit(), booked),
        asked("WorkOrderService/AssignWorkOrder", of_visit(), given),
        asked(
            "WorkOrderService/DepartWorkOrder",
            of_visit(),
            json!({ "name": visit }),
        ),
        asked(
            "WorkOrderService/ArriveWorkOrder",
            of_visit(),
            json!({ "name": visit }),
        ),
        asked(
            "WorkOrderService/StartWorkOrder",
            of_visit(),
            json!({ "name": visit }),
        ),
        asked("WorkOrderService/CompleteWorkOrder", of_visit(), done),
        asked("WorkOrderService/CancelWorkOrder", named(spare), off),
    ]
}

fn feedback(owned: &Owned) -> Vec<Asked> {
    let survey = &owned.survey;
    let by_region = json!({ "subjectKind": "REGION" });
    vec![
        asked("SurveyService/ListSurveys", listed(survey), json!({})),
        asked(
            "SurveyService/IssueSurveyLink",
            named(survey),
            json!({ "name": survey }),
        ),
        asked(
            "ScorecardService/ListScorecards",
            listed(ZHEJIANG),
            by_region,
        ),
    ]
}

fn tickets(owned: &Owned) -> Vec<Asked> {
    let ticket = &owned.ticket.name;
    let [moved, refused] = [&owned.inquiries[0].name, &owned.inquiries[1].name];
    let [(agreed, offer), (declined, other_offer)] = &owned.quotes;
    let report = Report::fault(NOTEBOOK, "MEMORY").request(&owned.party, owned.world.now());
    let renamed = json!({ "name": ticket, "title": "Does not start at all" });
    let of_ticket = |rpc, body| asked(rpc, named(ticket), body);
    let of_moved = |rpc, body| asked(rpc, named(moved), body);
    let it = || json!({ "name": ticket });
    let moved_on = || json!({ "name": moved });
    let because = |name: &str| json!({ "name": name, "reason": "as agreed" });
    // An offer's name begins with its ticket's, and that is what is not there.
    let of_offer = |rpc, ticket: &str, body| asked(rpc, named(ticket), body);
    let price = json!({ "currencyCode": "CNY", "units": "100" });
    let line = json!({ "description": "Memory", "quantity": 1, "unitPrice": price });
    let made = json!({ "parent": agreed, "quote": { "lines": [line] } });
    vec![
        of_ticket("TicketService/GetTicket", it()),
        asked("TicketService/ListTickets", listed(ticket), json!({})),
        of_ticket("TicketService/ListTicketEvents", it()),
        of_ticket("TicketService/ExportTicketHistory", it()),
        of_ticket("TicketService/ExplainClocks", it()),
        of_ticket(
            "TicketService/AddTicketNote",
            json!({ "name": ticket, "text": "Hello." }),
        ),
        of_ticket(
            "TicketService/UpdateTicket",
            json!({ "ticket": renamed, "updateMask": "title" }),
        ),
        asked(
            "TicketService/CreateTicket",
            About::Made,
            proto::to_json(&report).unwrap(),
        ),
        of_moved(
            "TicketService/AssignTicket",
            json!({ "name": moved, "assignee": "users/8" }),
        ),
        of_moved("TicketService/RespondToTicket", moved_on()),
        of_moved("TicketService/StartTicket", moved_on()),
        of_moved(
            "TicketService/PauseTicket",
            json!({ "name": moved, "reason": "WAITING_CUSTOMER" }),
        ),
        of_moved("TicketService/ResumeTicket", moved_on()),
        of_moved(
            "TicketService/ResolveTicket",
            json!({ "name": moved, "resolution": "The black one." }),
        ),
        of_moved("TicketService/CloseTicket", moved_on()),
        of_moved("TicketService/ReopenTicket", because(moved)),
        of_moved("TicketService/CancelTicket", because(moved)),
        asked(
            "TicketService/RejectTicket",
            named(refused),
            because(refused),
        ),
        of_offer("QuoteService/GetQuote", agreed, json!({ "name": offer })),
        of_offer(
            "QuoteService/ListQuotes",
            agreed,
            json!({ "parent": agreed }),
        ),
        of_offer(
            "QuoteService/ApproveQuote",
            agreed,
            json!({ "name": offer }),
        ),
        of_offer(
            "QuoteService/DeclineQuote",
            declined,
            json!({ "name": other_offer }),
        ),
        of_offer("QuoteService/CreateQuote", agreed, made),
    ]
}
