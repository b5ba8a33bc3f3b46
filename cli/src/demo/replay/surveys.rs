//! Customers answer surveys: most are content, some never answer, a few reopen their ticket.

use std::collections::HashSet;
use std::sync::Arc;

use chassis::refusal::to_pb;
use proto::feedback::v1::survey::State;
use proto::feedback::v1::{
    IssueSurveyLinkRequest, ListSurveysRequest, SubmitSurveyRequest, Survey,
};

use super::{LOOK_EVERY, Play, hand_over};
use crate::client::Told;

const PAGE: i32 = 200;
/// Every so many looks the whole list is read, not only down to what is known.
const WHOLE_EVERY: usize = 25;
/// The highest answer that reopens a ticket.
const LOW: i32 = 2;

/// Looks for open surveys and hands each to its customer.
pub(super) async fn act(play: Arc<Play>) -> anyhow::Result<()> {
    let mut known: HashSet<String> = HashSet::new();
    for look in 0.. {
        for survey in fresh(&play, &mut known, look % WHOLE_EVERY == 0).await? {
            match play.board.plan_of(&survey.ticket) {
                Some(index) => {
                    if play.board.take(format!("survey:{}", survey.name)) {
                        let name = survey.name.clone();
                        hand_over(
                            &play,
                            "answering",
                            name,
                            answer(play.clone(), index, survey),
                        );
                    }
                }
                // Its report is still being noted; the next look sees it again.
                None => drop(known.remove(&survey.name)),
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Open surveys not seen before. They come newest first, so a page of known ones ends the look.
async fn fresh(play: &Play, known: &mut HashSet<String>, whole: bool) -> Result<Vec<Survey>, Told> {
    let mut fresh = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListSurveysRequest {
            page_size: PAGE,
            page_token,
            states: vec![State::Open.into()],
            ..Default::default()
        };
        let answer = play.cast.agent.list_surveys(request).await?;
        let before = fresh.len();
        fresh.extend(
            answer
                .surveys
                .into_iter()
                .filter(|survey| known.insert(survey.name.clone())),
        );
        page_token = answer.next_page_token;
        if page_token.is_empty() || (!whole && fresh.len() == before) {
            return Ok(fresh);
        }
    }
}

async fn answer(play: Arc<Play>, index: usize, survey: Survey) -> Result<(), Told> {
    let request = IssueSurveyLinkRequest {
        name: survey.name.clone(),
    };
    let link = play
        .call(play.cast.agent.issue_survey_link(request))
        .await?;
    let plan = play.plan(index);
    // Whoever was disappointed once is content with the second repair.
    let score = if play.board.was_low(&survey.ticket) {
        Some(5)
    } else {
        plan.course.score
    };
    if let Some(score) = score {
        let request = SubmitSurveyRequest {
            token: link.token,
            score,
            comment: comment(score).to_owned(),
            request_id: play.key("answer", &survey.name),
            occur_time: Some(to_pb(play.board.later(&survey.ticket, 1_200))),
        };
        play.call(play.cast.agent.submit_survey(request)).await?;
        play.board.count(|tally| {
            tally.answered += 1;
            tally.low += u64::from(score <= LOW);
        });
        if score <= LOW {
            play.board.reopens(&survey.ticket, survey.round);
            return Ok(());
        }
    }
    if play.board.ended(&survey.ticket) {
        play.bar.inc(1);
    }
    Ok(())
}

fn comment(score: i32) -> &'static str {
    match score {
        ..=2 => "It broke again the next day.",
        3 => "",
        4 => "Good, but I had to wait.",
        _ => "Very friendly and quick.",
    }
}
