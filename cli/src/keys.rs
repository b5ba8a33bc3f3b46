//! `fettle keys`: a key pair for an issuer of caller tokens.

use std::path::PathBuf;

use chassis::identity::{Issuer, write_key_pair};
use serde_json::json;

use crate::Verdict;
use crate::terminal::{Voice, emit};

/// Make a key pair: the private key into a new file, the public one into a JWK Set.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle keys --issuer edge --private edge.pem --set keys.json
  fettle keys --issuer services/ticket --private ticket.pem --set keys.json

The set is what every service is given as identity.keys, the private key what one of them is given
as identity.signing_key. Made again for the same issuer it is a second key beside the first: first
every service gets the new set, then the signer its new key, and a quarter of an hour later the old
key can be taken out of the set.")]
pub(crate) struct Args {
    /// Who signs with it: "edge", or "services/" and a service's name.
    #[arg(long, value_name = "ISSUER", value_parser = issuer)]
    issuer: Issuer,
    /// The new file of the private key (PKCS#8, PEM); an existing one is never overwritten.
    #[arg(long, value_name = "FILE")]
    private: PathBuf,
    /// The JWK Set that the public key is added to; made when there is none.
    #[arg(long, value_name = "FILE")]
    set: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &Args, voice: Voice) -> anyhow::Result<Verdict> {
    let kid = write_key_pair(&args.private, &args.set, &args.issuer)?;
    let (private, set) = (args.private.display(), args.set.display());
    if voice.json {
        emit(&json!({ "kid": kid, "issuer": args.issuer.to_string() }));
    }
    voice.tell(format!(
        "{kid} of {}: private key in {private}, public key in {set}",
        args.issuer
    ));
    Ok(Verdict::Held)
}

fn issuer(text: &str) -> Result<Issuer, String> {
    let issuer = Issuer::parse(text).filter(|issuer| *issuer != Issuer::Development);
    issuer.ok_or_else(|| "an issuer is \"edge\" or \"services/<name>\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_for_those_whom_production_believes() {
        assert_eq!(issuer("edge"), Ok(Issuer::Edge));
        assert_eq!(
            issuer("services/ticket"),
            Ok(Issuer::Service("ticket".into()))
        );
        for bad in ["development", "services/", "services/a b", "gateway", ""] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
    }
}
