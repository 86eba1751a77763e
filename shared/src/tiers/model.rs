//! The rules of tiers; pure. The statement of the nightly run says the same in SQL, and a test holds the two together.

use chrono::{DateTime, Duration, Months, NaiveDate, Utc};

use crate::creators::Tier;
use crate::kernel::typed_id;

typed_id!(
    /// Names one evaluation of all creators.
    TierRunId,
    "tierrun"
);

/// From which earnings a tier begins, in minor units of the reporting currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// The tier.
    pub tier: Tier,
    /// The least that it takes; the next band's begins where this one ends.
    pub from_minor: i64,
}

/// The rules in force from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierPolicy {
    /// From this day.
    pub effective_from: NaiveDate,
    /// The reporting currency, ISO 4217.
    pub currency: String,
    /// How many days back the figure goes, the last one included.
    pub window_days: i32,
    /// A creator younger than this who earns less than `rising` asks for is a newcomer.
    pub newcomer_days: i32,
    /// One of so many active creators is a legend …
    pub legend_one_in: i32,
    /// … if there are at least so many.
    pub legend_min_active: i32,
    /// Months below a tier until it is lost.
    pub demote_after_months: i32,
    /// What is earned on a day from which the tier is looked at again at once, in minor units.
    pub large_day_minor: i64,
    /// Where the rules come from.
    pub source: String,
    /// The bands, the lowest first.
    pub bands: Vec<Band>,
}

impl TierPolicy {
    /// The first day that counts for a figure whose last day is `today`.
    pub fn first_day(&self, today: NaiveDate) -> NaiveDate {
        today - Duration::days(i64::from(self.window_days) - 1)
    }

    /// The tier of a figure by the bands alone; below the lowest band it is the lowest.
    fn band(&self, figure_minor: i64) -> Tier {
        self.bands
            .iter()
            .rev()
            .find(|band| band.from_minor <= figure_minor)
            .map_or(Tier::Emerging, |band| band.tier)
    }

    /// How many legends there are among so many active creators.
    pub fn legends(&self, active: i64) -> i64 {
        if active < i64::from(self.legend_min_active) {
            return 0;
        }
        active / i64::from(self.legend_one_in)
    }

    /// The tier that the facts alone make.
    pub fn earned(&self, facts: &TierFacts, now: DateTime<Utc>) -> Tier {
        if facts.is_legend {
            return Tier::Legend;
        }
        let band = self.band(facts.figure_minor);
        let young = now - facts.created_at < Duration::days(i64::from(self.newcomer_days));
        if young && band < Tier::Rising {
            Tier::Newcomer
        } else {
            band
        }
    }

    /// What follows for a creator who stands at `standing` and earned `earned` today: up at once, down only after
    /// [`TierPolicy::demote_after_months`] of earning less at every evaluation, and then to the best of that time.
    pub fn next(&self, standing: Standing, earned: Tier, today: NaiveDate) -> Standing {
        if earned >= standing.organic {
            return Standing::at(earned);
        }
        let below = match standing.below {
            None => Below {
                since: today,
                best: earned,
            },
            Some(below) => Below {
                best: below.best.max(earned),
                ..below
            },
        };
        let patience = Months::new(self.demote_after_months.unsigned_abs());
        let lost = below
            .since
            .checked_add_months(patience)
            .is_some_and(|end| end <= today);
        if !lost {
            return Standing {
                below: Some(below),
                ..standing
            };
        }
        Standing {
            organic: below.best,
            below: (earned < below.best).then_some(Below {
                since: today,
                best: earned,
            }),
        }
    }
}

/// What a creator's tier follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TierFacts {
    /// Their share before payout over the window, in minor units of the reporting currency.
    pub figure_minor: i64,
    /// Since when they are there.
    pub created_at: DateTime<Utc>,
    /// Whether they are among the first of all active creators by the same figure; equal figures rank by the longer
    /// standing, and who earned nothing is no legend.
    pub is_legend: bool,
}

/// Since when every evaluation found less than the tier asks for, and the best that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Below {
    /// The first such day.
    pub since: NaiveDate,
    /// The best since then.
    pub best: Tier,
}

/// Where a creator stands by the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The tier.
    pub organic: Tier,
    /// Whether they earn less than it asks for.
    pub below: Option<Below>,
}

impl Standing {
    /// At a tier, and earning what it asks for.
    pub const fn at(tier: Tier) -> Self {
        Self {
            organic: tier,
            below: None,
        }
    }
}

/// A tier that is set by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The tier.
    pub tier: Tier,
    /// Why.
    pub reason: String,
    /// Until when it holds.
    pub ends_at: DateTime<Utc>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
}

impl Override {
    /// The version of what is set by hand, 0 of nothing: the moment in which it was set.
    pub fn version(set: Option<&Self>) -> i64 {
        set.map_or(0, |set| set.set_at.timestamp_micros())
    }
}

/// How a creator's tier comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierStatus {
    /// The tier.
    pub tier: Tier,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What they earned over the window, in minor units.
    pub figure_minor: i64,
    /// The rules in force.
    pub policy: TierPolicy,
    /// Where they stand by the rules as of the last evaluation.
    pub standing: Standing,
    /// Set by hand, if it is.
    pub set_by_hand: Option<Override>,
}

impl TierStatus {
    /// The version of what is set by hand.
    pub fn version(&self) -> i64 {
        Override::version(self.set_by_hand.as_ref())
    }

    /// The next band above the present tier and what is missing for it, in minor units; none for superstars and legends.
    pub fn next_band(&self) -> Option<(Tier, i64)> {
        let next = self
            .policy
            .bands
            .iter()
            .find(|band| band.tier > self.tier)?;
        Some((next.tier, (next.from_minor - self.figure_minor).max(0)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::tiers) fn policy() -> TierPolicy {
        let band = |tier, from_minor| Band { tier, from_minor };
        TierPolicy {
            effective_from: "1970-01-01".parse().expect("a date"),
            currency: "USD".into(),
            window_days: 30,
            newcomer_days: 30,
            legend_one_in: 1000,
            legend_min_active: 1000,
            demote_after_months: 2,
            large_day_minor: 100_000,
            source: "test".into(),
            bands: vec![
                band(Tier::Emerging, 0),
                band(Tier::Rising, 100_000),
                band(Tier::Established, 500_000),
                band(Tier::Star, 2_500_000),
                band(Tier::Superstar, 10_000_000),
            ],
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-22T02:00:00Z".parse().expect("a time")
    }

    fn facts(figure_minor: i64, days_old: i64) -> TierFacts {
        TierFacts {
            figure_minor,
            created_at: now() - Duration::days(days_old),
            is_legend: false,
        }
    }

    #[test]
    fn bands_are_half_open_and_newcomers_are_young_and_below_rising() {
        for (figure, old, expected) in [
            (99_999, 29, Tier::Newcomer),
            (100_000, 29, Tier::Rising),
            (99_999, 30, Tier::Emerging),
            (100_000, 400, Tier::Rising),
            (499_999, 400, Tier::Rising),
            (500_000, 400, Tier::Established),
            (2_499_999, 400, Tier::Established),
            (2_500_000, 400, Tier::Star),
            (9_999_999, 400, Tier::Star),
            (10_000_000, 400, Tier::Superstar),
            (-5, 400, Tier::Emerging),
        ] {
            assert_eq!(
                policy().earned(&facts(figure, old), now()),
                expected,
                "{figure} after {old} days"
            );
        }
    }

    #[test]
    fn there_are_legends_only_among_a_thousand() {
        assert_eq!(policy().legends(999), 0);
        assert_eq!(policy().legends(1_000), 1);
        assert_eq!(policy().legends(1_999), 1);
        assert_eq!(policy().legends(1_000_000), 1_000);
    }

    #[test]
    fn a_tier_is_lost_after_two_months_below_to_the_best_of_that_time() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let mut standing = Standing::at(Tier::Star);
        for (today, earned, organic) in [
            ("2026-09-22", Tier::Emerging, Tier::Star),
            ("2026-10-10", Tier::Rising, Tier::Star),
            ("2026-11-21", Tier::Emerging, Tier::Star),
            ("2026-11-22", Tier::Emerging, Tier::Rising),
            ("2027-01-21", Tier::Emerging, Tier::Rising),
            ("2027-01-22", Tier::Emerging, Tier::Emerging),
        ] {
            standing = policy().next(standing, earned, day(today));
            assert_eq!(standing.organic, organic, "{today}");
        }
        // one good evaluation begins the count anew
        let mut standing = Standing::at(Tier::Star);
        for (today, earned) in [
            ("2026-09-22", Tier::Rising),
            ("2026-11-01", Tier::Star),
            ("2026-11-22", Tier::Rising),
        ] {
            standing = policy().next(standing, earned, day(today));
        }
        assert_eq!(standing.organic, Tier::Star);
    }

    fn any_tier() -> impl Strategy<Value = Tier> {
        proptest::sample::select(Tier::ALL)
    }

    proptest! {
        #[test]
        fn more_earnings_never_make_a_lower_tier(a in -1_000i64..20_000_000, more in 0i64..20_000_000, old in 0i64..100) {
            let earned = |figure| policy().earned(&facts(figure, old), now());
            prop_assert!(earned(a) <= earned(a + more));
        }

        #[test]
        fn up_at_once_and_never_down_within_two_months(start in any_tier(), earned in proptest::collection::vec(any_tier(), 1..60)) {
            let mut standing = Standing::at(start);
            let mut today: NaiveDate = "2026-01-01".parse().expect("a date");
            let mut recent: Vec<(NaiveDate, Tier)> = Vec::new();
            for tier in earned {
                let before = standing.organic;
                standing = policy().next(standing, tier, today);
                recent.push((today, tier));
                prop_assert!(standing.organic >= tier);
                if standing.organic < before {
                    let since = today - Months::new(2);
                    let best = recent.iter().filter(|(day, _)| *day > since).map(|(_, tier)| *tier).max();
                    prop_assert!(best.is_some_and(|best| best <= standing.organic && best < before));
                }
                if let Some(below) = standing.below {
                    prop_assert!(below.best < standing.organic && below.since <= today);
                }
                today += Duration::days(7);
            }
        }
    }
}
