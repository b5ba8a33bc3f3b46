//! What a score means: its range, when it is low, when it says satisfied.

use std::ops::RangeInclusive;

use proto::feedback::v1::FindingCode;
use proto::kinds::v1::{Finding, finding};

/// How the question is asked. The numbers are the contract's and the table's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Customer satisfaction, 1 very bad to 5 very good.
    Csat = 1,
    /// Net promoter, 0 to 10: would recommend.
    Nps = 2,
    /// Customer effort, 1 hard to 7 easy.
    Ces = 3,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Csat, Kind::Nps, Kind::Ces];

    /// The kind with this number.
    pub fn from_number(number: i16) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| *kind as i16 == number)
    }

    /// Scores that are answers.
    pub fn range(self) -> RangeInclusive<i16> {
        match self {
            Kind::Csat => 1..=5,
            Kind::Nps => 0..=10,
            Kind::Ces => 1..=7,
        }
    }

    /// The least score that says satisfied: the upper two of five, promoters, agreement.
    pub fn satisfied_from(self) -> i16 {
        match self {
            Kind::Csat => 4,
            Kind::Nps => 9,
            Kind::Ces => 5,
        }
    }
}

/// The scores at or below which an answer is low, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Of satisfaction.
    pub csat: i16,
    /// Of recommendation.
    pub nps: i16,
    /// Of effort.
    pub ces: i16,
}

impl Thresholds {
    /// The threshold of a kind.
    pub fn of(&self, kind: Kind) -> i16 {
        match kind {
            Kind::Csat => self.csat,
            Kind::Nps => self.nps,
            Kind::Ces => self.ces,
        }
    }
}

/// An answer that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The score, within its kind's range.
    pub score: i16,
    /// The threshold it is at or below; none: not low.
    pub low: Option<i16>,
}

/// A number that is no answer to this kind of question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutOfRange(pub RangeInclusive<i16>);

/// Judges a score: whether it is an answer at all, and whether it is low.
pub fn judge(kind: Kind, score: i32, thresholds: &Thresholds) -> Result<Judgement, OutOfRange> {
    let range = kind.range();
    let score = i16::try_from(score).ok().filter(|s| range.contains(s));
    let score = score.ok_or(OutOfRange(range))?;
    let threshold = thresholds.of(kind);
    let low = (score <= threshold).then_some(threshold);
    Ok(Judgement { score, low })
}

/// The finding that tells why a ticket is looked at again.
pub fn low_score(survey: &str, score: i16, threshold: i16) -> Finding {
    let points = |name: &str, value: i16| finding::Measure {
        name: name.to_owned(),
        value: i64::from(value),
        unit: "points".to_owned(),
    };
    Finding {
        code: FindingCode::LowScore.as_str_name().to_owned(),
        verdict: finding::Verdict::Met.into(),
        subject: survey.to_owned(),
        numbers: vec![points("score", score), points("threshold", threshold)],
        message: format!(
            "The customer gave {score} points, at or below the threshold of {threshold}."
        ),
        ..Finding::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const THRESHOLDS: Thresholds = Thresholds {
        csat: 2,
        nps: 4,
        ces: 2,
    };

    #[test]
    fn nought_is_an_answer_to_would_you_recommend_and_to_nothing_else() {
        let of = |kind| judge(kind, 0, &THRESHOLDS);
        assert_eq!(of(Kind::Nps).map(|j| j.score), Ok(0));
        assert_eq!(of(Kind::Csat), Err(OutOfRange(1..=5)));
        assert_eq!(of(Kind::Ces), Err(OutOfRange(1..=7)));
    }

    #[test]
    fn a_score_at_the_threshold_is_low_and_one_above_is_not() {
        for (kind, score, low) in [
            (Kind::Csat, 1, true),
            (Kind::Csat, 2, true),
            (Kind::Csat, 3, false),
            (Kind::Nps, 0, true),
            (Kind::Nps, 4, true),
            (Kind::Nps, 5, false),
            (Kind::Ces, 2, true),
            (Kind::Ces, 3, false),
            (Kind::Ces, 7, false),
        ] {
            let judged = judge(kind, score, &THRESHOLDS).unwrap();
            assert_eq!(judged.low.is_some(), low, "{kind:?} {score}");
        }
    }

    #[test]
    fn a_threshold_below_the_range_never_finds_a_low_score() {
        let never = Thresholds {
            csat: 0,
            nps: -1,
            ces: 0,
        };
        for kind in Kind::ALL {
            let least = i32::from(*kind.range().start());
            assert_eq!(judge(kind, least, &never).unwrap().low, None, "{kind:?}");
        }
    }

    #[test]
    fn the_finding_names_survey_score_and_threshold() {
        let finding = low_score("surveys/1", 1, 2);
        assert_eq!(finding.code, "LOW_SCORE");
        assert_eq!(finding.subject, "surveys/1");
        let numbers: Vec<(&str, i64)> = finding
            .numbers
            .iter()
            .map(|n| (n.name.as_str(), n.value))
            .collect();
        assert_eq!(numbers, [("score", 1), ("threshold", 2)]);
    }

    proptest! {
        #[test]
        fn a_number_is_an_answer_exactly_when_it_is_in_range(score: i32, pick in 0usize..3) {
            let kind = Kind::ALL[pick];
            let range = i32::from(*kind.range().start())..=i32::from(*kind.range().end());
            let judged = judge(kind, score, &THRESHOLDS);
            prop_assert_eq!(judged.is_ok(), range.contains(&score));
        }
    }
}
