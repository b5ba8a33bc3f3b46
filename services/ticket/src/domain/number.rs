//! Service-order numbers: `C1-000042-7`: cell code, sequence, check digit.
//!
//! The check digit is Damm's (H. M. Damm, 2004): it finds every single wrong digit and every swap
//! of two neighbours, the mistakes people make reading a number over the phone.

/// A quasigroup of order 10 whose diagonal is zero.
const DAMM: [[u8; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The number of the `sequence`-th ticket of a cell.
pub fn number(cell: &str, sequence: i64) -> String {
    let digits = format!("{sequence:06}");
    let check = damm(&digits);
    format!("{cell}-{digits}-{check}")
}

/// Whether a text is a number whose check digit is right.
pub fn is_number(text: &str) -> bool {
    let mut parts = text.rsplitn(3, '-');
    let (Some(check), Some(digits), Some(cell)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let all_digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let of_cell = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    !cell.is_empty()
        && cell.bytes().all(of_cell)
        && check.len() == 1
        && all_digits(check)
        && (6..=18).contains(&digits.len())
        && all_digits(digits)
        && check == damm(digits).to_string()
}

fn damm(digits: &str) -> u8 {
    let step = |row: u8, b: u8| DAMM[row as usize][usize::from(b.wrapping_sub(b'0')) % 10];
    digits.bytes().fold(0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_and_carries_its_check_digit() {
        assert_eq!(number("C1", 572), "C1-000572-4");
        assert!(is_number("C1-000572-4"));
        assert!(is_number(&number("C1", 1_234_567)));
    }

    #[test]
    fn a_wrong_digit_or_swapped_neighbours_are_found() {
        for sequence in [1, 572, 918_273, 1_000_000] {
            let digits = format!("{sequence:06}");
            let check = damm(&digits);
            for at in 0..digits.len() {
                for wrong in b'0'..=b'9' {
                    let mut changed = digits.clone().into_bytes();
                    if changed[at] == wrong {
                        continue;
                    }
                    changed[at] = wrong;
                    assert_ne!(damm(std::str::from_utf8(&changed).unwrap()), check);
                }
                let mut swapped = digits.clone().into_bytes();
                if at + 1 < swapped.len() && swapped[at] != swapped[at + 1] {
                    swapped.swap(at, at + 1);
                    assert_ne!(damm(std::str::from_utf8(&swapped).unwrap()), check);
                }
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "C1",
            "C1-000572",
            "C1-000572-5",
            "-000572-4",
            "c1-000572-4",
            "C1-00057a-4",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }
}
