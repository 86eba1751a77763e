//! What creators earn, day by day: few earn much, most earn seldom; it grows, it follows the seasons, it fades.

use super::calendar::{Calendar, DAY, DAYS};
use super::dice::{About, Dice, on_curve};
use super::life::Life;

/// What a creator in full swing earns in thirty days, in minor units, by how many of a million earn less.
const MONTHLY: [(i64, i64); 10] = [
    (0, 500),
    (300_000, 4_000),
    (500_000, 15_000),
    (700_000, 50_000),
    (850_000, 160_000),
    (930_000, 450_000),
    (980_000, 1_600_000),
    (995_000, 5_000_000),
    (999_000, 12_000_000),
    (1_000_000, 40_000_000),
];
/// On how many of a thousand days they earn anything, by the same place.
const DAYS_PER_MILLE: [(i64, i64); 6] = [
    (0, 20),
    (500_000, 40),
    (850_000, 150),
    (930_000, 350),
    (980_000, 700),
    (1_000_000, 950),
];
/// Days until a creator is in full swing.
const RAMP_DAYS: i64 = 120;
/// Days before leaving during which earnings fade.
const FADE_DAYS: i64 = 45;
/// Of a thousand days with earnings, how many are followed by a refund that outweighs the next day, as far as there was
/// anything to take back.
const REFUNDS: u32 = 4;

/// What was earned on a day, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Earned {
    pub(super) day: i64,
    pub(super) minor: i64,
}

/// What the `n`-th creator earned, the earliest first; only days with earnings.
pub(super) fn earn(seed: u64, n: u32, life: &Life, calendar: &Calendar, into: &mut Vec<Earned>) {
    into.clear();
    let Some(activated) = life.activated() else {
        return;
    };
    let mut dice = Dice::of(seed, About::Earnings, n);
    let place = i64::from(dice.below(1_000_000));
    let often = on_curve(&DAYS_PER_MILLE, place);
    let per_day = on_curve(&MONTHLY, place) * 1_000 / (30 * often);
    // of a year, in thousandths
    let trend = dice.between(-350, 700);
    let begun = activated / DAY;
    let mut total = 0;
    let often = u32::try_from(often).unwrap_or(0);
    for (from, until, faded) in life.active_times() {
        // only whole days
        let last = (until / DAY).min(DAYS);
        for day in from / DAY + 1..last {
            if !dice.chance(often) {
                continue;
            }
            let age = day - begun;
            let ramp = 250 + 750 * age.min(RAMP_DAYS) / RAMP_DAYS;
            let grown = 1_000 + trend * age / 365;
            let fade = if faded && last - day < FADE_DAYS {
                150 + 850 * (last - day) / FADE_DAYS
            } else {
                1_000
            };
            let luck = dice.between(45, 160) * dice.between(45, 160) / 10;
            let factors = [ramp, grown.max(100), fade, luck, calendar.season(day)];
            let earned = factors
                .iter()
                .fold(per_day, |sum, factor| sum * factor / 1_000);
            let minor = if dice.chance(REFUNDS) {
                -(earned / 2).min(total)
            } else {
                earned
            };
            total += minor;
            if minor != 0 {
                into.push(Earned { day, minor });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Mixture;
    use crate::seed::calendar::{END, HOUR};
    use crate::seed::life::verified_at;

    #[test]
    fn earnings_are_sparse_uneven_and_only_of_days_on_which_the_creator_was_active() {
        let calendar = Calendar::until("2026-11-22".parse().expect("a date"));
        let (mut days, mut sums, mut earned) = (0, Vec::new(), Vec::new());
        for n in 0..4_000u32 {
            let created = i64::from(n) * (END - HOUR) / 4_000;
            let verified = verified_at(1, n, created, Mixture::Lifelike);
            let life = Life::of(1, n, created, verified, Mixture::Lifelike);
            earn(1, n, &life, &calendar, &mut earned);
            for one in &earned {
                let noon = one.day * DAY + DAY / 2;
                assert_eq!(life.status_at(noon), crate::creators::CreatorStatus::Active);
            }
            assert!(earned.windows(2).all(|pair| pair[0].day < pair[1].day));
            days += earned.len();
            sums.push(earned.iter().map(|one| one.minor).sum::<i64>());
        }
        assert!((10..60).contains(&(days / 4_000)), "{}", days / 4_000);
        sums.sort_unstable();
        let all: i64 = sums.iter().sum();
        let top_tenth: i64 = sums[3_600..].iter().sum();
        assert!(top_tenth * 100 / all > 60, "{top_tenth} of {all}");
    }
}
