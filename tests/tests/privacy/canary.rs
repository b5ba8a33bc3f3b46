//! The canary and every form in which it may be shown.

use data_encoding::{BASE64, BASE64URL, HEXLOWER};

/// Stands in every personal text.
pub(crate) const CANARY: &str = "Zq7Canary";
/// A mail address.
pub(crate) const EMAIL: &str = "zq7canary.mail@example.com";
/// A phone number.
pub(crate) const PHONE: &str = "+8613877700123";
/// Where the device stands, and where a technician lives.
pub(crate) const LATITUDE: f64 = 30.274_159_73;
pub(crate) const LONGITUDE: f64 = 120.155_159_73;
/// In events that nobody can digest.
pub(crate) const POISON: &str = "Zq7Poison";

/// Shown on purpose.
pub(crate) const LEAK: &str = "Zq7Leak";

/// A text about a person.
pub(crate) fn said(field: &str) -> String {
    format!("{CANARY} {field}")
}

/// A text about a person, of so many characters.
pub(crate) fn long(field: &str, length: usize) -> String {
    let text = said(field);
    format!("{text} {}", "x".repeat(length - text.len() - 1))
}

/// A text that must not be seen.
pub(crate) struct Canary {
    pub(crate) text: String,
    forms: Vec<String>,
}

impl Canary {
    /// Every canary, and what else must stay secret.
    pub(crate) fn all(secrets: &[String]) -> Vec<Canary> {
        let numbers = ["13877700123", "30.2741597", "120.1551597"];
        let texts = [CANARY].into_iter().chain(numbers);
        let secrets = secrets.iter().map(String::as_str);
        texts.chain(secrets).map(Canary::new).collect()
    }

    /// One in all its forms, in lower case.
    pub(crate) fn new(text: &str) -> Canary {
        let bytes = text.as_bytes();
        let listed: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let mut forms = vec![text.to_owned(), listed.join(", "), HEXLOWER.encode(bytes)];
        for before in 0..3 {
            let filled = [&[0; 2][..before], bytes].concat();
            // What three bytes share with others at the ends depends on those.
            let (from, to) = ((before * 8).div_ceil(6), filled.len() * 8 / 6);
            forms.push(BASE64.encode(&filled)[from..to].to_owned());
            forms.push(BASE64URL.encode(&filled)[from..to].to_owned());
        }
        forms
            .iter_mut()
            .for_each(|form| form.make_ascii_lowercase());
        forms.sort_unstable();
        forms.dedup();
        Canary {
            text: text.to_owned(),
            forms,
        }
    }

    /// Whether a line, in lower case, shows it.
    pub(crate) fn is_in(&self, line: &str) -> bool {
        self.forms.iter().any(|form| line.contains(form))
    }
}
