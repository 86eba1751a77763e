//! When creators are paid by themselves.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::kernel::money::{Currency, Money, json_text};
use shared::payouts::{self, DestinationId, NewSchedule, PayoutSchedule};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Json, OwnOr, PathId, PathIds, ReadPayouts, RequestPayouts};
use crate::fields::Fields;

/// How a creator is to be paid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPayoutSchedule)]
pub(super) struct ScheduleBody {
    /// `bank_transfer`, `paypal`, `paxum`, `cryptocurrency` or `check`.
    #[schema(example = "paxum")]
    method: String,
    /// `daily`; `weekly`, on Mondays; `bi_weekly`, on those of even weeks; or `monthly`, on the first.
    #[schema(example = "weekly")]
    frequency: String,
    /// Nothing is paid below this; the method's minimum if it is left out.
    #[schema(value_type = Option<f64>, example = 100.00)]
    threshold: Option<Box<RawValue>>,
    /// `destination_…`; may be left out if there is only one that is ready.
    #[schema(example = json!(null))]
    destination_id: Option<String>,
}

/// When a creator is paid what they have in a currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutSchedule)]
pub(super) struct ScheduleView {
    #[schema(value_type = String, example = "USD")]
    currency: &'static str,
    #[schema(value_type = String, example = "paxum")]
    method: &'static str,
    #[schema(value_type = Option<String>)]
    destination_id: Option<DestinationId>,
    #[schema(value_type = String, example = "weekly")]
    frequency: &'static str,
    #[schema(value_type = f64, example = 100.00)]
    threshold: Money,
    next_on: NaiveDate,
    set_by: String,
    set_at: DateTime<Utc>,
    /// When it was last looked at.
    last_on: Option<NaiveDate>,
    /// What was made of it then: `requested`, `below_threshold`, or the codes of what stood against it.
    last_result: Option<String>,
}

impl From<PayoutSchedule> for ScheduleView {
    fn from(one: PayoutSchedule) -> Self {
        Self {
            currency: one.currency.code(),
            method: one.method.as_str(),
            destination_id: one.destination,
            frequency: one.frequency.as_str(),
            threshold: Money::new(one.currency, one.threshold_minor),
            next_on: one.next_on,
            set_by: one.set_by,
            set_at: one.set_at,
            last_on: one.last_on,
            last_result: one.last_result,
        }
    }
}

/// A creator's schedules, one a currency at the most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutSchedules)]
pub(super) struct SchedulesView {
    schedules: Vec<ScheduleView>,
}

/// Show when a creator is paid by themselves
#[utoipa::path(get, path = "/api/creators/{id}/payout-schedules", operation_id = "listPayoutSchedules", tag = "payouts", security(("bearer" = ["payouts:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = SchedulesView), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<SchedulesView>> {
    let mut tx = app.db.begin().await?;
    let all = payouts::schedules(&mut tx, &caller.ctx, id).await?;
    Ok(Json(SchedulesView {
        schedules: all.into_iter().map(ScheduleView::from).collect(),
    }))
}

/// Set how often a creator is paid what they have in a currency
///
/// On its days everything that is available is paid, as far as a day's limit lets it, unless it is below the threshold or
/// something stands against it; what came of it is shown.
#[utoipa::path(put, path = "/api/creators/{id}/payout-schedules/{currency}", operation_id = "setPayoutSchedule", tag = "payouts", security(("bearer" = ["payouts:request"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("currency" = String, Path, description = "ISO 4217", example = "USD")),
    request_body = ScheduleBody,
    responses((status = 200, body = ScheduleView), (status = 404, description = "No such creator, or no such currency"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn set(
    caller: OwnOr<RequestPayouts>,
    State(app): State<App>,
    PathIds(id, currency): PathIds<CreatorId, Currency>,
    Json(body): Json<ScheduleBody>,
) -> Result<Json<ScheduleView>> {
    let mut fields = Fields::default();
    let method = fields.parsed("/method", &body.method);
    let frequency = fields.parsed("/frequency", &body.frequency);
    let destination = fields.parsed_if("/destinationId", body.destination_id.as_deref());
    fields.finish()?;
    let new = NewSchedule {
        currency,
        method: method.ok_or_else(Problem::internal)?,
        destination,
        frequency: frequency.ok_or_else(Problem::internal)?,
        threshold: body.threshold.map(|amount| json_text(&amount)),
    };
    let mut tx = app.db.begin().await?;
    let set = payouts::set_schedule(&mut tx, &caller.ctx, id, &new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(set.into()))
}

/// End that a creator is paid by themselves
#[utoipa::path(delete, path = "/api/creators/{id}/payout-schedules/{currency}", operation_id = "removePayoutSchedule", tag = "payouts", security(("bearer" = ["payouts:request"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("currency" = String, Path, description = "ISO 4217", example = "USD")),
    responses((status = 204), (status = 404, description = "No such creator, or no such currency")))]
pub(super) async fn remove(
    caller: OwnOr<RequestPayouts>,
    State(app): State<App>,
    PathIds(id, currency): PathIds<CreatorId, Currency>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    payouts::remove_schedule(&mut tx, &caller.ctx, id, currency).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}
