//! Who may do what, asked of the running services.

use std::collections::{BTreeMap, BTreeSet};

use chassis::testing::agent;
use chassis::{Caller, TenantId};
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use proto::ticket::v1::{
    AddTicketNoteRequest, CancelTicketRequest, CreateTicketRequest, GetTicketRequest,
    ListTicketEventsRequest, ListTicketsRequest,
};
use stories::world::{NOTEBOOK, World};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

/// The reviewed table: RPC ("TicketService/GetTicket") → roles that may call it at all.
fn reviewed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let table = include_str!("../../../policies/authz/matrix.csv");
    let lines = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    let mut rights = BTreeMap::<_, BTreeSet<_>>::new();
    for line in lines {
        let mut cells = line.split(',');
        let (rpc, role) = (cells.next().unwrap(), cells.next().unwrap());
        rights.entry(rpc).or_default().insert(role);
    }
    rights
}

/// The service of the suite that an RPC belongs to, with the RPC's whole path.
pub(super) fn place_of(rpc: &str) -> (&'static str, PathAndQuery) {
    let domain = match rpc.split('/').next().unwrap() {
        "TicketService" | "QuoteService" => "ticket",
        "PartService" | "StockService" | "ReservationService" => "inventory",
        "TechnicianService" | "WorkOrderService" | "AppointmentService" => "dispatch",
        "SurveyService" | "ScorecardService" => "feedback",
        "PartyService" => "channel",
        _ => "entitlement",
    };
    (
        domain,
        format!("/fettle.{domain}.v1.{rpc}").parse().unwrap(),
    )
}

/// A caller that has one role, or is that service, and what belongs to it.
pub(super) fn caller(role: &str, party: &str) -> Caller {
    let technician = "technicians/01890000-0000-7000-8000-000000000001";
    let partner = role.starts_with("partner_");
    Caller {
        principal: match role {
            "technician" | "partner_technician" => technician.to_owned(),
            service if service.starts_with("services/") => service.to_owned(),
            _ => "users/9".to_owned(),
        },
        roles: vec![
            role.split('/')
                .next()
                .unwrap()
                .replace("services", "service"),
        ],
        customer: (role == "customer").then(|| party.to_owned()),
        partner: partner.then(|| "organizations/1".to_owned()),
        ..agent()
    }
}

const ROLES: [&str; 11] = [
    "customer",
    "agent",
    "supervisor",
    "dispatcher",
    "technician",
    "stock_keeper",
    "partner_admin",
    "partner_technician",
    "auditor",
    "admin",
    "services/ticket",
];

pub(super) fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info();
    info.map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rpc_refuses_every_role_that_the_reviewed_table_does_not_name() {
    let mut world = World::new().await;
    let (party, mut asked) = (world.party.clone(), 0);
    for (rpc, roles) in reviewed() {
        if roles.contains("public") {
            continue;
        }
        let (service, path) = place_of(rpc);
        for role in ROLES {
            // An empty request: what is refused is refused before anything of it is looked at.
            let peer = world.suite().peer_as(service, &caller(role, &party));
            let mut client = tonic::client::Grpc::new(peer);
            client.ready().await.unwrap();
            let codec = tonic_prost::ProstCodec::<(), ()>::default();
            let answer = client.unary(Request::new(()), path.clone(), codec).await;
            let refused = answer.err();
            let code = refused.as_ref().map_or(Code::Ok, Status::code);
            if roles.contains(role) {
                assert_ne!(code, Code::PermissionDenied, "{rpc} as {role}: {refused:?}");
                assert_ne!(code, Code::Unimplemented, "{rpc}");
            } else {
                assert_eq!(code, Code::PermissionDenied, "{rpc} as {role}: {refused:?}");
                assert_eq!(reason(&refused.unwrap()), "NOT_PERMITTED");
            }
            asked += 1;
        }
    }
    assert!(asked > 700, "only {asked} questions");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_somebody_elses_is_not_there() {
    // Given a customer's ticket in Zhejiang,
    let mut world = World::new().await;
    let ticket = world.report(NOTEBOOK, "MEMORY").await;
    world.visit(&ticket).await;
    let own = caller("customer", &world.party);
    let stranger = caller("customer", "parties/01890000-0000-7000-8000-0000000000ff");
    let other_tenant = Caller {
        tenant: TenantId::parse("globex").unwrap(),
        ..agent()
    };
    let other_region = Caller {
        region: Some("US-MA".to_owned()),
        ..agent()
    };

    // when those it does not concern ask for it, list, write or withdraw,
    for who in [stranger.clone(), other_tenant, other_region] {
        let peer = world.suite().peer_as("ticket", &who);
        let mut tickets = TicketServiceClient::new(peer);
        let name = || ticket.name.clone();
        let get = tickets.get_ticket(GetTicketRequest { name: name() }).await;
        let number = format!("tickets/{}", ticket.number);
        let by_number = tickets.get_ticket(GetTicketRequest { name: number }).await;
        let events = ListTicketEventsRequest {
            name: name(),
            ..Default::default()
        };
        let events = tickets.list_ticket_events(events).await;
        let note = AddTicketNoteRequest {
            name: name(),
            text: "let me in".to_owned(),
            ..Default::default()
        };
        let note = tickets.add_ticket_note(note).await;
        let cancel = CancelTicketRequest {
            name: name(),
            reason: "not mine".to_owned(),
            ..Default::default()
        };
        let cancel = tickets.cancel_ticket(cancel).await;
        let refusals = [
            get.err(),
            by_number.err(),
            events.err(),
            note.err(),
            cancel.err(),
        ];

        // then it is not there for them.
        for refused in refusals {
            let refused = refused.expect("nothing of it is told or done");
            assert_eq!(refused.code(), Code::NotFound, "{who:?}: {refused:?}");
        }
        let listed = tickets.list_tickets(ListTicketsRequest::default()).await;
        assert_eq!(listed.unwrap().into_inner().tickets, [], "{who:?}");
    }

    // Its customer reads it, and cannot report in a stranger's name.
    let mut tickets = TicketServiceClient::new(world.suite().peer_as("ticket", &own));
    let listed = tickets.list_tickets(ListTicketsRequest::default()).await;
    let listed = listed.unwrap().into_inner().tickets;
    assert_eq!(listed.len(), 1);
    let mut forged = ticket.clone();
    forged.party = stranger.customer.unwrap();
    let request = CreateTicketRequest {
        ticket: Some(forged),
        ..Default::default()
    };
    let refused = tickets.create_ticket(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::PermissionDenied, "NOT_PERMITTED")
    );
}
