//! PolicyService.

use chassis::page::Page;
use chassis::{Caller, Refusal};
use proto::entitlement::v1::policy_service_server::PolicyService;
use proto::entitlement::v1::{
    GetWarrantyPolicyRequest, ListWarrantyPoliciesRequest, ListWarrantyPoliciesResponse,
    WarrantyPolicy,
};
use tonic::{Request, Response, Status};

use super::{Rpc, cut};
use crate::wire::policy as wire;

#[tonic::async_trait]
impl PolicyService for Rpc {
    async fn get_warranty_policy(
        &self,
        request: Request<GetWarrantyPolicyRequest>,
    ) -> Result<Response<WarrantyPolicy>, Status> {
        Caller::of(&request)?;
        let name = request.into_inner().name;
        let id = name.strip_prefix(wire::COLLECTION);
        let mut policies = self.rules.policies().iter();
        let found = id.and_then(|id| policies.find(|policy| policy.name == id));
        let found = found.ok_or_else(|| Refusal::not_found(&name))?;
        Ok(Response::new(wire::whole(found)))
    }

    async fn list_warranty_policies(
        &self,
        request: Request<ListWarrantyPoliciesRequest>,
    ) -> Result<Response<ListWarrantyPoliciesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (size, token) = (request.page_size, request.page_token.as_str());
        let rpc = "ListWarrantyPolicies";
        let page = Page::parse(size, token, &caller.tenant, rpc, b"", &self.page_key)?;
        let all = self.rules.policies();
        let last = page.after.as_ref().and_then(|cursor| cursor.first());
        let after = last.and_then(|last| all.iter().position(|policy| policy.name == *last));
        let rest = after.map_or(all, |place| &all[place + 1..]);
        let enough = usize::try_from(page.size)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let mut found: Vec<_> = rest.iter().take(enough).collect();
        let next_page_token = cut(&page, &mut found, |policy| policy.name.clone());
        Ok(Response::new(ListWarrantyPoliciesResponse {
            warranty_policies: found.into_iter().map(wire::summary).collect(),
            next_page_token,
        }))
    }
}
