//! What the service hears (`ticket.closed`, `ticket.erased`) and tells (`survey.sent`, `survey.answered`,
//! `score.low`).

use std::sync::Arc;

use chassis::clock::step_id;
use chassis::db::Tx;
use chassis::inbox::{Consumer, Delivered};
use chassis::outbox::Event;
use chassis::refusal::to_pb;
use chassis::{Refusal, erasure, names};
use proto::feedback::v1::SurveyEventPayload;

use crate::domain::{Ask, Kind, low_score, should_survey};
use crate::settings::Settings;
use crate::store::{self, Answer, NewSurvey, SurveyRow};
use crate::wire::{self, Closure, SURVEYS};

/// Asks once after each closure of a ticket.
pub struct Closures {
    settings: Arc<Settings>,
}

impl Closures {
    /// Asks as the settings say.
    pub fn new(settings: Arc<Settings>) -> Closures {
        Closures { settings }
    }

    /// The survey of a closure. Its identifier is computed from ticket and round, and it expires
    /// in system time: a closure of years ago, replayed today, can still be answered tomorrow.
    fn survey(&self, tx: &Tx, closure: Closure, kind: Kind) -> Result<NewSurvey, Refusal> {
        let created_at = tx.now();
        let expires_at = created_at.checked_add(self.settings.expiry);
        Ok(NewSurvey {
            survey_id: step_id(tx.tenant(), closure.ticket_id, "SURVEY", closure.round),
            ticket_id: closure.ticket_id,
            round: i32::try_from(closure.round).map_err(Refusal::internal)?,
            number: closure.number,
            region: closure.region,
            product: closure.product,
            technician_id: closure.technician_id,
            assignee: closure.assignee,
            kind: kind as i16,
            closed_at: closure.closed_at,
            created_at,
            expires_at: expires_at.map_err(Refusal::internal)?,
        })
    }
}

#[tonic::async_trait]
impl Consumer for Closures {
    fn name(&self) -> &'static str {
        "feedback"
    }

    fn hears(&self) -> &'static [(&'static str, &'static [&'static str])] {
        &[("ticket", &["ticket.closed", "ticket.erased"])]
    }

    async fn handle(&self, tx: &mut Tx, event: &Delivered) -> Result<(), Refusal> {
        if event.kind == "ticket.erased" {
            return erasure::record(tx, &event.aggregate).await;
        }
        let closure = wire::closure(event)?;
        let Ask::Yes(kind) = should_survey(closure.kind, closure.state, &self.settings.ask) else {
            return Ok(());
        };
        let tenant = tx.tenant().clone();
        // A closure that comes late, out of the dead letters, asks nobody who was erased.
        let ticket = names::name("tickets", closure.ticket_id);
        if erasure::is_recorded(tx, &tenant, &ticket).await? {
            return Ok(());
        }
        let new = self.survey(tx, closure, kind)?;
        if store::add(tx, tenant.as_str(), &new).await? {
            tx.tell(sent(&new, kind));
        }
        Ok(())
    }
}

/// `survey.sent`, at the time of the closure that caused it.
fn sent(new: &NewSurvey, kind: Kind) -> Event {
    let survey = names::name(SURVEYS, new.survey_id);
    let payload = SurveyEventPayload {
        survey: survey.clone(),
        ticket: names::name("tickets", new.ticket_id),
        round: new.round,
        kind: wire::kind_pb(kind).into(),
        time: Some(to_pb(new.closed_at)),
        ..SurveyEventPayload::default()
    };
    Event::new("survey.sent", survey, 1, new.closed_at, &payload)
}

/// `survey.answered`, and `score.low` with its finding when the score is low. The comment stays
/// here.
pub(crate) fn told_by(row: &SurveyRow, kind: Kind, answer: &Answer) -> Vec<Event> {
    let survey = names::name(SURVEYS, row.survey_id);
    let mut payload = SurveyEventPayload {
        survey: survey.clone(),
        ticket: names::name("tickets", row.ticket_id),
        round: row.round,
        kind: wire::kind_pb(kind).into(),
        score: answer.score.into(),
        findings: Vec::new(),
        time: Some(to_pb(answer.answered_at)),
    };
    let version = row.version + 1;
    let event = |kind, payload: &SurveyEventPayload| {
        Event::new(kind, survey.clone(), version, answer.answered_at, payload)
    };
    let mut events = vec![event("survey.answered", &payload)];
    if let Some(threshold) = answer.low_threshold {
        payload.findings = vec![low_score(&survey, answer.score, threshold)];
        events.push(event("score.low", &payload));
    }
    events
}
