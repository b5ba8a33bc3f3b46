//! Tokens over the wire: who is let in, who is not, and what is carried on.

use std::time::Duration;

use tonic::metadata::MetadataValue;

use super::*;
use crate::clock::Clock;
use crate::identity::{Issuer, Minter, development};

/// A service that says whom it was called by.
async fn naming() -> Served {
    serve(&[], async |request| {
        let caller = Caller::of(&request)?;
        Err(Status::unknown(caller.principal.clone()))
    })
    .await
}

/// Calls with these values of `authorization`, none, one or several.
async fn ask(served: &Served, authorizations: &[&str]) -> Status {
    let plain = tonic::transport::Endpoint::from_shared(served.url()).unwrap();
    let mut client = HealthClient::new(Plain(plain.connect_lazy()));
    let mut request = Request::new(question(""));
    for value in authorizations {
        let value = MetadataValue::try_from(*value).unwrap();
        request.metadata_mut().append("authorization", value);
    }
    client.check(request).await.unwrap_err()
}

fn bearer(minter: &Minter) -> String {
    format!("Bearer {}", minter.token(&caller()).unwrap())
}

#[tokio::test]
async fn one_good_token_is_let_in_and_nothing_else_is() {
    let served = naming().await;
    let good = bearer(&minter());
    let let_in = ask(&served, &[&good]).await;
    assert_eq!(
        (let_in.code(), let_in.message()),
        (Code::Unknown, "users/7")
    );

    let cut = &good[..good.len() - 1];
    let large = format!("Bearer {}", "a".repeat(64 << 10));
    let wrong: [&[&str]; 7] = [
        &[],
        &[""],
        &["Bearer "],
        &[cut],
        &[&good, &good],
        &[&good, "Bearer x"],
        &[&large],
    ];
    for authorizations in wrong {
        let refused = ask(&served, authorizations).await;
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert_eq!(reason(&refused), "CALLER_UNKNOWN");
    }
}

#[tokio::test]
async fn a_token_of_another_time_or_another_issuer_is_refused() {
    let served = naming().await;
    let dir = tempfile::tempdir().unwrap();
    let strangers = development(dir.path()).unwrap().signing().unwrap();
    let strangers = Minter::new(strangers, Issuer::Development, "fettle", Clock::system());
    let ours = crate::testing::development_key();
    let at = |seconds: i64| {
        let clock = Clock::fixed(Clock::system().now());
        clock.advance(jiff::SignedDuration::from_secs(seconds));
        Minter::new(ours.clone(), Issuer::Development, "fettle", clock)
            .with_life(Duration::from_secs(60))
    };

    for (minter, expected) in [
        (strangers, "CALLER_UNKNOWN"),
        (at(600), "CALLER_UNKNOWN"),
        (at(-600), "TOKEN_EXPIRED"),
    ] {
        let refused = ask(&served, &[&bearer(&minter)]).await;
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        assert_eq!(reason(&refused), expected);
    }
    let slightly_early = ask(&served, &[&bearer(&at(20))]).await;
    assert_eq!(slightly_early.code(), Code::Unknown, "{slightly_early:?}");
}

#[tokio::test]
async fn the_token_of_a_call_is_carried_on_unless_somebody_else_is_named() {
    let (told, mut hears) = mpsc::unbounded_channel();
    let far = serve(&[], move |request| {
        let caller = Caller::of(&request).unwrap();
        let token = request.metadata().get("authorization").cloned().unwrap();
        told.send((caller.principal.clone(), token)).unwrap();
        async { healthy() }
    })
    .await;
    let onward = HealthClient::new(Redirected(peer(&far.url(), &[]).with_minter(minter())));
    let near = serve(&[], move |_| {
        let mut onward = onward.clone();
        async move {
            onward.check(question("")).await?;
            let other = Caller {
                principal: "users/8".to_owned(),
                ..caller()
            };
            onward.check(As(other).request(question(""))).await?;
            // A task of its own is not the caller's call any more.
            let mut alone = onward.clone();
            let alone = tokio::spawn(async move { alone.check(question("")).await });
            alone.await.unwrap()
        }
    })
    .await;

    let sent = bearer(&minter());
    let refused = ask(&near, &[&sent]).await;

    let (carried, token) = hears.recv().await.unwrap();
    assert_eq!(
        (carried.as_str(), token.to_str().unwrap()),
        ("users/7", sent.as_str())
    );
    let (named, token) = hears.recv().await.unwrap();
    assert_eq!(named, "users/8");
    assert_ne!(token.to_str().unwrap(), sent);
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
}

#[tokio::test]
async fn a_peer_without_a_minter_names_nobody() {
    let served = naming().await;
    let mut client = HealthClient::new(Redirected(peer(&served.url(), &[]).acting_as(&caller())));

    let refused = client.check(question("")).await.unwrap_err();

    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(reason(&refused), "CALLER_UNKNOWN");
}
