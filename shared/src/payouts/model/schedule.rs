//! When creators are paid by themselves.

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};

use super::{DestinationId, PayoutMethod};
use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::words;

words!(
    /// How often.
    Frequency {
        /// Every day.
        Daily => "daily",
        /// On Mondays.
        Weekly => "weekly",
        /// On every second Monday: those of even weeks (ISO 8601).
        BiWeekly => "bi_weekly",
        /// On the first of the month.
        Monthly => "monthly",
    }
);

impl Frequency {
    /// The next day after `day` on which it is paid.
    pub fn next_after(self, day: NaiveDate) -> NaiveDate {
        let days = day.iter_days().skip(1);
        let found = match self {
            Self::Daily => days.take(1).next(),
            Self::Weekly => days.take(7).find(|day| day.weekday() == Weekday::Mon),
            Self::BiWeekly => days.take(28).find(|day| {
                day.weekday() == Weekday::Mon && day.iso_week().week().is_multiple_of(2)
            }),
            Self::Monthly => days.take(31).find(|day| day.day() == 1),
        };
        // there is a Monday in each week and a first in each month; the end of the calendar is the end
        found.unwrap_or_else(|| day.checked_add_days(Days::new(1)).unwrap_or(day))
    }
}

/// When a creator is paid what they have in a currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutSchedule {
    /// Who.
    pub creator: CreatorId,
    /// Of which balance.
    pub currency: Currency,
    /// How.
    pub method: PayoutMethod,
    /// Where to; none for the only destination of the method that is ready.
    pub destination: Option<DestinationId>,
    /// How often.
    pub frequency: Frequency,
    /// Nothing is paid below this, in minor units.
    pub threshold_minor: i64,
    /// When next.
    pub next_on: NaiveDate,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// When it was last looked at.
    pub last_on: Option<NaiveDate>,
    /// What was made of it then: `requested`, `below_threshold`, or the codes of what stood against it.
    pub last_result: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn each_frequency_has_its_days() {
        let monday = day("2026-11-23");
        for (frequency, next) in [
            (Frequency::Daily, "2026-11-24"),
            (Frequency::Weekly, "2026-11-30"),
            // the 30th begins week 49
            (Frequency::BiWeekly, "2026-12-07"),
            (Frequency::Monthly, "2026-12-01"),
        ] {
            assert_eq!(frequency.next_after(monday), day(next), "{frequency}");
        }
    }

    proptest! {
        #[test]
        fn the_next_day_is_later_and_not_too_late(offset in 0..20_000_u64) {
            let from = day("2000-01-01") + Days::new(offset);
            for (frequency, most) in [
                (Frequency::Daily, 1), (Frequency::Weekly, 7), (Frequency::BiWeekly, 21), (Frequency::Monthly, 31),
            ] {
                let wait = (frequency.next_after(from) - from).num_days();
                prop_assert!((1..=most).contains(&wait), "{frequency} after {from}: {wait}");
            }
        }
    }
}
