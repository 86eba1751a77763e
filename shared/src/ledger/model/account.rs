//! The chart of accounts.

use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::words;

/// Rows that the balance of an account which every movement touches is spread over. `docs/performance.md` says what
/// more and fewer cost.
pub const HOT_SHARDS: i16 = 16;

words!(
    /// What the money on an account is. Creators' accounts are what the platform owes them.
    AccountCode {
        /// A creator's: earned, and not available before it has matured.
        CreatorPending => "creator_pending",
        /// A creator's: kept back for refunds and chargebacks for a time.
        CreatorReserved => "creator_reserved",
        /// A creator's: can be paid out. Below zero it is what the creator owes, and later earnings make up for it.
        CreatorAvailable => "creator_available",
        /// A creator's, for the record: everything that was ever paid out, against `payouts_settled`.
        CreatorPaid => "creator_paid",
        /// What fans paid, at the processors that hand it on.
        FanReceipts => "fan_receipts",
        /// What the platform keeps of earnings.
        PlatformFee => "platform_fee",
        /// What the platform gave creators of its own.
        Bonuses => "bonuses",
        /// Handed to banks and other providers.
        PayoutClearing => "payout_clearing",
        /// For the record, against `creator_paid`.
        PayoutsSettled => "payouts_settled",
        /// What the platform keeps of payouts.
        PayoutFee => "payout_fee",
        /// What is exchanged between currencies goes through here, one account a currency.
        FxLiquidity => "fx_liquidity",
        /// What the platform keeps of exchanges.
        FxSpread => "fx_spread",
        /// Kept back for a tax office.
        TaxWithheld => "tax_withheld",
        /// Negative balances that were given up.
        Recoupment => "recoupment",
    }
);

impl AccountCode {
    /// Whether each creator has one; else the platform does.
    pub const fn is_creators(self) -> bool {
        matches!(
            self,
            Self::CreatorPending
                | Self::CreatorReserved
                | Self::CreatorAvailable
                | Self::CreatorPaid
        )
    }

    /// Whether its debits, held ones too, must not exceed its posted credits.
    pub const fn is_limited(self) -> bool {
        matches!(
            self,
            Self::CreatorPending | Self::CreatorReserved | Self::CreatorAvailable
        )
    }

    /// Whether a reversal may overdraw it: what was paid out already can still be taken back by a fan's bank.
    pub const fn reversal_overdraws(self) -> bool {
        matches!(self, Self::CreatorAvailable)
    }

    /// Rows that its balance is spread over.
    pub const fn shards(self) -> i16 {
        match self {
            Self::FanReceipts | Self::PlatformFee | Self::PayoutClearing | Self::PayoutsSettled => {
                HOT_SHARDS
            }
            Self::CreatorPending
            | Self::CreatorReserved
            | Self::CreatorAvailable
            | Self::CreatorPaid
            | Self::Bonuses
            | Self::PayoutFee
            | Self::FxLiquidity
            | Self::FxSpread
            | Self::TaxWithheld
            | Self::Recoupment => 1,
        }
    }
}

/// An account: whose, for what, in which currency. It comes into being when it is first posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// Whose; none for the platform's.
    pub owner: Option<CreatorId>,
    /// What the money on it is.
    pub code: AccountCode,
    /// Its currency.
    pub currency: Currency,
}

impl Account {
    /// A creator's.
    pub const fn creator(owner: CreatorId, code: AccountCode, currency: Currency) -> Self {
        Self {
            owner: Some(owner),
            code,
            currency,
        }
    }

    /// The platform's.
    pub const fn platform(code: AccountCode, currency: Currency) -> Self {
        Self {
            owner: None,
            code,
            currency,
        }
    }

    /// Whether such an account can be: creators have those of creators, the platform has the others.
    pub const fn is_in_chart(&self) -> bool {
        self.owner.is_some() == self.code.is_creators()
    }
}

impl std::fmt::Display for Account {
    /// `creator_available of creator_… in USD`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.owner {
            Some(owner) => write!(f, "{} of {owner} in {}", self.code, self.currency),
            None => write!(f, "{} in {}", self.code, self.currency),
        }
    }
}
