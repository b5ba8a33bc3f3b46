//! A period told stretch by stretch: what counted, what did not, and why.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::clock::past_all_time;
use crate::index::date_of;
use crate::zone::{Placed, Zone};
use crate::{Calendar, Day, DayKind};

/// An open stretch, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open<'a> {
    /// First open instant.
    pub start: Timestamp,
    /// First instant that is not open any more (or is past the period asked for).
    pub end: Timestamp,
    /// The civil date at the site.
    pub date: Date,
    /// The kind of that date.
    pub kind: DayKind<'a>,
}

/// A stretch of one date, open or closed, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span<'a> {
    /// First instant.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
    /// The civil date at the site; a closed night is told as two stretches, one on each date.
    pub date: Date,
    /// The kind of that date.
    pub kind: DayKind<'a>,
    /// Whether the stretch counted, and why not.
    pub state: State,
}

/// Whether a stretch counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It counts.
    Open,
    /// It does not.
    Closed(Closed),
}

/// Why a stretch does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// Before the first opening or after the last closing of a day with hours.
    Night,
    /// Between two intervals of a day, such as lunch.
    Break,
    /// The weekday never opens.
    WeeklyClosed,
    /// A holiday without hours; its name is in the day's kind.
    Holiday,
}

impl Calendar {
    /// The open stretches of `from..to` in order, clipped to it. At least one per open interval
    /// of a date; stretches that touch are not joined.
    pub fn intervals<'a>(
        &'a self,
        tz: &'a TimeZone,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = Open<'a>> {
        self.spans(tz, from, to)
            .filter(|span| span.state == State::Open)
            .map(|span| Open {
                start: span.start,
                end: span.end,
                date: span.date,
                kind: span.kind,
            })
    }

    /// All of `from..to` in order without gap or overlap, open and closed stretches with their
    /// reason, clipped to the period and cut at every midnight of the site. Lazy; empty when `to`
    /// is not after `from`.
    pub fn spans<'a>(
        &'a self,
        tz: &'a TimeZone,
        from: Timestamp,
        to: Timestamp,
    ) -> impl Iterator<Item = Span<'a>> {
        let mut zone = Zone::new(tz, from);
        let placed = zone.locate(from);
        Spans {
            calendar: self,
            zone,
            told: placed.start,
            placed,
            next_opening: 0,
            open: None,
            from: from.as_duration(),
            to: to.as_duration(),
        }
    }
}

struct Spans<'a> {
    calendar: &'a Calendar,
    zone: Zone<'a>,
    placed: Placed,
    /// Everything before this second of the date has been told.
    told: i64,
    next_opening: usize,
    /// The open stretch of the date that comes next.
    open: Option<(i64, i64)>,
    from: SignedDuration,
    to: SignedDuration,
}

impl<'a> Iterator for Spans<'a> {
    type Item = Span<'a>;

    fn next(&mut self) -> Option<Span<'a>> {
        while SignedDuration::from_secs(self.told) < self.to {
            if self.told >= self.placed.end {
                if past_all_time(&self.placed) {
                    return None;
                }
                self.turn_page();
                continue;
            }
            let day = self.calendar.numbered_day(self.placed.day);
            let (start, end, state) = self.stretch(day);
            self.told = end;
            let start = SignedDuration::from_secs(start).max(self.from);
            let end = SignedDuration::from_secs(end).min(self.to);
            if start < end {
                return Some(Span {
                    start: Timestamp::from_duration(start).ok()?,
                    end: Timestamp::from_duration(end).unwrap_or(Timestamp::MAX),
                    date: date_of(self.placed.day),
                    kind: day.kind,
                    state,
                });
            }
        }
        None
    }
}

impl Spans<'_> {
    fn turn_page(&mut self) {
        self.placed = self.zone.after(&self.placed);
        self.told = self.placed.start;
        self.next_opening = 0;
        self.open = None;
    }

    /// The stretch of the date that begins where the last one ended.
    fn stretch(&mut self, day: Day<'_>) -> (i64, i64, State) {
        let openings = day.hours.openings();
        while self.open.is_none() && self.next_opening < openings.len() {
            let opening = openings[self.next_opening];
            self.next_opening += 1;
            self.open = self.zone.opening(&self.placed, opening, self.told);
        }
        match self.open {
            Some((start, end)) if start <= self.told => {
                self.open = None;
                (start, end, State::Open)
            }
            Some((start, _)) => (self.told, start, State::Closed(self.reason(day))),
            None => {
                let reason = self.reason(day);
                (self.told, self.placed.end, State::Closed(reason))
            }
        }
    }

    fn reason(&self, day: Day<'_>) -> Closed {
        match day.kind {
            DayKind::Holiday(_) if day.hours.is_closed() => Closed::Holiday,
            DayKind::WeeklyClosed => Closed::WeeklyClosed,
            _ if self.open.is_some() && self.told > self.placed.start => Closed::Break,
            _ => Closed::Night,
        }
    }
}
