//! What operators do with the binaries.

use std::convert::Infallible;

use chassis::testing::template;
use stories::processes::Suite;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_configuration_shows_what_is_set_and_no_secret() {
    let mut suite = Suite::stopped(&[("channel", "channel.master_key", "ab12")]).await;
    suite.configure(
        "channel",
        "database.url",
        "postgres://admin:u-secret@db.example:5432/fettle",
    );
    suite.configure("channel", "database.password", "p-secret");
    suite.configure("channel", "paging.key", "k-secret");

    let printed = suite.run("channel", &["--print-config"]);

    assert!(printed.status.success());
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(
        text.contains("postgres://admin:********@db.example:5432/fettle"),
        "{text}"
    );
    assert!(
        text.contains("lease_ttl_ms = 1000"),
        "what the environment set is shown: {text}"
    );
    for secret in ["u-secret", "p-secret", "k-secret", "ab12"] {
        assert!(!text.contains(secret), "{secret} is shown: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_does_not_exist_is_refused_by_name() {
    let suite = Suite::stopped(&[("ticket", "ticket.progress.leese_ms", "5")]).await;

    let refused = suite.run("ticket", &["--print-config"]);

    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(
        said.contains("FETTLE_TICKET__TICKET__PROGRESS__LEESE_MS"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_refuses_a_schema_that_is_not_migrated_and_migrating_helps() {
    let empty = template("nothing", async |_: &str| Ok::<(), Infallible>(())).await;
    let mut suite = Suite::over(empty.clone_database().await, &[]).await;

    let refused = suite.run("feedback", &[]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("the schema feedback lacks"), "{said}");
    assert!(said.contains("--migrate"), "it says what helps: {said}");

    let migrated = suite.run("feedback", &["--migrate"]);
    assert!(
        migrated.status.success(),
        "{}",
        String::from_utf8_lossy(&migrated.stderr)
    );
    suite.start("feedback").await;
    assert_eq!(suite.term("feedback").await.code(), Some(0));

    let again = suite.run("feedback", &["--migrate"]);
    assert!(again.status.success(), "migrating twice changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_refuses_the_development_issuer_and_says_everything_at_once() {
    let suite = Suite::stopped(&[("ticket", "identity.profile", "production")]).await;

    let refused = suite.run("ticket", &[]);

    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    for problem in [
        "belongs to the development issuer, which production refuses",
        "production does not sign as the development issuer",
    ] {
        assert!(said.contains(problem), "{said}");
    }
}
