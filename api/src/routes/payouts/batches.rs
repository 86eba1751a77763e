//! Files with many payouts.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::money::{Currency, Money};
use shared::kernel::{Cursor, Page, PageLimit, PageRequest};
use shared::payouts::{self, Batch, BatchDetail, BatchId, PayoutMethod};
use shared::queue::JobId;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, ApprovePayouts, Json, PathId, Query, ReadPayouts};
use crate::fields::Fields;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct BatchParams {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A file with payouts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutBatch)]
pub(super) struct BatchView {
    #[schema(value_type = String)]
    id: BatchId,
    #[schema(value_type = String, example = "bank_transfer")]
    method: &'static str,
    #[schema(value_type = String, example = "EUR")]
    currency: &'static str,
    /// `pain001`, `nacha` or `cheque_pdf`.
    #[schema(value_type = String, example = "pain001")]
    format: &'static str,
    /// `written`, `handed_over` or `failed`.
    #[schema(value_type = String, example = "handed_over")]
    status: &'static str,
    file_name: String,
    /// SHA-256 of the file, in hexadecimal digits.
    sha256: String,
    size_bytes: i64,
    /// How many payouts were put into it.
    payouts: i32,
    /// What the payees get of it in all.
    #[schema(value_type = f64)]
    total: Money,
    created_at: DateTime<Utc>,
    created_by: String,
    handed_over_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    /// Why it failed.
    failure: Option<String>,
}

impl From<Batch> for BatchView {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id,
            method: batch.method.as_str(),
            currency: batch.currency.code(),
            format: batch.format.as_str(),
            status: batch.state.as_str(),
            sha256: batch.sha256_hex(),
            total: batch.total(),
            file_name: batch.file_name,
            size_bytes: batch.size_bytes,
            payouts: batch.payouts,
            created_at: batch.created_at,
            created_by: batch.created_by,
            handed_over_at: batch.handed_over_at,
            failed_at: batch.failed_at,
            failure: batch.failure,
        }
    }
}

/// A page of files.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutBatches)]
pub(super) struct BatchesPage {
    batches: Vec<BatchView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Page<Batch>> for BatchesPage {
    fn from(page: Page<Batch>) -> Self {
        Self {
            batches: page.items.into_iter().map(BatchView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// A file with where its payouts stand by now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutBatchDetail)]
pub(super) struct BatchDetailView {
    #[serde(flatten)]
    batch: BatchView,
    /// How many of its payouts have each status.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({ "in_transit": 120 }))]
    statuses: BTreeMap<&'static str, i64>,
}

impl From<BatchDetail> for BatchDetailView {
    fn from(detail: BatchDetail) -> Self {
        let states = detail.states.into_iter();
        Self {
            batch: detail.batch.into(),
            statuses: states
                .map(|(state, count)| (state.as_str(), count))
                .collect(),
        }
    }
}

/// List the files with payouts, the latest first
///
/// Not for who is limited to some clusters: a file has payouts of all.
#[utoipa::path(get, path = "/api/payout-batches", operation_id = "listPayoutBatches", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(BatchParams),
    responses((status = 200, body = BatchesPage),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn list(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<BatchParams>,
) -> Result<Json<BatchesPage>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    let page = payouts::list_batches(&mut tx, &caller.ctx, &page).await?;
    Ok(Json(page.into()))
}

/// Show a file with where its payouts stand
#[utoipa::path(get, path = "/api/payout-batches/{id}", operation_id = "showPayoutBatch", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(("id" = String, Path, description = "`payoutbatch_…`")),
    responses((status = 200, body = BatchDetailView), (status = 404, description = "No such file")))]
pub(super) async fn show(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<BatchId>,
) -> Result<Json<BatchDetailView>> {
    let mut tx = app.db.begin().await?;
    let detail = payouts::show_batch(&mut tx, &caller.ctx, id).await?;
    Ok(Json(detail.into()))
}

/// What is to be put into files.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPayoutBatch)]
pub(super) struct BatchBody {
    /// `bank_transfer` or `check`.
    #[schema(example = "bank_transfer")]
    method: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    currency: String,
}

/// The job that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutBatchJob)]
pub(super) struct BatchJobView {
    #[schema(value_type = String)]
    job_id: JobId,
}

/// Put what is scheduled into files now
///
/// A job does it; one that waits already will do. By itself it is done on working days at 07:30 UTC.
#[utoipa::path(post, path = "/api/payout-batches", operation_id = "makePayoutBatches", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    request_body = BatchBody,
    responses((status = 202, body = BatchJobView),
              (status = 409, description = "No folder is set, or nobody who pays"),
              (status = 422, description = "There is no file for the method in the currency", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn ask(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    Json(body): Json<BatchBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let method: Option<PayoutMethod> = fields.parsed("/method", &body.method);
    let currency: Option<Currency> = fields.parsed("/currency", &body.currency);
    fields.finish()?;
    let (method, currency) = method.zip(currency).ok_or_else(Problem::internal)?;
    let mut tx = app.db.begin().await?;
    let job_id =
        payouts::ask_for_batches(&mut tx, &caller.ctx, &app.carriers, method, currency).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(BatchJobView { job_id })).into_response())
}
