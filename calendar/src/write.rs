//! From a calendar back to its document, so that its content can travel in an event.

use serde::{Serialize, Serializer};

use crate::hours::Hours;
use crate::index::{Class, Special, date_of};
use crate::parse::WEEKDAYS;
use crate::{Calendar, Years};

#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    version: u32,
    jurisdiction: &'a str,
    source: &'a str,
    years: Years,
    hours: Week<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holiday_hours: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holidays: Vec<Holiday<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    make_up: Vec<MakeUp<'a>>,
}

#[derive(Serialize)]
struct Holiday<'a> {
    date: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<Vec<String>>,
}

#[derive(Serialize)]
struct MakeUp<'a> {
    date: String,
    name: &'a str,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    like: Option<&'static str>,
}

struct Week<'a>(&'a [Hours; 7]);

impl Serialize for Week<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let open = WEEKDAYS.iter().zip(self.0).filter(|(_, h)| !h.is_closed());
        serializer.collect_map(open.map(|(weekday, hours)| (weekday, written(hours))))
    }
}

impl Serialize for Calendar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut holidays = Vec::new();
        let mut make_up = Vec::new();
        for special in self.index.special_days() {
            let Special { day, name, .. } = special;
            let date = date_of(*day).to_string();
            match special.class {
                Class::Holiday => holidays.push(Holiday {
                    date,
                    name,
                    hours: (special.hours != self.holiday_hours).then(|| written(&special.hours)),
                }),
                Class::MakeUp(like) => make_up.push(MakeUp {
                    date,
                    name,
                    like: (like != 0).then(|| WEEKDAYS[like]),
                }),
            }
        }
        Document {
            id: &self.id,
            version: self.version,
            jurisdiction: &self.jurisdiction,
            source: &self.source,
            years: self.years,
            hours: Week(self.index.week()),
            holiday_hours: written(&self.holiday_hours),
            holidays,
            make_up,
        }
        .serialize(serializer)
    }
}

fn written(hours: &Hours) -> Vec<String> {
    hours.openings().iter().map(|o| o.to_string()).collect()
}

impl Calendar {
    /// The calendar as YAML that [`Calendar::from_yaml`] reads back to an equal calendar.
    ///
    /// # Errors
    /// Only where the YAML writer fails; no calendar is known to make it.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::SerializeError> {
        serde_saphyr::to_string(self)
    }
}
