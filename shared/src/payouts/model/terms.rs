//! What a payout costs, and what it may not exceed.

use chrono::NaiveDate;

use super::PayoutMethod;
use crate::kernel::money::{BPS_MAX, Currency, part};

/// A method in one currency, as its rules stand on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodTerms {
    /// How.
    pub method: PayoutMethod,
    /// In which currency.
    pub currency: Currency,
    /// For creators who live there; none for all who have no rule of their own.
    pub country: Option<String>,
    /// Since when the rule is in force.
    pub effective_from: NaiveDate,
    /// Gross amount at the least, in minor units.
    pub min_minor: i64,
    /// The fee.
    pub fee: FeeSchedule,
    /// Kept of what comes back, in minor units.
    pub return_fee_minor: i64,
    /// Business days until the payee has it, at the least.
    pub eta_min_days: i16,
    /// And at the most.
    pub eta_max_days: i16,
}

/// What a payout costs: a share of the gross amount and a fixed part, together no more than the cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeSchedule {
    /// The share, in hundredths of a percent.
    pub percent_bps: i32,
    /// The fixed part, in minor units.
    pub fixed_minor: i64,
    /// The most that is taken, in minor units.
    pub cap_minor: Option<i64>,
}

impl FeeSchedule {
    /// The fee of a gross amount, in minor units; the share is rounded half up.
    pub fn of(&self, gross_minor: i64) -> i64 {
        let share = part(gross_minor, i64::from(self.percent_bps), i64::from(BPS_MAX));
        let fee = share.saturating_add(self.fixed_minor);
        self.cap_minor.map_or(fee, |cap| fee.min(cap))
    }

    /// The share as the specification writes it: `2.5%`.
    pub fn percent(&self) -> String {
        let (whole, rest) = (self.percent_bps / 100, self.percent_bps % 100);
        let digits = match rest {
            0 => "0".to_owned(),
            rest if rest % 10 == 0 => (rest / 10).to_string(),
            rest => format!("{rest:02}"),
        };
        format!("{whole}.{digits}%")
    }
}

/// Who must approve what in a currency, and how fast money may leave, as the rules stand on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Gross amounts from here on need one approver, in minor units.
    pub one_from_minor: i64,
    /// And from here on two.
    pub two_from_minor: i64,
    /// Payouts of one creator within 24 hours at the most.
    pub day_max_count: i32,
    /// And their gross amount.
    pub day_max_minor: i64,
    /// Hours after which a destination may be paid to.
    pub cooling_hours: i32,
    /// Hours that a payout waits for approval.
    pub approval_hours: i32,
}

impl Limits {
    /// How many people have to approve a gross amount.
    pub const fn approvals(&self, gross_minor: i64) -> i16 {
        if gross_minor >= self.two_from_minor {
            2
        } else if gross_minor >= self.one_from_minor {
            1
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn fee(percent_bps: i32, fixed_minor: i64, cap_minor: Option<i64>) -> FeeSchedule {
        FeeSchedule {
            percent_bps,
            fixed_minor,
            cap_minor,
        }
    }

    #[test]
    fn the_specifications_sample_costs_what_it_says() {
        // 2,500.00 at 2.0 % costs 50.00 and leaves 2,450.00
        assert_eq!(fee(200, 0, None).of(250_000), 5_000);
        assert_eq!(fee(200, 0, None).percent(), "2.0%");
        assert_eq!(fee(250, 0, None).percent(), "2.5%");
        assert_eq!(fee(275, 0, None).percent(), "2.75%");
        assert_eq!(fee(205, 0, None).percent(), "2.05%");
    }

    #[test]
    fn half_a_cent_is_ours_and_the_cap_holds() {
        assert_eq!(fee(250, 0, None).of(20), 1);
        assert_eq!(fee(250, 0, None).of(19), 0);
        assert_eq!(fee(250, 30, None).of(1_000), 55);
        assert_eq!(fee(250, 30, Some(500)).of(1_000_000), 500);
    }

    #[test]
    fn the_more_money_the_more_people() {
        let limits = Limits {
            one_from_minor: 100,
            two_from_minor: 200,
            day_max_count: 1,
            day_max_minor: 1,
            cooling_hours: 0,
            approval_hours: 1,
        };
        assert_eq!(
            [99, 100, 199, 200].map(|minor| limits.approvals(minor)),
            [0, 1, 1, 2]
        );
    }

    proptest! {
        #[test]
        fn a_fee_grows_with_the_amount(bps in 0..=10_000_i32, fixed in 0..1_000_i64, a in 1..1_000_000_000_i64, b in 1..1_000_000_000_i64) {
            let schedule = fee(bps, fixed, None);
            prop_assert!(schedule.of(a.min(b)) <= schedule.of(a.max(b)));
        }
    }
}
