//! Verification: what is proven of creators, and whether they may be paid.

mod body;
mod view;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shared::access::Permission;
use shared::compliance;
use shared::creators::CreatorId;
use shared::verification::{self, Verification, VerificationKind};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, DecideVerifications, IfMatch, Json, OwnOr, PathId, PathIds, ReadVerifications,
    SubmitVerifications, etag,
};
use body::{DecisionBody, SubmissionBody};
use view::{PayabilityView, VerificationView, VerificationsView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(submit))
        .routes(routes!(decide))
        .routes(routes!(payability))
}

/// Show what is verified of a creator
///
/// Every kind, as it stands today: what was never submitted is `unverified`, what is over is `expired`. Identity, address,
/// age and tax are the person's and the same for all their creators. Creators see their own, without what staff noted.
#[utoipa::path(get, path = "/api/creators/{id}/verifications", operation_id = "listVerifications", tag = "verification", security(("bearer" = ["verifications:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = VerificationsView), (status = 404, description = "No such creator")))]
async fn list(
    caller: OwnOr<ReadVerifications>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<VerificationsView>> {
    let mut tx = app.db.begin().await?;
    let all = verification::verifications(&mut tx, &caller.ctx, id).await?;
    let in_full = Permission::ReadVerifications.granted_to(&caller.ctx.actor);
    Ok(Json(VerificationsView::of(all, in_full)))
}

/// Hand in what shall prove something
///
/// On behalf of the creator. Until somebody takes it into review, a later one takes its place. The age is proven by
/// `POST /api/people/{id}/age-decisions`.
#[utoipa::path(post, path = "/api/creators/{id}/verifications/{kind}/submit", operation_id = "submitVerification", tag = "verification", security(("bearer" = ["verifications:submit"])),
    params(("id" = String, Path, description = "`creator_…`"),
           ("kind" = String, Path, description = "`identity`, `address`, `bank_account`, `email`, `phone`, `tax` or `business_entity`")),
    request_body = SubmissionBody,
    responses((status = 200, body = VerificationView), (status = 404, description = "No such creator or kind"),
              (status = 409, description = "In review, verified, or rejected for good; or the age"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn submit(
    caller: Allowed<SubmitVerifications>,
    State(app): State<App>,
    PathIds(id, kind): PathIds<CreatorId, VerificationKind>,
    Json(body): Json<SubmissionBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let done = verification::submit(&mut tx, &caller.ctx, id, kind, &body.evidence).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(done))
}

/// Decide about a verification
///
/// What was handed in is taken into review, and then verified or rejected; what is verified may be revoked. Send the
/// `version` you read in `If-Match`, so that you decide about what you saw; with it, `verify` renews what is verified
/// already. The same decision again changes nothing. Each is kept in the history and in the audit trail.
#[utoipa::path(post, path = "/api/creators/{id}/verifications/{kind}/decisions", operation_id = "decideVerification", tag = "verification", security(("bearer" = ["verifications:decide"])),
    params(("id" = String, Path, description = "`creator_…`"),
           ("kind" = String, Path, description = "`identity`, `address`, `bank_account`, `email`, `phone`, `tax` or `business_entity`"),
           ("If-Match" = Option<String>, Header, description = "Only this version is decided about")),
    request_body = DecisionBody,
    responses((status = 200, body = VerificationView), (status = 404, description = "No such creator or kind"),
              (status = 409, description = "The state does not allow it, or what would be proven is not on file"),
              (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn decide(
    caller: Allowed<DecideVerifications>,
    State(app): State<App>,
    PathIds(id, kind): PathIds<CreatorId, VerificationKind>,
    IfMatch(version): IfMatch,
    Json(body): Json<DecisionBody>,
) -> Result<Response> {
    let verdict = body.verdict()?;
    let mut tx = app.db.begin().await?;
    let done = verification::decide(&mut tx, &caller.ctx, id, kind, version, verdict).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(done))
}

/// Whether a creator may be paid
///
/// Everything that keeps them from it now. The rules that there are: the creator is active, nothing stands against paying
/// them, and the age and identity of their person are verified. No sanctions list is asked and no record after
/// 18 U.S.C. 2257 is looked for: nothing of that counts as passed.
#[utoipa::path(get, path = "/api/creators/{id}/payability", operation_id = "showPayability", tag = "verification", security(("bearer" = ["verifications:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = PayabilityView), (status = 404, description = "No such creator")))]
async fn payability(
    caller: OwnOr<ReadVerifications>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<PayabilityView>> {
    let mut tx = app.db.begin().await?;
    let reasons = compliance::payability(&mut tx, &caller.ctx, id).await?;
    let in_full = Permission::ReadVerifications.granted_to(&caller.ctx.actor);
    Ok(Json(PayabilityView::of(&reasons, in_full)))
}

/// One verification, as staff sees it, with its version as entity tag.
fn answer(done: Verification) -> Response {
    let tag = etag(done.version);
    let view = Json(VerificationView::of(done, true));
    ([(header::ETAG, tag)], view).into_response()
}
