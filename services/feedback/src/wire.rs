//! Between the contract and the domain; the only file that sees both.

use chassis::inbox::Delivered;
use chassis::page::Cursor;
use chassis::refusal::{from_pb, to_pb};
use chassis::{Refusal, Violations, names};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use prost::Message;
use proto::feedback::v1 as pb;
use proto::ticket::v1::{TicketEventPayload, ticket};
use uuid::Uuid;

use crate::domain::{self, Judgement, Kind, OutOfRange, State, judge, share};
use crate::settings::Settings;
use crate::store::{Answer, CardRow, CardsAfter, States, SubjectKind, SurveyRow, SurveysAfter};

/// The collection of surveys.
pub(crate) const SURVEYS: &str = "surveys";
const TECHNICIANS: &str = "technicians";
const MOST_COMMENT: usize = 2_000;

/// A survey as the contract shows it at `now`. Never its token.
pub(crate) fn survey(row: &SurveyRow, now: Timestamp) -> Result<pb::Survey, Refusal> {
    let expires_at = row.expires_at.to_jiff();
    let state = match domain::state(row.score.is_some(), expires_at, now) {
        State::Open => pb::survey::State::Open,
        State::Answered => pb::survey::State::Answered,
        State::Expired => pb::survey::State::Expired,
    };
    let technician = row.technician_id.map(|id| names::name(TECHNICIANS, id));
    Ok(pb::Survey {
        name: names::name(SURVEYS, row.survey_id),
        ticket: names::name("tickets", row.ticket_id),
        round: row.round,
        kind: kind_pb(kind_of(row)?).into(),
        state: state.into(),
        expire_time: Some(to_pb(expires_at)),
        score: row.score.unwrap_or_default().into(),
        comment: row.comment.clone().unwrap_or_default(),
        answer_time: row.answered_at.map(|at| to_pb(at.to_jiff())),
        create_time: Some(to_pb(row.created_at.to_jiff())),
        technician: technician.unwrap_or_default(),
        region: row.region.clone(),
        number: row.number.clone(),
        erase_time: row.erased_at.map(|at| to_pb(at.to_jiff())),
    })
}

/// The survey with the answer it has just been given.
pub(crate) fn answered(
    mut row: SurveyRow,
    answer: &Answer,
    now: Timestamp,
) -> Result<pb::Survey, Refusal> {
    row.score = Some(answer.score);
    row.comment = Some(answer.comment.clone());
    row.answered_at = Some(answer.answered_at.to_sqlx());
    survey(&row, now)
}

/// The stored kind.
pub(crate) fn kind_of(row: &SurveyRow) -> Result<Kind, Refusal> {
    let kind = Kind::from_number(row.kind);
    kind.ok_or_else(|| Refusal::internal("a stored survey is of an unknown kind"))
}

/// The kind as the contract writes it.
pub(crate) fn kind_pb(kind: Kind) -> pb::survey::Kind {
    match kind {
        Kind::Csat => pb::survey::Kind::Csat,
        Kind::Nps => pb::survey::Kind::Nps,
        Kind::Ces => pb::survey::Kind::Ces,
    }
}

/// What a customer said: score (judged), comment (without the token of `link`), instant.
pub(crate) fn answer(
    request: &pb::SubmitSurveyRequest,
    link: &domain::Link,
    kind: Kind,
    settings: &Settings,
    now: Timestamp,
) -> Result<Answer, Refusal> {
    let mut violations = Violations::new();
    let judged = judge(kind, request.score, &settings.low_score);
    if let Err(OutOfRange(range)) = &judged {
        let (least, most) = (range.start(), range.end());
        violations.add("score", format!("is not within {least} to {most}"));
    }
    let comment = violations.optional_text("comment", &request.comment, MOST_COMMENT);
    let occur_time = request.occur_time.as_ref();
    let answered_at = violations.occur_time(occur_time, now, settings.occur_skew);
    let Judgement { score, low } = violations.finish(judged.ok())?;
    Ok(Answer {
        score,
        comment: comment
            .map(|text| link.removed_from(&text))
            .unwrap_or_default(),
        low_threshold: low,
        answered_at,
        recorded_at: now,
    })
}

/// Filters of ListSurveys: the ticket and the states wanted.
pub(crate) fn surveys_wanted(
    request: &pb::ListSurveysRequest,
    now: Timestamp,
) -> Result<(Option<Uuid>, States), Refusal> {
    let mut violations = Violations::new();
    let ticket = violations.optional_resource("ticket", &request.ticket, "tickets");
    let all = request.states.is_empty();
    let mut states = States {
        open: all,
        answered: all,
        expired: all,
        now,
    };
    for (at, state) in request.states.iter().enumerate().take(100) {
        match pb::survey::State::try_from(*state) {
            Ok(pb::survey::State::Open) => states.open = true,
            Ok(pb::survey::State::Answered) => states.answered = true,
            Ok(pb::survey::State::Expired) => states.expired = true,
            _ => violations.add(format!("states[{at}]"), "is no state of a survey"),
        }
    }
    if request.states.len() > 100 {
        violations.add("states", "has more than 100 entries");
    }
    violations.check()?;
    Ok((ticket, states))
}

/// Filters of ListScorecards: whom cards are about, and the one subject wanted, as it is stored.
pub(crate) fn cards_wanted(
    request: &pb::ListScorecardsRequest,
) -> Result<(SubjectKind, Option<String>), Refusal> {
    use pb::scorecard::SubjectKind as Wanted;
    let mut violations = Violations::new();
    let about = match request.subject_kind() {
        Wanted::Technician => Some(SubjectKind::Technician),
        Wanted::Agent => Some(SubjectKind::Agent),
        Wanted::Region => Some(SubjectKind::Region),
        Wanted::Product => Some(SubjectKind::Product),
        Wanted::All => Some(SubjectKind::All),
        Wanted::Unspecified => {
            violations.add("subject_kind", "is required");
            None
        }
    };
    let subject = match about {
        Some(SubjectKind::Technician) => violations
            .optional_resource("subject", &request.subject, TECHNICIANS)
            .map(|id| id.to_string()),
        Some(SubjectKind::All) if !request.subject.is_empty() => {
            violations.add("subject", "must be empty: the card is of the whole tenant");
            None
        }
        _ => violations.optional_text("subject", &request.subject, 512),
    };
    Ok((violations.finish(about)?, subject))
}

/// A scorecard with its interval.
pub(crate) fn card(about: SubjectKind, row: &CardRow) -> pb::Scorecard {
    use pb::scorecard::SubjectKind as Told;
    let (kind, subject) = match about {
        SubjectKind::Technician => (Told::Technician, format!("{TECHNICIANS}/{}", row.subject)),
        SubjectKind::Agent => (Told::Agent, row.subject.clone()),
        SubjectKind::Region => (Told::Region, row.subject.clone()),
        SubjectKind::Product => (Told::Product, row.subject.clone()),
        SubjectKind::All => (Told::All, String::new()),
    };
    let satisfaction = share(row.satisfied, row.answered);
    pb::Scorecard {
        subject_kind: kind.into(),
        subject,
        surveyed: row.surveyed,
        answered: row.answered,
        satisfied: row.satisfied,
        satisfaction: satisfaction.value,
        satisfaction_low: satisfaction.low,
        satisfaction_high: satisfaction.high,
        response_rate: share(row.answered, row.surveyed).value,
    }
}

/// A closure as the ticket service tells it, with every text bounded as the table has it.
pub(crate) struct Closure {
    pub(crate) ticket_id: Uuid,
    pub(crate) kind: ticket::Kind,
    pub(crate) state: ticket::State,
    pub(crate) round: u32,
    pub(crate) number: String,
    pub(crate) region: String,
    pub(crate) product: String,
    pub(crate) technician_id: Option<Uuid>,
    pub(crate) assignee: String,
    pub(crate) closed_at: Timestamp,
}

/// Reads `ticket.closed`. What cannot be read is refused as an invalid argument, which puts the
/// event with the dead letters.
pub(crate) fn closure(event: &Delivered) -> Result<Closure, Refusal> {
    let mut violations = Violations::new();
    let payload = TicketEventPayload::decode(event.payload.clone()).unwrap_or_else(|_| {
        violations.add("payload", "is no TicketEventPayload");
        TicketEventPayload::default()
    });
    let ticket_id = violations.resource("ticket", &payload.ticket, "tickets");
    let technician_id =
        violations.optional_resource("technician", &payload.technician, TECHNICIANS);
    let round = u32::try_from(payload.round).unwrap_or_else(|_| {
        violations.add("round", "is negative");
        0
    });
    let mut text = |field: &str, value: &str, most| violations.text(field, value, 0..=most);
    let number = text("number", &payload.number, 100);
    let region = text("region", &payload.region, 100);
    let product = text("product", &payload.product, 200);
    let assignee = text("assignee", &payload.assignee, 512);
    let told_at = payload.time.as_ref().and_then(from_pb);
    Ok(Closure {
        ticket_id: violations.finish(ticket_id)?,
        kind: payload.kind(),
        state: payload.state(),
        round,
        number,
        region,
        product,
        technician_id,
        assignee,
        closed_at: told_at.unwrap_or(event.occurred_at),
    })
}

/// Sort key of a survey in a list.
pub(crate) fn survey_cursor(row: &SurveyRow) -> Cursor {
    vec![
        row.created_at.to_jiff().to_string(),
        row.survey_id.to_string(),
    ]
}

/// Reads [`survey_cursor`].
pub(crate) fn surveys_after(cursor: &Cursor) -> Option<SurveysAfter> {
    let [created_at, survey_id] = cursor.as_slice() else {
        return None;
    };
    Some(SurveysAfter {
        created_at: created_at.parse().ok()?,
        survey_id: survey_id.parse().ok()?,
    })
}

/// Sort key of a card in a list.
pub(crate) fn card_cursor(row: &CardRow) -> Cursor {
    vec![row.answered.to_string(), row.subject.clone()]
}

/// Reads [`card_cursor`].
pub(crate) fn cards_after(cursor: &Cursor) -> Option<CardsAfter> {
    let [answered, subject] = cursor.as_slice() else {
        return None;
    };
    Some(CardsAfter {
        answered: answered.parse().ok()?,
        subject: subject.clone(),
    })
}
