//! Tickets that wait: for a part, a registration, a technician; and those that need none.

use proto::dispatch::v1::{UpdateTechnicianRequest, technician::Skill, work_order};
use proto::inventory::v1::reservation;
use proto::ticket::v1::ticket::{Kind, PauseReason, State, Step};
use stories::world::seeds::{MASSACHUSETTS, technician};
use stories::world::{BOSTON_DESKTOP, NOTEBOOK, Report, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_without_stock_waits_and_goes_on_when_the_part_arrives() {
    // Given that displays are out of stock everywhere, when one fails,
    let world = World::new().await;
    let ticket = world.report(NOTEBOOK, "LCD").await;

    // then the ticket waits for the part and says so; nobody is sent.
    let waiting = world.await_pause(&ticket, PauseReason::WaitingPart).await;
    assert_eq!(waiting.state(), State::Pending);
    assert!(
        waiting.findings.iter().any(|f| f.code == "BACKORDER"),
        "{:?}",
        waiting.findings
    );
    assert!(world.work_orders_of(&ticket.name, &[]).await.is_empty());

    // When one arrives in Shanghai, then it is held for this ticket and the repair goes on.
    world.receive_stock("SHANGHAI", "LCD-14", 1).await;
    world.visit(&ticket).await.repair().await;
    let repaired = world.confirm(&ticket).await;
    let held = world
        .await_reservation(&waiting.reservation, reservation::State::Committed)
        .await;
    assert_eq!(held.lines[0].location, "stockLocations/SHANGHAI");
    assert_eq!(repaired.round, 1, "waiting begins no round");
    assert_eq!(world.level("SHANGHAI", "LCD-14").await, (0, 0));
    world.answer_survey(&ticket, 4).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_serial_waits_until_it_is_registered() {
    // Given a serial number nobody has registered, when its fault is reported,
    let world = World::new().await;
    let ticket = world.report("SN-NEW", "MEMORY").await;

    // then the ticket is accepted and waits.
    let waiting = world
        .await_pause(&ticket, PauseReason::WaitingRegistration)
        .await;
    assert_eq!(waiting.state(), State::Pending);
    assert!(waiting.entitlement.is_none());

    // When the device is registered, then the repair goes on.
    world.register("SN-NEW", 6).await;
    world.visit(&ticket).await.repair().await;
    let repaired = world.confirm(&ticket).await;
    assert!(repaired.findings.is_empty(), "{:?}", repaired.findings);
    world.answer_survey(&ticket, 5).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_free_then_a_technician_is_added() {
    // Given that the only technician of Massachusetts has left,
    let world = World::new().await;
    let mut only = world.technician_by_code("BOSTON").await;
    only.inactive = true;
    let update = UpdateTechnicianRequest {
        technician: Some(only),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["inactive".to_owned()],
        }),
        ..Default::default()
    };
    world.technicians().update_technician(update).await.unwrap();

    // when a visit is needed there, then it stays open and says why.
    let ticket = world.report(BOSTON_DESKTOP, "DISK").await;
    let open = world
        .await_ticket(&ticket.name, "the visit waits for somebody", |ticket| {
            ticket.step() == Step::Visit && !ticket.work_order.is_empty()
        })
        .await;
    let order = world
        .await_work_order(&open.work_order, work_order::State::Open)
        .await;
    assert!(
        order.findings.iter().any(|f| f.code == "INACTIVE"),
        "{:?}",
        order.findings
    );

    // When somebody is hired, then the visit is booked without anybody asking again.
    let mut hired = technician("BOSTON-2", "John Adams", MASSACHUSETTS, (42.37, -71.11));
    hired.skills = vec![Skill {
        skill: "DESKTOP_REPAIR".to_owned(),
        level: 1,
        ..Default::default()
    }];
    world.hire(hired).await;
    let mut visit = world.visit(&ticket).await;
    assert_eq!(visit.technician().await, "BOSTON-2");
    visit.repair().await;
    world.confirm(&ticket).await;
    world.answer_survey(&ticket, 5).await;
    world.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_or_inquiry_needs_no_parts() {
    let world = World::new().await;
    for kind in [Kind::Inquiry, Kind::Complaint] {
        // Given a matter without a device, when an agent answers it,
        let ticket = world
            .report_this(&Report::about(kind, "Nobody called me back"))
            .await;
        world.respond(&ticket).await;
        world.resolve(&ticket, "We called and apologised.").await;

        // then nothing was decided, held or booked, and the customer is asked how it was.
        let closed = world.confirm(&ticket).await;
        assert_eq!(closed.state(), State::Closed);
        assert!(closed.entitlement.is_none());
        assert!(world.reservations_of(&ticket.name, &[]).await.is_empty());
        assert!(world.work_orders_of(&ticket.name, &[]).await.is_empty());
        world.answer_survey(&ticket, 4).await;
    }
    world.verify().await;
}
