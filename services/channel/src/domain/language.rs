//! Language tags: BCP 47 (RFC 5646), well-formed and in the usual case.

/// Longest tag taken; RFC 5646 §4.4.1 shows that 35 characters hold every tag in use.
const LONGEST: usize = 35;

/// A well-formed tag in its usual case (`zh-Hans-CN`); none when it is not one.
///
/// Whether its subtags are registered is not asked: the registry grows. Tags that are private
/// as a whole (`x-…`) and the irregular ones of old (`i-klingon`) name no language to write in.
pub fn language(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    let subtags: Vec<&str> = text.split('-').collect();
    let mut tag = Tag {
        rest: &subtags,
        said: Vec::with_capacity(subtags.len()),
    };
    let primary = tag.take(|s| alpha(s, 2..=8), str::to_lowercase)?;
    if primary < 4 {
        for _ in 0..3 {
            tag.take(|s| alpha(s, 3..=3), str::to_lowercase);
        }
    }
    tag.take(|s| alpha(s, 4..=4), capitalised);
    tag.take(|s| alpha(s, 2..=2) || digits(s, 3), str::to_uppercase);
    while tag.take(is_variant, str::to_lowercase).is_some() {}
    tag.extensions()?;
    tag.rest.is_empty().then(|| tag.said.join("-"))
}

struct Tag<'a> {
    rest: &'a [&'a str],
    said: Vec<String>,
}

impl Tag<'_> {
    /// Takes the next subtag if it is one of these; answers with its length.
    fn take(&mut self, is: impl Fn(&str) -> bool, spell: impl Fn(&str) -> String) -> Option<usize> {
        let (first, rest) = self.rest.split_first()?;
        is(first).then(|| {
            self.said.push(spell(first));
            self.rest = rest;
            first.len()
        })
    }

    /// Singletons, each with at least one subtag; `x` takes all that is left. None when one has
    /// nothing.
    fn extensions(&mut self) -> Option<()> {
        let singleton = |s: &str| s.len() == 1 && alphanumeric(s, 1..=1);
        while let Some(first) = self.rest.first().copied().filter(|s| singleton(s)) {
            let private = first.eq_ignore_ascii_case("x");
            let least = if private { 1 } else { 2 };
            self.take(singleton, str::to_lowercase);
            let part = |s: &str| alphanumeric(s, least..=8);
            self.take(part, str::to_lowercase)?;
            while self.take(part, str::to_lowercase).is_some() {}
        }
        Some(())
    }
}

fn alpha(s: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphabetic())
}

fn alphanumeric(s: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn digits(s: &str, length: usize) -> bool {
    s.len() == length && s.bytes().all(|b| b.is_ascii_digit())
}

/// Five to eight characters, or four that begin with a digit.
fn is_variant(s: &str) -> bool {
    alphanumeric(s, 5..=8) || (alphanumeric(s, 4..=4) && s.as_bytes()[0].is_ascii_digit())
}

fn capitalised(s: &str) -> String {
    let (first, rest) = s.split_at(1);
    first.to_uppercase() + &rest.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_written_in_their_usual_case() {
        // Most are examples of RFC 5646, appendix A.
        for (written, usual) in [
            ("EN", "en"),
            ("zh-hans-cn", "zh-Hans-CN"),
            ("ZH-hant", "zh-Hant"),
            ("es-419", "es-419"),
            ("zh-cmn-hans-cn", "zh-cmn-Hans-CN"),
            ("sl-rozaj-biske", "sl-rozaj-biske"),
            ("de-ch-1901", "de-CH-1901"),
            ("hy-Latn-IT-arevela", "hy-Latn-IT-arevela"),
            ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk"),
            ("de-ch-x-phonebk", "de-CH-x-phonebk"),
            (" en ", "en"),
        ] {
            assert_eq!(language(written).as_deref(), Some(usual), "{written}");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_no_language() {
        for bad in [
            "",
            "e",
            "english language",
            "en_US",
            "en-",
            "-en",
            "en--US",
            "a-DE",
            "de-419-DE",
            "en-a",
            "en-x",
            "x-klingon",
            "i-klingon",
            "中文",
            "en-US-toolongsubtag",
            "en-US-u-co-phonebk-x-aaaaaaaa-bbbbbbbb-c",
        ] {
            assert_eq!(language(bad), None, "{bad}");
        }
    }
}
