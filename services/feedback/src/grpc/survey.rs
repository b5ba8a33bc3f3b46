//! SurveyService, in the contract's order.

use chassis::keyed::{Keyed, keyed};
use chassis::page::Page;
use chassis::refusal::to_pb;
use chassis::{Caller, Refusal, Violations, names};
use data_encoding::BASE64URL_NOPAD;
use prost::Message;
use proto::feedback::v1::survey_service_server::SurveyService;
use proto::feedback::v1::{
    GetSurveyRequest, IssueSurveyLinkRequest, IssueSurveyLinkResponse, ListSurveysRequest,
    ListSurveysResponse, SubmitSurveyRequest, Survey,
};
use tonic::{Request, Response, Status};

use super::Feedback;
use crate::domain::{Link, state};
use crate::store::SurveyRow;
use crate::{error, events, scope, store, wire};

#[tonic::async_trait]
impl SurveyService for Feedback {
    async fn get_survey(
        &self,
        request: Request<GetSurveyRequest>,
    ) -> Result<Response<Survey>, Status> {
        let link = Link::parse(&request.get_ref().token).ok_or_else(error::no_such_link)?;
        let tenant = link.tenant();

        let mut read = self.db.read(tenant).await?;
        let row = store::by_link(&mut read, tenant.as_str(), &link.hash()).await;
        read.done();
        let row = row
            .map_err(Refusal::from)?
            .ok_or_else(error::no_such_link)?;

        let now = self.db.clock().now();
        open(&row, now)?;
        Ok(Response::new(wire::survey(&row, now)?))
    }

    async fn submit_survey(
        &self,
        request: Request<SubmitSurveyRequest>,
    ) -> Result<Response<Survey>, Status> {
        let request = request.into_inner();
        let link = Link::parse(&request.token).ok_or_else(error::no_such_link)?;
        let (tenant, bearer) = (link.tenant(), bearer_of(&link));
        let mut tx = match keyed(
            &self.db,
            &bearer,
            "SubmitSurvey",
            &request.request_id,
            &request,
        )
        .await?
        {
            Keyed::Replay(answer) => return Ok(Response::new(answer)),
            Keyed::Fresh(tx) => tx,
        };
        let row = store::to_answer(&mut tx, tenant.as_str(), &link.hash()).await;
        let row = row
            .map_err(Refusal::from)?
            .ok_or_else(error::no_such_link)?;

        let now = tx.now();
        let kind = wire::kind_of(&row)?;
        let answer = wire::answer(&request, &link, kind, &self.settings, now)?;
        open(&row, now)?;
        tx.was(&wire::survey(&row, now)?);

        store::answer(&mut tx, tenant.as_str(), row.survey_id, &answer).await?;
        for event in events::told_by(&row, kind, &answer) {
            tx.tell(event);
        }
        let survey = wire::answered(row, &answer, now)?;
        Ok(Response::new(tx.finish(survey).await?))
    }

    async fn list_surveys(
        &self,
        request: Request<ListSurveysRequest>,
    ) -> Result<Response<ListSurveysResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let now = self.db.clock().now();
        let (ticket, states) = wire::surveys_wanted(&request, now)?;
        let page = self.page_of_surveys(&caller, &request)?;
        let after = page.after.as_ref().and_then(wire::surveys_after);

        let mut read = self.db.read(&caller.tenant).await?;
        let tenant = caller.tenant.as_str();
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let rows = store::list(&mut read, tenant, ticket, states, &sight, after, limit).await;
        read.done();
        let (rows, next) = cut(rows?, &page, wire::survey_cursor);

        let surveys: Result<Vec<Survey>, Refusal> =
            rows.iter().map(|row| wire::survey(row, now)).collect();
        Ok(Response::new(ListSurveysResponse {
            surveys: surveys?,
            next_page_token: next,
        }))
    }

    async fn issue_survey_link(
        &self,
        request: Request<IssueSurveyLinkRequest>,
    ) -> Result<Response<IssueSurveyLinkResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mut violations = Violations::new();
        let id = violations.resource("name", &request.get_ref().name, wire::SURVEYS);
        let id = violations.finish(id)?;
        let link = Link::new(&caller.tenant, &self.db.ids().token());

        let tenant = caller.tenant.as_str();
        let mut tx = self.db.begin(&caller.tenant).await?;
        let now = tx.now();
        let row = store::by_id(&mut tx, tenant, id).await;
        let name = || names::name(wire::SURVEYS, id);
        let row = row.map_err(Refusal::from)?;
        let row = row.ok_or_else(|| Refusal::not_found(&name()))?;
        caller.reaches(&scope::survey(&row), name)?;
        let hash = link.hash();
        let expires_at = store::replace_link(&mut tx, tenant, id, &hash, now).await;
        let Some(expires_at) = expires_at.map_err(Refusal::from)? else {
            return Err(not_replaced(&row, now).into());
        };
        tx.changed(names::name(wire::SURVEYS, id), None, None);
        tx.commit().await?;
        Ok(Response::new(IssueSurveyLinkResponse {
            token: link.into_text(),
            expire_time: Some(to_pb(expires_at)),
        }))
    }
}

impl Feedback {
    fn page_of_surveys(
        &self,
        caller: &Caller,
        request: &ListSurveysRequest,
    ) -> Result<Page, Refusal> {
        let filter = ListSurveysRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        Page::parse(
            request.page_size,
            &request.page_token,
            &caller.tenant,
            "ListSurveys",
            &filter.encode_to_vec(),
            &self.page_key,
        )
    }
}

/// Cuts the row read beyond the page off, and gives the token of the next page if there was one.
pub(super) fn cut<R>(
    mut rows: Vec<R>,
    page: &Page,
    cursor: impl Fn(&R) -> Vec<String>,
) -> (Vec<R>, String) {
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more);
    let next = last.map_or_else(String::new, |row| page.next(cursor(row)));
    (rows, next)
}

/// Who answers: the bearer of the link, named by its hash, so that request ids of two customers
/// never meet.
fn bearer_of(link: &Link) -> Caller {
    let hash = BASE64URL_NOPAD.encode(&link.hash());
    Caller {
        tenant: link.tenant().clone(),
        principal: format!("links/{hash}"),
        region: None,
        roles: Vec::new(),
        customer: None,
        partner: None,
    }
}

fn open(row: &SurveyRow, now: jiff::Timestamp) -> Result<(), Refusal> {
    let expires_at = row.expires_at.to_jiff();
    let state = state(row.score.is_some(), expires_at, now);
    state.open().map_err(|why| error::closed(why, expires_at))
}

/// Why a survey got no new link.
fn not_replaced(row: &SurveyRow, now: jiff::Timestamp) -> Refusal {
    open(row, now).err().unwrap_or_else(Refusal::contention)
}
