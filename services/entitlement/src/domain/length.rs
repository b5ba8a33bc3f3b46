//! Lengths of terms: "12 months", "30 days", "3 years".

use jiff::Span;
use jiff::civil::Date;

/// Longest length in days or months; a policy that says more is mistyped.
const LONGEST: i32 = 36_525;

/// A number of months and days, counted by the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Length {
    months: i32,
    days: i32,
}

impl Length {
    /// So many days.
    pub fn days(days: i32) -> Length {
        Length { months: 0, days }
    }

    /// So many months.
    pub fn months(months: i32) -> Length {
        Length { months, days: 0 }
    }

    /// Reads "12 months", "1 year", "30 days"; nothing else, and nothing of a century and more.
    pub fn parse(text: &str) -> Option<Length> {
        let (number, unit) = text.split_once(' ')?;
        let number: i32 = number.parse().ok().filter(|n| (1..=LONGEST).contains(n))?;
        match unit {
            "day" | "days" => Some(Length::days(number)),
            "month" | "months" if number <= 1_200 => Some(Length::months(number)),
            "year" | "years" if number <= 100 => Some(Length::months(number * 12)),
            _ => None,
        }
    }

    /// The last day of a term of this length: the day it begins on is not counted, and a month
    /// ends on the day of the same number, or on its last day (Civil Code of China, art. 201, 202).
    pub fn after(self, start: Date) -> Date {
        let span = Span::new().months(self.months).days(self.days);
        start.checked_add(span).unwrap_or(Date::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_ends_on_the_day_of_the_same_number() {
        let year = Length::parse("1 year").unwrap();
        for (start, end) in [
            ("2024-03-01", "2025-03-01"),
            ("2024-02-29", "2025-02-28"),
            ("2023-02-28", "2024-02-28"),
        ] {
            assert_eq!(year.after(start.parse().unwrap()).to_string(), end);
        }
        let month = Length::parse("1 month").unwrap();
        let end = month.after("2024-01-31".parse().unwrap());
        assert_eq!(end.to_string(), "2024-02-29");
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in [
            "",
            "12",
            "months",
            "0 days",
            "-1 days",
            "12 moons",
            "1.5 years",
            "101 years",
            "7  days",
        ] {
            assert_eq!(Length::parse(text), None, "{text}");
        }
    }
}
