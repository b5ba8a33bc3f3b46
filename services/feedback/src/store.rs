//! SQL, one function per sentence; no decision.

mod scorecards;
mod surveys;

pub(crate) use scorecards::{CardRow, CardsAfter, SubjectKind, cards};
pub(crate) use surveys::{
    Answer, NewSurvey, States, SurveyRow, SurveysAfter, add, answer, by_id, by_link, erase, list,
    replace_link, to_answer,
};
