//! The pure part: whom to ask, what a score means, how sure a share is, what a link looks like.

mod ask;
mod link;
mod score;
mod survey;
mod wilson;

pub use ask::{Ask, AskPolicy, NotAsked, should_survey};
pub use link::Link;
pub use score::{Judgement, Kind, OutOfRange, Thresholds, judge, low_score};
pub use survey::{Closed, State, state};
pub use wilson::{Share, share};
