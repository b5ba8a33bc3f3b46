//! How mail addresses and phone numbers are spelled, so that one contact has one spelling.

/// Longest mail address, in bytes (RFC 5321 §4.5.3.1, as corrected by erratum 1690).
const LONGEST_MAIL: usize = 254;

/// A mail address as it was written, without surrounding blanks; none when it has not the shape
/// of one.
///
/// The shape is the part of RFC 5321 that people use: a dot-atom, `@`, a domain of at least two
/// labels. Letters beyond ASCII are taken on both sides (RFC 6531); quoted names and address
/// literals are not. Whether the address exists only a mail can tell.
pub fn mail_address(text: &str) -> Option<String> {
    let text = text.trim();
    let (name, domain) = text.split_once('@')?;
    let named = name.len() <= 64 && name.split('.').all(is_atom);
    let labels = domain.split('.').count();
    let placed = labels >= 2 && domain.split('.').all(is_label);
    (named && placed && text.len() <= LONGEST_MAIL).then(|| text.to_owned())
}

/// The spelling by which an address is looked up: lower case. RFC 5321 lets a host tell `Li@`
/// from `li@`; hardly one does, and people do not.
pub fn mail_for_look_up(address: &str) -> String {
    address.to_lowercase()
}

/// A phone number in E.164: `+`, country code, at most 15 digits. Blanks, hyphens, dots and
/// brackets between the digits are dropped; a number without a country code is none.
pub fn phone_number(text: &str) -> Option<String> {
    let mut number = String::with_capacity(16);
    for c in text.trim().chars() {
        match c {
            '+' if number.is_empty() => number.push(c),
            '0'..='9' if !number.is_empty() => number.push(c),
            ' ' | '-' | '.' | '(' | ')' | '\u{a0}' if !number.is_empty() => {}
            _ => return None,
        }
        if number.len() > 16 {
            return None;
        }
    }
    let digits = number.strip_prefix('+')?;
    let whole = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    whole.then_some(number)
}

fn is_atom(atom: &str) -> bool {
    let taken = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    !atom.is_empty() && atom.chars().all(taken)
}

fn is_label(label: &str) -> bool {
    let taken = |c: char| c.is_alphanumeric() || c == '-';
    (1..=63).contains(&label.len())
        && label.chars().all(taken)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_mail_addresses_are_taken_as_written() {
        for good in [
            "li@example.com",
            "Li.Wei+repairs@mail.example.co.uk",
            "o'brien@example.org",
            "李伟@例子.中国",
            "a@b.c",
        ] {
            assert_eq!(mail_address(good).as_deref(), Some(good));
        }
        assert_eq!(
            mail_address(" li@example.com\n").as_deref(),
            Some("li@example.com")
        );
    }

    #[test]
    fn what_has_not_the_shape_of_a_mail_address_is_none() {
        let long_name = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}com", "b.".repeat(130));
        for bad in [
            "",
            "li",
            "li@",
            "@example.com",
            "li@localhost",
            "li@@example.com",
            "l i@example.com",
            ".li@example.com",
            "li.@example.com",
            "l..i@example.com",
            "li@-a.com",
            "li@a-.com",
            "li@a..com",
            "li@example.com.",
            "\"li\"@example.com",
            "li@[192.0.2.1]",
            "li@example.com, wei@example.com",
            "<li@example.com>",
            "li@exa\nmple.com",
            &long_name,
            &long_label,
            &long,
        ] {
            assert_eq!(mail_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_number_has_one_spelling() {
        for written in [
            "+8613800000000",
            "+86 138 0000 0000",
            " +86-138-0000-0000 ",
            "+86 (138) 0000.0000",
        ] {
            assert_eq!(
                phone_number(written).as_deref(),
                Some("+8613800000000"),
                "{written}"
            );
        }
    }

    #[test]
    fn a_number_without_a_country_code_or_of_another_length_is_none() {
        for bad in [
            "",
            "+",
            "13800000000",
            "0086138",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+86138x",
            "++8613800000000",
            "+86+13800000000",
            "+８６１３８００００",
        ] {
            assert_eq!(phone_number(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_spelling_once_normal_stays_as_it_is(text in "\\PC{0,40}|[+]?[0-9 ().-]{0,24}") {
            if let Some(number) = phone_number(&text) {
                prop_assert_eq!(phone_number(&number), Some(number.clone()));
            }
            if let Some(mail) = mail_address(&text) {
                prop_assert_eq!(mail_address(&mail), Some(mail.clone()));
            }
        }
    }
}
