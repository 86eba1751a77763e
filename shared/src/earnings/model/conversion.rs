//! Earnings in other currencies, in the reporting one.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::EarningSource;
use crate::creators::CreatorId;
use crate::fx::{self, FxError};
use crate::kernel::money::{Currency, Money};
use crate::kernel::words;

words!(
    /// Why earnings are not converted yet.
    WaitReason {
        /// The rate of their day is not published, and the day is not over.
        DayUnderWay => "day_under_way",
        /// The rate is known; a job converts them within the hour.
        NextRun => "next_run",
        /// No rate is known that is recent enough for their day.
        NoRate => "no_rate",
    }
);

/// Earnings in one currency that wait for a rate, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How much, in its currency: the creator's share.
    pub amount: Money,
    /// The first of the days whose rate they wait for, in UTC.
    pub first_day: NaiveDate,
    /// Why.
    pub why: WaitReason,
}

/// What is converted together: what counts on one day, was paid for the same, and goes by the same rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::earnings) struct Lot {
    pub(in crate::earnings) creator: CreatorId,
    /// On which it counts.
    pub(in crate::earnings) day: NaiveDate,
    pub(in crate::earnings) currency: Currency,
    pub(in crate::earnings) source: EarningSource,
    /// The day whose rate applies.
    pub(in crate::earnings) rate_day: NaiveDate,
}

/// What a lot is in both currencies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::earnings) struct Both {
    pub(in crate::earnings) share_minor: i64,
    pub(in crate::earnings) converted_minor: i64,
}

impl Both {
    /// The same with more of it. The whole is converted anew by the same rate, so that many small parts come to what one
    /// large part would have come to.
    ///
    /// # Errors
    /// If it is more than an amount can be.
    pub(in crate::earnings) fn with(
        self,
        share: Money,
        reporting: Currency,
        rate: Decimal,
    ) -> Result<Self, FxError> {
        let share_minor = self
            .share_minor
            .checked_add(share.minor)
            .ok_or(FxError::OutOfRange)?;
        let whole = Money::new(share.currency, share_minor);
        Ok(Self {
            share_minor,
            converted_minor: fx::worth(whole, reporting, rate)?.minor,
        })
    }
}

/// A month's earnings of one currency and source, in both currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::earnings) struct ConvertedSum {
    pub(in crate::earnings) month: NaiveDate,
    pub(in crate::earnings) source: EarningSource,
    pub(in crate::earnings) share: Money,
    pub(in crate::earnings) converted_minor: i64,
}

/// Whether the rate that counts for a day is known for good: one of that very day is there, or the day is over.
pub(in crate::earnings) fn is_settled(day: NaiveDate, of: NaiveDate, today: NaiveDate) -> bool {
    of == day || day < today
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yen(minor: i64) -> Money {
        Money::new(Currency::JPY, minor)
    }

    #[test]
    fn many_small_parts_come_to_what_one_large_part_comes_to() {
        // 0.0066 dollars for a yen: each yen alone would round up to a whole cent
        let rate: Decimal = "0.0066".parse().expect("a rate");
        let mut parts = Both::default();
        for _ in 0..100 {
            parts = parts
                .with(yen(1), Currency::USD, rate)
                .expect("within range");
        }
        let whole = Both::default()
            .with(yen(100), Currency::USD, rate)
            .expect("within range");
        assert_eq!(parts, whole);
        assert_eq!(whole.converted_minor, 66);
        let nothing = whole
            .with(yen(-100), Currency::USD, rate)
            .expect("within range");
        assert_eq!(nothing, Both::default());
    }

    #[test]
    fn a_day_under_way_waits_for_its_own_rate_and_a_day_that_is_over_takes_the_last() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a day");
        let (friday, saturday) = (day("2026-11-20"), day("2026-11-21"));
        assert!(is_settled(friday, friday, friday));
        assert!(!is_settled(saturday, friday, saturday));
        assert!(is_settled(
            saturday,
            friday,
            saturday.succ_opt().expect("a day")
        ));
    }
}
