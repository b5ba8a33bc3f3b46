//! For each step of the process, a course of events that comes to it, and the end it must have.

use chassis::refusal::to_pb;
use chassis::testing::eventually;
use jiff::{SignedDuration, Timestamp};
use proto::dispatch::v1::technician::Skill;
use proto::dispatch::v1::work_order::State as Visit;
use proto::inventory::v1::reservation::State as Hold;
use proto::ticket::v1::ticket::State;
use proto::ticket::v1::{CancelTicketRequest, ListQuotesRequest, Ticket};
use sqlx::PgConnection;
use stories::processes::Suite;
use stories::world::seeds::{ZHEJIANG, technician};
use stories::world::{NOTEBOOK, PATIENCE, Report, World};

use super::history::{History, Write};

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scenario {
    /// A fault under warranty is repaired with a part, confirmed and surveyed.
    Repair,
    /// A fault out of warranty is quoted, agreed to and repaired.
    Quote,
    /// The quote is never answered.
    LapsedQuote,
    /// Nothing is owed and nothing sold.
    Refused,
    /// The customer withdraws while parts and a visit are held.
    Cancel,
    /// Nobody objects to the repair for longer than the policy waits.
    AutoClose,
}

/// The scenario of each step.
pub(crate) const SCENARIOS: [(&str, Scenario); 10] = [
    ("DECIDE_COVERAGE", Scenario::Repair),
    ("ISSUE_QUOTE", Scenario::Quote),
    ("EXPIRE_QUOTE", Scenario::LapsedQuote),
    ("REJECT", Scenario::Refused),
    ("CHOOSE_PARTS", Scenario::Repair),
    ("HOLD_PARTS", Scenario::Repair),
    ("BOOK_VISIT", Scenario::Repair),
    ("RELEASE_PARTS", Scenario::Cancel),
    ("CANCEL_VISIT", Scenario::Cancel),
    ("AUTO_CLOSE", Scenario::AutoClose),
];

/// How a ticket ended, by the word of every service it touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    state: State,
    round: i32,
    attention: String,
    /// What its timeline says, sorted: an event may overtake the answer that says the same.
    entries: Vec<String>,
    reservations: Vec<Hold>,
    visits: Vec<Visit>,
    quotes: Vec<i32>,
    surveys: usize,
}

/// Where scenarios take place.
pub(crate) struct Stage {
    /// The services and who is in them.
    pub(crate) world: World,
    database: PgConnection,
    keys: u32,
}

impl Stage {
    /// Seeds a world with parts and technicians enough for every scenario.
    pub(crate) async fn set(suite: &Suite) -> Stage {
        let world = suite.world(super::day()).await;
        world.receive_stock("HANGZHOU", "MEM-16", 60).await;
        for number in 1..=6 {
            let (code, name) = (format!("MORE-{number}"), format!("Technician {number}"));
            let mut more = technician(&code, &name, ZHEJIANG, (30.28, 120.17));
            let skill = "NOTEBOOK_REPAIR".to_owned();
            more.skills = vec![Skill {
                skill,
                level: 3,
                ..Default::default()
            }];
            world.hire(more).await;
        }
        let database = suite.connect("ticket").await;
        Stage {
            world,
            database,
            keys: 0,
        }
    }

    /// The whole scenario, nobody dying.
    pub(crate) async fn uninterrupted(&mut self, scenario: Scenario) -> End {
        let history = History::default();
        let ticket = self.begin(scenario, &history).await;
        let ticket = ticket.expect("a service that runs answers");
        let end = self.finish(scenario, &ticket).await;
        history.stands(&self.world).await;
        end
    }

    /// Up to and including what makes the step due. None: the report itself was not answered.
    pub(crate) async fn begin(&mut self, scenario: Scenario, history: &History) -> Option<Ticket> {
        self.world.it_is(match scenario {
            // Longer ago than any policy waits for an objection.
            Scenario::AutoClose => super::day() - SignedDuration::from_hours(20 * 24),
            _ => super::day(),
        });
        let reported = self.report(scenario, history).await;
        match scenario {
            Scenario::Repair | Scenario::Quote | Scenario::Refused => return reported,
            Scenario::LapsedQuote => self.let_the_quote_lapse(reported.as_ref()?).await,
            Scenario::Cancel => {
                let ticket = self.world.visit(reported.as_ref()?).await.order.ticket;
                self.cancel(&ticket, history).await;
            }
            Scenario::AutoClose => {
                self.world.visit(reported.as_ref()?).await.repair().await;
            }
        }
        reported
    }

    async fn report(&mut self, scenario: Scenario, history: &History) -> Option<Ticket> {
        self.keys += 1;
        let serial = match scenario {
            Scenario::Quote | Scenario::LapsedQuote | Scenario::Refused => {
                // A new old one each time: what was repaired is covered again.
                let serial = format!("SN-OLD-{}", self.keys);
                self.world.register(&serial, 60).await;
                serial
            }
            Scenario::Repair | Scenario::Cancel | Scenario::AutoClose => NOTEBOOK.to_owned(),
        };
        let world = &self.world;
        let mut request = Report::fault(&serial, "MEMORY").request(&world.party, world.now());
        if let (Scenario::Refused, Some(ticket)) = (scenario, &mut request.ticket) {
            // No price list speaks for the country.
            let site = ticket.site.as_mut().and_then(|site| site.address.as_mut());
            let address = site.expect("a fault has a place");
            address.region_code = "DE".to_owned();
            address.administrative_area = "DE-BE".to_owned();
        }
        request.request_id = format!("report-{}", self.keys);
        history
            .send(&self.world, Write::Create(Box::new(request)))
            .await
    }

    async fn cancel(&mut self, ticket: &str, history: &History) {
        self.keys += 1;
        let request = CancelTicketRequest {
            name: ticket.to_owned(),
            request_id: format!("cancel-{}", self.keys),
            occur_time: Some(to_pb(self.world.pass(SignedDuration::from_mins(5)))),
            reason: "It was the power strip.".to_owned(),
            ..Default::default()
        };
        history.send(&self.world, Write::Cancel(request)).await;
    }

    /// A quote stands for fourteen days of system time, which nobody waits for here: as the owner of the database we
    /// move the instant it lapses at, in the quote and in what the process knows of it, into the past.
    async fn let_the_quote_lapse(&mut self, ticket: &Ticket) {
        self.world.quote(ticket).await;
        let id = id_of(&ticket.name);
        let past = Timestamp::from_second(self.world.now().as_second()).expect("an instant");
        let statements = [
            "update quotes set expires_at = $2::text::timestamptz where ticket_id = $1::text::uuid",
            "update tickets set facts = jsonb_set(facts, '{quote,OPEN}', to_jsonb($2::text))
             where ticket_id = $1::text::uuid",
            "update processes set due_at = $2::text::timestamptz where ticket_id = $1::text::uuid",
        ];
        for statement in statements {
            let done = sqlx::query(statement).bind(&id).bind(past.to_string());
            assert_eq!(
                done.execute(&mut self.database)
                    .await
                    .unwrap()
                    .rows_affected(),
                1
            );
        }
    }

    /// To the end of the story, wherever it stands.
    pub(crate) async fn finish(&mut self, scenario: Scenario, ticket: &Ticket) -> End {
        let world = &self.world;
        match scenario {
            Scenario::Repair => {
                world.visit(ticket).await.repair().await;
                world.confirm(ticket).await;
            }
            Scenario::Quote => {
                let quote = world.quote(ticket).await;
                world.approve(&quote).await;
                world.visit(ticket).await.repair().await;
                world.confirm(ticket).await;
            }
            Scenario::LapsedQuote | Scenario::Refused | Scenario::Cancel | Scenario::AutoClose => {}
        }
        let (state, surveys) = match scenario {
            Scenario::Repair | Scenario::Quote | Scenario::AutoClose => (State::Closed, 1),
            Scenario::LapsedQuote | Scenario::Cancel => (State::Cancelled, 0),
            Scenario::Refused => (State::Rejected, 0),
        };
        world.await_state(ticket, state).await;
        world.nothing_is_held_for(ticket).await;
        eventually(PATIENCE, "the closed ticket is surveyed", async || {
            (world.surveys_of(ticket).await.len() == surveys).then_some(())
        })
        .await;
        self.rests(ticket).await;
        self.end(ticket).await
    }

    /// Awaits that the process has nothing more to do for the ticket.
    async fn rests(&mut self, ticket: &Ticket) {
        let id = id_of(&ticket.name);
        let database = &mut self.database;
        eventually(PATIENCE, "the ticket's process rests", async || {
            let due = "select due_at is null from processes where ticket_id = $1::text::uuid";
            let rests: bool = sqlx::query_scalar(due)
                .bind(&id)
                .fetch_one(&mut *database)
                .await
                .unwrap();
            rests.then_some(())
        })
        .await;
    }

    async fn end(&self, ticket: &Ticket) -> End {
        let world = &self.world;
        let now = world.ticket(&ticket.name).await;
        let mut entries: Vec<String> = world
            .timeline(ticket)
            .await
            .into_iter()
            .map(|entry| entry.verb)
            .collect();
        entries.sort();
        let parent = ticket.name.clone();
        let request = ListQuotesRequest {
            parent,
            ..Default::default()
        };
        let quotes = world
            .quotes()
            .list_quotes(request)
            .await
            .unwrap()
            .into_inner()
            .quotes;
        let held = world.reservations_of(&ticket.name, &[]).await;
        let booked = world.work_orders_of(&ticket.name, &[]).await;
        End {
            state: now.state(),
            round: now.round,
            attention: now.attention.clone(),
            entries,
            reservations: held.iter().map(|held| held.state()).collect(),
            visits: booked.iter().map(|booked| booked.state()).collect(),
            quotes: quotes.iter().map(|quote| quote.state).collect(),
            surveys: world.surveys_of(ticket).await.len(),
        }
    }
}

fn id_of(name: &str) -> String {
    name.rsplit('/').next().unwrap_or(name).to_owned()
}
