//! One payout.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::{Destination, DestinationId, PayoutId, PayoutMethod, PayoutState};
use crate::creators::CreatorId;
use crate::kernel::TypedId;
use crate::kernel::money::{Currency, Money};
use crate::ledger::{Account, AccountCode, Leg, TransferId};

/// Characters of a reason at the most.
pub const REASON_MAX_CHARS: usize = 500;

/// A payout as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// Which; a provider is instructed under the same id.
    pub id: PayoutId,
    /// To whom.
    pub creator: CreatorId,
    /// Where to.
    pub destination: DestinationId,
    /// How.
    pub method: PayoutMethod,
    /// In what, frozen when it was asked for.
    pub parts: PayoutParts,
    /// Where it stands.
    pub state: PayoutState,
    /// What is approved, as one number.
    pub content_hash: [u8; 32],
    /// How many people have to approve it.
    pub approvals_needed: i16,
    /// Until when.
    pub approve_by: DateTime<Utc>,
    /// Whether the schedule asked for it.
    pub automatic: bool,
    /// The failed one that it tries again.
    pub retry_of: Option<PayoutId>,
    /// The ledger's pending transfer.
    pub hold: TransferId,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// How often it was handed over.
    pub submissions: i32,
    /// Since when the latest handing over has no answer.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When it was handed over first.
    pub first_handed_at: Option<DateTime<Utc>>,
    /// To whom.
    pub provider: Option<String>,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// When something is next done about it.
    pub next_step_at: Option<DateTime<Utc>>,
    /// When the payee had it.
    pub completed_at: Option<DateTime<Utc>>,
    /// The provider's code, if it failed or came back.
    pub failure_code: Option<String>,
    /// And what it said.
    pub failure_message: Option<String>,
    /// What a person has to look at.
    pub attention: Option<String>,
    /// Whether a handing over had no answer, and nobody has told since then what it came to.
    pub was_lost: bool,
    /// Counts its changes.
    pub version: i64,
}

/// What is taken from the creator, what of it is kept, and what the payee gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutParts {
    /// The currency of all.
    pub currency: Currency,
    /// What is taken, in minor units.
    pub gross: i64,
    /// What is kept of it.
    pub fee: i64,
    /// What is kept of what comes back.
    pub return_fee: i64,
}

impl PayoutParts {
    /// What the payee gets.
    pub const fn net(&self) -> i64 {
        self.gross - self.fee
    }

    /// An amount in its currency.
    pub const fn money(&self, minor: i64) -> Money {
        Money::new(self.currency, minor)
    }

    /// What it moves in the ledger once it is completed, and holds until then.
    pub(in crate::payouts) fn legs(&self, creator: CreatorId) -> Vec<Leg> {
        let platform = |code| Account::platform(code, self.currency);
        let own = |code| Account::creator(creator, code, self.currency);
        let legs = vec![
            Leg::debit(own(AccountCode::CreatorAvailable), self.gross),
            Leg::credit(platform(AccountCode::PayoutClearing), self.net()),
            Leg::credit(platform(AccountCode::PayoutFee), self.fee),
            // for the record
            Leg::debit(platform(AccountCode::PayoutsSettled), self.net()),
            Leg::credit(own(AccountCode::CreatorPaid), self.net()),
        ];
        legs.into_iter().filter(|leg| leg.amount > 0).collect()
    }

    /// What comes back: the net amount less a fee, which is never more than that amount.
    pub(in crate::payouts) fn legs_back(&self, creator: CreatorId, return_fee: i64) -> Vec<Leg> {
        let fee = return_fee.min(self.net());
        let platform = |code| Account::platform(code, self.currency);
        let own = |code| Account::creator(creator, code, self.currency);
        let legs = vec![
            Leg::debit(platform(AccountCode::PayoutClearing), self.net()),
            Leg::credit(own(AccountCode::CreatorAvailable), self.net() - fee),
            Leg::credit(platform(AccountCode::PayoutFee), fee),
            Leg::debit(own(AccountCode::CreatorPaid), self.net()),
            Leg::credit(platform(AccountCode::PayoutsSettled), self.net()),
        ];
        legs.into_iter().filter(|leg| leg.amount > 0).collect()
    }
}

/// What an approver says yes to, as one number: SHA-256 over who is paid how much in what, how, and where to. Another
/// amount or another account has another number, so an approval cannot be carried over.
pub(in crate::payouts) fn content_hash(
    id: PayoutId,
    parts: &PayoutParts,
    method: PayoutMethod,
    destination: &Destination,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(id.uuid());
    hash.update(destination.creator.uuid());
    hash.update(destination.id.uuid());
    hash.update(&destination.fingerprint);
    let said = format!(
        "{method}\n{}\n{}\n{}\n{}",
        parts.currency, parts.gross, parts.fee, parts.return_fee
    );
    hash.update(said);
    hash.finalize().into()
}

impl Payout {
    /// The amount that is taken from the creator.
    pub const fn gross(&self) -> Money {
        self.parts.money(self.parts.gross)
    }

    /// The amount that the payee gets.
    pub const fn net(&self) -> Money {
        self.parts.money(self.parts.net())
    }
}

/// One step of a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutEvent {
    /// When.
    pub at: DateTime<Utc>,
    /// Where it stood.
    pub from: Option<PayoutState>,
    /// Where it stands since then.
    pub to: PayoutState,
    /// Who did it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// The ledger's transfer that went with it.
    pub transfer: Option<TransferId>,
}

/// Who approved a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Who.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it is for the content that the payout has.
    pub counts: bool,
}

/// A payout with everything that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutDetail {
    /// The payout.
    pub payout: Payout,
    /// Where it goes, as it may be shown.
    pub destination: Destination,
    /// What became of it, the first step first.
    pub events: Vec<PayoutEvent>,
    /// Who approved it.
    pub approvals: Vec<Approval>,
}

/// Which payouts are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PayoutFilter {
    /// Of this creator.
    pub creator: Option<CreatorId>,
    /// In this state.
    pub state: Option<PayoutState>,
    /// By this method.
    pub method: Option<PayoutMethod>,
    /// Only those that a person has to look at.
    pub attention: bool,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPayout {
    /// To whom.
    pub creator: CreatorId,
    /// The gross amount, as it was written.
    pub amount: String,
    /// In which currency.
    pub currency: Currency,
    /// How.
    pub method: PayoutMethod,
    /// Where to; none for the verified destination of the method, if there is exactly one.
    pub destination: Option<DestinationId>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::ledger::Side;

    fn sums(legs: &[Leg]) -> (i64, i64) {
        let of = |side| {
            legs.iter()
                .filter(|leg| leg.side == side)
                .map(|leg| leg.amount)
                .sum()
        };
        (of(Side::Debit), of(Side::Credit))
    }

    proptest! {
        #[test]
        fn a_payout_and_its_return_balance_and_leave_only_fees(
            gross in 1..1_000_000_000_i64, fee_share in 0..100_i64, return_fee in 0..10_000_i64,
        ) {
            let fee = (gross * fee_share / 100).min(gross - 1);
            let parts = PayoutParts { currency: Currency::USD, gross, fee, return_fee };
            let creator = CreatorId::from(Uuid::from_u128(1));
            let (there, back) = (parts.legs(creator), parts.legs_back(creator, return_fee));
            for legs in [&there, &back] {
                let (debits, credits) = sums(legs);
                prop_assert_eq!(debits, credits);
                prop_assert!(legs.iter().all(|leg| leg.amount > 0));
            }
            let mut left: BTreeMap<Account, i64> = BTreeMap::new();
            for leg in there.iter().chain(&back) {
                let signed = if leg.side == Side::Credit { leg.amount } else { -leg.amount };
                *left.entry(leg.account).or_default() += signed;
            }
            let kept = fee + return_fee.min(parts.net());
            let of = |code| left.get(&Account::platform(code, Currency::USD)).copied().unwrap_or(0);
            prop_assert_eq!(of(AccountCode::PayoutFee), kept);
            prop_assert_eq!(of(AccountCode::PayoutClearing), 0);
            prop_assert_eq!(of(AccountCode::PayoutsSettled), 0);
            let own = |code| left.get(&Account::creator(creator, code, Currency::USD)).copied().unwrap_or(0);
            prop_assert_eq!(own(AccountCode::CreatorAvailable), -kept);
            prop_assert_eq!(own(AccountCode::CreatorPaid), 0);
        }
    }
}
