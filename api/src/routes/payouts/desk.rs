//! Payouts of everybody, and deciding about them.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::creators::CreatorId;
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::payouts::{self, PayoutFilter, PayoutId, PayoutMethod, PayoutState};
use utoipa::IntoParams;

use super::body::{ReasonBody, ResolutionBody};
use super::creator::{created, tagged};
use super::view::{DetailView, PayoutView, PayoutsPage};
use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, ApprovePayouts, IfMatch, Json, PathId, Query, ReadPayouts, RequestPayouts, answered,
    etag,
};
use crate::fields::Fields;

/// Which payouts are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PayoutParams {
    /// Of this creator.
    creator_id: Option<String>,
    /// In this state.
    #[param(example = "awaiting_approval")]
    status: Option<String>,
    /// By this method.
    #[param(example = "paxum")]
    method: Option<String>,
    /// Only those that a person has to look at.
    #[serde(default)]
    attention: bool,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// List payouts, the latest first
#[utoipa::path(get, path = "/api/payouts", operation_id = "listPayouts", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(PayoutParams),
    responses((status = 200, body = PayoutsPage), (status = 404, description = "No such creator"),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn list(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<PayoutParams>,
) -> Result<Json<PayoutsPage>> {
    let mut fields = Fields::default();
    let creator: Option<CreatorId> = fields.parsed_if("creatorId", params.creator_id.as_deref());
    let state: Option<PayoutState> = fields.parsed_if("status", params.status.as_deref());
    let method: Option<PayoutMethod> = fields.parsed_if("method", params.method.as_deref());
    fields.finish()?;
    let filter = PayoutFilter {
        creator,
        state,
        method,
        attention: params.attention,
    };
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    let page = payouts::list(&mut tx, &caller.ctx, &filter, &page).await?;
    Ok(Json(page.into()))
}

/// Show a payout with its steps
#[utoipa::path(get, path = "/api/payouts/{id}", operation_id = "showPayout", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(("id" = String, Path, description = "`payout_…`")),
    responses((status = 200, body = DetailView, headers(("ETag" = String, description = "The version, for `If-Match`"))),
              (status = 404, description = "No such payout")))]
pub(super) async fn show(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let detail = payouts::show(&mut tx, &caller.ctx, id).await?;
    let version = etag(detail.payout.version);
    Ok(([(header::ETAG, version)], Json(DetailView::from(detail))).into_response())
}

/// Approve a payout
///
/// As it stands: amount and destination. Once everybody who has to has approved it, it goes out. Whoever asked for it or
/// entered where it goes does not approve it (403).
#[utoipa::path(post, path = "/api/payouts/{id}/approve", operation_id = "approvePayout", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`payout_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is approved")),
    responses((status = 200, body = PayoutView), (status = 404, description = "No such payout"),
              (status = 409, description = "It does not wait for approval, or you have approved it"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn approve(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let payout = payouts::approve(&mut tx, &caller.ctx, id, version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(payout))
}

/// Say no to a payout that waits
///
/// What it held is available again.
#[utoipa::path(post, path = "/api/payouts/{id}/reject", operation_id = "rejectPayout", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`payout_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ReasonBody,
    responses((status = 200, body = PayoutView), (status = 404, description = "No such payout"),
              (status = 409, description = "It does not wait for a decision"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "The reason is missing", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn reject(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ReasonBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let payout = payouts::reject(&mut tx, &caller.ctx, id, version, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(payout))
}

/// Let a payout go on that compliance held
///
/// If nothing stands against it any more; else 409 with all `reasons`.
#[utoipa::path(post, path = "/api/payouts/{id}/release", operation_id = "releasePayout", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`payout_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    responses((status = 200, body = PayoutView), (status = 404, description = "No such payout"),
              (status = 409, description = "It is not held, or something still stands against it"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn release(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let payout = payouts::release(&mut tx, &caller.ctx, id, version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(payout))
}

/// Try a payout that failed again
///
/// As a new one, of the same amount to the same place, judged anew. The same again answers the same.
#[utoipa::path(post, path = "/api/payouts/{id}/retry", operation_id = "retryPayout", tag = "payouts", security(("bearer" = ["payouts:request"])),
    params(("id" = String, Path, description = "`payout_…`")),
    responses((status = 201, body = PayoutView, headers(("Location" = String, description = "Where the new payout is shown"))),
              (status = 404, description = "No such payout"),
              (status = 409, description = "It did not fail, or something stands against it", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn retry(
    caller: Allowed<RequestPayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let payout = payouts::retry(&mut tx, &caller.ctx, id).await?;
    let answer = created(payout)?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Note what was found out about a payout
///
/// On a statement or on the telephone, where its provider does not tell: it was completed, it failed, it came back, or it
/// was called back. Whoever asked for it or entered where it goes does not decide about it (403).
#[utoipa::path(post, path = "/api/payouts/{id}/resolve", operation_id = "resolvePayout", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`payout_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ResolutionBody,
    responses((status = 200, body = PayoutView), (status = 404, description = "No such payout"),
              (status = 409, description = "It cannot have ended like this"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn resolve(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<PayoutId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ResolutionBody>,
) -> Result<Response> {
    let finding = body.finding()?;
    let mut tx = app.db.begin().await?;
    let reason = &body.reason;
    let payout = payouts::resolve(&mut tx, &caller.ctx, id, version, finding, reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(payout))
}
