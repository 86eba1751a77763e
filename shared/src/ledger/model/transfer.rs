//! Transfers: what somebody asks the ledger to do.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use uuid::{NoContext, Timestamp, Uuid};

use super::Account;
use crate::kernel::money::{AMOUNT_MAX_MINOR, Currency};
use crate::kernel::{TypedId, typed_id, words};
use crate::ledger::LedgerError;

typed_id!(
    /// Names one transfer; made by who asks, and kept for asking again.
    TransferId,
    "transfer"
);

impl TransferId {
    /// A fresh id, made at `now`: its month's partition holds the transfer.
    pub fn at(now: DateTime<Utc>) -> Self {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let made = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
        Self::from(Uuid::new_v7(made))
    }
}

/// Legs that a transfer may have at the most.
pub const LEGS_MAX: usize = 24;
/// How old an id may be when it is first used, in days: whoever asks again later than that asks for something else.
pub const ID_AGE_MAX_DAYS: i64 = 30;
/// How far the clock that made an id may be ahead of ours, in minutes.
const ID_AHEAD_MAX_MINUTES: i64 = 24 * 60;

words!(
    /// Why money moves.
    TransferKind {
        /// Somebody earned.
        Earning => "earning",
        /// A fan was given back.
        Refund => "refund",
        /// A fan's bank took back.
        Chargeback => "chargeback",
        /// What was earned became available.
        Maturity => "maturity",
        /// What was reserved became available.
        ReserveRelease => "reserve_release",
        /// Two creators turned out to be one.
        Merge => "merge",
        /// A creator is paid.
        Payout => "payout",
        /// A payout came back.
        PayoutReturn => "payout_return",
        /// One currency became another.
        Exchange => "exchange",
        /// Kept back for a tax office.
        Withholding => "withholding",
        /// A negative balance was given up.
        WriteOff => "write_off",
    }
);

words!(
    /// What became of a pending transfer.
    Outcome {
        /// It was posted, in part or whole.
        Posted => "posted",
        /// It was given up.
        Voided => "voided",
        /// Its time was over.
        Expired => "expired",
    }
);

/// The side of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Takes from what is owed, adds to what is owned.
    Debit,
    /// Adds to what is owed, takes from what is owned.
    Credit,
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Debit => Self::Credit,
            Self::Credit => Self::Debit,
        }
    }
}

/// One side of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// Where.
    pub account: Account,
    /// On which side.
    pub side: Side,
    /// How much, in minor units of the account's currency; more than zero.
    pub amount: i64,
}

impl Leg {
    /// A debit.
    pub const fn debit(account: Account, amount: i64) -> Self {
        Self {
            account,
            side: Side::Debit,
            amount,
        }
    }

    /// A credit.
    pub const fn credit(account: Account, amount: i64) -> Self {
        Self {
            account,
            side: Side::Credit,
            amount,
        }
    }
}

/// What a transfer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Moves its legs at once.
    Post,
    /// Holds its legs until they are posted, voided, or their time is over.
    Hold {
        /// When the hold is over; none for until somebody decides.
        expires_at: Option<DateTime<Utc>>,
    },
    /// Posts what is held: all of it without legs, else the part that they say. The rest is released.
    PostHeld(TransferId),
    /// Releases what is held.
    VoidHeld(TransferId),
    /// Releases what is held because its time is over.
    ExpireHeld(TransferId),
    /// Takes back a posted transfer, in part or whole: its legs move at once, and all reversals together take back no
    /// more than there was. They may name other accounts, because money moves on: what has matured is taken back from
    /// what is available.
    Reverse(TransferId),
}

impl Step {
    /// The word in the database.
    pub(in crate::ledger) const fn phase(self) -> &'static str {
        match self {
            Self::Post | Self::Reverse(_) => "posted",
            Self::Hold { .. } => "pending",
            Self::PostHeld(_) => "post",
            Self::VoidHeld(_) => "void",
            Self::ExpireHeld(_) => "expire",
        }
    }

    /// The pending transfer that it resolves, and how.
    pub(in crate::ledger) const fn resolves(self) -> Option<(TransferId, Outcome)> {
        match self {
            Self::PostHeld(id) => Some((id, Outcome::Posted)),
            Self::VoidHeld(id) => Some((id, Outcome::Voided)),
            Self::ExpireHeld(id) => Some((id, Outcome::Expired)),
            Self::Post | Self::Hold { .. } | Self::Reverse(_) => None,
        }
    }

    /// The transfer that it takes back.
    pub(in crate::ledger) const fn reverses(self) -> Option<TransferId> {
        match self {
            Self::Reverse(id) => Some(id),
            Self::Post
            | Self::Hold { .. }
            | Self::PostHeld(_)
            | Self::VoidHeld(_)
            | Self::ExpireHeld(_) => None,
        }
    }
}

/// A transfer that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTransfer {
    /// Its id.
    pub id: TransferId,
    /// Why money moves.
    pub kind: TransferKind,
    /// What it does.
    pub step: Step,
    /// Its legs; none where [`Step`] says so.
    pub legs: Vec<Leg>,
    /// When it counts from.
    pub effective_at: DateTime<Utc>,
}

impl NewTransfer {
    /// A transfer that moves its legs at once. Legs without an amount are left out.
    pub fn posting(
        id: TransferId,
        kind: TransferKind,
        effective_at: DateTime<Utc>,
        legs: impl IntoIterator<Item = Leg>,
    ) -> Self {
        Self {
            id,
            kind,
            step: Step::Post,
            legs: legs.into_iter().filter(|leg| leg.amount != 0).collect(),
            effective_at,
        }
    }

    /// Whether it is well formed by itself: amounts in bounds, accounts of the chart, an id of the right age, balanced in
    /// each currency.
    ///
    /// # Errors
    /// If it is not.
    pub(in crate::ledger) fn check(&self, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.check_id(now)?;
        self.check_legs()
    }

    /// As [`NewTransfer::check`], whatever the age of the id.
    pub(in crate::ledger) fn check_legs(&self) -> Result<(), LedgerError> {
        let malformed = |why| Err(LedgerError::Malformed { id: self.id, why });
        let needs_legs = match self.step {
            Step::Post | Step::Hold { .. } | Step::Reverse(_) => true,
            Step::PostHeld(_) => !self.legs.is_empty(),
            Step::VoidHeld(_) | Step::ExpireHeld(_) if !self.legs.is_empty() => {
                return malformed("a release has no legs of its own");
            }
            Step::VoidHeld(_) | Step::ExpireHeld(_) => false,
        };
        if needs_legs && !(2..=LEGS_MAX).contains(&self.legs.len()) {
            return malformed("it has too few or too many legs");
        }
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for leg in &self.legs {
            if !(1..=AMOUNT_MAX_MINOR).contains(&leg.amount) {
                return malformed("an amount is not positive or beyond the limit");
            }
            if !leg.account.is_in_chart() {
                return malformed("an account is not in the chart");
            }
            let signed = match leg.side {
                Side::Debit => i128::from(leg.amount),
                Side::Credit => -i128::from(leg.amount),
            };
            *sums.entry(leg.account.currency).or_default() += signed;
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((currency, _)) => Err(LedgerError::Unbalanced {
                id: self.id,
                currency,
            }),
            None => Ok(()),
        }
    }

    fn check_id(&self, now: DateTime<Utc>) -> Result<(), LedgerError> {
        let made = made_at(self.id.uuid()).ok_or(LedgerError::Malformed {
            id: self.id,
            why: "its id is no UUID of version 7",
        })?;
        let oldest = now - Duration::days(ID_AGE_MAX_DAYS);
        let newest = now + Duration::minutes(ID_AHEAD_MAX_MINUTES);
        if made < oldest || made > newest {
            return Err(LedgerError::Malformed {
                id: self.id,
                why: "its id was made too long ago, or in the future",
            });
        }
        Ok(())
    }

    /// SHA-256 over what is asked for, apart from when it counts from.
    pub(in crate::ledger) fn body_hash(&self) -> [u8; 32] {
        let mut text = format!("{} {}", self.kind, self.step.phase());
        let link = self
            .step
            .reverses()
            .or(self.step.resolves().map(|(id, _)| id));
        if let Some(id) = link {
            let _infallible = write!(text, " {id}");
        }
        for leg in &self.legs {
            let side = match leg.side {
                Side::Debit => 'd',
                Side::Credit => 'c',
            };
            let _infallible = write!(text, "\n{side} {} {}", leg.amount, leg.account);
        }
        Sha256::digest(text).into()
    }
}

/// When a UUID of version 7 was made; none for another one.
fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    if id.get_version_num() != 7 {
        return None;
    }
    let millis = i64::try_from(id.as_u128() >> 80).ok()?;
    DateTime::from_timestamp_millis(millis)
}
