//! Where a survey stands.

use jiff::Timestamp;

/// Where a survey stands; computed from its facts, never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for the answer.
    Open,
    /// Answered, for ever.
    Answered,
    /// Nobody answered in time.
    Expired,
}

/// Why a survey takes no answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It has one.
    Answered,
    /// It is too late.
    Expired,
}

/// The state at `now` (system time) of a survey that expires at `expires_at`; the instant of
/// expiry itself is too late. An answer outlives the expiry.
pub fn state(answered: bool, expires_at: Timestamp, now: Timestamp) -> State {
    match answered {
        true => State::Answered,
        false if now >= expires_at => State::Expired,
        false => State::Open,
    }
}

impl State {
    /// Refuses to take an answer unless open.
    pub fn open(self) -> Result<(), Closed> {
        match self {
            State::Open => Ok(()),
            State::Answered => Err(Closed::Answered),
            State::Expired => Err(Closed::Expired),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_is_open_until_answered_or_too_old_and_an_answer_stays() {
        let end: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let before: Timestamp = "2026-02-28T23:59:59.999999Z".parse().unwrap();
        for (answered, now, expected) in [
            (false, before, State::Open),
            (false, end, State::Expired),
            (true, before, State::Answered),
            (true, end, State::Answered),
        ] {
            assert_eq!(state(answered, end, now), expected, "{answered} {now}");
        }
    }

    #[test]
    fn only_an_open_survey_takes_an_answer() {
        assert_eq!(State::Open.open(), Ok(()));
        assert_eq!(State::Answered.open(), Err(Closed::Answered));
        assert_eq!(State::Expired.open(), Err(Closed::Expired));
    }
}
