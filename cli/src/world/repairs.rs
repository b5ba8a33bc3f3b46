//! Faults people brought to repair cafés: the Open Repair Data.

use std::path::Path;

use super::{Category, Told, column, open};

/// Longest fault text kept, in characters; a ticket's description holds more.
const LONGEST: usize = 2_000;

/// Reads the IT products with a fault text, in the order of the file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Told>> {
    let mut reader = open(path)?;
    let headers = reader.headers()?.clone();
    let kind = column(&headers, "product_category")?;
    let brand = column(&headers, "brand")?;
    let problem = column(&headers, "problem")?;
    let mut told = Vec::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row)? {
        let field = |index: usize| row.get(index).unwrap_or_default().trim();
        let text = readable(field(problem));
        if let Some(category) = Category::of_open_repair(field(kind))
            && text.chars().any(char::is_alphabetic)
        {
            let brand = field(brand);
            let brand = if brand == "Unknown" { "" } else { brand };
            told.push(Told {
                category,
                brand: brand.to_owned(),
                text,
            });
        }
    }
    anyhow::ensure!(
        !told.is_empty(),
        "no repair of an IT product with a fault text"
    );
    Ok(told)
}

/// The text without control characters, in one line, at most [`LONGEST`] characters.
fn readable(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(LONGEST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::data;

    #[test]
    fn only_it_products_with_a_fault_text_are_read() {
        let Some(folder) = data() else { return };

        let told = read(&folder.join("repairs-openrepair/ords_repairs_to2022.csv.zst")).unwrap();

        assert_eq!(told.len(), 7_650);
        assert!(told.iter().all(|one| !one.text.is_empty()));
        let laptops = told
            .iter()
            .filter(|one| one.category == Category::Notebook)
            .count();
        assert!(laptops > 3_000, "{laptops}");
    }

    #[test]
    fn control_characters_become_blanks_and_long_texts_end() {
        assert_eq!(readable(" a\tb\u{7}c\n"), "a b c");
        assert_eq!(readable(&"é".repeat(3_000)).chars().count(), LONGEST);
    }
}
