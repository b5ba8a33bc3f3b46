//! `fettle verify`: every law of every service, asked of the databases themselves.

use std::path::{Path, PathBuf};

use anyhow::Context;
use chassis::audit::heads::Head;
use serde_json::json;

use crate::Verdict;
use crate::reach::Reach;
use crate::suite::{self, Against, Law};
use crate::terminal::{BAD, GOOD, Voice, emit, styled};

/// Breaches shown per law; the number of the others is told.
const SHOWN: usize = 5;

/// Check every law of every service against the databases.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  fettle verify
  fettle verify --heads /mnt/elsewhere/heads.json
  fettle verify --keys keys.json --json

The databases are those of the suite on this machine, or those that the environment names
(FETTLE__DATABASE__URL, or one per service). Every chain of the audit must be whole and end at the
entry that its service signed. Whoever can write the tables may still cut off the end of a chain and
put an earlier signed head back: with --heads that is seen as well. The heads of this check are put
into the file when every law holds; keep it where those who run the database cannot write.

Exit code: 0 every law holds, 1 one does not, 2 the command cannot be understood.")]
pub(crate) struct Args {
    /// Heads of the audit that were put aside earlier; the file is made where there is none.
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// JWK Set with the public keys that are believed; default: that of the suite on this machine,
    /// or `identity.keys` of the environment.
    #[arg(long, value_name = "JWKS")]
    keys: Option<PathBuf>,
}

/// Runs the command.
pub(crate) async fn run(args: &Args, reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let against = Against {
        keys: args.keys.clone(),
        kept: args.heads.as_deref().map_or(Ok(Vec::new()), kept)?,
    };
    let reached = match suite::databases_configured() {
        true => None,
        false => Some(reach.existing_or_own(voice).await?),
    };
    let laws = suite::laws(&reach.dir, &against).await;
    if let Some(reached) = reached {
        reached.leave().await?;
    }
    let (laws, heads) = laws?;
    show(&laws, voice);
    if !clean(&laws) {
        return Ok(Verdict::NotHeld);
    }
    if let Some(file) = &args.heads {
        put_aside(file, &heads)?;
    }
    Ok(Verdict::Held)
}

fn kept(file: &Path) -> anyhow::Result<Vec<Head>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("{} holds no heads", file.display()))
}

/// A reader never sees half of the file.
fn put_aside(file: &Path, heads: &[Head]) -> anyhow::Result<()> {
    let mut half = file.as_os_str().to_owned();
    half.push(".new");
    let written = std::fs::write(&half, serde_json::to_vec_pretty(heads)?);
    let written = written.and_then(|()| std::fs::rename(&half, file));
    written.with_context(|| format!("writing {}", file.display()))
}

/// Whether no law is broken; a check of nothing proves nothing.
pub(crate) fn clean(laws: &[Law]) -> bool {
    !laws.is_empty() && laws.iter().all(|law| law.breaches.is_empty())
}

fn show(laws: &[Law], voice: Voice) {
    if voice.json {
        emit(&json!({ "clean": clean(laws), "laws": laws }));
    }
    tell(laws, voice);
}

/// One line per law, and the first breaches of each.
pub(crate) fn tell(laws: &[Law], voice: Voice) {
    for law in laws {
        let count = law.breaches.len();
        let verdict = match count {
            0 => styled(GOOD, "ok"),
            1 => styled(BAD, "1 breach"),
            _ => styled(BAD, format!("{count} breaches")),
        };
        voice.tell(format!("{:>12}  {}  {verdict}", law.service, law.law));
        for breach in law.breaches.iter().take(SHOWN) {
            voice.tell(format!("{:>12}  {breach}", ""));
        }
        if count > SHOWN {
            voice.tell(format!("{:>12}  … and {} more", "", count - SHOWN));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law(breaches: &[&str]) -> Law {
        Law {
            service: "inventory",
            law: "stock is never negative".to_owned(),
            breaches: breaches.iter().map(|&b| b.to_owned()).collect(),
        }
    }

    #[test]
    fn a_check_of_nothing_is_not_clean() {
        assert!(clean(&[law(&[])]));
        assert!(!clean(&[
            law(&[]),
            law(&["parts/A at stockLocations/B: -1"])
        ]));
        assert!(!clean(&[]));
    }
}
