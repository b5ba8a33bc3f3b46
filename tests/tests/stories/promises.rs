//! Promised times in a replay of past weeks, against instants computed by hand.

use jiff::Timestamp;
use proto::ticket::v1::clock::Milestone;
use proto::ticket::v1::{ExplainClocksRequest, Ticket};
use stories::world::{BOSTON_DESKTOP, DESKTOP, World, due};

/// A contract for the next business day: a first answer within two business hours, somebody there
/// at the same time of the next working day, the repair done at that time of the one after.
struct Promised<'a> {
    device: &'a str,
    reported: &'a str,
    first_response: &'a str,
    on_site: &'a str,
    resolution: &'a str,
}

async fn promised(world: &World, expected: &Promised<'_>) -> Ticket {
    world.it_is(at(expected.reported));
    let ticket = world.report(expected.device, "DISK").await;
    let ticket = world.await_decision(&ticket).await;
    let read = |milestone| due(&ticket, milestone).unwrap();
    assert_eq!(
        read(Milestone::FirstResponse),
        at(expected.first_response),
        "first response"
    );
    assert_eq!(read(Milestone::OnSite), at(expected.on_site), "on site");
    assert_eq!(
        read(Milestone::Resolution),
        at(expected.resolution),
        "resolution"
    );
    ticket
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_make_up_saturday_counts_and_an_ordinary_one_does_not() {
    // Given Friday 10 October 2025, 17:00 in Hangzhou: the Saturday after makes up for a holiday.
    let world = World::beginning(at("2025-09-15T02:00:00Z")).await;
    let friday = Promised {
        device: DESKTOP,
        reported: "2025-10-10T17:00:00+08:00",
        first_response: "2025-10-11T10:00:00+08:00",
        on_site: "2025-10-11T17:00:00+08:00",
        resolution: "2025-10-13T17:00:00+08:00",
    };

    // When a fault is reported then, the promises fall due on Saturday and Monday.
    let ticket = promised(&world, &friday).await;

    // When somebody answers on Saturday at 09:30, 90 business minutes have been counted.
    world.visit(&ticket).await;
    world.it_is(at("2025-10-11T09:30:00+08:00"));
    let answered = world.respond(&ticket).await;
    let clock = answered
        .clocks
        .iter()
        .find(|c| c.milestone() == Milestone::FirstResponse)
        .unwrap();
    assert_eq!((clock.breached, clock.counted_seconds), (false, 90 * 60));
    let why = world.why(&ticket, Milestone::FirstResponse).await;
    assert_eq!(
        why,
        [
            (true, "open".to_owned()),
            (false, "outside hours".to_owned()),
            (
                true,
                "make-up day: 国庆节、中秋节 National Day, Mid-Autumn Festival".to_owned()
            ),
        ]
    );
    world.cancel(&ticket).await;

    // A week later Saturday is Saturday.
    let ordinary = Promised {
        reported: "2025-10-17T17:00:00+08:00",
        first_response: "2025-10-20T10:00:00+08:00",
        on_site: "2025-10-20T17:00:00+08:00",
        resolution: "2025-10-21T17:00:00+08:00",
        ..friday
    };
    promised(&world, &ordinary).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_change_moves_no_promise() {
    // Given Friday 1 November 2024, 16:00 in Boston; on Sunday the clocks go back.
    let world = World::beginning(at("2024-10-15T02:00:00Z")).await;
    let autumn = Promised {
        device: BOSTON_DESKTOP,
        reported: "2024-11-01T16:00:00-04:00",
        first_response: "2024-11-04T09:30:00-05:00",
        on_site: "2024-11-04T16:00:00-05:00",
        resolution: "2024-11-05T16:00:00-05:00",
    };
    // In March they go forward.
    let spring = Promised {
        device: BOSTON_DESKTOP,
        reported: "2025-03-07T16:00:00-05:00",
        first_response: "2025-03-10T09:30:00-04:00",
        on_site: "2025-03-10T16:00:00-04:00",
        resolution: "2025-03-11T16:00:00-04:00",
    };

    // When a fault is reported, then the promises follow the wall clock.
    promised(&world, &autumn).await;
    promised(&world, &spring).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_the_customer_stops_the_clocks() {
    // Given a notebook nobody registered, reported on Monday 20 October 2025 at 10:00 in Hangzhou,
    let world = World::beginning(at("2025-10-13T02:00:00Z")).await;
    world.it_is(at("2025-10-20T10:00:00+08:00"));
    let ticket = world.report("SN-NEW", "MEMORY").await;
    let waits = proto::ticket::v1::ticket::PauseReason::WaitingRegistration;
    world.await_pause(&ticket, waits).await;

    // when it is registered a day later,
    world.it_is(at("2025-10-21T10:00:00+08:00"));
    world.register("SN-NEW", 6).await;
    let decided = world.await_decision(&ticket).await;

    // then the bench's seven working days count from there: 22, 23, 24, 27, 28, 29, 30 October.
    assert_eq!(
        due(&decided, Milestone::Resolution),
        Some(at("2025-10-30T10:00:00+08:00"))
    );
}

/// How the time of a clock was counted.
trait Why {
    async fn why(&self, ticket: &Ticket, milestone: Milestone) -> Vec<(bool, String)>;
}

impl Why for World {
    async fn why(&self, ticket: &Ticket, milestone: Milestone) -> Vec<(bool, String)> {
        let request = ExplainClocksRequest {
            name: ticket.name.clone(),
        };
        let answer = self
            .tickets()
            .explain_clocks(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.sla_policy, "next-business-day@1");
        let clock = answer
            .clocks
            .into_iter()
            .find(|clock| clock.milestone() == milestone)
            .unwrap();
        clock
            .intervals
            .into_iter()
            .map(|interval| (interval.counted, interval.why))
            .collect()
    }
}
