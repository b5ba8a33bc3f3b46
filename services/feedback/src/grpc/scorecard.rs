//! ScorecardService.

use chassis::page::Page;
use chassis::{Caller, Refusal};
use prost::Message;
use proto::feedback::v1::scorecard_service_server::ScorecardService;
use proto::feedback::v1::{ListScorecardsRequest, ListScorecardsResponse};
use tonic::{Request, Response, Status};

use super::Feedback;
use super::survey::cut;
use crate::{store, wire};

#[tonic::async_trait]
impl ScorecardService for Feedback {
    async fn list_scorecards(
        &self,
        request: Request<ListScorecardsRequest>,
    ) -> Result<Response<ListScorecardsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (about, only) = wire::cards_wanted(&request)?;
        let page = self.page_of_cards(&caller, &request)?;
        let after = page.after.as_ref().and_then(wire::cards_after);

        let mut read = self.db.read(&caller.tenant).await?;
        let (tenant, only) = (caller.tenant.as_str(), only.as_deref());
        let (sight, limit) = (caller.sight()?, page.size + 1);
        let region = sight.region.as_deref();
        let rows = store::cards(&mut read, tenant, about, only, region, after, limit).await;
        read.done();
        let (rows, next) = cut(rows.map_err(Refusal::from)?, &page, wire::card_cursor);

        Ok(Response::new(ListScorecardsResponse {
            scorecards: rows.iter().map(|row| wire::card(about, row)).collect(),
            next_page_token: next,
        }))
    }
}

impl Feedback {
    fn page_of_cards(
        &self,
        caller: &Caller,
        request: &ListScorecardsRequest,
    ) -> Result<Page, Refusal> {
        let filter = ListScorecardsRequest {
            page_size: 0,
            page_token: String::new(),
            ..request.clone()
        };
        Page::parse(
            request.page_size,
            &request.page_token,
            &caller.tenant,
            "ListScorecards",
            &filter.encode_to_vec(),
            &self.page_key,
        )
    }
}
