//! How callers prove who they are: a token that was given, or tokens made by the development issuer
//! of the suite on this machine.

use std::path::Path;

use anyhow::{Context, bail};
use chassis::identity::{Development, Minter, development};
use chassis::{Caller, Clock};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// Whom the development commands call as when they call as a customer.
pub(crate) const CUSTOMER: &str = "parties/00000000-0000-7000-8000-000000000001";
/// The same for technicians.
pub(crate) const TECHNICIAN: &str = "technicians/00000000-0000-7000-8000-000000000001";

/// Where tokens come from. Cheap to clone; clones share the tokens made.
#[derive(Clone, Debug)]
pub(crate) enum Credentials {
    /// This machine's suite believes whatever its development issuer says.
    Minter(Minter),
    /// One token for everything, as others made it.
    Token(MetadataValue<Ascii>),
}

impl Credentials {
    /// The token that was given, without the word "Bearer".
    pub(crate) fn given(token: &str) -> anyhow::Result<Credentials> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.trim())
            .parse()
            .context("the token is no text of one line")?;
        value.set_sensitive(true);
        Ok(Credentials::Token(value))
    }

    /// The development issuer of a suite's folder, where one has been started.
    pub(crate) fn of_folder(dir: &Path) -> anyhow::Result<Credentials> {
        let issuer = existing_issuer(dir)?;
        Ok(Credentials::Minter(issuer.minter(Clock::system())?))
    }

    /// What goes on each request of a caller.
    pub(super) fn of(&self, caller: Caller) -> Signed {
        Signed {
            caller,
            credentials: self.clone(),
        }
    }
}

/// The development issuer of a suite, made with the suite.
pub(crate) fn issuer_of(dir: &Path) -> anyhow::Result<Development> {
    Ok(development(&dir.join("identity"))?)
}

/// The same; refuses where no suite has been started yet.
pub(crate) fn existing_issuer(dir: &Path) -> anyhow::Result<Development> {
    if !dir.join("identity").is_dir() {
        bail!(
            "{} has no development issuer: start a suite with `fettle up`, or give a token by --token",
            dir.display()
        );
    }
    issuer_of(dir)
}

/// Puts who is asking on each request.
#[derive(Clone)]
pub(crate) struct Signed {
    caller: Caller,
    credentials: Credentials,
}

impl Interceptor for Signed {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let value = match &self.credentials {
            Credentials::Token(value) => value.clone(),
            Credentials::Minter(minter) => {
                let unmade = |why: &dyn std::fmt::Display| Status::unauthenticated(why.to_string());
                let made = minter.authorization(&self.caller);
                let made = made.map_err(|why| unmade(&why))?;
                MetadataValue::try_from(made.as_bytes()).map_err(|why| unmade(&why))?
            }
        };
        request.metadata_mut().insert("authorization", value);
        Ok(request)
    }
}
