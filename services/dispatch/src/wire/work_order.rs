//! Work orders on the wire.

use std::collections::BTreeSet;

use chassis::refusal::to_pb;
use chassis::{Refusal, Violations, etag, names};
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1 as pb;
use proto::inventory::v1::PartUsed as PbPartUsed;
use proto::kinds::v1 as kinds;
use uuid::Uuid;

use super::{SKEW, finding, instant_pb, place, reference, skill, window, window_pb};
use crate::domain::Window;
use crate::domain::moves;
use crate::domain::technician::{Need, TOP_LEVEL};
use crate::domain::work_order::{Address, Completion, Mode, PartUsed, Site, State, WorkOrder};
use crate::settings::Settings;

const MOST_SKILLS: usize = 20;
const MOST_PARTS: usize = 50;
const MOST_PIECES: i64 = 1_000;

/// The collection of work orders.
pub(crate) const COLLECTION: &str = "workOrders";

/// The work order of a create request, open, and whether the caller chose its id.
pub(crate) fn create(
    request: &pb::CreateWorkOrderRequest,
    fresh: Uuid,
    now: Timestamp,
    settings: &Settings,
) -> Result<(WorkOrder, bool), Refusal> {
    let mut v = Violations::new();
    let chosen = v.optional_resource("name", &request.name, COLLECTION);
    let occurred_at = v.occur_time(request.occur_time.as_ref(), now, SKEW);
    let duration = duration(&mut v, request.duration.as_ref());
    let order = WorkOrder {
        id: chosen.unwrap_or(fresh),
        region: v.text("region", &request.region, 1..=40),
        ticket: v
            .resource("ticket", &request.ticket, "tickets")
            .unwrap_or_default(),
        step: v.text("step", &request.step, 1..=40),
        round: round(&mut v, request.round),
        mode: mode(&mut v, request.mode),
        work_type: v
            .optional_text("type", &request.r#type, 40)
            .unwrap_or("REPAIR".into()),
        needs: needs(&mut v, &request.required_skills),
        parts: parts(&mut v, &request.parts),
        site: site(&mut v, request.site.as_ref()),
        duration,
        search: search(
            &mut v,
            request.window.as_ref(),
            occurred_at,
            duration,
            settings,
        ),
        state: State::Open,
        booked: None,
        findings: Vec::new(),
        parts_used: Vec::new(),
        report: String::new(),
        signature: String::new(),
        cancel_reason: String::new(),
        reservation: v.optional_resource("reservation", &request.reservation, "reservations"),
        asset: v.optional_resource("asset", &request.asset, "assets"),
        component: v.optional_text("component", &request.component, 60),
        party: v.optional_resource("party", &request.party, "parties"),
        partner: None,
        occurred_at,
        departed_at: None,
        arrived_at: None,
        started_at: None,
        ended_at: None,
        erased_at: None,
        version: 1,
    };
    v.finish(Some((order, chosen.is_some())))
}

fn round(v: &mut Violations, round: i32) -> i32 {
    if round < 0 {
        v.add("round", "is negative");
    }
    round.max(1)
}

fn mode(v: &mut Violations, number: i32) -> Mode {
    let named = pb::WorkMode::try_from(number)
        .ok()
        .and_then(|m| Mode::named(m.as_str_name()));
    if named.is_none() {
        v.add("mode", "is required: ON_SITE, BENCH, REMOTE or PICK_UP");
    }
    named.unwrap_or(Mode::OnSite)
}

fn duration(v: &mut Violations, value: Option<&prost_types::Duration>) -> SignedDuration {
    let Some(value) = value else {
        return SignedDuration::from_hours(1);
    };
    if !(15 * 60..=12 * 3_600).contains(&value.seconds) || value.nanos != 0 {
        v.add("duration", "is not 15 minutes to 12 hours in whole seconds");
    }
    SignedDuration::from_secs(value.seconds)
}

fn search(
    v: &mut Violations,
    value: Option<&kinds::TimeWindow>,
    occurred_at: Timestamp,
    duration: SignedDuration,
    settings: &Settings,
) -> Window {
    let end = occurred_at
        .saturating_add(settings.default_window())
        .unwrap_or(Timestamp::MAX);
    let default = Window {
        start: occurred_at,
        end,
    };
    let window = window(v, "window", value).unwrap_or(default);
    let length = window.end.duration_since(window.start);
    if length < duration {
        v.add("window", "is shorter than the work");
    }
    too_long(v, length, settings);
    window
}

fn too_long(v: &mut Violations, length: SignedDuration, settings: &Settings) {
    if length > settings.longest_window() {
        v.add(
            "window",
            format!("is longer than {} days", settings.longest_window_days),
        );
    }
}

fn needs(v: &mut Violations, list: &[pb::work_order::SkillNeed]) -> Vec<Need> {
    if list.len() > MOST_SKILLS {
        v.add("required_skills", format!("lists more than {MOST_SKILLS}"));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::with_capacity(list.len());
    for (index, need) in list.iter().enumerate() {
        let at = |field: &str| format!("required_skills[{index}].{field}");
        let code = skill(v, at("skill"), &need.skill);
        if !seen.insert(code.clone()) {
            v.add(at("skill"), "is listed twice");
        }
        if !(0..=TOP_LEVEL).contains(&need.level) {
            v.add(at("level"), format!("is not 0 to {TOP_LEVEL}"));
        }
        parsed.push(Need {
            skill: code,
            level: need.level.max(1),
        });
    }
    parsed
}

fn parts(v: &mut Violations, list: &[String]) -> Vec<String> {
    if list.len() > MOST_PARTS {
        v.add("parts", format!("lists more than {MOST_PARTS}"));
        return Vec::new();
    }
    let each = list.iter().enumerate();
    each.map(|(index, part)| reference(v, format!("parts[{index}]"), part, "parts"))
        .collect()
}

fn site(v: &mut Violations, value: Option<&kinds::Site>) -> Site {
    let mut site = Site {
        latitude: 0.0,
        longitude: 0.0,
        time_zone: String::new(),
        address: None,
    };
    let Some(value) = value else {
        v.add("site", "is required");
        return site;
    };
    place(
        v,
        ["site.latitude", "site.longitude"],
        value.latitude,
        value.longitude,
    );
    v.zone("site.time_zone", &value.time_zone);
    site.latitude = value.latitude;
    site.longitude = value.longitude;
    site.time_zone = value.time_zone.clone();
    site.address = value.address.as_ref().map(|pb| address(v, pb));
    site
}

fn address(v: &mut Violations, pb: &kinds::PostalAddress) -> Address {
    let code = &pb.region_code;
    if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        v.add("site.address.region_code", "is no two-letter country code");
    }
    if pb.address_lines.len() > 5 {
        v.add("site.address.address_lines", "has more than 5 lines");
    }
    let mut text =
        |field: &str, value: &str, most| v.text(format!("site.address.{field}"), value, 0..=most);
    Address {
        region_code: code.clone(),
        administrative_area: text("administrative_area", &pb.administrative_area, 100),
        locality: text("locality", &pb.locality, 100),
        address_lines: pb
            .address_lines
            .iter()
            .take(5)
            .map(|l| text("address_lines", l, 200))
            .collect(),
        postal_code: text("postal_code", &pb.postal_code, 20),
    }
}

/// The search window of a slot request; none: the order's own.
pub(crate) fn slot_window(
    v: &mut Violations,
    value: Option<&kinds::TimeWindow>,
    settings: &Settings,
) -> Option<Window> {
    let window = window(v, "window", value)?;
    too_long(v, window.end.duration_since(window.start), settings);
    Some(window)
}

/// What a completion hands in. The signature is checked when the order's mode is known.
pub(crate) fn completion(v: &mut Violations, pb: &pb::CompleteWorkOrderRequest) -> Completion {
    let outcome = match pb.outcome() {
        pb::work_order::State::Completed => State::Completed,
        pb::work_order::State::Incomplete => State::Incomplete,
        _ => {
            v.add("outcome", "is neither COMPLETED nor INCOMPLETE");
            State::Incomplete
        }
    };
    Completion {
        outcome,
        parts_used: parts_used(v, &pb.parts_used),
        report: v.text("report", &pb.report, 1..=4_000),
        signature: v.text("signature", &pb.signature, 0..=100),
    }
}

fn parts_used(v: &mut Violations, list: &[PbPartUsed]) -> Vec<PartUsed> {
    if list.len() > MOST_PARTS {
        v.add("parts_used", format!("lists more than {MOST_PARTS}"));
        return Vec::new();
    }
    let mut serials = BTreeSet::new();
    let mut parsed = Vec::with_capacity(list.len());
    for (index, used) in list.iter().enumerate() {
        let at = |field: &str| format!("parts_used[{index}].{field}");
        let part = reference(v, at("part"), &used.part, "parts");
        if !(0..=MOST_PIECES).contains(&used.quantity) {
            v.add(at("quantity"), format!("is not 0 to {MOST_PIECES}"));
        }
        let new_serial = v.text(at("new_serial"), &used.new_serial, 0..=100);
        if !new_serial.is_empty() && used.quantity > 1 {
            v.add(
                at("quantity"),
                "is more than the one piece that has the serial",
            );
        }
        if !new_serial.is_empty() && !serials.insert((part.clone(), new_serial.clone())) {
            v.add(at("new_serial"), "is listed twice");
        }
        let old_serial = v.text(at("old_serial"), &used.old_serial, 0..=100);
        parsed.push(PartUsed {
            part,
            quantity: used.quantity.max(1),
            new_serial,
            old_serial,
        });
    }
    parsed
}

/// States of a list's filter; none: all.
pub(crate) fn states(v: &mut Violations, list: &[i32]) -> Option<Vec<String>> {
    let mut names = Vec::with_capacity(list.len());
    for number in list.iter().take(State::ALL.len() + 1) {
        let state = pb::work_order::State::try_from(*number).ok();
        match state.and_then(|state| State::named(state.as_str_name())) {
            Some(state) => names.push(state.name().to_owned()),
            None => v.add("states", format!("holds {number}, which is no state")),
        }
    }
    if list.len() > State::ALL.len() {
        v.add("states", "lists more states than there are");
    }
    (!names.is_empty()).then_some(names)
}

/// A work order as the contract writes it.
pub(crate) fn work_order(order: &WorkOrder) -> pb::WorkOrder {
    let name_of = |collection: &str, id: Option<Uuid>| {
        id.map_or_else(String::new, |id| names::name(collection, id))
    };
    let need = |need: &Need| pb::work_order::SkillNeed {
        skill: need.skill.clone(),
        level: need.level,
    };
    let allowed = moves::allowed(order.state, order.mode);
    pb::WorkOrder {
        name: names::name(COLLECTION, order.id),
        ticket: names::name("tickets", order.ticket),
        step: order.step.clone(),
        round: order.round,
        mode: pb::WorkMode::from_str_name(order.mode.name())
            .unwrap_or_default()
            .into(),
        r#type: order.work_type.clone(),
        required_skills: order.needs.iter().map(need).collect(),
        parts: order.parts.clone(),
        technician: name_of("technicians", order.booked.map(|b| b.technician)),
        window: order.booked.map(|b| window_pb(b.window)),
        state: state_pb(order.state),
        site: Some(site_pb(&order.site)),
        duration: Some(prost_types::Duration {
            seconds: order.duration.as_secs(),
            nanos: 0,
        }),
        findings: order.findings.iter().map(finding).collect(),
        travel_seconds: order.booked.map_or(0, |b| b.travel.as_secs()),
        parts_used: order.parts_used.iter().map(part_used_pb).collect(),
        report: order.report.clone(),
        signature: order.signature.clone(),
        etag: etag::etag(order.version),
        create_time: Some(to_pb(order.occurred_at)),
        depart_time: instant_pb(order.departed_at),
        arrive_time: instant_pb(order.arrived_at),
        complete_time: instant_pb(order.ended_at),
        region: order.region.clone(),
        reservation: name_of("reservations", order.reservation),
        asset: name_of("assets", order.asset),
        component: order.component.clone().unwrap_or_default(),
        party: name_of("parties", order.party),
        allowed_verbs: allowed.into_iter().map(str::to_owned).collect(),
        erase_time: instant_pb(order.erased_at),
    }
}

/// The answer to cancelling an id that was never used.
pub(crate) fn withdrawn(id: Uuid) -> pb::WorkOrder {
    pb::WorkOrder {
        name: names::name(COLLECTION, id),
        state: state_pb(State::Cancelled),
        ..pb::WorkOrder::default()
    }
}

fn state_pb(state: State) -> i32 {
    pb::work_order::State::from_str_name(state.name())
        .unwrap_or_default()
        .into()
}

fn part_used_pb(used: &PartUsed) -> PbPartUsed {
    PbPartUsed {
        part: used.part.clone(),
        quantity: used.quantity,
        new_serial: used.new_serial.clone(),
        old_serial: used.old_serial.clone(),
    }
}

fn site_pb(site: &Site) -> kinds::Site {
    let address = |address: &Address| kinds::PostalAddress {
        region_code: address.region_code.clone(),
        administrative_area: address.administrative_area.clone(),
        locality: address.locality.clone(),
        address_lines: address.address_lines.clone(),
        postal_code: address.postal_code.clone(),
    };
    kinds::Site {
        address: site.address.as_ref().map(address),
        latitude: site.latitude,
        longitude: site.longitude,
        time_zone: site.time_zone.clone(),
    }
}
