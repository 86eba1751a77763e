//! What is on an account, and whether a movement may be.

use super::{AccountCode, Side};

/// Sums of an account's entries, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Posted debits.
    pub debits_posted: i64,
    /// Posted credits.
    pub credits_posted: i64,
    /// Debits that are held.
    pub debits_pending: i64,
    /// Credits that are held.
    pub credits_pending: i64,
}

impl Balance {
    /// What was posted: credits less debits.
    pub const fn posted(&self) -> i64 {
        self.credits_posted - self.debits_posted
    }

    /// What can be spent: posted credits less all debits, held ones too. Credits that are only held do not count.
    pub const fn available(&self) -> i64 {
        self.posted() - self.debits_pending
    }

    /// The balance after a movement.
    pub(in crate::ledger) const fn after(mut self, by: Move) -> Self {
        match (by.side, by.pending) {
            (Side::Debit, false) => self.debits_posted += by.amount,
            (Side::Credit, false) => self.credits_posted += by.amount,
            (Side::Debit, true) => self.debits_pending += by.amount,
            (Side::Credit, true) => self.credits_pending += by.amount,
        }
        self
    }
}

/// One entry's effect on a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct Move {
    pub(in crate::ledger) side: Side,
    /// Held, or released if negative; else posted.
    pub(in crate::ledger) pending: bool,
    pub(in crate::ledger) amount: i64,
}

/// An account's balance while a transfer is tried on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct Purse {
    pub(in crate::ledger) code: AccountCode,
    pub(in crate::ledger) balance: Balance,
}

impl Purse {
    /// The purse after all of a transfer's movements on it; none if it would be overdrawn, or more overdrawn than it is,
    /// and may not be.
    pub(in crate::ledger) fn after(self, moves: &[Move], reversal: bool) -> Option<Self> {
        let balance = moves.iter().fold(self.balance, |sum, by| sum.after(*by));
        let spends = balance.available() < self.balance.available();
        let free = !self.code.is_limited() || (reversal && self.code.reversal_overdraws());
        if spends && balance.available() < 0 && !free {
            return None;
        }
        Some(Self { balance, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn by(side: Side, pending: bool, amount: i64) -> Move {
        Move {
            side,
            pending,
            amount,
        }
    }

    fn purse(code: AccountCode, credits: i64) -> Purse {
        let balance = Balance {
            credits_posted: credits,
            ..Balance::default()
        };
        Purse { code, balance }
    }

    #[test]
    fn what_is_held_cannot_be_spent_again() {
        let full = purse(AccountCode::CreatorAvailable, 100);
        let held = full
            .after(&[by(Side::Debit, true, 60)], false)
            .expect("there is enough");
        assert_eq!(held.balance.available(), 40);
        assert!(held.after(&[by(Side::Debit, false, 41)], false).is_none());
        assert!(held.after(&[by(Side::Debit, true, 40)], false).is_some());
    }

    #[test]
    fn credits_that_are_held_are_not_there_yet() {
        let held = purse(AccountCode::CreatorAvailable, 0)
            .after(&[by(Side::Credit, true, 100)], false)
            .expect("a credit");
        assert!(held.after(&[by(Side::Debit, false, 1)], false).is_none());
    }

    #[test]
    fn only_a_reversal_overdraws_and_only_what_is_available() {
        let take = [by(Side::Debit, false, 10)];
        let empty = |code| purse(code, 0);
        assert!(
            empty(AccountCode::CreatorAvailable)
                .after(&take, true)
                .is_some()
        );
        assert!(
            empty(AccountCode::CreatorAvailable)
                .after(&take, false)
                .is_none()
        );
        assert!(
            empty(AccountCode::CreatorPending)
                .after(&take, true)
                .is_none()
        );
        assert!(
            empty(AccountCode::CreatorReserved)
                .after(&take, true)
                .is_none()
        );
        assert!(
            empty(AccountCode::FanReceipts)
                .after(&take, false)
                .is_some()
        );
    }

    #[test]
    fn an_overdrawn_account_takes_credits_and_posts_what_it_held() {
        let overdrawn = purse(AccountCode::CreatorAvailable, 50)
            .after(&[by(Side::Debit, true, 50)], false)
            .and_then(|purse| purse.after(&[by(Side::Debit, false, 30)], true))
            .expect("a reversal");
        assert_eq!(overdrawn.balance.available(), -30);
        let post = [by(Side::Debit, true, -50), by(Side::Debit, false, 50)];
        assert!(
            overdrawn.after(&post, false).is_some(),
            "nothing more is spent"
        );
        assert!(
            overdrawn
                .after(&[by(Side::Credit, false, 10)], false)
                .is_some()
        );
    }
}
