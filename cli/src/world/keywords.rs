//! What a fault text is about, by words of several languages.
//!
//! A small table, read from top to bottom: the first row with a word in the text decides. The
//! words are beginnings or parts of words as repairers in English, German, Danish, Dutch and
//! French write them.

use super::Category;

/// What a text says of a fault; empty where it says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Component class.
    pub(crate) component: &'static str,
    /// Symptom code.
    pub(crate) symptom: &'static str,
    /// Cause.
    pub(crate) cause: &'static str,
}

type Row = (&'static str, &'static str, &'static [&'static str]);

const LIQUID: &[&str] = &[
    "liquid",
    "water damage",
    "spilled",
    "spilt",
    "spillage",
    "got wet",
    "coffee on",
    "tea on",
    "wet ",
    "flüssigkeit",
    "wasserschaden",
    "kaffee",
    "verschüttet",
    "væske",
    "vandskade",
    "vloeistof",
    "waterschade",
    "liquide",
    "eau ",
];

const ROWS: &[Row] = &[
    (
        "PRINT_HEAD",
        "PRINTS_BADLY",
        &[
            "print head",
            "printhead",
            "druckkopf",
            "printkop",
            "skrivehoved",
            "tête d'impression",
            "ink",
            "tinte",
            "blæk",
            "cartridge",
            "patrone",
            "toner",
            "nozzle",
            "düsen",
            "smudge",
            "streak",
        ],
    ),
    (
        "PAPER_FEED",
        "PAPER_JAM",
        &[
            "paper", "papier", "papir", "feed", "einzug", "jam", "roller", "walze", "bourrage",
        ],
    ),
    (
        "BATTERY",
        "DOES_NOT_HOLD_CHARGE",
        &["batter", "akku", "accu", "batterij", "akkumulator"],
    ),
    (
        "LCD",
        "IMAGE_FAULT",
        &[
            "screen",
            "display",
            "skærm",
            "bildschirm",
            "scherm",
            "écran",
            "backlight",
            "hintergrundbel",
            "lcd",
            "touch",
            "glass",
            "glas ",
            "pixel",
            "digitizer",
        ],
    ),
    (
        "KEYBOARD",
        "KEY_FAILS",
        &[
            "keyboard",
            "tastatur",
            "toetsenbord",
            "clavier",
            "keys ",
            "key ",
            "taste ",
            "tasten",
            "trackpad",
            "touchpad",
        ],
    ),
    (
        "PORT",
        "DOES_NOT_CONNECT",
        &[
            "charging port",
            "usb port",
            "charge port",
            "ladebuchse",
            "usb-buchse",
            "buchse",
            "socket",
            "ladestik",
            "connector",
            "aansluiting",
        ],
    ),
    (
        "ADAPTER",
        "NO_POWER",
        &[
            "charger",
            "adapter",
            "netzteil",
            "oplader",
            "oplaad",
            "strømforsyning",
            "oplad",
            "chargeur",
            "ladegerät",
            "cable",
            "kabel",
            "ladekabel",
        ],
    ),
    (
        "POWER_SUPPLY",
        "NO_POWER",
        &[
            "power supply",
            "psu",
            "voeding",
            "capacitor",
            "kondensator",
            "fuse",
            "sicherung",
            "alimentation",
        ],
    ),
    (
        "DISK",
        "DISK_FAULT",
        &[
            "hard drive",
            "hard disk",
            "harddisk",
            "hdd",
            "ssd",
            "festplatte",
            "harde schijf",
            "disque dur",
            "disk",
            "disc drive",
            "boot",
            "windows",
            "slow",
            "langsam",
            "langsom",
            "traag",
            "lent",
        ],
    ),
    (
        "MEMORY",
        "MEMORY_FAULT",
        &[
            "memory",
            " ram",
            "arbeitsspeicher",
            "hukommelse",
            "geheugen",
            "mémoire",
            "beep",
            "piept",
        ],
    ),
    (
        "FAN",
        "OVERHEATS",
        &[
            "fan ",
            "fan.",
            "lüfter",
            "ventilator",
            "blæser",
            "overheat",
            "überhitz",
            "hot",
            "heiß",
            "noisy",
            "laut",
            "køle",
            "ventilateur",
            "wärmeleit",
        ],
    ),
    (
        "GRAPHICS",
        "IMAGE_FAULT",
        &["graphic", "grafik", "video card", "gpu"],
    ),
    (
        "CAMERA",
        "CAMERA_FAULT",
        &["camera", "kamera", "appareil photo"],
    ),
    (
        "SPEAKER",
        "NO_SOUND",
        &[
            "speaker",
            "lautsprecher",
            "højttaler",
            "sound",
            "microphone",
            "mikrofon",
            "luidspreker",
        ],
    ),
    (
        "MAINBOARD",
        "DOES_NOT_START",
        &[
            "mainboard",
            "motherboard",
            "main board",
            "logic board",
            "platine",
            "moederbord",
            "bundkort",
            "carte mère",
            "won't start",
            "wont start",
            "doesn't start",
            "not start",
            "startet nicht",
            "geht nicht an",
            "won't turn on",
            "not turn on",
            "wont turn on",
            "doesn't turn on",
            "no power",
            "won't power",
            "not power",
            "starter ikke",
            "tænder ikke",
            "start niet",
            "gaat niet aan",
            "ne démarre",
            "ne s'allume",
            "dead",
            "tot",
            "kein strom",
            "keine funktion",
            "not working",
            "defekt",
            "kaputt",
        ],
    ),
];

/// Reads a fault text for a kind of device. A component that such a device does not have is
/// passed over.
pub(crate) fn read(category: Category, text: &str) -> Reading {
    let text = format!(" {} ", text.to_lowercase());
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let fits = |row: &&Row| category.components().contains(&row.0) && says(row.2);
    let (component, symptom, _) = ROWS.iter().find(fits).copied().unwrap_or_default();
    Reading {
        component,
        symptom,
        cause: if says(LIQUID) { "LIQUID" } else { "" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fault_is_recognised_in_every_language() {
        for text in [
            "Battery does not charge",
            "Akku lädt nicht",
            "accu leeg na 5 min",
            "Batterij kapot",
        ] {
            assert_eq!(
                read(Category::Notebook, text).component,
                "BATTERY",
                "{text}"
            );
        }
        for text in [
            "Cracked screen",
            "Display gesprungen",
            "skærm defekt",
            "Scherm zwart",
            "écran cassé",
        ] {
            assert_eq!(read(Category::Phone, text).component, "LCD", "{text}");
        }
        for text in [
            "hard drive clicks",
            "Festplatte defekt",
            "harde schijf vervangen",
        ] {
            assert_eq!(read(Category::Desktop, text).component, "DISK", "{text}");
        }
    }

    #[test]
    fn a_component_that_the_device_does_not_have_is_passed_over() {
        assert_eq!(
            read(Category::Printer, "Display dark, paper jam").component,
            "PAPER_FEED"
        );
        assert_eq!(read(Category::Monitor, "keyboard fails").component, "");
    }

    #[test]
    fn liquid_is_a_cause_whatever_the_component() {
        let reading = read(Category::Notebook, "Coffee spilled over the keyboard");
        assert_eq!((reading.component, reading.cause), ("KEYBOARD", "LIQUID"));
        assert_eq!(
            read(Category::Phone, "Wasserschaden, geht nicht an").cause,
            "LIQUID"
        );
        assert_eq!(read(Category::Phone, "won't start").cause, "");
    }

    #[test]
    fn a_text_that_names_nothing_reads_as_nothing() {
        assert_eq!(read(Category::Tablet, "???"), Reading::default());
    }
}
