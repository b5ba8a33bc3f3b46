//! Who tests are: the development issuer of the checkout, whose key every service of a test believes.

use std::sync::LazyLock;

use super::{checkout, must};
use crate::clock::Clock;
use crate::config::Layers;
use crate::identity::{Development, Minter, SigningKey, development};
use crate::server::{Served, serving};

/// One for all test processes of the checkout, in its folder under `.fettle/test/`.
static ISSUER: LazyLock<Development> = LazyLock::new(|| {
    let dir = checkout().join(".fettle").join("test").join("identity");
    must("make the development keys", development(&dir))
});

static MINTER: LazyLock<Minter> =
    LazyLock::new(|| must("read the development key", ISSUER.minter(Clock::system())));

/// What a service of a test is configured with to believe [`minter`], as (key, value).
pub fn identity_settings() -> [(&'static str, String); 5] {
    ISSUER.settings()
}

/// Lays [`identity_settings`] over what stands.
pub fn identified(layers: Layers) -> Layers {
    let settings = identity_settings().into_iter();
    settings.fold(layers, |layers, (key, value)| layers.set(key, &value))
}

/// The key of [`minter`], for tokens that are wrong on purpose.
pub fn development_key() -> SigningKey {
    must("read the development key", ISSUER.signing())
}

/// Makes tokens for whomever a test calls as.
pub fn minter() -> Minter {
    MINTER.clone()
}

/// Does `work` as a service does it that is asked for a change, by that principal with that RPC.
pub async fn called<F: Future>(principal: &str, rpc: &str, work: F) -> F::Output {
    let served = Served {
        principal: principal.to_owned(),
        rpc: rpc.to_owned(),
        origin: "192.0.2.7".to_owned(),
        reads: false,
        authorization: None,
    };
    serving(served, work).await
}
