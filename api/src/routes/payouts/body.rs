//! What is said of payouts.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::kernel::money::json_text;
use shared::payouts::{Finding, NewPayout, Payee, PayoutAccount, Verdict};
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::fields::Fields;

/// A payout that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPayout)]
pub(super) struct PayoutBody {
    /// Gross, as a number or a text; with no more decimals than the currency has. The fee is taken of it.
    #[schema(value_type = f64, example = 2500.00)]
    amount: Box<RawValue>,
    /// `bank_transfer`, `paypal`, `paxum`, `cryptocurrency` or `check`.
    #[schema(example = "paxum")]
    method: String,
    /// ISO 4217; of a balance that the creator has.
    #[schema(example = "USD")]
    currency: String,
    /// `destination_…`; may be left out if there is only one that is ready.
    #[schema(example = json!(null))]
    destination_id: Option<String>,
}

impl PayoutBody {
    pub(super) fn read(self, creator: CreatorId) -> Result<NewPayout> {
        let mut fields = Fields::default();
        let method = fields.parsed("/method", &self.method);
        let currency = fields.parsed("/currency", &self.currency);
        let destination = fields.parsed_if("/destinationId", self.destination_id.as_deref());
        fields.finish()?;
        Ok(NewPayout {
            creator,
            amount: json_text(&self.amount),
            currency: currency.ok_or_else(Problem::internal)?,
            method: method.ok_or_else(Problem::internal)?,
            destination,
        })
    }
}

/// Why something is done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PayoutReason)]
pub(super) struct ReasonBody {
    /// 1 to 500 characters.
    #[schema(example = "The creator asked for it")]
    pub(super) reason: String,
}

/// What staff found out about a payout that a provider had.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PayoutResolution)]
pub(super) struct ResolutionBody {
    /// `completed`, `failed`, `returned` or `reversed`.
    #[schema(example = "completed")]
    outcome: String,
    /// 1 to 500 characters: where it was seen.
    #[schema(example = "On the bank's statement of 3 May")]
    pub(super) reason: String,
}

impl ResolutionBody {
    pub(super) fn finding(&self) -> Result<Finding> {
        let mut fields = Fields::default();
        let finding = fields.parsed("/outcome", &self.outcome);
        fields.finish()?;
        finding.ok_or_else(Problem::internal)
    }
}

/// Where a creator wants to be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPayoutDestination)]
pub(super) struct DestinationBody {
    /// Whose account it is.
    #[schema(example = "Ada Lovelace")]
    holder: String,
    /// By `kind`: `iban` (iban, bic), `us_account` (routingNumber, accountNumber, accountType `checking` or `savings`),
    /// `paxum` or `paypal` (email), `crypto` (asset `btc`, `eth`, `usdt` or `usdc`, network `bitcoin`, `ethereum`, `polygon`
    /// or `tron`, address), `postal` (lines).
    #[schema(value_type = Object, example = json!({ "kind": "paxum", "email": "ada@mail.example" }))]
    account: PayoutAccount,
}

impl From<DestinationBody> for Payee {
    fn from(body: DestinationBody) -> Self {
        Self {
            holder: body.holder,
            account: body.account,
        }
    }
}

/// What staff says of a destination.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PayoutDestinationDecision)]
pub(super) struct DecisionBody {
    /// `verified` or `rejected`.
    #[schema(example = "verified")]
    decision: String,
    /// Why; needed to reject, for a holder with another name than the creator's, and for an account that somebody else is
    /// paid to.
    #[schema(example = "A statement of the account was seen")]
    pub(super) reason: Option<String>,
}

impl DecisionBody {
    pub(super) fn verdict(&self) -> Result<Verdict> {
        let mut fields = Fields::default();
        let verdict = fields.parsed("/decision", &self.decision);
        fields.finish()?;
        verdict.ok_or_else(Problem::internal)
    }
}
