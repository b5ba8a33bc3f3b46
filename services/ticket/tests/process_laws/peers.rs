//! Inventory and dispatch, as far as a ticket knows them: what each round holds, for ever.

use std::collections::{BTreeMap, VecDeque};

use jiff::SignedDuration;
use ticket::domain::answers::{PartsNews, VisitNews};
use uuid::Uuid;

use crate::common::REPORTED;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parts {
    Held,
    Backordered,
    /// Given back, expired or used; a later request of the round is answered with that.
    Ended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Open,
    Scheduled,
    EnRoute,
    OnSite,
    InProgress,
    Ended,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peers {
    pub(crate) parts: BTreeMap<i32, Parts>,
    pub(crate) visits: BTreeMap<i32, Work>,
    /// Rounds whose visit was done rather than cancelled.
    pub(crate) worked: Vec<i32>,
    pub(crate) parts_said: VecDeque<(i32, PartsNews)>,
    pub(crate) visits_said: VecDeque<(i32, VisitNews)>,
}

impl Peers {
    pub(crate) fn reserve(&mut self, round: i32, stock: bool) -> PartsNews {
        let fresh = if stock {
            Parts::Held
        } else {
            Parts::Backordered
        };
        match self.parts.entry(round).or_insert(fresh) {
            Parts::Held => held(),
            Parts::Backordered => PartsNews::Backordered {
                findings: vec![b"short".to_vec()],
            },
            Parts::Ended => PartsNews::Released,
        }
    }

    /// Releasing what is not known yet forbids it for ever.
    pub(crate) fn release(&mut self, round: i32) {
        if self
            .parts
            .insert(round, Parts::Ended)
            .is_some_and(|was| was != Parts::Ended)
        {
            self.parts_said.push_back((round, PartsNews::Released));
        }
    }

    pub(crate) fn book(&mut self, round: i32, free: bool) -> VisitNews {
        let fresh = if free { Work::Scheduled } else { Work::Open };
        match self.visits.entry(round).or_insert(fresh) {
            Work::Open => VisitNews::Open {
                findings: Vec::new(),
            },
            Work::Scheduled => scheduled(),
            Work::EnRoute => VisitNews::Departed,
            Work::OnSite => VisitNews::Arrived,
            Work::InProgress => VisitNews::Started,
            Work::Ended => VisitNews::Cancelled,
        }
    }

    /// False: it was done before.
    pub(crate) fn cancel(&mut self, round: i32) -> bool {
        if self.worked.contains(&round) {
            return false;
        }
        if self
            .visits
            .insert(round, Work::Ended)
            .is_some_and(|was| was != Work::Ended)
        {
            self.visits_said.push_back((round, VisitNews::Cancelled));
        }
        true
    }

    /// Stock arrived for the oldest round that waits.
    pub(crate) fn stock_arrives(&mut self) {
        let waits = self
            .parts
            .iter_mut()
            .find(|(_, parts)| **parts == Parts::Backordered);
        if let Some((round, parts)) = waits {
            *parts = Parts::Held;
            self.parts_said.push_back((*round, held()));
        }
    }

    /// The oldest hold runs out, unless the technician is at work with it.
    pub(crate) fn hold_expires(&mut self) {
        let idle = |round: &i32| {
            self.visits
                .get(round)
                .is_none_or(|work| *work < Work::EnRoute)
        };
        let round = self
            .parts
            .iter()
            .find(|(r, p)| **p != Parts::Ended && idle(r))
            .map(|(r, _)| *r);
        if let Some(round) = round {
            self.parts.insert(round, Parts::Ended);
            self.parts_said.push_back((round, PartsNews::Expired));
        }
    }

    /// A technician becomes free for the oldest work that is open.
    pub(crate) fn technician_free(&mut self) {
        if let Some((round, work)) = self.visits.iter_mut().find(|(_, w)| **w == Work::Open) {
            *work = Work::Scheduled;
            self.visits_said.push_back((*round, scheduled()));
        }
    }

    pub(crate) fn work_goes_on(&mut self, round: i32, next: Work) {
        let news = match next {
            Work::EnRoute => VisitNews::Departed,
            Work::OnSite => VisitNews::Arrived,
            _ => VisitNews::Started,
        };
        match self.visits.get_mut(&round) {
            Some(work) if *work != Work::Open && *work < next => *work = next,
            _ => return,
        }
        self.visits_said.push_back((round, news));
    }

    /// The work is done, with a fix or without: the inventory settles its parts.
    pub(crate) fn work_ends(&mut self, round: i32, fixed: bool) {
        match self.visits.get_mut(&round) {
            Some(work @ (Work::OnSite | Work::InProgress)) => *work = Work::Ended,
            _ => return,
        }
        self.worked.push(round);
        if self
            .parts
            .get(&round)
            .is_some_and(|parts| *parts != Parts::Ended)
        {
            self.parts.insert(round, Parts::Ended);
            let settled = if fixed {
                PartsNews::Committed
            } else {
                PartsNews::Released
            };
            self.parts_said.push_back((round, settled));
        }
        let work_order = format!("workOrders/{round}");
        let news = match fixed {
            true => VisitNews::Completed { work_order },
            false => VisitNews::Incomplete { work_order },
        };
        self.visits_said.push_back((round, news));
    }

    /// A dispatcher calls the work off.
    pub(crate) fn work_called_off(&mut self, round: i32) {
        if self
            .visits
            .get(&round)
            .is_some_and(|work| *work < Work::OnSite)
        {
            self.cancel(round);
        }
    }
}

fn held() -> PartsNews {
    PartsNews::Held {
        locations: "Shanghai".to_owned(),
    }
}

fn scheduled() -> VisitNews {
    let start = REPORTED + SignedDuration::from_hours(24);
    let technician = Uuid::from_u128(9);
    VisitNews::Scheduled {
        technician,
        start,
        end: start + SignedDuration::from_hours(2),
    }
}
