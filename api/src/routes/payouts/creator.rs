//! A creator's payouts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shared::creators::CreatorId;
use shared::idempotency::{self, Answer};
use shared::payouts::{self, Payout, PayoutFilter, PayoutId};

use super::body::{PayoutBody, ReasonBody};
use super::view::{DetailView, PayoutView, PayoutsPage};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    IdempotencyKey, IfMatch, Json, JsonBytes, OwnOr, PageParams, PathId, PathIds, Query,
    ReadPayouts, RequestPayouts, answered, etag, parse_json,
};

/// List a creator's payouts, the latest first
#[utoipa::path(get, path = "/api/creators/{id}/payouts", operation_id = "listCreatorPayouts", tag = "payouts", security(("bearer" = ["payouts:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams),
    responses((status = 200, body = PayoutsPage), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<PayoutsPage>> {
    let filter = PayoutFilter {
        creator: Some(id),
        ..PayoutFilter::default()
    };
    let mut tx = app.db.begin().await?;
    let page = payouts::list(&mut tx, &caller.ctx, &filter, &params.page()).await?;
    Ok(Json(page.into()))
}

/// Ask for a payout
///
/// The amount is held at once; fee and content are frozen. From an amount on people have to approve it; below, it goes
/// out. What stands against it is answered with 409 and all `reasons`, and nothing is held.
#[utoipa::path(post, path = "/api/creators/{id}/payouts", operation_id = "requestPayout", tag = "payouts", security(("bearer" = ["payouts:request"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"),
           ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = PayoutBody,
    responses((status = 201, body = PayoutView, headers(("Location" = String, description = "Where the payout is shown"))),
              (status = 404, description = "No such creator"),
              (status = 409, description = "Something stands against it, or there is not enough", content_type = "application/problem+json", body = crate::openapi::ProblemDocument),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn request(
    caller: OwnOr<RequestPayouts>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = parse_json::<PayoutBody>(&bytes, "")?.read(id)?;
    app.carriers.ensure(new.method, new.currency)?;
    let about = [id.to_string().as_bytes(), b"\n", &bytes].concat();
    let request = key.request("POST /api/creators/{id}/payouts", &about);
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let payout = payouts::request(&mut tx, &caller.ctx, &new).await?;
    let answer = created(payout)?;
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// 201 with a payout. Amounts keep their digits, so the text is not made from a value.
pub(super) fn created(payout: Payout) -> Result<Answer> {
    let view = PayoutView::from(payout);
    let body = serde_json::to_string(&view).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::internal()
    })?;
    Ok(Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/payouts/{}", view.id)),
        body,
    })
}

/// A payout with its version.
pub(super) fn tagged(payout: Payout) -> Response {
    let version = etag(payout.version);
    ([(header::ETAG, version)], Json(PayoutView::from(payout))).into_response()
}

/// Show a creator's payout with its steps
#[utoipa::path(get, path = "/api/creators/{id}/payouts/{payoutId}", operation_id = "showCreatorPayout", tag = "payouts", security(("bearer" = ["payouts:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("payoutId" = String, Path, description = "`payout_…`")),
    responses((status = 200, body = DetailView), (status = 404, description = "No such creator, or it has no such payout")))]
pub(super) async fn show(
    caller: OwnOr<ReadPayouts>,
    State(app): State<App>,
    PathIds(id, payout): PathIds<CreatorId, PayoutId>,
) -> Result<Json<DetailView>> {
    let mut tx = app.db.begin().await?;
    let detail = payouts::show(&mut tx, &caller.ctx, payout).await?;
    if detail.payout.creator != id {
        return Err(Problem::not_found());
    }
    Ok(Json(detail.into()))
}

/// Take a payout back that was not handed over yet
///
/// What it held is available again.
#[utoipa::path(post, path = "/api/creators/{id}/payouts/{payoutId}/cancel", operation_id = "cancelPayout", tag = "payouts", security(("bearer" = ["payouts:request"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("payoutId" = String, Path, description = "`payout_…`"),
           ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ReasonBody,
    responses((status = 200, body = PayoutView), (status = 404, description = "No such creator, or it has no such payout"),
              (status = 409, description = "A provider may have it already"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "The reason is missing", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn cancel(
    caller: OwnOr<RequestPayouts>,
    State(app): State<App>,
    PathIds(id, payout): PathIds<CreatorId, PayoutId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ReasonBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let done = payouts::cancel(&mut tx, &caller.ctx, payout, version, &body.reason).await?;
    if done.creator != id {
        return Err(Problem::not_found());
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(done))
}
