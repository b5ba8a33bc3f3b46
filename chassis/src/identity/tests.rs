//! Tokens that are believed, and every kind of token that is not.

use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::caller::{Caller, TenantId};

mod keys;

const LEEWAY_S: i64 = 30;
const PARTY: &str = "parties/01900000-0000-7000-8000-00000000000a";
const TECHNICIAN: &str = "technicians/01900000-0000-7000-8000-00000000000b";

fn clock() -> Clock {
    Clock::fixed("2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap())
}

fn now() -> i64 {
    clock().now().as_second()
}

/// A folder with the development issuer, and whatever else a test puts there.
struct Ground {
    dir: tempfile::TempDir,
    key: SigningKey,
}

impl Ground {
    fn new() -> Ground {
        let dir = tempfile::tempdir().unwrap();
        let key = development(dir.path()).unwrap().signing().unwrap();
        Ground { dir, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn verifier(&self) -> Verifier {
        self.verifier_of(&Issuer::Development, clock())
    }

    fn verifier_of(&self, issuer: &Issuer, clock: Clock) -> Verifier {
        let leeway = Duration::from_secs(LEEWAY_S.unsigned_abs());
        Verifier::new(self.key.ring(issuer), "fettle", leeway, clock)
    }

    fn minter(&self, clock: Clock) -> Minter {
        Minter::new(self.key.clone(), Issuer::Development, "fettle", clock)
    }

    /// A token with these changes to a good one's claims; null takes a claim out.
    fn claims(&self, changes: &Value) -> HeaderValue {
        self.signed(&self.header(), &changed(good(), changes).to_string())
    }

    fn header(&self) -> Value {
        json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.key.kid() })
    }

    /// Whatever is said, signed as it should be.
    fn signed(&self, header: &Value, claims: &str) -> HeaderValue {
        let message = message(header, claims);
        let pair = crypto::key_pair(self.key.key.as_bytes()).unwrap();
        bearer(&message, pair.sign(message.as_bytes()).as_ref())
    }
}

fn message(header: &Value, claims: &str) -> String {
    let header = BASE64URL_NOPAD.encode(header.to_string().as_bytes());
    format!("{header}.{}", BASE64URL_NOPAD.encode(claims.as_bytes()))
}

fn bearer(message: &str, signature: &[u8]) -> HeaderValue {
    let signature = BASE64URL_NOPAD.encode(signature);
    format!("Bearer {message}.{signature}").parse().unwrap()
}

fn good() -> Value {
    json!({
        "iss": "development", "aud": "fettle", "sub": "users/7", "tenant": "acme",
        "region": "cn-east", "roles": ["agent"],
        "iat": now(), "nbf": now(), "exp": now() + 300,
    })
}

fn changed(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn agent() -> Caller {
    Caller {
        principal: "users/7".into(),
        region: Some("cn-east".into()),
        roles: vec!["agent".into()],
        ..Caller::service(TenantId::parse("acme").unwrap(), "test")
    }
}

#[test]
fn a_minted_token_says_who_asks() {
    let ground = Ground::new();
    let customer = Caller {
        principal: "users/9".into(),
        region: None,
        roles: vec!["customer".into()],
        customer: Some(PARTY.into()),
        ..agent()
    };

    for caller in [agent(), customer] {
        let token = ground.minter(clock()).authorization(&caller).unwrap();
        assert!(token.is_sensitive(), "it would be printed");
        assert_eq!(ground.verifier().believe(&token), Ok(caller));
    }
}

#[test]
fn every_edit_of_a_token_is_refused() {
    let ground = Ground::new();
    let token = ground.minter(clock()).authorization(&agent()).unwrap();
    let verifier = ground.verifier();
    assert_eq!(verifier.believe(&token), Ok(agent()));

    let text = token.to_str().unwrap().to_owned();
    for place in "Bearer ".len()..text.len() {
        let mut edited = text.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        let edited = HeaderValue::from_bytes(&edited).unwrap();
        assert!(verifier.believe(&edited).is_err(), "{edited:?}");
    }
    let (unsigned, _) = text.rsplit_once('.').unwrap();
    for cut in [unsigned.to_owned(), format!("{unsigned}.")] {
        let refused = verifier.believe(&cut.parse().unwrap());
        assert!(refused.is_err(), "{cut}");
    }
}

#[test]
fn a_token_is_believed_within_its_time_and_the_leeway_only() {
    let ground = Ground::new();
    let token = ground.claims(&json!({}));
    for (after, expected) in [
        (-LEEWAY_S - 1, Err(Distrust::TooEarly)),
        (-LEEWAY_S, Ok(())),
        (0, Ok(())),
        (300, Ok(())),
        (300 + LEEWAY_S - 1, Ok(())),
        (300 + LEEWAY_S, Err(Distrust::Expired)),
    ] {
        let at = clock();
        at.advance(SignedDuration::from_secs(after));
        let verifier = ground.verifier_of(&Issuer::Development, at);
        assert_eq!(verifier.believe(&token).map(drop), expected, "{after}");
    }
}

#[test]
fn a_known_token_is_looked_at_for_its_time_on_every_call() {
    let ground = Ground::new();
    let at = clock();
    let verifier = ground.verifier_of(&Issuer::Development, at.clone());
    let token = ground.claims(&json!({}));

    assert!(verifier.believe(&token).is_ok());
    at.advance(SignedDuration::from_secs(300 + LEEWAY_S));
    assert_eq!(verifier.believe(&token), Err(Distrust::Expired));
    at.advance(SignedDuration::from_secs(-400 - LEEWAY_S));
    assert_eq!(verifier.believe(&token), Err(Distrust::TooEarly));
}

#[test]
fn another_algorithm_is_not_tried() {
    let ground = Ground::new();
    let claims = good().to_string();
    let header = |alg: &str| changed(ground.header(), &json!({ "alg": alg }));

    let none = message(&header("none"), &claims);
    let none = format!("Bearer {none}.").parse().unwrap();
    // The classic confusion: the public key, which everybody has, taken for a shared secret.
    let hs256 = message(&header("HS256"), &claims);
    let set = std::fs::read_to_string(ground.path("keys.json")).unwrap();
    let set: Value = serde_json::from_str(&set).unwrap();
    let public = set["keys"][0]["x"].as_str().unwrap();
    let public = BASE64URL_NOPAD.decode(public.as_bytes()).unwrap();
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
    let hs256 = bearer(&hs256, ring::hmac::sign(&secret, hs256.as_bytes()).as_ref());
    // Signed as it should be, and said to be otherwise.
    let mislabelled = ground.signed(&header("RS256"), &claims);

    for token in [none, hs256, mislabelled] {
        assert_eq!(ground.verifier().believe(&token), Err(Distrust::Header));
    }
}

#[test]
fn a_header_of_another_kind_is_refused() {
    let ground = Ground::new();
    for (changes, expected) in [
        (json!({ "kid": null }), Distrust::Header),
        (json!({ "typ": null }), Distrust::Header),
        (json!({ "typ": "at+jwt" }), Distrust::Header),
        (json!({ "crit": ["b64"] }), Distrust::Header),
        (json!({ "kid": "unheard-of" }), Distrust::UnknownKey),
        (json!({ "kid": "" }), Distrust::UnknownKey),
    ] {
        let header = changed(ground.header(), &changes);
        let token = ground.signed(&header, &good().to_string());
        assert_eq!(
            ground.verifier().believe(&token),
            Err(expected),
            "{changes}"
        );
    }
}

#[test]
fn claims_that_are_missing_or_of_another_type_are_refused() {
    let ground = Ground::new();
    let required = ["iss", "aud", "sub", "tenant", "roles", "iat", "nbf", "exp"];
    for name in required {
        let token = ground.claims(&json!({ name: null }));
        assert_eq!(
            ground.verifier().believe(&token),
            Err(Distrust::Claims),
            "{name}"
        );
    }
    for changes in [
        json!({ "exp": (now() + 300).to_string() }),
        json!({ "exp": now() as f64 + 300.5 }),
        json!({ "tenant": ["acme", "other"] }),
        json!({ "aud": ["fettle"] }),
        json!({ "roles": "agent" }),
        json!({ "roles": [7] }),
        json!({ "region": 7 }),
    ] {
        let token = ground.claims(&changes);
        assert_eq!(
            ground.verifier().believe(&token),
            Err(Distrust::Claims),
            "{changes}"
        );
    }
}

#[test]
fn a_claim_said_twice_is_refused_whichever_is_first() {
    let ground = Ground::new();
    for twice in [
        r#""tenant":"other""#,
        r#""tenant":"acme""#,
        r#""roles":["admin"]"#,
    ] {
        let claims = good().to_string().replacen('{', &format!("{{{twice},"), 1);
        let token = ground.signed(&ground.header(), &claims);
        assert_eq!(
            ground.verifier().believe(&token),
            Err(Distrust::Claims),
            "{twice}"
        );
    }
}

#[test]
fn claims_that_say_what_they_may_not_are_refused() {
    let ground = Ground::new();
    for (changes, expected) in [
        (json!({ "aud": "elsewhere" }), Distrust::Audience),
        (json!({ "iss": "edge" }), Distrust::Issuer),
        (json!({ "exp": now() + 901 }), Distrust::Life),
        (
            json!({ "nbf": now() - 700, "exp": now() + 201 }),
            Distrust::Life,
        ),
        (json!({ "exp": now() }), Distrust::Life),
        (json!({ "iat": i64::MIN, "exp": i64::MAX }), Distrust::Life),
        (json!({ "tenant": "Acme" }), Distrust::Malformed),
        (json!({ "tenant": "" }), Distrust::Malformed),
        (json!({ "sub": "" }), Distrust::Malformed),
        (json!({ "sub": "users/7\n" }), Distrust::Malformed),
        (json!({ "sub": "u".repeat(257) }), Distrust::Malformed),
        (json!({ "region": "" }), Distrust::Malformed),
        (json!({ "roles": [] }), Distrust::Role),
        (json!({ "roles": ["owner"] }), Distrust::Role),
        (json!({ "roles": ["Agent"] }), Distrust::Role),
        (json!({ "roles": ["other-tenant/agent"] }), Distrust::Role),
        (json!({ "roles": ["role_unspecified"] }), Distrust::Role),
        (json!({ "roles": ["agent", "owner"] }), Distrust::Role),
    ] {
        let token = ground.claims(&changes);
        assert_eq!(
            ground.verifier().believe(&token),
            Err(expected),
            "{changes}"
        );
    }
    let longest = ground.claims(&json!({ "exp": now() + 900, "sub": "u".repeat(256) }));
    assert!(ground.verifier().believe(&longest).is_ok());
}

#[test]
fn kinds_of_callers_do_not_mix_and_bring_what_they_need() {
    let ground = Ground::new();
    let who = |roles: &[&str], more: Value| changed(json!({ "roles": roles }), &more);
    let customer = json!({ "customer": PARTY });
    let partner = json!({ "partner": "partners/1" });
    let technician = json!({ "sub": TECHNICIAN });
    let partners_technician = json!({ "sub": TECHNICIAN, "partner": "partners/1" });

    for good in [
        who(
            &[
                "supervisor",
                "dispatcher",
                "stock_keeper",
                "auditor",
                "admin",
                "agent",
            ],
            json!({}),
        ),
        who(&["agent", "agent"], json!({})),
        who(&["customer"], customer.clone()),
        who(&["technician"], technician.clone()),
        who(&["partner_admin"], partner.clone()),
        who(&["partner_technician"], partners_technician.clone()),
        who(&["service"], json!({ "sub": "services/ticket" })),
    ] {
        let believed = ground.verifier().believe(&ground.claims(&good));
        let roles = believed.unwrap().roles;
        assert!(roles.is_sorted_by(|one, next| one < next), "{roles:?}");
    }
    for (bad, expected) in [
        (who(&["agent", "service"], json!({})), Distrust::MixedRoles),
        (
            who(&["agent", "customer"], customer.clone()),
            Distrust::MixedRoles,
        ),
        (
            who(&["technician", "dispatcher"], technician.clone()),
            Distrust::MixedRoles,
        ),
        (
            who(
                &["partner_admin", "partner_technician"],
                partners_technician,
            ),
            Distrust::MixedRoles,
        ),
        (who(&["customer"], json!({})), Distrust::Misfit),
        (
            who(&["customer"], json!({ "customer": "customers/1" })),
            Distrust::Misfit,
        ),
        (who(&["agent"], customer), Distrust::Misfit),
        (who(&["partner_admin"], json!({})), Distrust::Misfit),
        (who(&["agent"], partner.clone()), Distrust::Misfit),
        (who(&["technician"], json!({})), Distrust::Misfit),
        (
            who(&["technician"], changed(technician.clone(), &partner)),
            Distrust::Misfit,
        ),
        (who(&["partner_technician"], technician), Distrust::Misfit),
        (who(&["partner_technician"], partner), Distrust::Misfit),
    ] {
        let refused = ground.verifier().believe(&ground.claims(&bad));
        assert_eq!(refused, Err(expected), "{bad}");
    }
}

#[test]
fn an_issuer_mints_what_is_its_own() {
    let ground = Ground::new();
    let service = |sub: &str| json!({ "roles": ["service"], "sub": sub });
    for (issuer, claims, expected) in [
        ("edge", json!({}), Ok(())),
        ("edge", json!({ "roles": ["admin"] }), Ok(())),
        ("edge", service("services/ticket"), Err(Distrust::Overreach)),
        ("services/ticket", service("services/ticket"), Ok(())),
        (
            "services/ticket",
            service("services/dispatch"),
            Err(Distrust::Overreach),
        ),
        ("services/ticket", json!({}), Err(Distrust::Overreach)),
        ("development", service("services/ticket"), Ok(())),
    ] {
        let verifier = ground.verifier_of(&Issuer::parse(issuer).unwrap(), clock());
        let token = ground.claims(&changed(claims.clone(), &json!({ "iss": issuer })));
        assert_eq!(
            verifier.believe(&token).map(drop),
            expected,
            "{issuer} {claims}"
        );
    }
}

#[test]
fn what_is_no_bearer_token_is_refused_before_it_is_read() {
    let ground = Ground::new();
    let token = ground.claims(&json!({}));
    let token = token
        .to_str()
        .unwrap()
        .trim_start_matches("Bearer ")
        .to_owned();
    let large = format!("Bearer {}", "a".repeat(64 << 10));
    for (value, expected) in [
        (String::new(), Distrust::NotBearer),
        ("Bearer".to_owned(), Distrust::NotBearer),
        ("Bearer ".to_owned(), Distrust::NotBearer),
        (format!("Basic  {token}"), Distrust::NotBearer),
        (token.clone(), Distrust::NotBearer),
        ("Bearer x".to_owned(), Distrust::Header),
        ("Bearer a.b.c".to_owned(), Distrust::Header),
        (format!("Bearer {token}.x"), Distrust::Header),
        (large, Distrust::TooLarge),
    ] {
        let value = HeaderValue::from_str(&value).unwrap();
        assert_eq!(ground.verifier().believe(&value), Err(expected));
    }
    let lower = HeaderValue::from_str(&format!("bearer {token}")).unwrap();
    assert!(ground.verifier().believe(&lower).is_ok());
}

#[test]
fn the_sender_is_told_no_more_than_that_it_is_not_believed() {
    let refusal = |why: Distrust| crate::Refusal::from(why);
    let told: Vec<String> = [
        Distrust::UnknownKey,
        Distrust::Signature,
        Distrust::Issuer,
        Distrust::Audience,
        Distrust::Claims,
        Distrust::Overreach,
    ]
    .into_iter()
    .map(|why| tonic::Status::from(refusal(why)).message().to_owned())
    .collect();
    assert!(told.iter().all(|text| *text == told[0]), "{told:?}");
    assert_eq!(refusal(Distrust::Signature).reason(), "CALLER_UNKNOWN");
    assert_eq!(refusal(Distrust::Expired).reason(), "TOKEN_EXPIRED");
}

#[test]
fn a_token_is_used_for_half_of_its_life() {
    let (ground, at) = (Ground::new(), clock());
    let minter = ground.minter(at.clone());
    let first = minter.authorization(&agent()).unwrap();

    at.advance(SignedDuration::from_secs(149));
    assert_eq!(minter.authorization(&agent()).unwrap(), first);
    at.advance(SignedDuration::from_secs(1));
    let second = minter.authorization(&agent()).unwrap();
    assert_ne!(second, first);
    let other = Caller {
        principal: "users/8".into(),
        ..agent()
    };
    let others = minter.authorization(&other).unwrap();
    let verifier = ground.verifier_of(&Issuer::Development, at.clone());
    assert_eq!(verifier.believe(&others), Ok(other));
    // A clock that was set back: what was made in its future is not used.
    at.advance(SignedDuration::from_secs(-3_600));
    assert_ne!(minter.authorization(&agent()).unwrap(), second);
}

#[test]
fn a_token_too_large_to_be_read_is_not_made() {
    let caller = Caller {
        principal: "u".repeat(4_000),
        ..agent()
    };
    let made = Ground::new().minter(clock()).authorization(&caller);
    assert!(matches!(made, Err(MintRefused::TooLarge)), "{made:?}");
}
