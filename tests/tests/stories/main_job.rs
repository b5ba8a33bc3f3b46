//! The main job: reported, decided, held, booked, repaired, closed, surveyed, counted.

use proto::dispatch::v1::{WorkMode, work_order};
use proto::entitlement::v1::entitlement_decision::Outcome;
use proto::entitlement::v1::{
    CheckEntitlementRequest, EntitlementDecision, Fault, GetAssetRequest, Place,
};
use proto::feedback::v1::scorecard::SubjectKind;
use proto::feedback::v1::{ListScorecardsRequest, Scorecard, survey};
use proto::inventory::v1::reservation;
use proto::ticket::v1::ticket::State;
use stories::world::{NOTEBOOK, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_under_warranty_is_repaired_free_of_charge() {
    // Given a notebook whose memory the vendor's three years cover, and two modules in Hangzhou.
    let world = World::new().await;
    let before = what_is_owed(&world).await;
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (2, 0));

    // When the customer reports that it does not start,
    let reported = world.report(NOTEBOOK, "MEMORY").await;
    assert_eq!(reported.state(), State::Acknowledged);
    assert!(reported.number.starts_with("C1-"), "{}", reported.number);
    assert!(
        !reported.clocks.is_empty(),
        "promised times come with the answer"
    );

    // then it is owed free of charge, one module is held nearby and a technician is booked.
    let mut visit = world.visit(&reported).await;
    let ticket = world.ticket(&reported.name).await;
    let decision = ticket.entitlement.clone().unwrap();
    assert_eq!(decision.outcome(), Outcome::FreeOfCharge);
    assert_eq!(decision.winning_layer, "VENDOR");
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (1, 1));
    let held = world.reservation(&ticket.reservation).await;
    assert_eq!(held.state(), reservation::State::Held);
    assert_eq!(held.lines[0].location, "stockLocations/HANGZHOU");
    assert_eq!(visit.order.mode(), WorkMode::Bench);
    assert_eq!(visit.order.parts, ["parts/MEM-16"]);
    let built_in = held.lines[0].serial_numbers[0].clone();

    // When the repair is done and the customer confirms it,
    let done = visit.repair().await;
    let (repaired_on, three_years_on) = (world.months_ago(0), world.months_ago(-36));
    let closed = world.confirm(&ticket).await;

    // then the old module is told against the new one, and the stock and its ledger show one less.
    assert_eq!(done.state(), work_order::State::Completed);
    let used = &done.parts_used[0];
    assert_eq!(
        (&used.new_serial, &used.old_serial),
        (&built_in, &format!("OLD-{built_in}"))
    );
    assert_eq!(closed.state(), State::Closed);
    assert_eq!(done.report, "Replaced and tested.");
    let said = format!("Repaired; {} has the report", done.name);
    assert_eq!(closed.resolution, said);
    let settled = world
        .await_reservation(&ticket.reservation, reservation::State::Committed)
        .await;
    assert_eq!(settled.lines[0].used, 1);
    assert_eq!(world.level("HANGZHOU", "MEM-16").await, (1, 0));
    let movements = world.movements(&ticket.name).await;
    let kinds: Vec<&str> = movements
        .iter()
        .map(|movement| movement.kind.as_str())
        .collect();
    assert_eq!(kinds, ["HOLD", "CONSUMPTION"]);
    for movement in &movements {
        assert_eq!(
            movement
                .entries
                .iter()
                .map(|entry| entry.quantity)
                .sum::<i64>(),
            0
        );
    }
    let gone = &movements[1].entries;
    assert!(
        gone.iter()
            .any(|entry| entry.account == "customer" && entry.quantity == 1),
        "{gone:?}"
    );

    // The device has the new module, and its term begins anew, as Zhejiang's law says.
    until("the repair is known to the register", async || {
        let asset = GetAssetRequest {
            name: decision.asset.clone(),
        };
        let asset = world.assets().get_asset(asset).await.unwrap().into_inner();
        let serials: Vec<&str> = asset.components.iter().map(|c| &*c.serial_number).collect();
        if serials == [built_in.as_str()] {
            Ok(())
        } else {
            Err(format!("{serials:?}"))
        }
    })
    .await;
    let after = what_is_owed(&world).await;
    assert!(
        after.covered_until > before.covered_until,
        "{} {}",
        after.covered_until,
        before.covered_until
    );
    // A last day on a holiday moves to the next working day.
    let until: jiff::civil::Date = after.covered_until.parse().unwrap();
    let later = (until - repaired_on).get_days() - (three_years_on - repaired_on).get_days();
    assert!(
        (0..=10).contains(&later),
        "{until}, three years after {repaired_on}"
    );
    assert!(
        after
            .findings
            .iter()
            .any(|finding| finding.code == "REPAIRED_PART")
    );

    // When the customer answers how it was,
    let answered = world.answer_survey(&ticket, 5).await;

    // then the answer counts for the technician who came, and nobody is asked twice.
    assert_eq!(answered.state(), survey::State::Answered);
    assert_eq!(world.surveys_of(&ticket).await.len(), 1);
    let card = scorecard(&world, &done.technician).await;
    assert_eq!((card.surveyed, card.answered, card.satisfied), (1, 1, 1));
    assert!(
        card.satisfaction_low < 0.5,
        "one answer proves little: {}",
        card.satisfaction_low
    );
    let verbs: Vec<String> = world
        .timeline(&ticket)
        .await
        .into_iter()
        .map(|e| e.verb)
        .collect();
    let order = [
        "report",
        "coverage_decided",
        "parts_held",
        "visit_booked",
        "repaired",
        "close",
    ];
    let mut rest = verbs.iter();
    for verb in order {
        assert!(
            rest.any(|found| found == verb),
            "{verb} comes in this order: {verbs:?}"
        );
    }
    world.nothing_is_held_for(&ticket).await;
    world.verify().await;
}

/// What a fault of the notebook's memory is owed on the world's day.
async fn what_is_owed(world: &World) -> EntitlementDecision {
    let request = CheckEntitlementRequest {
        serial_number: NOTEBOOK.to_owned(),
        fault: Some(Fault {
            component: "MEMORY".to_owned(),
            ..Default::default()
        }),
        on: world.months_ago(0).to_string(),
        site: Some(Place {
            region: "CN-ZJ".to_owned(),
            city: "Hangzhou".to_owned(),
        }),
        ..Default::default()
    };
    world
        .entitlements()
        .check_entitlement(request)
        .await
        .unwrap()
        .into_inner()
}

async fn scorecard(world: &World, technician: &str) -> Scorecard {
    let request = ListScorecardsRequest {
        subject_kind: SubjectKind::Technician.into(),
        subject: technician.to_owned(),
        ..Default::default()
    };
    let cards = world
        .scorecards()
        .list_scorecards(request)
        .await
        .unwrap()
        .into_inner()
        .scorecards;
    cards.into_iter().next().expect("the technician has a card")
}
