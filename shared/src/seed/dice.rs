//! Chance that comes out the same everywhere and always: only integers, and a generator whose sequence is specified.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// What is drawn; each kind has a sequence of its own, so that drawing more of one changes nothing of another.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// Which person and cluster a creator belongs to.
    Cast = 1,
    /// When a person proves their age.
    Proof,
    /// Who a person is.
    Person,
    /// Ids of a person's rows.
    PersonIds,
    /// What a creator is called and how they are reached.
    Profile,
    /// The statuses a creator goes through.
    Life,
    /// What a creator earns.
    Earnings,
    /// Ids of a creator's rows.
    Ids,
    /// Consents.
    Consents,
    /// The way through the onboarding.
    Onboarding,
    /// Notes, tasks, tags and fields.
    Around,
    /// Whether a tier run ever looked at a creator.
    Evaluation,
    /// Who paid a creator for what, and when.
    Books,
}

/// One sequence of draws.
#[derive(Debug)]
pub(super) struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The sequence of one thing about the `n`-th of a population.
    pub(super) fn of(seed: u64, about: About, n: u32) -> Self {
        // an odd factor, so that no two seeds share a sequence
        let population = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let which = (about as u64) << 40 | u64::from(n);
        Self(Xoshiro256PlusPlus::seed_from_u64(population ^ which))
    }

    /// Random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// From 0 up to, but not including, `end`. The bias of the multiplication is below one in 2³².
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let high = self.0.next_u64() >> 32;
        u32::try_from((high * u64::from(end)) >> 32).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u32::try_from(high - low + 1).unwrap_or(u32::MAX);
        low + i64::from(self.below(span))
    }

    /// Whether something happens that happens so many times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < per_mille
    }

    /// One of several.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        let n = self.below(u32::try_from(of.len()).unwrap_or(u32::MAX));
        of[n as usize]
    }

    /// A value from a curve of (share of all in millionths, value), straight between its points.
    pub(super) fn along(&mut self, curve: &[(i64, i64)]) -> i64 {
        on_curve(curve, i64::from(self.below(1_000_000)))
    }
}

/// The value of a curve at a place; its points ascend, and its ends hold beyond them.
pub(super) fn on_curve(curve: &[(i64, i64)], at: i64) -> i64 {
    let mut before = curve[0];
    for point in curve {
        if at < point.0 {
            let (width, rise) = (point.0 - before.0, point.1 - before.1);
            return before.1 + (at - before.0) * rise / width.max(1);
        }
        before = *point;
    }
    before.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_never_changes() {
        let mut dice = Dice::of(1, About::Person, 7);
        let drawn: Vec<u32> = (0..6).map(|_| dice.below(1_000)).collect();
        let mut again = Dice::of(1, About::Person, 7);
        assert_eq!(
            drawn,
            (0..6).map(|_| again.below(1_000)).collect::<Vec<_>>()
        );
        assert_eq!(drawn, DRAWN);
    }

    /// As drawn when this was written: whoever changes them changes every seeded population.
    const DRAWN: [u32; 6] = [935, 72, 269, 755, 126, 462];

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut dice = Dice::of(2, About::Life, 1);
        let drawn: Vec<i64> = (0..2_000).map(|_| dice.between(-3, 4)).collect();
        assert_eq!(
            (drawn.iter().min(), drawn.iter().max()),
            (Some(&-3), Some(&4))
        );
    }

    #[test]
    fn a_curve_is_straight_between_its_points() {
        let curve = [(0, 10), (100, 20), (200, 120)];
        for (at, value) in [
            (0, 10),
            (50, 15),
            (100, 20),
            (150, 70),
            (200, 120),
            (999, 120),
        ] {
            assert_eq!(on_curve(&curve, at), value, "{at}");
        }
    }
}
