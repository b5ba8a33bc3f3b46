//! Keys: kept, replaced, read from others, and refused where they do not belong.

use std::os::unix::fs::PermissionsExt;

use data_encoding::HEXLOWER;

use super::*;
use crate::config::Config;

#[test]
fn two_keys_of_an_issuer_live_together_until_one_is_taken_out() {
    let ground = Ground::new();
    let set = ground.path("set.json");
    let mut minters = Vec::new();
    for name in ["old.pem", "new.pem"] {
        let kid = write_key_pair(&ground.path(name), &set, &Issuer::Edge).unwrap();
        let key = SigningKey::read(&ground.path(name)).unwrap();
        assert_eq!(key.kid(), kid);
        minters.push(Minter::new(key, Issuer::Edge, "fettle", clock()));
    }
    let tokens: Vec<HeaderValue> = minters
        .iter()
        .map(|minter| minter.authorization(&agent()).unwrap())
        .collect();
    let verifier = || {
        let ring = Keyring::read(&set).unwrap();
        Verifier::new(ring, "fettle", Duration::ZERO, clock())
    };

    assert_eq!(verifier().believe(&tokens[0]), Ok(agent()));
    assert_eq!(verifier().believe(&tokens[1]), Ok(agent()));

    let text = std::fs::read_to_string(&set).unwrap();
    let mut keys: Value = serde_json::from_str(&text).unwrap();
    keys["keys"].as_array_mut().unwrap().remove(0);
    std::fs::write(&set, keys.to_string()).unwrap();
    assert_eq!(verifier().believe(&tokens[0]), Err(Distrust::UnknownKey));
    assert_eq!(verifier().believe(&tokens[1]), Ok(agent()));
}

#[test]
fn a_private_key_is_its_owners_and_never_overwritten() {
    let ground = Ground::new();
    let (private, set) = (ground.path("edge.pem"), ground.path("set.json"));
    write_key_pair(&private, &set, &Issuer::Edge).unwrap();
    let pem = std::fs::read_to_string(&private).unwrap();
    for path in [&private, &ground.path("development.pem")] {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
    }

    assert!(write_key_pair(&private, &set, &Issuer::Edge).is_err());
    assert_eq!(std::fs::read_to_string(&private).unwrap(), pem);
    let ring = Keyring::read(&set).unwrap();
    assert_eq!(ring.kids_of(&Issuer::Edge).count(), 1);

    std::fs::set_permissions(&private, PermissionsExt::from_mode(0o640)).unwrap();
    let refused = SigningKey::read(&private).unwrap_err().to_string();
    assert!(refused.contains("others may read it"), "{refused}");
}

#[test]
fn the_development_key_of_a_folder_stays_the_same() {
    let ground = Ground::new();
    let again = development(ground.dir.path()).unwrap();
    assert_eq!(again.signing().unwrap().kid(), ground.key.kid());
}

#[test]
fn keys_that_others_wrote_are_read_as_the_standards_say() {
    // RFC 8410, section 10.3: a key without its public half, as OpenSSL writes it.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let ground = Ground::new();
    let file = ground.path("theirs.pem");
    std::fs::write(&file, pem).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let key = SigningKey::read(&file).unwrap();
    let public = crypto::key_pair(key.key.as_bytes()).unwrap();
    let public = ring::signature::KeyPair::public_key(&public);
    assert_eq!(
        HEXLOWER.encode(public.as_ref()),
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
    );
    // RFC 8037, appendix A.3: the thumbprint of a key.
    let jwk = |changes: Value| {
        let jwk = json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "iss": "edge",
        });
        let set = json!({ "keys": [changed(jwk, &changes)] });
        std::fs::write(ground.path("theirs.json"), set.to_string()).unwrap();
        Keyring::read(&ground.path("theirs.json"))
    };
    assert!(jwk(json!({})).is_ok());
    for wrong in [
        json!({ "kid": "2026-03" }),
        json!({ "iss": "nobody" }),
        json!({ "iss": null }),
        json!({ "iss": "services/Ticket" }),
        json!({ "crv": "X25519" }),
        json!({ "alg": "RS256" }),
        json!({ "x": "AAAA" }),
    ] {
        assert!(jwk(wrong.clone()).is_err(), "{wrong}");
    }
}

/// What `open` says of these settings of the ticket service.
fn opened(settings: &[(&str, &str)]) -> Result<Identity, Vec<String>> {
    let layers = Config::layers("ticket", "");
    let layers = settings
        .iter()
        .fold(layers, |layers, (key, value)| layers.set(key, value));
    let identity = layers.read().map_err(|refused| refused.problems)?.identity;
    let opened = identity.open("ticket", clock());
    opened.map_err(|refused| refused.problems)
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

#[test]
fn production_refuses_development_keys_and_says_so_at_once() {
    let ground = Ground::new();
    let (keys, signing) = (
        text(&ground.path("keys.json")),
        text(&ground.path("development.pem")),
    );
    let given = [
        ("identity.keys", keys.as_str()),
        ("identity.signing_key", signing.as_str()),
        ("identity.issuer", "development"),
    ];

    let problems = opened(&given).unwrap_err();

    let kid = ground.key.kid();
    assert_eq!(
        problems,
        [
            format!(
                "identity.keys: {kid} belongs to the development issuer, which production refuses"
            ),
            "identity.issuer: production does not sign as the development issuer".to_owned(),
        ]
    );
    let development = [&[("identity.profile", "development")], &given[..]].concat();
    assert!(opened(&development).is_ok());
    // Who forgets everything believes nobody, and hears it.
    assert_eq!(opened(&[]).unwrap_err().len(), 1);
}

#[test]
fn a_signed_message_is_held_to_its_key_and_to_every_byte() {
    let ground = Ground::new();
    let ticket = Issuer::parse("services/ticket").unwrap();
    let ring = ground.key.ring(&ticket);
    let message = b"\0\0\0\0\0\0\0\x05label".to_vec();

    let signature = ground.key.sign(&message);

    let kid = ground.key.kid();
    assert_eq!(ring.verify(kid, &message, &signature), Ok(&ticket));
    let unknown = ring.verify("another", &message, &signature);
    assert_eq!(unknown, Err(Unsigned::UnknownKey));
    for place in 0..message.len() {
        let mut edited = message.clone();
        edited[place] ^= 1;
        let refused = ring.verify(kid, &edited, &signature);
        assert_eq!(refused, Err(Unsigned::Signature), "{place}");
    }
    for place in 0..signature.len() {
        let mut edited = signature.clone();
        edited[place] ^= 1;
        let refused = ring.verify(kid, &message, &edited);
        assert_eq!(refused, Err(Unsigned::Signature), "{place}");
    }
    assert!(ring.verify(kid, &message, &[]).is_err());
}

#[test]
fn a_service_in_production_signs_as_itself() {
    let ground = Ground::new();
    let (private, set) = (ground.path("ticket.pem"), ground.path("set.json"));
    let ticket = Issuer::parse("services/ticket").unwrap();
    write_key_pair(&private, &set, &ticket).unwrap();
    let (set, private) = (text(&set), text(&private));
    let keys = ("identity.keys", set.as_str());
    let us = Caller::service(TenantId::parse("acme").unwrap(), "ticket");

    let identity = opened(&[keys, ("identity.signing_key", &private)]).unwrap();
    let token = identity.minter.unwrap().authorization(&us).unwrap();
    assert_eq!(identity.verifier.believe(&token), Ok(us));

    assert!(opened(&[keys]).unwrap().minter.is_none());
    let development = text(&ground.path("development.pem"));
    for wrong in [
        ("identity.signing_key", development.as_str()),
        ("identity.signing_key", "/nowhere/key.pem"),
        ("identity.issuer", "services/Ticket"),
        ("identity.profile", "staging"),
        ("identity.leeway_s", "301"),
        ("identity.token_life_s", "901"),
        ("identity.audience", ""),
    ] {
        let problems = opened(&[keys, wrong]).unwrap_err();
        assert!(
            problems.iter().all(|problem| problem.starts_with(wrong.0)),
            "{problems:?}"
        );
    }
}
