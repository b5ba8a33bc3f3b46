use super::*;

const OWN: &str = r#"
    [server]
    listen = "127.0.0.1:7101"
    [peers]
    entitlement = "http://127.0.0.1:7102"
    [ticket]
    auto_close_hours = 72
    greeting = "hello"
    api_key = ""
"#;

fn layers() -> Layers {
    Config::layers("ticket", OWN)
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect()
}

#[test]
fn later_layers_win_and_a_service_wins_over_all() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "[client]\ndeadline_ms = 7\nconnect_timeout_ms = 8\n",
    )
    .unwrap();

    let config = layers()
        .file(Some(file.path()))
        .variables(variables(&[
            ("FETTLE_TICKET__SERVER__MAX_DEADLINE_MS", "31000"),
            ("FETTLE__SERVER__MAX_DEADLINE_MS", "30000"),
            ("FETTLE__CLIENT__DEADLINE_MS", "9"),
            ("FETTLE_INVENTORY__CLIENT__DEADLINE_MS", "1"),
            ("FETTLE_CONFIG", "elsewhere.toml"),
            ("FETTLE_TICKET__TICKET__GREETING", "007"),
        ]))
        .read()
        .unwrap();

    assert_eq!(config.server.listen.to_string(), "127.0.0.1:7101");
    assert_eq!(config.server.max_deadline_ms, 31_000);
    assert_eq!(config.client.deadline_ms, 9);
    assert_eq!(config.client.connect_timeout_ms, 8);
    assert_eq!(config.peers["entitlement"], "http://127.0.0.1:7102");
    let greeting: String = config.own().extract_inner("greeting").unwrap();
    assert_eq!(greeting, "007");
}

#[test]
fn every_unknown_key_and_every_wrong_kind_is_named() {
    let refused = layers()
        .variables(variables(&[
            ("FETTLE__SERVER__LISTN", "127.0.0.1:1"),
            ("FETTLE_TICKET__TICKET__AUTO_CLOSE_HOURS", "soon"),
            ("FETTLE__PEERS__ENTITELMENT", "http://127.0.0.1:1"),
        ]))
        .read()
        .unwrap_err();

    assert_eq!(
        refused.problems,
        [
            "peers.entitelment (from FETTLE__PEERS__ENTITELMENT): no such setting",
            "server.listn (from FETTLE__SERVER__LISTN): no such setting",
            "ticket.auto_close_hours (from FETTLE_TICKET__TICKET__AUTO_CLOSE_HOURS): \
             a number is needed, not a text",
        ]
    );
}

#[test]
fn every_value_out_of_its_range_is_named() {
    let refused = layers()
        .set("server.max_concurrent_requests", "0")
        .set("client.deadline_ms", "0")
        .set("telemetry.sample_ratio", "1.5")
        .set("telemetry.format", "xml")
        .read()
        .unwrap_err();

    let keys: Vec<&str> = refused
        .problems
        .iter()
        .filter_map(|p| p.split(':').next())
        .collect();
    let expected = [
        "server.max_concurrent_requests",
        "client.deadline_ms",
        "telemetry.format",
        "telemetry.sample_ratio",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_file_that_is_not_there_is_a_problem() {
    let missing = Path::new("/nowhere/fettle.toml");
    assert!(layers().file(Some(missing)).read().is_err());
}

#[test]
fn a_printed_configuration_keeps_its_secrets_and_reads_back() {
    let config = layers()
        .set("paging.key", "hunter2")
        .set("ticket.api_key", "hunter3")
        .set("peers.entitlement", "http://user:hunter4@a:1,http://b:2")
        .read()
        .unwrap();

    let printed = config.printed();

    assert!(!printed.contains("hunter"), "{printed}");
    assert!(
        printed.contains("http://user:********@a:1,http://b:2"),
        "{printed}"
    );
    let reread: toml::Table = printed.parse().unwrap();
    assert_eq!(reread["ticket"]["auto_close_hours"].as_integer(), Some(72));
}

#[test]
fn the_defaults_alone_are_a_configuration() {
    Config::layers("gateway", "").read().unwrap();
}
