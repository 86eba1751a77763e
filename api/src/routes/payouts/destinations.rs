//! Where creators are paid.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::creators::CreatorId;
use shared::payouts::{self, DestinationId, Payee, PayoutAccount, Revealed};
use utoipa::ToSchema;

use super::body::{DecisionBody, DestinationBody, ReasonBody};
use super::view::{DestinationView, DestinationsView, NoticeView};
use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, DecideDestinations, Json, OwnOr, PathId, PathIds, ReadPayouts, RevealBank,
    WriteDestinations,
};

/// List where a creator is paid
#[utoipa::path(get, path = "/api/creators/{id}/payout-destinations", operation_id = "listPayoutDestinations", tag = "payouts", security(("bearer" = ["payouts:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = DestinationsView), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<DestinationsView>> {
    let mut tx = app.db.begin().await?;
    let all = payouts::destinations(&mut tx, &caller.ctx, id).await?;
    let notices = payouts::destination_notices(&mut tx, &caller.ctx, id).await?;
    Ok(Json(DestinationsView {
        destinations: all.into_iter().map(DestinationView::from).collect(),
        notices: notices.into_iter().map(NoticeView::from).collect(),
    }))
}

/// Enter where a creator wants to be paid
///
/// It is kept encrypted and shown in part. It is paid to once staff has verified it and some days have passed. The same
/// account again is answered with 200 and what is there.
#[utoipa::path(post, path = "/api/creators/{id}/payout-destinations", operation_id = "addPayoutDestination", tag = "payouts", security(("bearer" = ["destinations:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = DestinationBody,
    responses((status = 201, body = DestinationView), (status = 200, body = DestinationView, description = "It is there already"),
              (status = 404, description = "No such creator"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn add(
    caller: OwnOr<WriteDestinations>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<DestinationBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let (one, new) =
        payouts::add_destination(&mut tx, &caller.ctx, &app.carriers, id, body.into()).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(DestinationView::from(one))).into_response())
}

/// Decide whether a creator is paid there
///
/// Whoever entered it does not decide about it (403).
#[utoipa::path(post, path = "/api/creators/{id}/payout-destinations/{destinationId}/decisions", operation_id = "decidePayoutDestination", tag = "payouts", security(("bearer" = ["destinations:decide"])),
    params(("id" = String, Path, description = "`creator_…`"), ("destinationId" = String, Path, description = "`destination_…`")),
    request_body = DecisionBody,
    responses((status = 200, body = DestinationView), (status = 404, description = "No such creator, or it has no such destination"),
              (status = 409, description = "It was decided about already"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn decide(
    caller: Allowed<DecideDestinations>,
    State(app): State<App>,
    PathIds(id, destination): PathIds<CreatorId, DestinationId>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<DestinationView>> {
    let verdict = body.verdict()?;
    let mut tx = app.db.begin().await?;
    let (ctx, reason) = (&caller.ctx, body.reason.as_deref());
    let one = payouts::decide_destination(&mut tx, ctx, id, destination, verdict, reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(one.into()))
}

/// Take away where a creator is paid
///
/// Nothing new is paid to it; what a provider has goes there still.
#[utoipa::path(delete, path = "/api/creators/{id}/payout-destinations/{destinationId}", operation_id = "retirePayoutDestination", tag = "payouts", security(("bearer" = ["destinations:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("destinationId" = String, Path, description = "`destination_…`")),
    responses((status = 204), (status = 404, description = "No such creator, or it has no such destination")))]
pub(super) async fn retire(
    caller: OwnOr<WriteDestinations>,
    State(app): State<App>,
    PathIds(id, destination): PathIds<CreatorId, DestinationId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    payouts::retire_destination(&mut tx, &caller.ctx, id, destination).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A destination as it was entered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevealedPayoutDestination)]
pub(super) struct RevealedView {
    holder: String,
    /// As it was entered, in its normal form.
    #[schema(value_type = Object)]
    account: PayoutAccount,
    /// The data that banks say are right, the latest first; nothing is changed by them.
    corrections: Vec<CorrectionView>,
}

/// What a bank says is right.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutDestinationCorrection)]
struct CorrectionView {
    /// Such as `C01`: the account number.
    #[schema(example = "C01")]
    code: String,
    /// As the bank writes it.
    data: String,
}

impl From<Revealed> for RevealedView {
    fn from(revealed: Revealed) -> Self {
        let Payee { holder, account } = revealed.payee;
        let corrections = revealed.corrections.into_iter();
        Self {
            holder,
            account,
            corrections: corrections
                .map(|(code, data)| CorrectionView { code, data })
                .collect(),
        }
    }
}

/// See a destination whole
///
/// That it was seen is recorded, with the reason.
#[utoipa::path(post, path = "/api/creators/{id}/payout-destinations/{destinationId}/reveal", operation_id = "revealPayoutDestination", tag = "payouts", security(("bearer" = ["creators:reveal-bank"])),
    params(("id" = String, Path, description = "`creator_…`"), ("destinationId" = String, Path, description = "`destination_…`")),
    request_body = ReasonBody,
    responses((status = 200, body = RevealedView), (status = 404, description = "No such creator, or it has no such destination"),
              (status = 422, description = "The reason is missing", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn reveal(
    caller: Allowed<RevealBank>,
    State(app): State<App>,
    PathIds(id, destination): PathIds<CreatorId, DestinationId>,
    Json(body): Json<ReasonBody>,
) -> Result<Json<RevealedView>> {
    let mut tx = app.db.begin().await?;
    let (ctx, carriers, reason) = (&caller.ctx, &app.carriers, body.reason.as_str());
    let revealed =
        payouts::reveal_destination(&mut tx, ctx, carriers, id, destination, reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(revealed.into()))
}
