//! Recording one earning.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use shared::creators::CreatorId;
use shared::earnings;
use shared::idempotency::{self, Answer};

use super::body::EarningBody;
use super::view::EarningView;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    Allowed, IdempotencyKey, JsonBytes, PathId, RecordEarnings, answered, parse_json,
};

/// Record an earning
///
/// The platform's fee, the reserve and the day on which the rest becomes available follow from the rules of the day on
/// which the fan paid. An earning whose `externalId` was reported before is answered with 200 and not counted again.
#[utoipa::path(post, path = "/api/creators/{id}/earnings", operation_id = "recordEarning", tag = "earnings", security(("bearer" = ["earnings:record"])),
    params(("id" = String, Path, description = "`creator_…`"),
           ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = EarningBody,
    responses((status = 201, body = EarningView), (status = 200, body = EarningView, description = "It was recorded before"),
              (status = 404, description = "No such creator"),
              (status = 409, description = "The external id stands for another earning"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn record(
    caller: Allowed<RecordEarnings>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = parse_json::<EarningBody>(&bytes, "")?.read(id, "")?;
    let request = key.request("POST /api/creators/{id}/earnings", &about(id, &bytes));
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let (earning, new) = earnings::record(&mut tx, &caller.ctx, new).await?;
    let answer = answer(new, &EarningView::from(earning))?;
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// A body and what the path names, which a key stands for together.
pub(super) fn about(id: impl std::fmt::Display, bytes: &[u8]) -> Vec<u8> {
    [id.to_string().as_bytes(), b"\n", bytes].concat()
}

/// 201 for what is new, 200 for what was there. Amounts keep their digits, so the text is not made from a value.
pub(super) fn answer(new: bool, view: &impl Serialize) -> Result<Answer> {
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let body = serde_json::to_string(view).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Problem::internal()
    })?;
    Ok(Answer {
        status: status.as_u16(),
        location: None,
        body,
    })
}
