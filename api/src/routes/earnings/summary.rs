//! What a creator earned and has.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shared::creators::CreatorId;
use shared::earnings::{self, CurrencySummary, Summary, Waiting};
use shared::kernel::money::{Currency, Money};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, OwnOr, PathId, ReadEarnings, RecordEarnings};
use crate::fields::Fields;

/// What a creator earned, and what of it is where. Earned is the creator's share: what fans paid less the platform's fee,
/// and less what was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EarningsSummary)]
pub(super) struct SummaryView {
    /// The currency of the figures up to `byCurrency`: the creator's while they have no other, else the reporting one.
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    #[serde(flatten)]
    figures: FiguresView,
    /// Why the figures are null: an exchange rate that is not known. Null if they are not.
    reason: Option<String>,
    /// Each currency by itself.
    by_currency: Vec<CurrencyView>,
    /// All of it in the reporting currency.
    reporting: ReportingView,
}

/// Figures in one currency; null where they are not known.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EarningsFigures)]
struct FiguresView {
    #[schema(value_type = Option<f64>, example = 45250.75)]
    total_earnings: Option<Money>,
    /// In this month so far, in UTC.
    #[schema(value_type = Option<f64>, example = 3850.25)]
    current_month_earnings: Option<Money>,
    #[schema(value_type = Option<f64>, example = 3425.50)]
    previous_month_earnings: Option<Money>,
    /// The total by the months for which the account is open; of the first one the share of its days that were left.
    #[schema(value_type = Option<f64>, example = 3771.73)]
    average_monthly_earnings: Option<Money>,
    /// The total by what was paid for: all keys together are the total.
    #[schema(value_type = Option<BTreeMap<String, f64>>)]
    breakdown: Option<BTreeMap<&'static str, Money>>,
    /// Earned and not available yet.
    #[schema(value_type = Option<f64>)]
    pending: Option<Money>,
    /// Can be paid out; negative is what the creator owes.
    #[schema(value_type = Option<f64>)]
    available: Option<Money>,
    /// Kept back for refunds and chargebacks for a time.
    #[schema(value_type = Option<f64>)]
    reserved: Option<Money>,
    /// Held for payouts that are under way.
    #[schema(value_type = Option<f64>)]
    in_payout: Option<Money>,
    /// Paid out, ever.
    #[schema(value_type = Option<f64>)]
    paid: Option<Money>,
}

/// The figures of one currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EarningsInCurrency)]
struct CurrencyView {
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    #[serde(flatten)]
    figures: FiguresView,
}

/// Everything in the reporting currency: what was earned by the rates of the days, what there is by today's.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EarningsReporting)]
struct ReportingView {
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    #[serde(flatten)]
    figures: FiguresView,
    /// Why the figures are null; null if they are not.
    reason: Option<String>,
    /// Earnings in other currencies that are not converted yet; the figures leave them out.
    waiting: Vec<WaitingView>,
}

/// Earnings in one currency that wait for a rate.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EarningsWaiting)]
struct WaitingView {
    #[schema(value_type = String, example = "JPY")]
    currency: &'static str,
    /// The creator's share.
    #[schema(value_type = f64, example = 900)]
    amount: Money,
    /// The first day whose rate they wait for, in UTC.
    first_day: NaiveDate,
    /// `day_under_way`, `next_run` (within the hour) or `no_rate`.
    reason: &'static str,
}

impl From<&Waiting> for WaitingView {
    fn from(of: &Waiting) -> Self {
        Self {
            currency: of.amount.currency.code(),
            amount: of.amount,
            first_day: of.first_day,
            reason: of.why.as_str(),
        }
    }
}

impl From<&CurrencySummary> for FiguresView {
    fn from(of: &CurrencySummary) -> Self {
        let money = |minor| Some(Money::new(of.currency, minor));
        let breakdown = of
            .breakdown
            .iter()
            .map(|(key, minor)| (key.as_str(), Money::new(of.currency, *minor)));
        Self {
            total_earnings: money(of.total),
            current_month_earnings: money(of.current_month),
            previous_month_earnings: money(of.previous_month),
            average_monthly_earnings: money(of.monthly_average),
            breakdown: Some(breakdown.collect()),
            pending: money(of.pending),
            available: money(of.available),
            reserved: money(of.reserved),
            in_payout: money(of.in_payout),
            paid: money(of.paid),
        }
    }
}

impl From<Summary> for SummaryView {
    fn from(summary: Summary) -> Self {
        let reporting = summary.reporting.currency;
        let missing: Vec<&str> = summary
            .reporting
            .without_rate
            .iter()
            .map(|currency| currency.code())
            .collect();
        let reason = (!missing.is_empty()).then(|| {
            format!(
                "no exchange rate to {reporting} is known for {}",
                missing.join(", ")
            )
        });
        let (currency, figures) = summary.headline();
        let by_currency = summary.currencies.iter().map(|of| CurrencyView {
            currency: of.currency.code(),
            figures: of.into(),
        });
        Self {
            currency: currency.code(),
            figures: figures.map(FiguresView::from).unwrap_or_default(),
            reason: reason.clone().filter(|_| figures.is_none()),
            by_currency: by_currency.collect(),
            reporting: ReportingView {
                currency: reporting.code(),
                figures: summary
                    .reporting
                    .summary
                    .as_ref()
                    .map(FiguresView::from)
                    .unwrap_or_default(),
                reason,
                waiting: summary.reporting.waiting.iter().map(Into::into).collect(),
            },
        }
    }
}

/// Show what a creator earned and has
///
/// Amounts are numbers written digit for digit. What cannot be converted is null with a reason, never taken one for one.
#[utoipa::path(get, path = "/api/creators/{id}/earnings", operation_id = "showEarnings", tag = "earnings", security(("bearer" = ["earnings:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = SummaryView), (status = 404, description = "No such creator")))]
pub(super) async fn show(
    caller: OwnOr<ReadEarnings>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<SummaryView>> {
    let mut tx = app.db.begin().await?;
    let summary = earnings::summary(&mut tx, &caller.ctx, id).await?;
    Ok(Json(summary.into()))
}

/// The currency that a creator earns in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EarningsCurrency)]
pub(super) struct CurrencyBody {
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

/// Set the currency that a creator earns in when an earning does not say
#[utoipa::path(put, path = "/api/creators/{id}/earnings/currency", operation_id = "setEarningsCurrency", tag = "earnings", security(("bearer" = ["earnings:record"])),
    params(("id" = String, Path, description = "`creator_…`")), request_body = CurrencyBody,
    responses((status = 200, body = SummaryView), (status = 404, description = "No such creator")))]
pub(super) async fn set_currency(
    caller: Allowed<RecordEarnings>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<CurrencyBody>,
) -> Result<Json<SummaryView>> {
    let mut fields = Fields::default();
    let currency: Option<Currency> = fields.parsed("/currency", &body.currency);
    fields.finish()?;
    let currency = currency.ok_or_else(Problem::internal)?;
    let mut tx = app.db.begin().await?;
    earnings::set_currency(&mut tx, &caller.ctx, id, currency).await?;
    let summary = earnings::summary(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(summary.into()))
}
