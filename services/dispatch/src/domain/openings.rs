//! Where a job fits into a technician's diary.
//!
//! A day is cut by its bookings into gaps; within a gap and a shift the possible starts are one
//! span, an [`Opening`]. The rules are: every needed skill at its level, its certificate valid on
//! the day of the visit; setting out (from the booking before, or from home) and working within
//! one shift; and time enough to reach the booking after. The way home is the technician's own.

use std::ops::ControlFlow;

use chassis::Position;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::Window;
use super::technician::{Booking, Candidate, Need, Skill, day};
use super::travel::{Leg, Travel};

/// Longest window searched, in days; what is longer is searched up to here.
const MOST_DAYS: usize = 400;

/// Work that wants a technician.
#[derive(Clone, Debug)]
pub struct Job {
    /// Skills needed, all of them.
    pub needs: Vec<Need>,
    /// Where; none: at the technician's own place (bench, remote).
    pub site: Option<Position>,
    /// Length of the work, above zero.
    pub duration: SignedDuration,
    /// Earliest start and latest end of the work.
    pub window: Window,
}

impl Job {
    /// Where this technician would work.
    pub fn site_for(&self, candidate: &Candidate) -> Position {
        self.site.unwrap_or(candidate.home)
    }

    /// The same job within the first part of its window.
    #[must_use]
    pub fn within(&self, first: SignedDuration) -> Job {
        let end = self
            .window
            .start
            .saturating_add(first)
            .unwrap_or(self.window.end);
        let window = Window {
            end: end.min(self.window.end),
            ..self.window
        };
        Job {
            window,
            ..self.clone()
        }
    }

    /// The same job at exactly this start.
    #[must_use]
    pub fn starting(&self, start: Timestamp) -> Job {
        let end = start.saturating_add(self.duration).unwrap_or(start);
        Job {
            window: Window { start, end },
            ..self.clone()
        }
    }
}

/// A span of possible starts of the work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opening {
    /// First possible start.
    pub earliest: Timestamp,
    /// Last possible start, included.
    pub latest: Timestamp,
    /// The way to the site.
    pub leg: Leg,
}

/// Why a technician cannot do it; a later one came closer to being possible.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// Gets no jobs.
    Inactive,
    /// A skill is missing (`level` 0) or too low.
    SkillMissing {
        /// What the job needs.
        need: Need,
        /// What there is.
        level: i32,
    },
    /// No shift holds the work and the way to it.
    OutsideShift,
    /// A certificate ends before every day that would do.
    CertificateExpired(Skill),
    /// Another booking is in the way.
    Booked(Uuid),
    /// The hours are free but the way between neighbours is too long.
    TravelGap(SignedDuration),
}

impl Refused {
    /// How close it came.
    fn rank(&self) -> u8 {
        match self {
            Refused::Inactive => 5,
            Refused::SkillMissing { .. } => 4,
            Refused::OutsideShift => 0,
            Refused::CertificateExpired(_) => 1,
            Refused::Booked(_) => 2,
            Refused::TravelGap(_) => 3,
        }
    }
}

/// Shows every opening in the window to `visit`, in order of time, until it breaks off; returns
/// the nearest miss of the places where there was none.
pub fn openings(
    job: &Job,
    candidate: &Candidate,
    travel: &Travel,
    mut visit: impl FnMut(Opening) -> ControlFlow<()>,
) -> Refused {
    if let Some(refused) = unfit(job, candidate) {
        return refused;
    }
    let mut search = Search {
        job,
        candidate,
        travel,
        site: job.site_for(candidate),
        miss: Refused::OutsideShift,
    };
    let mut date = Some(candidate.zone.to_datetime(job.window.start).date());
    let last = candidate.zone.to_datetime(job.window.end).date();
    for _ in 0..MOST_DAYS {
        let Some(today) = date.filter(|d| *d <= last) else {
            break;
        };
        if search.day(today, &mut visit).is_break() {
            break;
        }
        date = today.tomorrow().ok();
    }
    search.miss
}

/// What no day of the window can mend.
fn unfit(job: &Job, candidate: &Candidate) -> Option<Refused> {
    if candidate.inactive {
        return Some(Refused::Inactive);
    }
    job.needs.iter().find_map(|need| {
        let level = candidate.skill(&need.skill).map_or(0, |skill| skill.level);
        (level < need.level).then(|| Refused::SkillMissing {
            need: need.clone(),
            level,
        })
    })
}

struct Search<'a> {
    job: &'a Job,
    candidate: &'a Candidate,
    travel: &'a Travel,
    site: Position,
    miss: Refused,
}

impl Search<'_> {
    fn day(
        &mut self,
        date: Date,
        visit: &mut impl FnMut(Opening) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let zone = &self.candidate.zone;
        let mut shifts: Vec<Window> = self
            .candidate
            .shifts
            .iter()
            .filter_map(|shift| shift.on(date, zone))
            .collect();
        shifts.retain(|shift| self.holds_work(shift));
        if shifts.is_empty() {
            return ControlFlow::Continue(());
        }
        shifts.sort_unstable_by_key(|shift| shift.start);
        if let Some(skill) = self.expired(date) {
            self.missed(Refused::CertificateExpired(skill.clone()));
            return ControlFlow::Continue(());
        }
        let Some(day) = day(date, zone) else {
            return ControlFlow::Continue(());
        };
        let bookings = within(&self.candidate.bookings, &day);
        for shift in &shifts {
            for index in 0..=bookings.len() {
                let before = index.checked_sub(1).and_then(|i| bookings.get(i));
                self.gap(&day, shift, before, bookings.get(index), visit)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether the part of the shift within the window is long enough for the work alone.
    fn holds_work(&self, shift: &Window) -> bool {
        let (start, end) = self.common(shift);
        end.duration_since(start) >= self.job.duration
    }

    fn common(&self, shift: &Window) -> (Timestamp, Timestamp) {
        (
            shift.start.max(self.job.window.start),
            shift.end.min(self.job.window.end),
        )
    }

    /// A needed certificate that is not valid on the date.
    fn expired(&self, date: Date) -> Option<&Skill> {
        let needed = self
            .job
            .needs
            .iter()
            .filter_map(|need| self.candidate.skill(&need.skill));
        needed
            .into_iter()
            .find(|skill| skill.valid_until.is_some_and(|until| until < date))
    }

    /// The opening between two neighbouring bookings of a day, within one shift.
    fn gap(
        &mut self,
        day: &Window,
        shift: &Window,
        before: Option<&Booking>,
        after: Option<&Booking>,
        visit: &mut impl FnMut(Opening) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (from, end) = self.common(shift);
        let free_from = before.map_or(day.start, |booking| booking.ends);
        let free_until = after.map_or(day.end, |booking| booking.starts);
        // Without any travel: is there room for the work between the two?
        if end.min(free_until).duration_since(from.max(free_from)) < self.job.duration {
            if let Some(blocking) = self.blocking(from, end, before, after) {
                self.missed(Refused::Booked(blocking));
            }
            return ControlFlow::Continue(());
        }
        let origin = before.map_or(self.candidate.home, |booking| booking.site);
        let leg = self.travel.between(&origin, &self.site);
        let earliest = from.max(later(free_from.max(shift.start), leg.time));
        let latest = earlier(end.min(self.must_leave(after)), self.job.duration);
        if earliest <= latest {
            return visit(Opening {
                earliest,
                latest,
                leg,
            });
        }
        self.missed(match (before, after) {
            (None, None) => Refused::OutsideShift,
            _ => Refused::TravelGap(leg.time),
        });
        ControlFlow::Continue(())
    }

    /// When the work must be over for the booking after it: in time for the way there, and before
    /// that booking's own span, whose travel was planned from elsewhere.
    fn must_leave(&self, after: Option<&Booking>) -> Timestamp {
        after.map_or(Timestamp::MAX, |next| {
            let way = self.travel.between(&self.site, &next.site).time;
            next.departs.min(earlier(next.starts, way))
        })
    }

    /// The neighbour that takes away room which the shift would give.
    fn blocking(
        &self,
        from: Timestamp,
        end: Timestamp,
        before: Option<&Booking>,
        after: Option<&Booking>,
    ) -> Option<Uuid> {
        let common = Window { start: from, end };
        let takes = |b: &&Booking| {
            common.overlaps(&Window {
                start: b.starts,
                end: b.ends,
            })
        };
        before
            .filter(takes)
            .or(after.filter(takes))
            .map(|booking| booking.work_order)
    }

    fn missed(&mut self, refused: Refused) {
        if refused.rank() > self.miss.rank() {
            self.miss = refused;
        }
    }
}

/// The bookings that share an instant with the day, of bookings sorted by time.
fn within<'a>(bookings: &'a [Booking], day: &Window) -> &'a [Booking] {
    let first = bookings.partition_point(|booking| booking.ends <= day.start);
    let until = bookings.partition_point(|booking| booking.departs < day.end);
    bookings.get(first..until.max(first)).unwrap_or_default()
}

fn later(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn earlier(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
