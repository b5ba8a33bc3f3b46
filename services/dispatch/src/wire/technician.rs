//! Technicians on the wire.

use std::collections::BTreeSet;

use chassis::refusal::to_pb;
use chassis::{Position, Refusal, Violations, etag, names};
use jiff::Timestamp;
use proto::dispatch::v1 as pb;
use uuid::Uuid;

use super::{place, reference, skill};
use crate::domain::technician::{MIDNIGHT, Shift, Skill, TOP_LEVEL, Technician};

const MOST_SKILLS: usize = 100;
const MOST_SHIFTS: usize = 21;

/// The technician of a create request.
pub(crate) fn create(
    request: &pb::CreateTechnicianRequest,
    id: Uuid,
    now: Timestamp,
) -> Result<Technician, Refusal> {
    let mut v = Violations::new();
    let Some(pb) = &request.technician else {
        v.add("technician", "is required");
        return Err(Refusal::invalid(v));
    };
    let fields = ["technician.home_latitude", "technician.home_longitude"];
    let home = place(&mut v, fields, pb.home_latitude, pb.home_longitude);
    let partner = (!pb.partner.is_empty()).then(|| {
        reference(
            &mut v,
            "technician.partner".into(),
            &pb.partner,
            "organizations",
        )
    });
    v.zone("technician.time_zone", &pb.time_zone);
    let parsed = Technician {
        id,
        code: v.text("technician.code", &pb.code, 1..=40),
        display_name: v.text("technician.display_name", &pb.display_name, 1..=100),
        partner,
        region: v.text("technician.region", &pb.region, 1..=40),
        // Stands in until the violations are checked.
        home: home
            .or_else(|| Position::new(0.0, 0.0))
            .ok_or_else(|| Refusal::internal("0°"))?,
        time_zone: pb.time_zone.clone(),
        skills: skills(&mut v, &pb.skills),
        shifts: shifts(&mut v, &pb.shifts),
        inactive: pb.inactive,
        version: 1,
        created_at: now,
    };
    v.finish(Some(parsed))
}

/// What an update changes.
#[derive(derive_more::Debug, Default)]
pub(crate) struct Patch {
    pub(crate) id: Uuid,
    #[debug("[personal]")]
    display_name: Option<String>,
    region: Option<String>,
    #[debug("[personal]")]
    latitude: Option<f64>,
    #[debug("[personal]")]
    longitude: Option<f64>,
    time_zone: Option<String>,
    skills: Option<Vec<Skill>>,
    shifts: Option<Vec<Shift>>,
    inactive: Option<bool>,
}

/// The changes of an update request.
pub(crate) fn patch(request: &pb::UpdateTechnicianRequest) -> Result<Patch, Refusal> {
    let mut v = Violations::new();
    let Some(pb) = &request.technician else {
        v.add("technician", "is required");
        return Err(Refusal::invalid(v));
    };
    let paths = request
        .update_mask
        .as_ref()
        .map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        v.add("update_mask", "is required");
    }
    let id = v.resource("technician.name", &pb.name, "technicians");
    let mut patch = Patch {
        id: id.unwrap_or_default(),
        ..Patch::default()
    };
    for path in paths {
        patch.read(path, pb, &mut v);
    }
    v.finish(Some(patch))
}

impl Patch {
    fn read(&mut self, path: &str, pb: &pb::Technician, v: &mut Violations) {
        match path {
            "display_name" => {
                let name = v.text("technician.display_name", &pb.display_name, 1..=100);
                self.display_name = Some(name);
            }
            "region" => self.region = Some(v.text("technician.region", &pb.region, 1..=40)),
            "home_latitude" => {
                self.latitude = degrees(v, "technician.home_latitude", pb.home_latitude, 90.0);
            }
            "home_longitude" => {
                self.longitude = degrees(v, "technician.home_longitude", pb.home_longitude, 180.0);
            }
            "time_zone" => {
                v.zone("technician.time_zone", &pb.time_zone);
                self.time_zone = Some(pb.time_zone.clone());
            }
            "skills" => self.skills = Some(skills(v, &pb.skills)),
            "shifts" => self.shifts = Some(shifts(v, &pb.shifts)),
            "inactive" => self.inactive = Some(pb.inactive),
            other => v.add(
                "update_mask",
                format!("names {other:?}, which cannot be changed"),
            ),
        }
    }

    /// The technician after the changes.
    pub(crate) fn apply(self, mut technician: Technician) -> Technician {
        let lat = self.latitude.unwrap_or(technician.home.lat());
        let lng = self.longitude.unwrap_or(technician.home.lng());
        technician.home = Position::new(lat, lng).unwrap_or(technician.home);
        technician.display_name = self.display_name.unwrap_or(technician.display_name);
        technician.region = self.region.unwrap_or(technician.region);
        technician.time_zone = self.time_zone.unwrap_or(technician.time_zone);
        technician.skills = self.skills.unwrap_or(technician.skills);
        technician.shifts = self.shifts.unwrap_or(technician.shifts);
        technician.inactive = self.inactive.unwrap_or(technician.inactive);
        technician
    }
}

fn degrees(v: &mut Violations, field: &str, value: f64, most: f64) -> Option<f64> {
    if !(-most..=most).contains(&value) {
        v.add(field, format!("is not within -{most} to {most} degrees"));
        return None;
    }
    Some(value)
}

fn skills(v: &mut Violations, list: &[pb::technician::Skill]) -> Vec<Skill> {
    if list.len() > MOST_SKILLS {
        v.add(
            "technician.skills",
            format!("lists more than {MOST_SKILLS}"),
        );
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::with_capacity(list.len());
    for (index, pb) in list.iter().enumerate() {
        let at = |field: &str| format!("technician.skills[{index}].{field}");
        let code = skill(v, at("skill"), &pb.skill);
        if !seen.insert(code.clone()) {
            v.add(at("skill"), "is listed twice");
        }
        if !(1..=TOP_LEVEL).contains(&pb.level) {
            v.add(at("level"), format!("is not 1 to {TOP_LEVEL}"));
        }
        let valid_until = v.date(at("valid_until"), &pb.valid_until);
        parsed.push(Skill {
            skill: code,
            level: pb.level,
            valid_until,
        });
    }
    parsed
}

fn shifts(v: &mut Violations, list: &[pb::technician::Shift]) -> Vec<Shift> {
    if list.len() > MOST_SHIFTS {
        v.add(
            "technician.shifts",
            format!("lists more than {MOST_SHIFTS}"),
        );
        return Vec::new();
    }
    let mut parsed: Vec<Shift> = Vec::with_capacity(list.len());
    for (index, pb) in list.iter().enumerate() {
        let at = |field: &str| format!("technician.shifts[{index}].{field}");
        let weekday = i8::try_from(pb.weekday)
            .ok()
            .filter(|day| (1..=7).contains(day));
        if weekday.is_none() {
            v.add(at("weekday"), "is not 1 (Monday) to 7 (Sunday)");
        }
        let start = minutes(&pb.start).filter(|start| *start < MIDNIGHT);
        if start.is_none() {
            v.add(at("start"), "is no time of the form HH:MM");
        }
        let end = minutes(&pb.end);
        if end.is_none() {
            v.add(at("end"), "is no time of the form HH:MM");
        }
        let (Some(weekday), Some(start), Some(end)) = (weekday, start, end) else {
            continue;
        };
        if end <= start {
            v.add(at("end"), "is not after the start");
        }
        let overlaps = |s: &Shift| s.weekday == weekday && s.start < end && start < s.end;
        if parsed.iter().any(overlaps) {
            v.add(at("start"), "is within another shift of the day");
        }
        parsed.push(Shift {
            weekday,
            start,
            end,
        });
    }
    parsed
}

/// "HH:MM" as minutes after midnight, "24:00" included.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MIDNIGHT).then_some(total)
}

fn clock(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A technician as the contract writes it.
pub(crate) fn technician(technician: &Technician) -> pb::Technician {
    let skill = |skill: &Skill| pb::technician::Skill {
        skill: skill.skill.clone(),
        level: skill.level,
        valid_until: skill
            .valid_until
            .map(|date| date.to_string())
            .unwrap_or_default(),
    };
    let shift = |shift: &Shift| pb::technician::Shift {
        weekday: i32::from(shift.weekday),
        start: clock(shift.start),
        end: clock(shift.end),
    };
    pb::Technician {
        name: names::name("technicians", technician.id),
        code: technician.code.clone(),
        display_name: technician.display_name.clone(),
        partner: technician.partner.clone().unwrap_or_default(),
        region: technician.region.clone(),
        home_latitude: technician.home.lat(),
        home_longitude: technician.home.lng(),
        time_zone: technician.time_zone.clone(),
        skills: technician.skills.iter().map(skill).collect(),
        shifts: technician.shifts.iter().map(shift).collect(),
        inactive: technician.inactive,
        etag: etag::etag(technician.version),
        create_time: Some(to_pb(technician.created_at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_civil_time_has_two_digits_each_and_the_day_ends_at_24_00() {
        for (text, expected) in [
            ("00:00", Some(0)),
            ("08:30", Some(510)),
            ("24:00", Some(1_440)),
            ("24:01", None),
            ("8:30", None),
            ("08:60", None),
            ("+8:30", None),
            ("", None),
        ] {
            assert_eq!(minutes(text), expected, "{text}");
        }
        assert_eq!(clock(510), "08:30");
    }
}
