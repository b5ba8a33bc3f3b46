//! Calling the services: addresses, the caller's identity, patience with a busy service.

mod calls;
mod credentials;
mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail};
use chassis::{Caller, TenantId};
use proto::channel::v1::party_service_client::PartyServiceClient;
use proto::dispatch::v1::appointment_service_client::AppointmentServiceClient;
use proto::dispatch::v1::technician_service_client::TechnicianServiceClient;
use proto::dispatch::v1::work_order_service_client::WorkOrderServiceClient;
use proto::entitlement::v1::asset_service_client::AssetServiceClient;
use proto::entitlement::v1::contract_service_client::ContractServiceClient;
use proto::entitlement::v1::entitlement_service_client::EntitlementServiceClient;
use proto::entitlement::v1::policy_service_client::PolicyServiceClient;
use proto::feedback::v1::scorecard_service_client::ScorecardServiceClient;
use proto::feedback::v1::survey_service_client::SurveyServiceClient;
use proto::inventory::v1::part_service_client::PartServiceClient;
use proto::inventory::v1::reservation_service_client::ReservationServiceClient;
use proto::inventory::v1::stock_service_client::StockServiceClient;
use proto::ticket::v1::quote_service_client::QuoteServiceClient;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use serde::{Deserialize, Serialize};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};

pub(crate) use calls::all_pages;
use credentials::Signed;
pub(crate) use credentials::{CUSTOMER, Credentials, TECHNICIAN, existing_issuer, issuer_of};
pub(crate) use told::Told;

/// Every service of the suite with its usual port, in the order they are started.
pub(crate) const SERVICES: [(&str, u16); 6] = [
    ("ticket", 7101),
    ("entitlement", 7102),
    ("inventory", 7103),
    ("dispatch", 7104),
    ("feedback", 7105),
    ("channel", 7106),
];

/// The tenant that the demo, the seed and the development commands work in.
pub(crate) const TENANT: &str = "demo";

/// Largest answer read: a page of a thousand tickets with their findings.
const LARGEST_ANSWER: usize = 64 << 20;

/// Where each service answers, as `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints(pub(crate) BTreeMap<String, String>);

impl Endpoints {
    /// All services on one host at consecutive ports.
    pub(crate) fn on(host: &str, port_base: u16) -> Endpoints {
        let each = SERVICES.iter().enumerate().map(|(index, (name, _))| {
            let port = usize::from(port_base) + index;
            ((*name).to_owned(), format!("http://{host}:{port}"))
        });
        Endpoints(each.collect())
    }

    /// Reads `--endpoint`: a host, or `ticket=http://…,entitlement=http://…`; services that are
    /// not named are looked for on 127.0.0.1. An unknown service is refused.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Endpoints> {
        let first = SERVICES[0].1;
        if !text.contains('=') {
            let host = text.trim_start_matches("http://").trim_end_matches('/');
            if host.is_empty() || host.contains('/') {
                bail!("{text:?} is neither a host nor a list such as ticket=http://127.0.0.1:7101");
            }
            return Ok(match host.rsplit_once(':') {
                Some((host, port)) => Endpoints::on(host, port.parse().context("the port")?),
                None => Endpoints::on(host, first),
            });
        }
        let mut all = Endpoints::on("127.0.0.1", first);
        for pair in text
            .split(',')
            .map(str::trim)
            .filter(|pair| !pair.is_empty())
        {
            let (name, address) = pair
                .split_once('=')
                .context("service=http://host:port is needed")?;
            let known = all.0.get_mut(name);
            let known = known.with_context(|| format!("{name:?} is no service of the suite"))?;
            address
                .parse::<tonic::transport::Uri>()
                .context("an address is http://host:port")?;
            address.clone_into(known);
        }
        Ok(all)
    }

    fn channel(&self, service: &str) -> anyhow::Result<Channel> {
        let address = self
            .0
            .get(service)
            .with_context(|| format!("no address of {service}"))?;
        let endpoint = Endpoint::from_shared(address.clone())?
            .connect_timeout(Duration::from_secs(2))
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .keep_alive_while_idle(true)
            .tcp_nodelay(true);
        Ok(endpoint.connect_lazy())
    }
}

/// As whom a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// Reports faults, decides quotes, answers surveys.
    Customer,
    /// Talks to customers in a call center.
    Agent,
    /// Repairs.
    Technician,
    /// Receives parts.
    Storekeeper,
    /// Finds times for visits nobody could take.
    Planner,
    /// Sets the world up and reads everything.
    Administrator,
}

impl Actor {
    fn role(self) -> &'static str {
        match self {
            Actor::Customer => "customer",
            Actor::Agent => "agent",
            Actor::Technician => "technician",
            Actor::Storekeeper => "stock_keeper",
            Actor::Planner => "dispatcher",
            Actor::Administrator => "admin",
        }
    }

    fn caller(self) -> anyhow::Result<Caller> {
        let customer = (self == Actor::Customer).then(|| CUSTOMER.to_owned());
        Ok(Caller {
            tenant: TenantId::parse(TENANT)?,
            principal: match self {
                Actor::Technician => TECHNICIAN.to_owned(),
                other => format!("users/{}", other.role()),
            },
            region: None,
            roles: vec![self.role().to_owned()],
            customer,
            partner: None,
        })
    }
}

type Wire = InterceptedService<Channel, Signed>;

/// One actor's connection to the suite. Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Fettle {
    tickets: TicketServiceClient<Wire>,
    quotes: QuoteServiceClient<Wire>,
    assets: AssetServiceClient<Wire>,
    contracts: ContractServiceClient<Wire>,
    entitlements: EntitlementServiceClient<Wire>,
    policies: PolicyServiceClient<Wire>,
    parts: PartServiceClient<Wire>,
    stock: StockServiceClient<Wire>,
    reservations: ReservationServiceClient<Wire>,
    technicians: TechnicianServiceClient<Wire>,
    work_orders: WorkOrderServiceClient<Wire>,
    appointments: AppointmentServiceClient<Wire>,
    surveys: SurveyServiceClient<Wire>,
    scorecards: ScorecardServiceClient<Wire>,
    parties: PartyServiceClient<Wire>,
}

/// Open channels to every service, and how callers prove who they are.
#[derive(Clone)]
pub(crate) struct Connections {
    channels: BTreeMap<String, Channel>,
    credentials: Credentials,
}

impl Connections {
    /// Prepares channels; each connects at its first call. Needs a tokio runtime.
    pub(crate) fn to(
        endpoints: &Endpoints,
        credentials: Credentials,
    ) -> anyhow::Result<Connections> {
        let each = SERVICES
            .iter()
            .map(|(name, _)| Ok(((*name).to_owned(), endpoints.channel(name)?)));
        Ok(Connections {
            channels: each.collect::<anyhow::Result<_>>()?,
            credentials,
        })
    }

    /// The suite as this actor calls it; as the bearer of the token, where one was given.
    pub(crate) fn acting_as(&self, actor: Actor) -> anyhow::Result<Fettle> {
        self.calling_as(actor.caller()?)
    }

    /// The suite as this customer, "parties/{uuid}", calls it.
    pub(crate) fn customer(&self, party: &str) -> anyhow::Result<Fettle> {
        self.calling_as(Caller {
            customer: Some(party.to_owned()),
            ..Actor::Customer.caller()?
        })
    }

    /// The suite as this technician, "technicians/{uuid}", calls it.
    pub(crate) fn technician(&self, name: &str) -> anyhow::Result<Fettle> {
        self.calling_as(Caller {
            principal: name.to_owned(),
            ..Actor::Technician.caller()?
        })
    }

    fn calling_as(&self, caller: Caller) -> anyhow::Result<Fettle> {
        let signed = self.credentials.of(caller);
        let wire = |service: &str| {
            let channel = self.channels.get(service).cloned();
            let channel = channel.with_context(|| format!("no channel to {service}"))?;
            anyhow::Ok(InterceptedService::new(channel, signed.clone()))
        };
        let ticket = wire("ticket")?;
        let entitlement = wire("entitlement")?;
        let inventory = wire("inventory")?;
        let dispatch = wire("dispatch")?;
        let feedback = wire("feedback")?;
        Ok(Fettle {
            tickets: TicketServiceClient::new(ticket.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            quotes: QuoteServiceClient::new(ticket),
            assets: AssetServiceClient::new(entitlement.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            contracts: ContractServiceClient::new(entitlement.clone()),
            entitlements: EntitlementServiceClient::new(entitlement.clone()),
            policies: PolicyServiceClient::new(entitlement),
            parts: PartServiceClient::new(inventory.clone()),
            stock: StockServiceClient::new(inventory.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            reservations: ReservationServiceClient::new(inventory)
                .max_decoding_message_size(LARGEST_ANSWER),
            technicians: TechnicianServiceClient::new(dispatch.clone()),
            work_orders: WorkOrderServiceClient::new(dispatch.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            appointments: AppointmentServiceClient::new(dispatch),
            surveys: SurveyServiceClient::new(feedback.clone())
                .max_decoding_message_size(LARGEST_ANSWER),
            scorecards: ScorecardServiceClient::new(feedback),
            parties: PartyServiceClient::new(wire("channel")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_stands_for_all_services_at_their_usual_ports() {
        let endpoints = Endpoints::parse("fettle.example").unwrap();
        assert_eq!(endpoints.0["ticket"], "http://fettle.example:7101");
        assert_eq!(endpoints.0["channel"], "http://fettle.example:7106");
    }

    #[test]
    fn a_port_moves_all_services() {
        let endpoints = Endpoints::parse("127.0.0.1:8101").unwrap();
        assert_eq!(endpoints.0["dispatch"], "http://127.0.0.1:8104");
    }

    #[test]
    fn a_list_names_services_one_by_one_and_refuses_strangers() {
        let endpoints = Endpoints::parse("ticket=http://a:1, dispatch=http://b:2").unwrap();
        assert_eq!(endpoints.0["ticket"], "http://a:1");
        assert_eq!(endpoints.0["dispatch"], "http://b:2");
        assert_eq!(endpoints.0["feedback"], "http://127.0.0.1:7105");
        assert!(Endpoints::parse("billing=http://a:1").is_err());
    }
}
