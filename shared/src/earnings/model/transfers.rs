//! What earnings ask of the ledger.

use chrono::{DateTime, Utc};

use super::{Due, DueKind, EarningId, EarningSource, Parts, ReversalKind};
use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::ledger::{Account, AccountCode, Leg, NewTransfer, Step, TransferId, TransferKind};

/// Whose earning it is, in which currency, and what was paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Whose.
    pub creator: CreatorId,
    /// In which currency.
    pub currency: Currency,
    /// What was paid for.
    pub source: EarningSource,
}

impl About {
    fn own(&self, code: AccountCode) -> Account {
        Account::creator(self.creator, code, self.currency)
    }

    fn platform(&self, code: AccountCode) -> Account {
        Account::platform(code, self.currency)
    }

    /// The transfer of an earning: what the fan paid becomes the platform's fee, what is reserved, and what matures.
    pub fn earned(&self, id: EarningId, parts: Parts, at: DateTime<Utc>) -> NewTransfer {
        let legs = [
            Leg::debit(self.platform(self.source.paid_from()), parts.gross),
            Leg::credit(self.platform(AccountCode::PlatformFee), parts.fee),
            Leg::credit(self.own(AccountCode::CreatorReserved), parts.reserve),
            Leg::credit(self.own(AccountCode::CreatorPending), parts.maturing()),
        ];
        NewTransfer::posting(id.transfer(), TransferKind::Earning, at, legs)
    }

    /// The transfer that takes parts of an earning back: `pending` and `reserved` of it are still there, the rest is taken
    /// from what is available.
    pub fn taken_back(
        &self,
        (id, kind): (EarningId, ReversalKind),
        of: EarningId,
        parts: Parts,
        (pending, reserved): (i64, i64),
        at: DateTime<Utc>,
    ) -> NewTransfer {
        let available = parts.share() - pending - reserved;
        let legs = [
            Leg::debit(self.platform(AccountCode::PlatformFee), parts.fee),
            Leg::debit(self.own(AccountCode::CreatorPending), pending),
            Leg::debit(self.own(AccountCode::CreatorReserved), reserved),
            Leg::debit(self.own(AccountCode::CreatorAvailable), available),
            Leg::credit(self.platform(self.source.paid_from()), parts.gross),
        ];
        let kind = match kind {
            ReversalKind::Refund => TransferKind::Refund,
            ReversalKind::Chargeback => TransferKind::Chargeback,
        };
        let mut transfer = NewTransfer::posting(id.transfer(), kind, at, legs);
        transfer.step = Step::Reverse(of.transfer());
        transfer
    }
}

impl Due {
    /// The transfer that makes it available.
    pub fn released(&self, id: TransferId, at: DateTime<Utc>) -> NewTransfer {
        let (from, kind) = match self.kind {
            DueKind::Maturity => (AccountCode::CreatorPending, TransferKind::Maturity),
            DueKind::Reserve => (AccountCode::CreatorReserved, TransferKind::ReserveRelease),
        };
        let own = |code| Account::creator(self.creator, code, self.currency);
        let legs = [
            Leg::debit(own(from), self.minor),
            Leg::credit(own(AccountCode::CreatorAvailable), self.minor),
        ];
        NewTransfer::posting(id, kind, at, legs)
    }
}
