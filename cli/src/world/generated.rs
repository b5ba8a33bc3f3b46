//! Faults and arrivals for a world without real data, of the same shape.

use jiff::{SignedDuration, Timestamp};

use super::category::CATEGORIES;
use super::{Arrival, Chance, Told};

/// How often each category breaks, in the order of [`CATEGORIES`], as in the real data.
const SHARES: [u32; 6] = [41, 5, 25, 11, 10, 8];

/// What people say, by component; `{}` is left for nothing: texts are whole.
const TEXTS: [(&str, &str); 14] = [
    ("MAINBOARD", "Won't start any more, no light at all"),
    ("BATTERY", "Akku hält nur noch zehn Minuten"),
    ("DISK", "Hard drive clicks and the system does not boot"),
    ("LCD", "Skærm er sort i venstre side"),
    ("KEYBOARD", "Several keys on the keyboard do nothing"),
    ("ADAPTER", "Oplader wordt heet, laadt niet"),
    ("MEMORY", "Beeps three times, memory error"),
    ("FAN", "Lüfter sehr laut, wird heiß"),
    ("POWER_SUPPLY", "Power supply makes a noise, then nothing"),
    ("GRAPHICS", "Graphic card shows stripes"),
    ("PORT", "Charging port is loose"),
    ("SPEAKER", "No sound from the speaker"),
    ("PAPER_FEED", "Paper jam at every second page"),
    ("PRINT_HEAD", "Druckkopf verstopft, Streifen"),
];

/// Fault texts.
pub(super) fn faults(chance: &mut Chance, count: usize) -> Vec<Told> {
    (0..count).map(|_| fault(chance)).collect()
}

fn fault(chance: &mut Chance) -> Told {
    let category = CATEGORIES[chance.weighted(&SHARES)];
    let component = *chance.one_of(category.components());
    let text = TEXTS.iter().find(|(about, _)| *about == component);
    let text = text.map_or("Does not work as it should", |(_, text)| *text);
    let text = match chance.happens(0.03) {
        true => format!("Coffee spilled over it. {text}"),
        false => text.to_owned(),
    };
    Told {
        category,
        brand: String::new(),
        text,
    }
}

/// Arrivals over the first half of 2015 around Boston, more of them by day.
pub(super) fn arrivals(chance: &mut Chance, count: usize) -> Vec<Arrival> {
    let start = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * 16_436);
    let mut all: Vec<Arrival> = (0..count.max(1_000))
        .map(|_| {
            let day = chance.between(0, 181);
            let by_day = chance.happens(0.85);
            let second = if by_day {
                chance.between(12 * 3_600, 24 * 3_600)
            } else {
                chance.between(0, 12 * 3_600)
            };
            Arrival {
                at: start + SignedDuration::from_secs(day * 86_400 + second),
                latitude: chance.around(42.32, 0.06),
                longitude: chance.around(-71.08, 0.06),
            }
        })
        .collect();
    all.sort_by_key(|arrival| arrival.at);
    all
}
