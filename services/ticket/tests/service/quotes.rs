//! Offers: made, agreed to, declined, lapsed, and refused.

use chassis::testing::eventually;
use jiff::SignedDuration;
use proto::kinds::v1::Money;
use proto::ticket::v1::ticket::{PauseReason, State, Step};
use proto::ticket::v1::{
    ApproveQuoteRequest, CreateQuoteRequest, DeclineQuoteRequest, GetQuoteRequest, Quote, quote,
};
use tonic::{Code, Status};

use crate::support::{
    Desk, WAIT, desk, fields, from_now, line, metadata, refused, said, stranger, yuan,
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn approve(desk: &Desk, name: &str) -> Result<Quote, Status> {
    let request = ApproveQuoteRequest {
        name: name.to_owned(),
        ..Default::default()
    };
    Ok(desk.quotes().approve_quote(request).await?.into_inner())
}

async fn decline(desk: &Desk, name: &str, reason: &str) -> Result<Quote, Status> {
    let (name, reason) = (name.to_owned(), reason.to_owned());
    let request = DeclineQuoteRequest {
        name,
        reason,
        ..Default::default()
    };
    Ok(desk.quotes().decline_quote(request).await?.into_inner())
}

async fn get(desk: &Desk, name: &str) -> Quote {
    let request = GetQuoteRequest {
        name: name.to_owned(),
    };
    desk.quotes().get_quote(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_waits_for_the_customers_word_and_goes_on_when_it_is_yes() {
    let desk = desk().await;
    let ticket = desk.in_state(State::InProgress).await;
    let lines = vec![line(yuan(99, 995_000_000), 2), line(yuan(0, 5_000_000), 3)];

    let quote = desk
        .try_quote(
            &ticket.name,
            Quote {
                lines,
                ..Quote::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(
        quote.total,
        yuan(200, 0),
        "199.99 + 0.015 = 200.005, half to even"
    );
    assert_eq!(
        (quote.state(), quote.decide_time),
        (quote::State::Open, None)
    );
    assert_eq!(get(&desk, &quote.name).await, quote);
    let waits = desk.get(&ticket.name).await;
    assert_eq!((waits.state(), waits.step()), (State::Pending, Step::Quote));
    assert_eq!(waits.pause_reason(), PauseReason::WaitingCustomer);

    let approved = approve(&desk, &quote.name).await.unwrap();
    assert_eq!(approved.state(), quote::State::Approved);
    assert_eq!(approved.decided_by, "users/7");
    assert_ne!(approved.etag, quote.etag);
    assert_eq!(get(&desk, &quote.name).await, approved);
    assert_eq!(desk.get(&ticket.name).await.state(), State::InProgress);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_withdraws_the_ticket() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let quote = desk.quote(&ticket.name).await;

    let declined = decline(&desk, &quote.name, "too dear").await.unwrap();

    assert_eq!(declined.state(), quote::State::Declined);
    assert_eq!(declined.decline_reason, "too dear");
    let withdrawn = desk.get(&ticket.name).await;
    assert_eq!(withdrawn.state(), State::Cancelled);
    let last = desk.timeline(&ticket.name).await.pop().unwrap();
    assert_eq!(last.summary, "Withdrawn: too dear");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_word_is_taken_once() {
    let desk = desk().await;
    let (first, second) = (
        desk.in_state(State::Held).await,
        desk.in_state(State::Held).await,
    );
    let agreed = desk.quote(&first.name).await.name;
    approve(&desk, &agreed).await.unwrap();
    let declined = desk.quote(&second.name).await.name;
    decline(&desk, &declined, "").await.unwrap();

    for (name, state) in [(&agreed, "APPROVED"), (&declined, "DECLINED")] {
        let before = get(&desk, name).await;
        for answer in [approve(&desk, name).await, decline(&desk, name, "no").await] {
            let refusal = answer.unwrap_err();
            assert_eq!(
                said(&refusal),
                (Code::FailedPrecondition, "QUOTE_DECIDED".to_owned())
            );
            assert_eq!(metadata(&refusal, "state"), state);
        }
        assert_eq!(get(&desk, name).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn yes_and_no_at_the_same_time_come_out_as_one_of_them() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let name = desk.quote(&ticket.name).await.name;

    let (yes, no) = tokio::join!(approve(&desk, &name), decline(&desk, &name, "no"));

    let expected = match (yes, no) {
        (Ok(_), Err(late)) => {
            assert_eq!(said(&late).1, "QUOTE_DECIDED");
            (quote::State::Approved, State::InProgress)
        }
        (Err(late), Ok(_)) => {
            assert_eq!(said(&late).1, "QUOTE_DECIDED");
            (quote::State::Declined, State::Cancelled)
        }
        both => panic!("{both:?}"),
    };
    let found = (
        get(&desk, &name).await.state(),
        desk.get(&ticket.name).await.state(),
    );
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_nobody_answers_lapses_and_withdraws_the_ticket() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let expire_time = from_now(SignedDuration::from_millis(600));
    let lines = vec![line(yuan(1, 0), 1)];
    let offer = Quote {
        lines,
        expire_time,
        ..Quote::default()
    };
    let quote = desk.try_quote(&ticket.name, offer).await.unwrap();

    desk.awaited(&ticket.name, |ticket| ticket.state() == State::Cancelled)
        .await;

    let lapsed = get(&desk, &quote.name).await;
    assert_eq!(lapsed.state(), quote::State::Expired);
    assert!(lapsed.decide_time.is_some());
    assert_eq!(
        refused(approve(&desk, &quote.name).await, Code::FailedPrecondition),
        "QUOTE_EXPIRED"
    );
    assert_eq!(get(&desk, &quote.name).await, lapsed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_has_one_open_offer() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let open = desk.quote(&ticket.name).await;
    let lines = vec![line(yuan(1, 0), 1)];

    let again = Quote {
        lines,
        ..Quote::default()
    };
    let refusal = desk
        .try_quote(&ticket.name, again.clone())
        .await
        .unwrap_err();
    assert_eq!(
        said(&refusal),
        (Code::FailedPrecondition, "QUOTE_OPEN".to_owned())
    );
    assert_eq!(metadata(&refusal, "quote"), open.name);

    approve(&desk, &open.name).await.unwrap();
    desk.try_quote(&ticket.name, again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_gets_no_offers_and_its_open_one_lapses() {
    let desk = desk().await;
    for state in [
        State::Resolved,
        State::Closed,
        State::Cancelled,
        State::Rejected,
    ] {
        let ticket = desk.in_state(state).await;
        let lines = vec![line(yuan(1, 0), 1)];
        let offer = Quote {
            lines,
            ..Quote::default()
        };
        let refusal = desk.try_quote(&ticket.name, offer).await.unwrap_err();
        assert_eq!(
            said(&refusal),
            (Code::FailedPrecondition, "ILLEGAL_MOVE".to_owned())
        );
        assert_eq!(metadata(&refusal, "state"), state.as_str_name());
    }

    let resolved = desk.in_state(State::Acknowledged).await;
    let waits = desk.quote(&resolved.name).await;
    desk.verb("resolve", &resolved.name).await.unwrap();
    let answer = approve(&desk, &waits.name).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "ILLEGAL_MOVE");

    let cancelled = desk.in_state(State::Acknowledged).await;
    let lapsed = desk.quote(&cancelled.name).await;
    desk.verb("cancel", &cancelled.name).await.unwrap();
    assert_eq!(
        get(&desk, &lapsed.name).await.state(),
        quote::State::Expired
    );
    let answer = approve(&desk, &lapsed.name).await;
    assert_eq!(refused(answer, Code::FailedPrecondition), "QUOTE_EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_reopened_does_not_wait_for_an_offer_that_lapsed_with_it() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    desk.quote(&ticket.name).await;
    for verb in ["resolve", "close", "reopen"] {
        desk.verb(verb, &ticket.name).await.unwrap();
    }

    let rests = "select count(*) from processes where due_at is null";
    eventually(WAIT, "the process waits for nothing", async || {
        (desk.count(rests).await == 1).then_some(())
    })
    .await;

    let again = desk.quote(&ticket.name).await;
    approve(&desk, &again.name).await.unwrap();
    assert_eq!(desk.get(&ticket.name).await.state(), State::InProgress);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_cannot_be_is_refused_with_everything_that_is_wrong() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let parent = ticket.name.as_str();
    let dollars = Some(Money {
        currency_code: "USD".to_owned(),
        units: 1,
        nanos: 0,
    });
    let wrong = async |lines: Vec<quote::Line>| {
        let offer = Quote {
            lines,
            ..Quote::default()
        };
        fields(&desk.try_quote(parent, offer).await.unwrap_err())
    };

    assert_eq!(wrong(vec![]).await, ["quote.lines"]);
    assert_eq!(wrong(vec![line(yuan(1, 0), 1); 101]).await, ["quote.lines"]);
    let mixed = vec![line(yuan(1, 0), 1), line(dollars, 1)];
    assert_eq!(wrong(mixed).await, ["quote.lines[1].unit_price"]);
    let several = vec![
        quote::Line {
            description: String::new(),
            ..line(yuan(-1, 0), 0)
        },
        line(None, -3),
        line(yuan(1, -1), 1),
    ];
    let named = [
        "quote.lines[0].description",
        "quote.lines[0].quantity",
        "quote.lines[0].unit_price",
        "quote.lines[1].quantity",
        "quote.lines[1].unit_price",
        "quote.lines[2].unit_price",
    ];
    assert_eq!(wrong(several).await, named);
    let unknown = Some(Money {
        currency_code: "XXY".to_owned(),
        units: 1,
        nanos: 0,
    });
    assert_eq!(
        wrong(vec![line(unknown, 1)]).await,
        ["quote.lines[0].unit_price"]
    );
    // More than the books can hold: eleven digits before the point.
    let fortune = wrong(vec![line(yuan(99_999_999_999, 0), 2)]).await;
    assert_eq!(fortune, ["quote.lines[0].unit_price"]);

    let lines = vec![line(yuan(1, 0), 1)];
    for expire_time in [from_now(-HOUR), from_now(HOUR * 24 * 400)] {
        let offer = Quote {
            lines: lines.clone(),
            expire_time,
            ..Quote::default()
        };
        let refusal = desk.try_quote(parent, offer).await.unwrap_err();
        assert_eq!(fields(&refusal), ["quote.expire_time"]);
    }
    let refusal = desk
        .quotes()
        .create_quote(CreateQuoteRequest::default())
        .await
        .unwrap_err();
    assert_eq!(fields(&refusal), ["parent", "quote.lines"]);
    assert_eq!(desk.get(parent).await, ticket);
    assert_eq!(desk.count("select count(*) from quotes").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_lines_free_of_charge_are_an_offer() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let lines = vec![line(yuan(0, 0), 1); 100];

    let quote = desk
        .try_quote(
            &ticket.name,
            Quote {
                lines,
                ..Quote::default()
            },
        )
        .await
        .unwrap();

    assert_eq!((quote.lines.len(), quote.total), (100, yuan(0, 0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_decided_as_it_was_read() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let quote = desk.quote(&ticket.name).await;
    let (name, etag) = (quote.name.clone(), "\"v9-0000\"".to_owned());

    let request = ApproveQuoteRequest {
        name: name.clone(),
        etag,
        ..Default::default()
    };
    let answer = desk.quotes().approve_quote(request).await;
    assert_eq!(refused(answer, Code::Aborted), "STALE_ETAG");

    let (etag, request_id) = (quote.etag, "yes-1".to_owned());
    let request = ApproveQuoteRequest {
        name,
        etag,
        request_id,
        ..Default::default()
    };
    let first = desk
        .quotes()
        .approve_quote(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = desk
        .quotes()
        .approve_quote(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        again, first,
        "the same request is answered, not refused as decided"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_are_not_there_are_not_found() {
    let desk = desk().await;
    let ticket = desk.in_state(State::Acknowledged).await;
    let other = desk.in_state(State::Acknowledged).await;
    let quote = desk.quote(&ticket.name).await;
    let id = quote.name.rsplit('/').next().unwrap();

    let missing = [
        format!(
            "{}/quotes/01890000-0000-7000-8000-000000000001",
            ticket.name
        ),
        format!("{}/quotes/{id}", other.name),
        format!("quotes/{id}"),
        String::new(),
    ];
    for name in missing {
        let request = GetQuoteRequest { name: name.clone() };
        let answer = desk.quotes().get_quote(request).await;
        assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND");
        assert_eq!(
            refused(approve(&desk, &name).await, Code::NotFound),
            "NOT_FOUND"
        );
        assert_eq!(
            refused(decline(&desk, &name, "").await, Code::NotFound),
            "NOT_FOUND"
        );
    }
    let theirs = desk.suite.peer_as("ticket", &stranger());
    let mut theirs = proto::ticket::v1::quote_service_client::QuoteServiceClient::new(theirs);
    let answer = theirs.get_quote(GetQuoteRequest { name: quote.name }).await;
    assert_eq!(refused(answer, Code::NotFound), "NOT_FOUND");
}
