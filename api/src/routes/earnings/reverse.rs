//! Taking earnings back.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::earnings::{self, EarningId, NewReversal};
use shared::idempotency;
use shared::kernel::money::json_text;
use utoipa::ToSchema;

use super::record::{about, answer};
use super::view::ReversalView;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{
    Allowed, IdempotencyKey, JsonBytes, PathIds, ReverseEarnings, answered, parse_json,
};
use crate::fields::Fields;

/// What is taken back of an earning.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewEarningReversal)]
struct ReversalBody {
    /// `refund` or `chargeback`.
    #[schema(example = "chargeback")]
    kind: String,
    /// Of what the fan paid; all that is left if it is left out.
    #[schema(value_type = Option<f64>, example = json!(null))]
    amount: Option<Box<RawValue>>,
    /// Why, in up to 500 characters.
    reason: Option<String>,
    /// What your platform calls it: in a cluster the same counts once.
    external_id: Option<String>,
    /// When, at most 62 days ago; now if it is left out.
    occurred_at: Option<DateTime<Utc>>,
}

/// Take an earning back, in part or whole
///
/// A refund or a chargeback. Everybody gives back their share: the platform its fee, the creator what is pending, reserved
/// or available; what was paid out already makes the available balance negative, and later earnings make up for it.
#[utoipa::path(post, path = "/api/creators/{id}/earnings/{earningId}/reversals", operation_id = "reverseEarning", tag = "earnings", security(("bearer" = ["earnings:reverse"])),
    params(("id" = String, Path, description = "`creator_…`"), ("earningId" = String, Path, description = "`earning_…`"),
           ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = ReversalBody,
    responses((status = 201, body = ReversalView), (status = 200, body = ReversalView, description = "It was taken back before"),
              (status = 404, description = "No such creator, or it has no such earning"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn reverse(
    caller: Allowed<ReverseEarnings>,
    State(app): State<App>,
    PathIds(id, earning): PathIds<CreatorId, EarningId>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = read(parse_json(&bytes, "")?)?;
    let scope = "POST /api/creators/{id}/earnings/{earningId}/reversals";
    let request = key.request(scope, &about(earning, &bytes));
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let (reversal, new) = earnings::reverse(&mut tx, &caller.ctx, id, earning, new).await?;
    let answer = answer(new, &ReversalView::from(reversal))?;
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

fn read(body: ReversalBody) -> Result<NewReversal> {
    let mut fields = Fields::default();
    let kind = fields.parsed("/kind", &body.kind);
    fields.finish()?;
    Ok(NewReversal {
        kind: kind.ok_or_else(Problem::internal)?,
        amount: body.amount.map(|amount| json_text(&amount)),
        reason: body.reason,
        external_id: body.external_id,
        occurred_at: body.occurred_at,
    })
}
