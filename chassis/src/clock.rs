//! Time and identity as parameters: nothing below asks a global for "now" or for a random id.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;

use crate::caller::TenantId;

/// Says what time it is. Every instant is truncated to microseconds, as PostgreSQL keeps them.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Fixed(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it; clones move together.
    pub fn fixed(at: Timestamp) -> Clock {
        Clock(Source::Fixed(Arc::new(Mutex::new(truncated(at)))))
    }

    /// The present instant, truncated to microseconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the machine"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => truncated(Timestamp::now()),
            Source::Fixed(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Moves a fixed clock by `by` (backwards when negative). A system clock is not moved, and
    /// neither is a fixed one past the ends of time.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Fixed(at) = &self.0 {
            let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
            *at = at.checked_add(by).map_or(*at, truncated);
        }
    }
}

/// Drops what is finer than a microsecond, towards the past.
pub fn truncated(at: Timestamp) -> Timestamp {
    let nanoseconds = at.as_nanosecond();
    let micros = nanoseconds.div_euclid(1_000) * 1_000;
    Timestamp::from_nanosecond(micros).unwrap_or(at)
}

/// Gives new identifiers: random in service, repeatable from a seed in tests and demos.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    seeded: Option<Arc<Mutex<StdRng>>>,
}

impl Ids {
    /// Identifiers nobody can guess, from the operating system's seeded generator.
    pub fn random(clock: Clock) -> Ids {
        Ids {
            clock,
            seeded: None,
        }
    }

    /// The same identifiers in the same order for the same seed and clock. Not for secrets.
    pub fn seeded(seed: u64, clock: Clock) -> Ids {
        let generator = StdRng::seed_from_u64(seed);
        let seeded = Some(Arc::new(Mutex::new(generator)));
        Ids { clock, seeded }
    }

    /// A version 7 identifier: the clock's millisecond, then 74 random bits. Two of the same
    /// millisecond are in no particular order.
    pub fn v7(&self) -> Uuid {
        let millis = u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0);
        let mut random = [0; 10];
        self.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// 256 random bits, for links and keys that only their bearer knows.
    pub fn token(&self) -> [u8; 32] {
        let mut token = [0; 32];
        self.fill(&mut token);
        token
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks for chance"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        match &self.seeded {
            Some(generator) => {
                let mut generator = generator.lock().unwrap_or_else(PoisonError::into_inner);
                generator.fill_bytes(bytes);
            }
            None => rand::rng().fill_bytes(bytes),
        }
    }
}

/// The namespace of every identifier that is computed instead of drawn.
const NAMESPACE: Uuid = Uuid::from_u128(0x5e8c_1b7a_6f0d_4c39_9b52_fe77_1e00_0001);

/// The identifier of what one step of a ticket's process creates: the same question gives the
/// same answer for ever, so a retry cannot have a second effect.
pub fn step_id(tenant: &TenantId, ticket: Uuid, step: &str, round: u32) -> Uuid {
    let name = format!("{tenant}/{ticket}/{step}/{round}");
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_carry_no_more_than_microseconds() {
        let fine: Timestamp = "2026-03-01T00:00:00.123456789Z".parse().unwrap();
        let clock = Clock::fixed(fine);
        assert_eq!(clock.now().to_string(), "2026-03-01T00:00:00.123456Z");
        assert_eq!(Clock::system().now().as_nanosecond() % 1_000, 0);
    }

    #[test]
    fn an_instant_before_1970_is_truncated_towards_the_past_too() {
        let fine = Timestamp::from_nanosecond(-1).unwrap();
        assert_eq!(truncated(fine).as_nanosecond(), -1_000);
    }

    #[test]
    fn clones_of_a_fixed_clock_move_together() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let same = clock.clone();

        clock.advance(SignedDuration::from_hours(2));

        assert_eq!(same.now().as_second(), 7_200);
    }

    #[test]
    fn a_seed_repeats_its_identifiers_and_chance_does_not() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let seeded = |seed| Ids::seeded(seed, clock.clone());
        assert_eq!(seeded(1).v7(), seeded(1).v7());
        assert_ne!(seeded(1).v7(), seeded(2).v7());
        assert_ne!(
            Ids::random(clock.clone()).token(),
            Ids::random(clock).token()
        );
    }

    #[test]
    fn later_identifiers_sort_after_earlier_ones() {
        let clock = Clock::fixed("2026-03-01T00:00:00Z".parse().unwrap());
        let ids = Ids::random(clock.clone());
        let earlier = ids.v7();
        clock.advance(SignedDuration::from_millis(1));
        assert!(earlier < ids.v7());
        assert_eq!(earlier.get_version_num(), 7);
    }

    #[test]
    fn a_step_has_one_identifier_per_round_for_ever() {
        let tenant = TenantId::parse("acme").unwrap();
        let ticket = Uuid::from_u128(7);
        let first = step_id(&tenant, ticket, "HOLD_PARTS", 1);
        assert_eq!(first, step_id(&tenant, ticket, "HOLD_PARTS", 1));
        assert_ne!(first, step_id(&tenant, ticket, "HOLD_PARTS", 2));
        assert_ne!(first, step_id(&tenant, ticket, "BOOK_VISIT", 1));
        // Rows out there carry this value: it must never change.
        assert_eq!(first.get_version_num(), 5);
    }
}
