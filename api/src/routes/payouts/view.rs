//! Payouts as they are shown. Amounts are JSON numbers written digit for digit.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::creators::CreatorId;
use shared::kernel::Page;
use shared::kernel::money::Money;
use shared::ledger::TransferId;
use shared::payouts::{
    Approval, Destination, DestinationId, DestinationNotice, MethodOffer, Payout, PayoutDetail,
    PayoutEvent, PayoutId, Reason,
};
use utoipa::ToSchema;

/// A payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payout)]
pub(super) struct PayoutView {
    #[schema(value_type = String)]
    pub(super) id: PayoutId,
    #[schema(value_type = String)]
    creator_id: CreatorId,
    /// What is taken from the balance.
    #[schema(value_type = f64, example = 2500.00)]
    amount: Money,
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    #[schema(value_type = String, example = "paxum")]
    method: &'static str,
    /// `requested`, `compliance_hold`, `awaiting_approval`, `approved`, `scheduled`, `batched`, `submitted`, `in_transit`,
    /// `completed`, `rejected`, `cancelled`, `failed`, `returned`, `reversed`, `expired` or `unknown`.
    #[schema(value_type = String, example = "completed")]
    status: &'static str,
    /// What is kept of it.
    #[schema(value_type = f64, example = 50.00)]
    fee: Money,
    /// What the payee gets.
    #[schema(value_type = f64, example = 2450.00)]
    net_amount: Money,
    #[schema(value_type = String)]
    destination_id: DestinationId,
    requested_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    /// How many people have to approve it.
    approvals_needed: i16,
    /// It expires if they have not by then.
    approve_by: DateTime<Utc>,
    /// Whether the schedule asked for it.
    automatic: bool,
    /// The failed one that it tries again.
    #[schema(value_type = Option<String>)]
    retry_of: Option<PayoutId>,
    /// What the provider calls it.
    reference: Option<String>,
    /// The provider's code, if it failed or came back.
    failure_code: Option<String>,
    /// And what it said.
    failure_message: Option<String>,
    /// What a person has to look at.
    attention: Option<String>,
}

impl From<Payout> for PayoutView {
    fn from(payout: Payout) -> Self {
        Self {
            id: payout.id,
            creator_id: payout.creator,
            amount: payout.gross(),
            currency: payout.parts.currency.code(),
            method: payout.method.as_str(),
            status: payout.state.as_str(),
            fee: payout.parts.money(payout.parts.fee),
            net_amount: payout.net(),
            destination_id: payout.destination,
            requested_at: payout.requested_at,
            completed_at: payout.completed_at,
            approvals_needed: payout.approvals_needed,
            approve_by: payout.approve_by,
            automatic: payout.automatic,
            retry_of: payout.retry_of,
            reference: payout.reference,
            failure_code: payout.failure_code,
            failure_message: payout.failure_message,
            attention: payout.attention,
        }
    }
}

/// A page of payouts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Payouts)]
pub(super) struct PayoutsPage {
    payouts: Vec<PayoutView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Page<Payout>> for PayoutsPage {
    fn from(page: Page<Payout>) -> Self {
        Self {
            payouts: page.items.into_iter().map(PayoutView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// A payout with its steps.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutDetail)]
pub(super) struct DetailView {
    #[serde(flatten)]
    payout: PayoutView,
    destination: DestinationView,
    /// What became of it, the first step first.
    events: Vec<EventView>,
    approvals: Vec<ApprovalView>,
}

impl From<PayoutDetail> for DetailView {
    fn from(detail: PayoutDetail) -> Self {
        Self {
            payout: detail.payout.into(),
            destination: detail.destination.into(),
            events: detail.events.into_iter().map(EventView::from).collect(),
            approvals: detail
                .approvals
                .into_iter()
                .map(ApprovalView::from)
                .collect(),
        }
    }
}

/// One step of a payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutEvent)]
struct EventView {
    at: DateTime<Utc>,
    /// Null for the first.
    #[schema(value_type = Option<String>)]
    from: Option<&'static str>,
    #[schema(value_type = String)]
    to: &'static str,
    by: String,
    reason: Option<String>,
    /// The ledger's transfer that went with it.
    #[schema(value_type = Option<String>)]
    transfer_id: Option<TransferId>,
}

impl From<PayoutEvent> for EventView {
    fn from(event: PayoutEvent) -> Self {
        Self {
            at: event.at,
            from: event.from.map(|state| state.as_str()),
            to: event.to.as_str(),
            by: event.by,
            reason: event.reason,
            transfer_id: event.transfer,
        }
    }
}

/// Who approved a payout.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutApproval)]
struct ApprovalView {
    by: String,
    at: DateTime<Utc>,
    /// Whether it is for what the payout says.
    counts: bool,
}

impl From<Approval> for ApprovalView {
    fn from(Approval { by, at, counts }: Approval) -> Self {
        Self { by, at, counts }
    }
}

/// Where a creator is paid, as far as it may be shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutDestination)]
pub(super) struct DestinationView {
    #[schema(value_type = String)]
    pub(super) id: DestinationId,
    #[schema(value_type = String)]
    method: &'static str,
    /// `iban`, `us_account`, `paxum`, `paypal`, `crypto` or `postal`.
    kind: String,
    #[schema(example = "DE89 … 3000")]
    masked: String,
    /// Whether the holder has the legal name on record.
    holder_matches: bool,
    /// `unverified`, `verified`, `rejected` or `retired`.
    #[schema(value_type = String)]
    state: &'static str,
    entered_by: String,
    entered_at: DateTime<Utc>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    reason: Option<String>,
}

impl From<Destination> for DestinationView {
    fn from(one: Destination) -> Self {
        Self {
            id: one.id,
            method: one.method.as_str(),
            kind: one.kind,
            masked: one.masked,
            holder_matches: one.holder_matches,
            state: one.state.as_str(),
            entered_by: one.entered_by,
            entered_at: one.entered_at,
            decided_by: one.decided_by,
            decided_at: one.decided_at,
            reason: one.reason,
        }
    }
}

/// A creator's destinations.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutDestinations)]
pub(super) struct DestinationsView {
    pub(super) destinations: Vec<DestinationView>,
    /// What banks gave other data for, the latest first: enter those destinations anew.
    pub(super) notices: Vec<NoticeView>,
}

/// That a bank gave other data for a destination; nothing is changed by it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutDestinationNotice)]
pub(super) struct NoticeView {
    #[schema(value_type = String)]
    destination_id: DestinationId,
    /// Such as `C01`: the account number.
    #[schema(example = "C01")]
    code: String,
    #[schema(example = "… 4321")]
    shown: String,
    at: DateTime<Utc>,
}

impl From<DestinationNotice> for NoticeView {
    fn from(notice: DestinationNotice) -> Self {
        Self {
            destination_id: notice.destination,
            code: notice.code,
            shown: notice.shown,
            at: notice.at,
        }
    }
}

/// The ways to be paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutMethods)]
pub(super) struct MethodsView {
    pub(super) methods: Vec<MethodView>,
}

/// A way to be paid, in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutMethod)]
pub(super) struct MethodView {
    #[schema(value_type = String, example = "paxum")]
    method: &'static str,
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    /// The share of the fee; `feeSchedule` has all of it.
    #[schema(example = "2.0%")]
    fee: String,
    fee_schedule: FeeView,
    /// Gross, at the least.
    #[schema(value_type = f64, example = 20.00)]
    min_amount: Money,
    #[schema(example = "1-2 business days")]
    processing_time: String,
    /// Business days until the payee has it, at the least.
    eta_min_days: i16,
    /// And at the most.
    eta_max_days: i16,
    /// Kept of what comes back.
    #[schema(value_type = f64, example = 0.00)]
    return_fee: Money,
    /// Whether the creator that was asked about can use it now; null if none was.
    available: Option<bool>,
    /// What stands against that.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasons: Option<Vec<ReasonView>>,
}

/// What a payout costs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutFee)]
struct FeeView {
    /// In hundredths of a percent of the gross amount.
    percent_bps: i32,
    /// In minor units of the currency.
    fixed_minor: i64,
    /// The most that is taken, in minor units; null for no limit.
    cap_minor: Option<i64>,
}

/// One thing that stands against a payout.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutObstacle)]
struct ReasonView {
    #[schema(value_type = String, example = "destination_not_verified")]
    code: &'static str,
    message: String,
}

impl From<Reason> for ReasonView {
    fn from(Reason { code, message }: Reason) -> Self {
        Self { code, message }
    }
}

impl From<MethodOffer> for MethodView {
    fn from(MethodOffer { terms, reasons }: MethodOffer) -> Self {
        let money = |minor| Money::new(terms.currency, minor);
        let (min, max) = (terms.eta_min_days, terms.eta_max_days);
        Self {
            method: terms.method.as_str(),
            currency: terms.currency.code(),
            fee: terms.fee.percent(),
            fee_schedule: FeeView {
                percent_bps: terms.fee.percent_bps,
                fixed_minor: terms.fee.fixed_minor,
                cap_minor: terms.fee.cap_minor,
            },
            min_amount: money(terms.min_minor),
            processing_time: match (min, max) {
                (1, 1) => "1 business day".to_owned(),
                (min, max) if min == max => format!("{min} business days"),
                (min, max) => format!("{min}-{max} business days"),
            },
            eta_min_days: min,
            eta_max_days: max,
            return_fee: money(terms.return_fee_minor),
            available: reasons.as_ref().map(Vec::is_empty),
            reasons: reasons.map(|all| all.into_iter().map(ReasonView::from).collect()),
        }
    }
}
