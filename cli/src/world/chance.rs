//! Seeded chance: the same seed gives the same world.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A stream of chance of its own for each purpose, so that one purpose's draws move no other's.
pub(crate) struct Chance(StdRng);

impl Chance {
    /// The stream of a purpose.
    pub(crate) fn of(seed: u64, purpose: &str) -> Chance {
        // FNV-1a: stable over releases and platforms, unlike the standard hasher.
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        Chance(StdRng::seed_from_u64(seed ^ hash))
    }

    /// True in `share` of all draws.
    pub(crate) fn happens(&mut self, share: f64) -> bool {
        self.0.random::<f64>() < share
    }

    /// A whole number of the half-open span; `low` when the span is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            low
        } else {
            self.0.random_range(low..high)
        }
    }

    /// A number of `center ± by`.
    pub(crate) fn around(&mut self, center: f64, by: f64) -> f64 {
        center + (self.0.random::<f64>() * 2.0 - 1.0) * by
    }

    /// One of a list that is not empty.
    pub(crate) fn one_of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.0.random_range(0..list.len())]
    }

    /// The index of one of the weights, which are not all zero.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u32 = weights.iter().sum();
        let mut drawn = self.0.random_range(0..total.max(1));
        for (index, weight) in weights.iter().enumerate() {
            match drawn.checked_sub(*weight) {
                Some(rest) => drawn = rest,
                None => return index,
            }
        }
        weights.len().saturating_sub(1)
    }
}
