//! When a schedule is due: pure functions over a cron pattern and a time zone.
//!
//! Patterns are those of the `croner` crate: five fields, or six with seconds first, POSIX/Vixie rules with `L`, `W`
//! and `#`. Around a change of the clock a fixed time (`30 2 * * *`) that is skipped runs once, after the gap, and one
//! that happens twice runs once; patterns with ranges or steps follow elapsed time.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// A parsed cron pattern in its zone.
#[derive(Debug, Clone)]
pub struct Recurrence {
    cron: Cron,
    timezone: Tz,
}

/// Why a recurrence is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecurrence {
    /// The pattern cannot be read.
    #[error(
        "not a cron pattern: {0}; use five fields (minute hour day month weekday), or six with seconds first"
    )]
    Cron(String),
    /// There is no such zone.
    #[error("unknown time zone `{0}`; use an IANA name such as Europe/Berlin")]
    Timezone(String),
    /// The pattern can be read and never comes true.
    #[error("this pattern never occurs")]
    Never,
}

impl Recurrence {
    /// Parses a pattern and a zone's IANA name.
    ///
    /// # Errors
    /// If either is not one, or the pattern has no occurrence after `now`.
    pub fn parse(
        cron: &str,
        timezone: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, InvalidRecurrence> {
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser
            .parse(cron)
            .map_err(|error| InvalidRecurrence::Cron(error.to_string()))?;
        let timezone =
            Tz::from_str(timezone).map_err(|_| InvalidRecurrence::Timezone(timezone.to_owned()))?;
        let recurrence = Self { cron, timezone };
        if recurrence.after(now).next().is_none() {
            return Err(InvalidRecurrence::Never);
        }
        Ok(recurrence)
    }

    /// The zone.
    pub const fn timezone(&self) -> Tz {
        self.timezone
    }

    /// All occurrences after `start`, in order.
    pub fn after(&self, start: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + use<'_> {
        self.cron
            .iter_after(start.with_timezone(&self.timezone))
            .map(|at| at.with_timezone(&Utc))
    }

    /// The pattern in plain English words.
    pub fn describe(&self) -> String {
        self.cron.describe()
    }
}

/// What to do with ticks that were missed while nobody led.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfire {
    /// Nothing: wait for the next one.
    Skip,
    /// Run once for all of them.
    Once,
    /// Run each.
    All,
}

impl Misfire {
    /// The policy of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "skip" => Some(Self::Skip),
            "once" => Some(Self::Once),
            "all" => Some(Self::All),
            _ => None,
        }
    }

    /// The word that is stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Once => "once",
            Self::All => "all",
        }
    }
}

/// A tick that is at most this late is on time; later ones were missed.
pub const LATE_AFTER: chrono::Duration = chrono::Duration::seconds(60);
/// Missed ticks that are run at the most under [`Misfire::All`]; older ones are left out.
pub const CATCH_UP_MAX: usize = 1_000;

/// The ticks to run now: occurrences after `last_tick` up to `now`, as the policy has it; and where `last_tick` moves.
pub fn due(
    recurrence: &Recurrence,
    last_tick: DateTime<Utc>,
    now: DateTime<Utc>,
    misfire: Misfire,
) -> (Vec<DateTime<Utc>>, DateTime<Utc>) {
    let mut ticks = std::collections::VecDeque::new();
    for tick in recurrence.after(last_tick).take_while(|tick| *tick <= now) {
        if ticks.len() == CATCH_UP_MAX {
            ticks.pop_front();
        }
        ticks.push_back(tick);
    }
    let Some(newest) = ticks.back().copied() else {
        return (Vec::new(), last_tick);
    };
    let chosen = match misfire {
        Misfire::All => ticks.into(),
        Misfire::Once => vec![newest],
        Misfire::Skip => ticks
            .into_iter()
            .filter(|tick| now - *tick <= LATE_AFTER)
            .collect(),
    };
    (chosen, newest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn berlin(cron: &str) -> Recurrence {
        Recurrence::parse(cron, "Europe/Berlin", utc("2026-01-01T00:00:00Z")).expect("a recurrence")
    }

    #[test]
    fn a_daily_time_follows_the_zone_over_both_changes() {
        let daily = berlin("0 9 * * *");
        let spring: Vec<_> = daily.after(utc("2026-03-28T00:00:00Z")).take(2).collect();
        assert_eq!(
            spring,
            [utc("2026-03-28T08:00:00Z"), utc("2026-03-29T07:00:00Z")]
        );
        let autumn: Vec<_> = daily.after(utc("2026-10-24T00:00:00Z")).take(2).collect();
        assert_eq!(
            autumn,
            [utc("2026-10-24T07:00:00Z"), utc("2026-10-25T08:00:00Z")]
        );
    }

    #[test]
    fn a_time_within_the_gap_runs_once_that_day() {
        // on 29 March 2026 the clock goes from 02:00 to 03:00
        let ticks: Vec<_> = berlin("30 2 * * *")
            .after(utc("2026-03-28T12:00:00Z"))
            .take_while(|t| *t < utc("2026-03-29T20:00:00Z"))
            .collect();
        assert_eq!(ticks.len(), 1, "{ticks:?}");
    }

    #[test]
    fn a_time_that_happens_twice_runs_once() {
        // on 25 October 2026 02:30 comes twice
        let ticks: Vec<_> = berlin("30 2 * * *")
            .after(utc("2026-10-24T12:00:00Z"))
            .take_while(|t| *t < utc("2026-10-25T20:00:00Z"))
            .collect();
        assert_eq!(ticks.len(), 1, "{ticks:?}");
    }

    #[test]
    fn every_hour_means_every_elapsed_hour() {
        let ticks = berlin("0 * * * *")
            .after(utc("2026-10-24T22:00:00Z"))
            .take_while(|t| *t <= utc("2026-10-25T22:00:00Z"))
            .count();
        assert_eq!(ticks, 24);
    }

    #[test]
    fn missed_ticks_follow_the_policy() {
        let hourly = berlin("0 * * * *");
        let (last, now) = (utc("2026-06-01T00:00:00Z"), utc("2026-06-01T05:30:00Z"));
        assert_eq!(due(&hourly, last, now, Misfire::All).0.len(), 5);
        assert_eq!(
            due(&hourly, last, now, Misfire::Once).0,
            [utc("2026-06-01T05:00:00Z")]
        );
        assert_eq!(
            due(&hourly, last, now, Misfire::Skip),
            (vec![], utc("2026-06-01T05:00:00Z"))
        );
        let on_time = utc("2026-06-01T05:00:02Z");
        assert_eq!(
            due(&hourly, last, on_time, Misfire::Skip).0,
            [utc("2026-06-01T05:00:00Z")]
        );
    }

    #[test]
    fn nothing_is_due_twice() {
        let hourly = berlin("0 * * * *");
        let now = utc("2026-06-01T05:30:00Z");
        let (_, moved) = due(&hourly, utc("2026-06-01T00:00:00Z"), now, Misfire::All);
        assert_eq!(due(&hourly, moved, now, Misfire::All), (vec![], moved));
    }

    #[test]
    fn a_second_by_second_schedule_catches_up_within_bounds() {
        let every_second = berlin("* * * * * *");
        let (ticks, moved) = due(
            &every_second,
            utc("2026-06-01T00:00:00Z"),
            utc("2026-06-02T00:00:00Z"),
            Misfire::All,
        );
        assert_eq!(ticks.len(), CATCH_UP_MAX);
        assert_eq!(moved, utc("2026-06-02T00:00:00Z"));
    }

    #[test]
    fn bad_patterns_and_zones_are_refused() {
        let now = utc("2026-01-01T00:00:00Z");
        assert!(matches!(
            Recurrence::parse("every day", "UTC", now),
            Err(InvalidRecurrence::Cron(_))
        ));
        assert!(matches!(
            Recurrence::parse("0 9 * * *", "Mars/Base", now),
            Err(InvalidRecurrence::Timezone(_))
        ));
        assert_eq!(
            Recurrence::parse("0 0 30 2 *", "UTC", now).err(),
            Some(InvalidRecurrence::Never)
        );
    }
}
