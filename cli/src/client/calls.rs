//! Every RPC the commands use, with patience: a busy or restarting service is asked again, within
//! bounds. Each mutating call carries a request id, so asking again has no second effect.

use std::future::Future;
use std::time::Duration;

use proto::channel::v1 as channel;
use proto::dispatch::v1 as dispatch;
use proto::entitlement::v1 as entitlement;
use proto::feedback::v1 as feedback;
use proto::inventory::v1 as inventory;
use proto::ticket::v1 as ticket;
use tonic::{Request, Response, Status};

use super::{Fettle, Told};

/// Longest life of one try.
const DEADLINE: Duration = Duration::from_secs(30);
/// Tries before a passing refusal is handed on.
const TRIES: u32 = 12;
/// Pause after the first try; doubled each time, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Calls until there is an answer, a refusal that will not pass, or no try left.
async fn patiently<T, F>(mut call: impl FnMut() -> F) -> Result<T, Told>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match call().await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(status) => {
                let told = Told::from(status);
                if !told.is_passing() {
                    return Err(told);
                }
                let asked = told.retry_after().unwrap_or_default().min(LONGEST_PAUSE);
                tokio::time::sleep(pause.max(asked)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    Ok(call().await?.into_inner())
}

/// One method per RPC; a function cannot be generic over a method's name.
macro_rules! calls {
    ($($client:ident.$rpc:ident($request:ty) -> $answer:ty;)*) => {
        impl Fettle {
            $(
                #[doc = concat!("The RPC `", stringify!($rpc), "`.")]
                pub(crate) async fn $rpc(&self, message: $request) -> Result<$answer, Told> {
                    patiently(|| {
                        let mut client = self.$client.clone();
                        let mut request = Request::new(message.clone());
                        request.set_timeout(DEADLINE);
                        async move { client.$rpc(request).await }
                    })
                    .await
                }
            )*
        }
    };
}

calls! {
    tickets.create_ticket(ticket::CreateTicketRequest) -> ticket::Ticket;
    tickets.get_ticket(ticket::GetTicketRequest) -> ticket::Ticket;
    tickets.list_tickets(ticket::ListTicketsRequest) -> ticket::ListTicketsResponse;
    tickets.respond_to_ticket(ticket::RespondToTicketRequest) -> ticket::Ticket;
    tickets.close_ticket(ticket::CloseTicketRequest) -> ticket::Ticket;
    tickets.cancel_ticket(ticket::CancelTicketRequest) -> ticket::Ticket;
    tickets.list_ticket_events(ticket::ListTicketEventsRequest) -> ticket::ListTicketEventsResponse;
    tickets.export_ticket_history(ticket::ExportTicketHistoryRequest) -> ticket::TicketHistory;
    quotes.list_quotes(ticket::ListQuotesRequest) -> ticket::ListQuotesResponse;
    quotes.approve_quote(ticket::ApproveQuoteRequest) -> ticket::Quote;
    quotes.decline_quote(ticket::DeclineQuoteRequest) -> ticket::Quote;
    assets.register_asset(entitlement::RegisterAssetRequest) -> entitlement::Asset;
    entitlements.check_entitlement(entitlement::CheckEntitlementRequest) -> entitlement::EntitlementDecision;
    policies.list_warranty_policies(entitlement::ListWarrantyPoliciesRequest) -> entitlement::ListWarrantyPoliciesResponse;
    parts.create_part(inventory::CreatePartRequest) -> inventory::Part;
    stock.create_stock_location(inventory::CreateStockLocationRequest) -> inventory::StockLocation;
    stock.receive_stock(inventory::ReceiveStockRequest) -> inventory::StockMovement;
    stock.get_stock_levels(inventory::GetStockLevelsRequest) -> inventory::GetStockLevelsResponse;
    reservations.get_reservation(inventory::GetReservationRequest) -> inventory::Reservation;
    reservations.list_reservations(inventory::ListReservationsRequest) -> inventory::ListReservationsResponse;
    technicians.create_technician(dispatch::CreateTechnicianRequest) -> dispatch::Technician;
    technicians.list_technicians(dispatch::ListTechniciansRequest) -> dispatch::ListTechniciansResponse;
    work_orders.create_work_order(dispatch::CreateWorkOrderRequest) -> dispatch::WorkOrder;
    work_orders.get_work_order(dispatch::GetWorkOrderRequest) -> dispatch::WorkOrder;
    work_orders.list_work_orders(dispatch::ListWorkOrdersRequest) -> dispatch::ListWorkOrdersResponse;
    work_orders.depart_work_order(dispatch::DepartWorkOrderRequest) -> dispatch::WorkOrder;
    work_orders.arrive_work_order(dispatch::ArriveWorkOrderRequest) -> dispatch::WorkOrder;
    work_orders.start_work_order(dispatch::StartWorkOrderRequest) -> dispatch::WorkOrder;
    work_orders.complete_work_order(dispatch::CompleteWorkOrderRequest) -> dispatch::WorkOrder;
    appointments.find_slots(dispatch::FindSlotsRequest) -> dispatch::FindSlotsResponse;
    appointments.book_appointment(dispatch::BookAppointmentRequest) -> dispatch::WorkOrder;
    surveys.list_surveys(feedback::ListSurveysRequest) -> feedback::ListSurveysResponse;
    surveys.issue_survey_link(feedback::IssueSurveyLinkRequest) -> feedback::IssueSurveyLinkResponse;
    surveys.submit_survey(feedback::SubmitSurveyRequest) -> feedback::Survey;
    scorecards.list_scorecards(feedback::ListScorecardsRequest) -> feedback::ListScorecardsResponse;
    assets.list_assets(entitlement::ListAssetsRequest) -> entitlement::ListAssetsResponse;
    contracts.list_contracts(entitlement::ListContractsRequest) -> entitlement::ListContractsResponse;
    parties.create_party(channel::CreatePartyRequest) -> channel::Party;
    parties.get_party(channel::GetPartyRequest) -> channel::Party;
    parties.erase_party(channel::ErasePartyRequest) -> channel::ErasePartyResponse;
}

/// Reads all pages of a list: `page` asks for the page behind a token and gives its rows and the
/// next token. At most `pages` are read, so that a growing list ends too.
pub(crate) async fn all_pages<T, F>(
    pages: usize,
    mut page: impl FnMut(String) -> F,
) -> Result<Vec<T>, Told>
where
    F: Future<Output = Result<(Vec<T>, String), Told>>,
{
    let mut rows = Vec::new();
    let mut token = String::new();
    for _ in 0..pages {
        let (more, next) = page(token).await?;
        rows.extend(more);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    Ok(rows)
}
