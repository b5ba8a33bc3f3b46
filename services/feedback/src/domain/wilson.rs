//! How sure one can be of a share.
//!
//! E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
//! of the American Statistical Association 22 (1927), 209–212: the score interval, without
//! continuity correction. Unlike the textbook interval it holds for small samples and for shares
//! near 0 and 1, which is where scorecards live.

/// The standard normal's 97.5 % quantile: 95 % lie within ± this.
const Z: f64 = 1.959_963_984_540_054;

/// A share with its 95 % interval; all three within 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share itself; 0 of an empty sample.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The share of `part` in `whole` with its Wilson interval. An empty sample says nothing: 0 to 1.
/// A part beyond the whole counts as the whole, a negative number as none.
pub fn share(part: i64, whole: i64) -> Share {
    if whole <= 0 {
        return Share {
            value: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let part = part.clamp(0, whole);
    // Samples stay far below 2^53, where every whole number is exact.
    #[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
    let (hits, n) = (part as f64, whole as f64);
    let value = hits / n;
    let z2 = Z * Z;
    let middle = (value + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let spread = value * (1.0 - value) / n + z2 / (4.0 * n * n);
    let half = Z / (1.0 + z2 / n) * spread.sqrt();
    Share {
        value,
        low: (middle - half).clamp(0.0, value),
        high: (middle + half).clamp(value, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_samples_have_their_known_intervals() {
        // Newcombe, Statistics in Medicine 17 (1998), 857–872, table I, method 3: 81/263, 15/148,
        // 0/20, 1/29, all to four places.
        for (part, whole, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0000, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let share = share(part, whole);
            assert!((share.low - low).abs() < 5e-5, "{part}/{whole}: {share:?}");
            assert!(
                (share.high - high).abs() < 5e-5,
                "{part}/{whole}: {share:?}"
            );
        }
    }

    #[test]
    fn an_empty_sample_says_nothing() {
        let nothing = share(0, 0);
        assert_eq!((nothing.value, nothing.low, nothing.high), (0.0, 0.0, 1.0));
    }

    #[test]
    fn one_praise_is_less_sure_than_ninety_eight_of_a_hundred() {
        assert!(share(1, 1).low < share(98, 100).low);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_mirrors(whole in 1i64..2_000_000, at in 0.0f64..=1.0) {
            let part = ((whole as f64) * at) as i64;
            let (here, mirrored) = (share(part, whole), share(whole - part, whole));
            prop_assert!(0.0 <= here.low && here.low <= here.value);
            prop_assert!(here.value <= here.high && here.high <= 1.0);
            prop_assert!((here.low - (1.0 - mirrored.high)).abs() < 1e-9);
        }

        #[test]
        fn more_answers_of_the_same_share_make_it_surer(part in 0i64..50, extra in 1i64..50) {
            let whole = part + extra;
            let width = |s: Share| s.high - s.low;
            prop_assert!(width(share(part * 4, whole * 4)) < width(share(part, whole)));
        }
    }
}
