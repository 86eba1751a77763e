//! What becomes of an earning's gross amount.

use crate::kernel::money::part;

/// A gross amount in its parts, in minor units: what the platform keeps, what is reserved for the creator, and the rest,
/// which matures for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// All of it.
    pub gross: i64,
    /// What the platform keeps.
    pub fee: i64,
    /// What is reserved.
    pub reserve: i64,
}

impl Parts {
    /// What matures.
    pub const fn maturing(&self) -> i64 {
        self.gross - self.fee - self.reserve
    }

    /// The creator's share, reserved or not.
    pub const fn share(&self) -> i64 {
        self.gross - self.fee
    }

    /// The parts of `gross` more to take back, of what `done` was taken back already: in proportion, rounded so that the
    /// sums stay within half a minor unit of it where that is possible, never more of a part than is left of it, and of all
    /// taken back exactly the parts there were.
    ///
    /// `gross` is at most what is left.
    pub fn take(&self, done: &Self, gross: i64) -> Self {
        let left = |whole: i64, done: i64| whole - done;
        let (fee_left, reserve_left) = (left(self.fee, done.fee), left(self.reserve, done.reserve));
        let maturing_left = left(self.maturing(), done.maturing());
        let until = done.gross + gross;
        let wanted = |whole: i64, done: i64| part(whole, until, self.gross) - done;
        let mut fee = wanted(self.fee, done.fee).clamp(0, fee_left.min(gross));
        let mut reserve =
            wanted(self.reserve, done.reserve).clamp(0, reserve_left.min(gross - fee));
        // what the rounding leaves to the third part and it does not have
        let mut over = (gross - fee - reserve - maturing_left).max(0);
        let more = over.min(fee_left - fee);
        fee += more;
        over -= more;
        reserve += over;
        Self {
            gross,
            fee,
            reserve,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn plus(&self, other: &Self) -> Self {
        Self {
            gross: self.gross + other.gross,
            fee: self.fee + other.fee,
            reserve: self.reserve + other.reserve,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_third_of_everything_is_a_third_of_each_part() {
        let whole = Parts {
            gross: 30_000,
            fee: 6_000,
            reserve: 1_500,
        };
        let third = whole.take(&Parts::default(), 10_000);
        assert_eq!(
            (third.fee, third.reserve, third.maturing()),
            (2_000, 500, 7_500)
        );
    }

    proptest! {
        #[test]
        fn all_that_is_taken_back_is_what_there_was(
            fee in 0i64..500, reserve in 0i64..500, maturing in 0i64..500,
            steps in proptest::collection::vec(1i64..400, 1..40),
        ) {
            let whole = Parts { gross: fee + reserve + maturing, fee, reserve };
            prop_assume!(whole.gross > 0);
            let mut done = Parts::default();
            for step in steps.into_iter().chain([i64::MAX]) {
                let gross = step.min(whole.gross - done.gross);
                if gross == 0 {
                    break;
                }
                let taken = whole.take(&done, gross);
                prop_assert!(taken.fee >= 0 && taken.reserve >= 0 && taken.maturing() >= 0, "{:?}", taken);
                done = done.plus(&taken);
                prop_assert!(done.fee <= fee && done.reserve <= reserve && done.maturing() <= maturing, "{:?}", done);
            }
            prop_assert_eq!(done, whole);
        }
    }
}
