//! `fettle verify`: every law of every service, asked of the databases themselves.

use serde_json::json;

use crate::Verdict;
use crate::reach::Reach;
use crate::suite::{self, Law};
use crate::terminal::{BAD, GOOD, Voice, emit, styled};

/// Breaches shown per law; the number of the others is told.
const SHOWN: usize = 5;

/// Runs the command.
pub(crate) async fn run(reach: &Reach, voice: Voice) -> anyhow::Result<Verdict> {
    let reached = match suite::databases_configured() {
        true => None,
        false => Some(reach.existing_or_own(voice).await?),
    };
    let laws = suite::laws(&reach.dir).await;
    if let Some(reached) = reached {
        reached.leave().await?;
    }
    let laws = laws?;
    show(&laws, voice);
    Ok(if clean(&laws) {
        Verdict::Held
    } else {
        Verdict::NotHeld
    })
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
