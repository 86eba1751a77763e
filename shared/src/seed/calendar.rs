//! The two years of a population, in seconds and days since their first moment.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Utc};

/// Days that a population looks back on.
pub(super) const DAYS: i64 = 730;
/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// An hour.
pub(super) const HOUR: i64 = 3_600;

/// A moment, in seconds since the population's first one.
pub(super) type Moment = i64;

/// Factors of a weekday, from Monday, in thousandths.
const WEEKDAY: [i64; 7] = [900, 870, 890, 930, 1_060, 1_190, 1_160];
/// Factors of a month, in thousandths: the cold ones and Valentine's are good, summer is not.
const MONTH: [i64; 12] = [
    1_040, 1_130, 1_010, 980, 960, 900, 870, 880, 970, 1_020, 1_090, 1_180,
];

/// Where the two years lie; they end as `as_of` begins.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    first: DateTime<Utc>,
    /// For each day: its date as the database reads it, and its season's factor in thousandths.
    days: Vec<(String, i64)>,
}

impl Calendar {
    pub(super) fn until(as_of: NaiveDate) -> Self {
        let first_day = as_of - Duration::days(DAYS);
        let days = (0..DAYS).map(|day| {
            let date = first_day + Duration::days(day);
            let weekday = WEEKDAY[date.weekday().num_days_from_monday() as usize];
            let factor = weekday * MONTH[date.month0() as usize] / 1_000;
            (date.to_string(), factor)
        });
        Self {
            first: first_day.and_time(NaiveTime::MIN).and_utc(),
            days: days.collect(),
        }
    }

    /// When a moment is.
    pub(super) fn at(&self, moment: Moment) -> DateTime<Utc> {
        self.first + Duration::seconds(moment)
    }

    /// The date of a day.
    pub(super) fn date(&self, day: i64) -> NaiveDate {
        (self.first + Duration::days(day)).date_naive()
    }

    /// Which day a date is; negative before the first.
    pub(super) fn day_of(&self, date: NaiveDate) -> i64 {
        (date - self.first.date_naive()).num_days()
    }

    /// A day's date as the database reads it.
    pub(super) fn date_text(&self, day: i64) -> &str {
        &self.days[usize::try_from(day).unwrap_or(0)].0
    }

    /// A day's season, in thousandths.
    pub(super) fn season(&self, day: i64) -> i64 {
        self.days[usize::try_from(day).unwrap_or(0)].1
    }
}

/// The end of it all: nothing is later.
pub(super) const END: Moment = DAYS * DAY;
