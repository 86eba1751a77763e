//! Earnings as they are shown. Amounts are JSON numbers written digit for digit.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared::creators::CreatorId;
use shared::earnings::{Earning, EarningId, Reversal};
use shared::kernel::money::Money;
use shared::ledger::TransferId;
use utoipa::ToSchema;

/// An earning and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Earning)]
pub(super) struct EarningView {
    #[schema(value_type = String)]
    id: EarningId,
    #[schema(value_type = String)]
    creator_id: CreatorId,
    /// What the fan paid.
    #[schema(value_type = f64, example = 80.00)]
    amount: Money,
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    source: &'static str,
    /// What the platform keeps.
    #[schema(value_type = f64, example = 16.00)]
    platform_fee: Money,
    /// What is reserved for the creator until `reserveUntil`.
    #[schema(value_type = f64, example = 4.00)]
    reserve: Money,
    /// What becomes available on `maturesOn`.
    #[schema(value_type = f64, example = 60.00)]
    maturing: Money,
    /// The creator's share: amount less fee.
    #[schema(value_type = f64, example = 64.00)]
    share: Money,
    /// Of the amount, what was taken back since.
    #[schema(value_type = f64, example = 0.00)]
    reversed: Money,
    matures_on: NaiveDate,
    reserve_until: NaiveDate,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    description: Option<String>,
    fan_id: Option<String>,
    content_id: Option<String>,
    external_id: Option<String>,
    /// The ledger's transfer.
    #[schema(value_type = String)]
    transfer_id: TransferId,
}

impl From<Earning> for EarningView {
    fn from(earning: Earning) -> Self {
        let money = |minor| Money::new(earning.currency, minor);
        let parts = earning.parts;
        Self {
            id: earning.id,
            creator_id: earning.creator,
            amount: money(parts.gross),
            currency: earning.currency.code(),
            source: earning.source.as_str(),
            platform_fee: money(parts.fee),
            reserve: money(parts.reserve),
            maturing: money(parts.maturing()),
            share: money(parts.share()),
            reversed: money(earning.reversed_minor),
            matures_on: earning.matures_on,
            reserve_until: earning.reserve_until,
            occurred_at: earning.occurred_at,
            recorded_at: earning.recorded_at,
            description: earning.description,
            fan_id: earning.fan,
            content_id: earning.content,
            external_id: earning.external_id,
            transfer_id: earning.id.transfer(),
        }
    }
}

/// What was taken back of an earning.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EarningReversal)]
pub(super) struct ReversalView {
    #[schema(value_type = String)]
    id: EarningId,
    #[schema(value_type = String)]
    earning_id: EarningId,
    /// `refund` or `chargeback`.
    kind: &'static str,
    /// Of what the fan paid.
    #[schema(value_type = f64, example = 80.00)]
    amount: Money,
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    /// What the platform gives back of its fee.
    #[schema(value_type = f64, example = 16.00)]
    platform_fee: Money,
    /// What the creator gives back.
    #[schema(value_type = f64, example = 64.00)]
    share: Money,
    occurred_at: DateTime<Utc>,
    /// The ledger's transfer.
    #[schema(value_type = String)]
    transfer_id: TransferId,
}

impl From<Reversal> for ReversalView {
    fn from(reversal: Reversal) -> Self {
        let money = |minor| Money::new(reversal.currency, minor);
        Self {
            id: reversal.id,
            earning_id: reversal.earning,
            kind: reversal.kind.as_str(),
            amount: money(reversal.parts.gross),
            currency: reversal.currency.code(),
            platform_fee: money(reversal.parts.fee),
            share: money(reversal.parts.share()),
            occurred_at: reversal.occurred_at,
            transfer_id: reversal.id.transfer(),
        }
    }
}
