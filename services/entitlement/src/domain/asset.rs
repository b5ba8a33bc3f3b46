//! A device and what is known of it.

use jiff::civil::Date;
use serde::Deserialize;
use uuid::Uuid;

/// A dated fact of a device's life that a term may start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fact {
    /// Sold: the date of the invoice.
    Sale,
    /// Delivered to the customer.
    Delivery,
    /// Accepted, signed by both sides.
    Acceptance,
    /// Made.
    Manufacture,
}

impl Fact {
    /// All of them, in the order they are written.
    pub const ALL: [Fact; 4] = [
        Fact::Sale,
        Fact::Delivery,
        Fact::Acceptance,
        Fact::Manufacture,
    ];

    /// The name, as policies and tables write it.
    pub fn name(self) -> &'static str {
        match self {
            Fact::Sale => "SALE",
            Fact::Delivery => "DELIVERY",
            Fact::Acceptance => "ACCEPTANCE",
            Fact::Manufacture => "MANUFACTURE",
        }
    }

    /// The fact of that name.
    pub fn of(name: &str) -> Option<Fact> {
        Fact::ALL.into_iter().find(|fact| fact.name() == name)
    }
}

/// The dates believed at present; unknown ones are absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Facts([Option<Date>; 4]);

impl Facts {
    /// The date of a fact.
    pub fn get(&self, fact: Fact) -> Option<Date> {
        self.0[fact as usize]
    }

    /// Notes the date of a fact.
    pub fn set(&mut self, fact: Fact, date: Date) {
        self.0[fact as usize] = Some(date);
    }

    /// The facts that are known.
    pub fn known(&self) -> impl Iterator<Item = (Fact, Date)> + '_ {
        Fact::ALL
            .into_iter()
            .filter_map(|fact| Some((fact, self.get(fact)?)))
    }
}

/// A component that is in the device now.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Component {
    /// Component class: "BATTERY".
    pub component: String,
    /// Its own serial number, where it has one.
    pub serial_number: Option<String>,
    /// Since when it is in the device; none: since manufacture.
    pub installed_on: Option<Date>,
}

/// A repair that was completed. Dates are civil dates at the site.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Repair {
    /// The work order it was done under.
    pub work_order: Uuid,
    /// Component classes repaired; empty: not known.
    pub components: Vec<String>,
    /// When the customer reported or handed it in; days from here to completion count as
    /// "in repair", waiting for parts included.
    pub received_on: Date,
    /// When the repair was completed.
    pub completed_on: Date,
}

impl Repair {
    /// Days in repair; the first is not counted.
    pub fn days(&self) -> i32 {
        days_between(self.received_on, self.completed_on).max(0)
    }

    /// True when it repaired the component.
    pub fn concerns(&self, component: &str) -> bool {
        self.components.iter().any(|repaired| repaired == component)
    }
}

/// A plan that was sold for the device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Contract {
    /// The contract.
    pub id: Uuid,
    /// Its policy.
    pub policy: String,
    /// The policy's version when the contract was made.
    pub policy_version: u32,
    /// First day.
    pub start_on: Date,
    /// Last day, included.
    pub end_on: Date,
}

/// A device with everything a decision looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its identifier.
    pub id: Uuid,
    /// Serial number.
    pub serial_number: String,
    /// Product model.
    pub product: String,
    /// Product category.
    pub category: String,
    /// Vendor policy that came with it; none: the category's default.
    pub vendor_policy: Option<String>,
    /// Day of registration.
    pub registered_on: Date,
    /// Dates of its life.
    pub facts: Facts,
    /// Components in it, by class.
    pub components: Vec<Component>,
    /// Completed repairs, earliest completion first.
    pub repairs: Vec<Repair>,
    /// Plans sold for it, earliest first.
    pub contracts: Vec<Contract>,
}

/// Days from one date to another; negative backwards.
pub(crate) fn days_between(from: Date, to: Date) -> i32 {
    (to - from).get_days()
}

/// A component taken out by a repair and the one put in for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// Component class.
    pub component: String,
    /// The one taken out: its place among the components; none: nothing known was taken out.
    pub removed: Option<usize>,
    /// Serial number of the one put in; none: it has none.
    pub installed: Option<String>,
}

/// What the parts used in a repair (serial number out, serial number in) changed in a device.
///
/// A part takes the place of the component with its old serial number; without a match, of the only
/// component of the class that was repaired. A part of no known class changes nothing.
pub fn swaps<'a>(
    components: &[Component],
    repaired: &str,
    parts: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Swap> {
    let mut swaps: Vec<Swap> = Vec::new();
    for (old, new) in parts {
        let taken = |place: &usize| swaps.iter().any(|swap| swap.removed == Some(*place));
        let of = |fits: &dyn Fn(&Component) -> bool| -> Vec<usize> {
            let places = (0..components.len()).filter(|place| fits(&components[*place]));
            places.filter(|place| !taken(place)).collect()
        };
        let by_serial = of(&|c| !old.is_empty() && c.serial_number.as_deref() == Some(old));
        let by_class = of(&|c| c.component == repaired);
        let removed = match (by_serial.first(), by_class.as_slice()) {
            (Some(place), _) => Some(*place),
            (None, [only]) => Some(*only),
            _ => None,
        };
        let component = removed.map_or(repaired, |place| components[place].component.as_str());
        if component.is_empty() || (removed.is_none() && new.is_empty()) {
            continue;
        }
        swaps.push(Swap {
            component: component.to_owned(),
            removed,
            installed: (!new.is_empty()).then(|| new.to_owned()),
        });
    }
    swaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(class: &str, serial: Option<&str>) -> Component {
        Component {
            component: class.into(),
            serial_number: serial.map(Into::into),
            installed_on: None,
        }
    }

    #[test]
    fn a_part_takes_the_place_of_the_one_with_its_old_serial_number() {
        let known = [
            component("MEMORY", Some("M1")),
            component("MEMORY", Some("M2")),
            component("DISK", Some("D1")),
        ];

        let done = swaps(&known, "MEMORY", [("M2", "M9"), ("D1", "D9")].into_iter());

        let changed: Vec<_> = done
            .iter()
            .map(|s| (&*s.component, s.removed, s.installed.as_deref()))
            .collect();
        assert_eq!(
            changed,
            [
                ("MEMORY", Some(1), Some("M9")),
                ("DISK", Some(2), Some("D9"))
            ]
        );
    }

    #[test]
    fn without_an_old_serial_number_the_only_component_of_the_class_is_replaced() {
        let known = [component("BATTERY", Some("B1"))];
        let done = swaps(&known, "BATTERY", [("", "B2")].into_iter());
        assert_eq!(done[0].removed, Some(0));

        // Of two nobody knows which one it was: the new one is added.
        let known = [component("MEMORY", None), component("MEMORY", None)];
        let done = swaps(&known, "MEMORY", [("", "M3")].into_iter());
        assert_eq!(
            (done[0].removed, done[0].installed.as_deref()),
            (None, Some("M3"))
        );
    }

    #[test]
    fn a_part_of_no_known_class_changes_nothing() {
        assert!(swaps(&[], "", [("X", "Y")].into_iter()).is_empty());
        assert!(swaps(&[], "FAN", [("", "")].into_iter()).is_empty());
    }
}
