//! The tier runs of two years: what each night would have found, by the rules in force.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use chrono::Duration;

use super::calendar::{Calendar, DAY, DAYS, Moment};
use super::earnings::Earned;
use super::life::Life;
use crate::creators::{CreatorStatus, Tier};
use crate::tiers::{Standing, TierFacts, TierPolicy};

/// Who ranks before whom: more earned, then longer there.
type Rank = (i64, Reverse<u32>);

/// What all creators together were, night by night. The `k`-th night ends the `k`-th day.
#[derive(Debug)]
pub(super) struct Nights {
    policy: TierPolicy,
    /// Active creators, and the first of them by what they earned.
    count: Vec<(i64, BinaryHeap<Reverse<Rank>>)>,
    /// The last one who is a legend, and how many are.
    last_legend: Vec<Option<(Rank, i64)>>,
    most_legends: usize,
}

/// One change of a tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TierTurn {
    pub(super) from: Option<Tier>,
    pub(super) to: Tier,
    pub(super) at: Moment,
    pub(super) reason: String,
}

impl Nights {
    /// Nights over so many creators, of whom nothing is known yet.
    pub(super) fn over(creators: u32, policy: TierPolicy) -> Self {
        let most = policy.legends(creators.into());
        Self {
            policy,
            count: (0..=DAYS).map(|_| (0, BinaryHeap::new())).collect(),
            last_legend: vec![None; DAYS as usize + 1],
            most_legends: usize::try_from(most).unwrap_or(0),
        }
    }

    /// Whether there can be legends, so that everybody has to be counted first.
    pub(super) fn rank(&self) -> bool {
        self.most_legends > 0
    }

    /// Counts a creator in.
    pub(super) fn count(&mut self, n: u32, life: &Life, earned: &[Earned]) {
        let most = self.most_legends;
        let mut window = Window::new(earned, self.policy.window_days);
        for (from, until, _) in life.active_times() {
            // a status holds from its moment on: the night at that very moment knows it
            let first = (from + DAY - 1) / DAY;
            for night in first..=DAYS {
                if night * DAY >= until && until < DAYS * DAY {
                    break;
                }
                let (active, best) = &mut self.count[night as usize];
                *active += 1;
                let figure = window.until(night);
                if figure <= 0 {
                    continue;
                }
                let rank = (figure, Reverse(n));
                if best.len() < most {
                    best.push(Reverse(rank));
                } else if best.peek().is_some_and(|least| least.0 < rank) {
                    best.pop();
                    best.push(Reverse(rank));
                }
            }
        }
    }

    /// Decides who the legends were, when everybody is counted.
    pub(super) fn close(&mut self) {
        for (night, (active, best)) in self.count.iter_mut().enumerate() {
            let legends = self.policy.legends(*active);
            let mut ranks: Vec<Rank> = best.drain().map(|rank| rank.0).collect();
            ranks.sort_unstable_by(|a, b| b.cmp(a));
            ranks.truncate(usize::try_from(legends).unwrap_or(0));
            let found = i64::try_from(ranks.len()).unwrap_or(0);
            self.last_legend[night] = ranks.last().map(|rank| (*rank, found));
        }
    }

    /// The tiers a creator went through, and where they stand.
    pub(super) fn climb(
        &self,
        n: u32,
        created: Moment,
        life: &Life,
        earned: &[Earned],
        calendar: &Calendar,
    ) -> (Vec<TierTurn>, Standing) {
        let mut turns = vec![first_tier(created)];
        let mut standing = Standing::at(Tier::Newcomer);
        let mut window = Window::new(earned, self.policy.window_days);
        for night in created / DAY + 1..=DAYS {
            let figure_minor = window.until(night);
            let now = calendar.at(night * DAY);
            let legends = self.last_legend[night as usize].filter(|(last, _)| {
                figure_minor > 0
                    && (figure_minor, Reverse(n)) >= *last
                    && life.status_at(night * DAY) == CreatorStatus::Active
            });
            let facts = TierFacts {
                figure_minor,
                created_at: calendar.at(created),
                is_legend: legends.is_some(),
            };
            let tier = self.policy.earned(&facts, now);
            if tier == standing.organic && standing.below.is_none() {
                continue;
            }
            let day = calendar.date(night - 1);
            let next = self.policy.next(standing, tier, day);
            if next.organic != standing.organic {
                let why = Why {
                    legends: legends.map(|(_, count)| count),
                    figure_minor,
                    first: day - Duration::days(i64::from(self.policy.window_days) - 1),
                    day,
                };
                turns.push(TierTurn {
                    from: Some(standing.organic),
                    to: next.organic,
                    at: night * DAY,
                    reason: why.text(standing, next, &self.policy.currency),
                });
            }
            standing = next;
        }
        (turns, standing)
    }
}

/// What every creator begins with.
pub(super) fn first_tier(created: Moment) -> TierTurn {
    TierTurn {
        from: None,
        to: Tier::Newcomer,
        at: created,
        reason: "registered".to_owned(),
    }
}

/// Why a night changed a tier.
struct Why {
    legends: Option<i64>,
    figure_minor: i64,
    first: chrono::NaiveDate,
    day: chrono::NaiveDate,
}

impl Why {
    /// In the words of the nightly run.
    fn text(&self, before: Standing, after: Standing, currency: &str) -> String {
        let Self {
            legends,
            figure_minor,
            first,
            day,
        } = self;
        let cause = match (legends, before.below) {
            (Some(count), _) => format!("among the first {count} of all active creators: "),
            (None, _) if before.organic == Tier::Newcomer && after.organic == Tier::Emerging => {
                "no newcomer any more: ".to_owned()
            }
            (None, Some(below)) if after.organic < before.organic => {
                format!("below since {}: ", below.since)
            }
            (None, _) => String::new(),
        };
        format!("{cause}{figure_minor} minor units of {currency} earned from {first} to {day}")
    }
}

/// The sum over the last days, moving on from night to night.
struct Window<'a> {
    earned: &'a [Earned],
    days: i64,
    /// The first day that counts, and the first that does not yet.
    from: usize,
    to: usize,
    sum: i64,
}

impl<'a> Window<'a> {
    fn new(earned: &'a [Earned], days: i32) -> Self {
        Self {
            earned,
            days: days.into(),
            from: 0,
            to: 0,
            sum: 0,
        }
    }

    /// What was earned in the days before a night; nights are asked for in their order.
    fn until(&mut self, night: i64) -> i64 {
        while let Some(one) = self.earned.get(self.to).filter(|one| one.day < night) {
            self.sum += one.minor;
            self.to += 1;
        }
        while let Some(one) = self.earned[..self.to]
            .get(self.from)
            .filter(|one| one.day < night - self.days)
        {
            self.sum -= one.minor;
            self.from += 1;
        }
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_last_days_and_no_more() {
        let earned =
            [(0, 1), (1, 10), (29, 100), (30, 1_000)].map(|(day, minor)| Earned { day, minor });
        let mut window = Window::new(&earned, 30);
        let sums: Vec<i64> = [0, 1, 2, 30, 31, 32, 59, 60, 61]
            .map(|night| window.until(night))
            .to_vec();
        assert_eq!(sums, [0, 1, 11, 111, 1_110, 1_100, 1_100, 1_000, 0]);
    }
}
