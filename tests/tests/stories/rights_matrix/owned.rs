//! One of everything, in one region, of one customer, one partner and one technician.

use chassis::testing::agent;
use chassis::{Caller, TenantId};
use proto::dispatch::v1::technician::Skill;
use proto::feedback::v1::survey;
use proto::ticket::v1::Ticket;
use proto::ticket::v1::ticket::Kind;
use proto::ticket::v1::ticket_service_client::TicketServiceClient;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use stories::world::seeds::{MASSACHUSETTS, ZHEJIANG, technician};
use stories::world::{DESKTOP, NOTEBOOK, OLD_NOTEBOOK, Report, SERVICES, World, until};

use super::asking::ask;
use crate::rights::caller;

/// The partner organisation that everything belongs to.
pub(super) const PARTNER: &str = "organizations/1";
/// Where nothing is.
pub(super) const NOWHERE: &str = "01890000-0000-7000-8000-00000000dead";

/// The world, and the names of what is in it.
pub(super) struct Owned {
    pub(super) world: World,
    pub(super) party: String,
    pub(super) technician: String,
    /// Reported by the partner; its technician is booked.
    pub(super) ticket: Ticket,
    pub(super) work_order: String,
    /// When that visit begins.
    pub(super) start: String,
    /// A visit of no ticket's process, to be called off.
    pub(super) spare_work_order: String,
    /// Reported by the partner, with nothing going on.
    pub(super) inquiries: [Ticket; 2],
    /// Open offers: (ticket, quote).
    pub(super) quotes: [(String, String); 2],
    pub(super) reservations: [String; 2],
    pub(super) movement: String,
    pub(super) asset: String,
    pub(super) contract: String,
    pub(super) survey: String,
}

impl Owned {
    pub(super) async fn new() -> Owned {
        let mut world = World::new().await;
        let technician = hire(&world).await;
        let movement = world.receive_stock("HANGZHOU", "KBD-14", 5).await.name;
        let asset = register(&mut world).await;
        let contract = sign(&mut world, &asset).await;
        let survey = surveyed(&world).await;
        let ticket = reported(&mut world, &Report::fault(DESKTOP, "DISK")).await;
        let work_order = world.visit(&ticket).await.order.name;
        let given = json!({ "name": work_order, "technician": technician });
        let given = ask(
            &mut world,
            &agent(),
            "WorkOrderService/AssignWorkOrder",
            &given,
        )
        .await;
        let start = given.unwrap()["window"]["start"]
            .as_str()
            .unwrap()
            .to_owned();
        let inquiries = [
            reported(&mut world, &Report::about(Kind::Inquiry, "Which cable?")).await,
            reported(&mut world, &Report::about(Kind::Inquiry, "Which plug?")).await,
        ];
        let quotes = [quoted(&world).await, quoted(&world).await];
        let reservations = [held(&mut world, "a1").await, held(&mut world, "a2").await];
        let spare_work_order = ordered(&mut world).await;
        Owned {
            party: world.party.clone(),
            world,
            technician,
            ticket,
            work_order,
            start,
            spare_work_order,
            inquiries,
            quotes,
            reservations,
            movement,
            asset,
            contract,
            survey,
        }
    }

    /// A caller of that role, or that service, whom everything belongs to.
    pub(super) fn owner(&self, role: &str) -> Caller {
        let mut owner = bound(caller(role, &self.party));
        if role.ends_with("technician") {
            owner.principal = self.technician.clone();
        }
        owner
    }

    /// The same, but a stranger in one column of the table. Who is nothing there is no stranger.
    pub(super) fn stranger(&self, role: &str, column: &str) -> Caller {
        let mut stranger = self.owner(role);
        let other = |has: Option<String>, other: &str| has.map(|_| other.to_owned());
        match column {
            "own" => {}
            "tenant" => stranger.tenant = TenantId::parse("globex").unwrap(),
            "region" => stranger.region = other(stranger.region, MASSACHUSETTS),
            "partner" => stranger.partner = other(stranger.partner, "organizations/2"),
            "customer" => {
                let party = format!("parties/{NOWHERE}");
                stranger.customer = other(stranger.customer, &party);
            }
            "technician" if role.ends_with("technician") => {
                stranger.principal = format!("technicians/{NOWHERE}");
            }
            "technician" => {}
            unknown => panic!("the table has no column {unknown}"),
        }
        stranger
    }

    /// Awaits that every event has arrived and that nothing is due.
    pub(super) async fn comes_to_rest(&mut self) {
        let mut conn = self.connection().await;
        until("nothing moves", async || {
            let mut moves = Vec::new();
            for service in SERVICES.map(|service| service.name) {
                let mut what = vec![
                    format!("select count(*) from {service}.outbox where sequence is null"),
                    format!(
                        "select count(*) from {service}.consumer_positions c
                         join {service}.relay_partitions r using (partition)
                         where c.sequence < r.numbered"
                    ),
                ];
                if service == "ticket" {
                    let due = "select count(*) from ticket.processes where due_at <= now()";
                    what.push(due.to_owned());
                }
                for what in what {
                    let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(what.clone()));
                    if count.fetch_one(&mut conn).await.unwrap() > 0 {
                        moves.push(what);
                    }
                }
            }
            if moves.is_empty() {
                Ok(())
            } else {
                Err(moves.join("; "))
            }
        })
        .await;
    }

    /// A digest of every row of the tenant, by table: "ticket.tickets".
    pub(super) async fn rows(&mut self) -> Vec<(String, String)> {
        let mut conn = self.connection().await;
        let tables = "select n.nspname || '.' || c.relname from pg_class c
             join pg_namespace n on n.oid = c.relnamespace
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
             where n.nspname = any ($1) and c.relkind in ('r', 'p') and not c.relispartition
             order by 1";
        let tables = sqlx::query_scalar(tables).bind(SERVICES.map(|service| service.name));
        let tables: Vec<String> = tables.fetch_all(&mut conn).await.unwrap();
        let mut rows = Vec::new();
        for table in tables {
            let digest = format!(
                "select count(*) || ' rows ' || md5(coalesce(string_agg(t::text, '' order by t::text), ''))
                 from {table} t where tenant_id = 'acme'"
            );
            let digest = sqlx::query_scalar(AssertSqlSafe(digest));
            rows.push((table, digest.fetch_one(&mut conn).await.unwrap()));
        }
        rows
    }

    async fn connection(&mut self) -> PgConnection {
        let url = self.world.suite().db_url();
        PgConnection::connect(&url).await.unwrap()
    }
}

/// Bound to the region that everything is in.
fn bound(caller: Caller) -> Caller {
    let region = Some(ZHEJIANG.to_owned());
    Caller { region, ..caller }
}

async fn hire(world: &World) -> String {
    let site = (30.2741, 120.1551);
    let mut hired = technician("NEXT-DOOR", "Qian Feng", ZHEJIANG, site);
    hired.partner = PARTNER.to_owned();
    hired.skills = ["NOTEBOOK_REPAIR", "DESKTOP_REPAIR"]
        .map(|skill| Skill {
            skill: skill.to_owned(),
            level: 3,
            valid_until: String::new(),
        })
        .to_vec();
    world.hire(hired).await.name
}

async fn register(world: &mut World) -> String {
    let listed = json!({ "serialNumber": DESKTOP });
    let listed = ask(world, &agent(), "AssetService/ListAssets", &listed).await;
    name_in(&listed.unwrap()["assets"][0])
}

async fn sign(world: &mut World, asset: &str) -> String {
    let contract = json!({ "contract": {
        "policy": "business-next-business-day",
        "assets": [asset],
        "start": world.months_ago(1).to_string(),
        "end": world.months_ago(-11).to_string(),
        "holder": world.party.clone(),
    } });
    let admin = bound(caller("admin", ""));
    let made = ask(world, &admin, "ContractService/CreateContract", &contract).await;
    name_in(&made.unwrap())
}

async fn surveyed(world: &World) -> String {
    let inquiry = Report::about(Kind::Inquiry, "Nobody called me back");
    let ticket = world.report_this(&inquiry).await;
    world.respond(&ticket).await;
    world.resolve(&ticket, "We called and apologised.").await;
    world.confirm(&ticket).await;
    until("the closed ticket is surveyed", async || {
        let surveys = world.surveys_of(&ticket).await;
        let mut open = surveys
            .into_iter()
            .filter(|found| found.state() == survey::State::Open);
        open.next()
            .map(|found| found.name)
            .ok_or("not yet".to_owned())
    })
    .await
}

async fn reported(world: &mut World, report: &Report) -> Ticket {
    let request = report.request(&world.party, world.now());
    let partner = bound(caller("partner_admin", ""));
    let mut tickets = TicketServiceClient::new(world.suite().peer_as("ticket", &partner));
    tickets.create_ticket(request).await.unwrap().into_inner()
}

async fn quoted(world: &World) -> (String, String) {
    let ticket = world.report(OLD_NOTEBOOK, "MEMORY").await;
    let quote = world.quote(&ticket).await;
    (ticket.name, quote.name)
}

async fn held(world: &mut World, digits: &str) -> String {
    let wanted = json!({
        "ticket": format!("tickets/01890000-0000-7000-8000-0000000000{digits}"),
        "step": "PARTS",
        "lines": [{ "part": "parts/FAN-7", "quantity": "1" }],
        "region": ZHEJIANG,
    });
    let made = ask(world, &agent(), "ReservationService/ReserveParts", &wanted).await;
    name_in(&made.unwrap())
}

async fn ordered(world: &mut World) -> String {
    let request = Report::fault(NOTEBOOK, "MEMORY").request("", world.now());
    let site = proto::to_json(&request).unwrap()["ticket"]["site"].clone();
    let order = json!({
        "ticket": "tickets/01890000-0000-7000-8000-0000000000a3",
        "step": "VISIT",
        "mode": "ON_SITE",
        "site": site,
        "region": ZHEJIANG,
        "party": world.party.clone(),
    });
    let made = ask(world, &agent(), "WorkOrderService/CreateWorkOrder", &order).await;
    name_in(&made.unwrap())
}

fn name_in(answer: &serde_json::Value) -> String {
    answer["name"]
        .as_str()
        .expect("what was made has a name")
        .to_owned()
}
