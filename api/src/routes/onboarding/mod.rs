//! Onboarding: where a creator stands, what they say is done, and what staff decides.

mod body;
mod figures;
mod flows;
mod view;

use axum::extract::State;
use shared::creators::{self, CreatorId};
use shared::onboarding;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, DecideOnboarding, Json, OwnOr, PageParams, PathId, Query, ReadOnboarding,
    WriteOnboarding,
};
use body::{CompleteBody, DecisionBody, ReopenBody, SkipBody};
use view::{HistoryPage, OnboardingView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show, begin))
        .routes(routes!(history))
        .routes(routes!(complete))
        .routes(routes!(skip))
        .routes(routes!(decide))
        .routes(routes!(reopen))
        .merge(figures::routes())
        .merge(flows::routes())
}

/// Show a creator's onboarding
///
/// Every step of the version of the flow that the creator began with, and what keeps each from being completed.
#[utoipa::path(get, path = "/api/creators/{id}/onboarding", operation_id = "showOnboarding", tag = "onboarding", security(("bearer" = ["onboarding:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = OnboardingView), (status = 404, description = "No such creator, or it has no onboarding")))]
async fn show(
    caller: OwnOr<ReadOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<OnboardingView>> {
    let mut tx = app.db.begin().await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}

/// Begin a creator's onboarding
///
/// Registering begins it already; this is for creators who came another way. Beginning twice is beginning once.
#[utoipa::path(post, path = "/api/creators/{id}/onboarding", operation_id = "beginOnboarding", tag = "onboarding", security(("bearer" = ["onboarding:write"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = OnboardingView), (status = 404, description = "No such creator, or its cluster has no flow")))]
async fn begin(
    caller: Allowed<WriteOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<OnboardingView>> {
    let mut tx = app.db.begin().await?;
    let creator = creators::within_reach(&mut tx, &caller.ctx, id).await?;
    onboarding::start(&mut tx, &caller.ctx, id, &creator.cluster).await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}

/// List what happened in a creator's onboarding, the latest first
#[utoipa::path(get, path = "/api/creators/{id}/onboarding/history", operation_id = "listOnboardingHistory", tag = "onboarding", security(("bearer" = ["onboarding:read"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams),
    responses((status = 200, body = HistoryPage), (status = 404, description = "No such creator")))]
async fn history(
    caller: Allowed<ReadOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<HistoryPage>> {
    let page = params.page();
    let mut tx = app.db.begin().await?;
    Ok(Json(HistoryPage::of(
        onboarding::history(&mut tx, &caller.ctx, id, &page).await?,
    )))
}

/// Complete a step
///
/// The data must fit the step's schema, every prerequisite must have ended, and what the step asks for must really be
/// there: nothing is done because a client says so. Repeating it with the same data changes nothing.
#[utoipa::path(post, path = "/api/creators/{id}/onboarding/complete", operation_id = "completeOnboardingStep", tag = "onboarding", security(("bearer" = ["onboarding:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = CompleteBody,
    responses(
        (status = 200, body = OnboardingView),
        (status = 404, description = "No such creator, or it has no onboarding"),
        (status = 409, description = "Out of order, ended with other data, not proven, or for staff to decide", content_type = "application/problem+json", body = crate::openapi::ProblemDocument),
        (status = 422, description = "An unknown step, or data that do not fit it", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn complete(
    caller: OwnOr<WriteOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<CompleteBody>,
) -> Result<Json<OnboardingView>> {
    let command = body.command()?;
    let mut tx = app.db.begin().await?;
    onboarding::complete(&mut tx, &caller.ctx, id, command).await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}

/// Skip a step that is not required
#[utoipa::path(post, path = "/api/creators/{id}/onboarding/skip", operation_id = "skipOnboardingStep", tag = "onboarding", security(("bearer" = ["onboarding:write"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = SkipBody,
    responses((status = 200, body = OnboardingView), (status = 404, description = "No such creator, or it has no onboarding"),
              (status = 409, description = "Required, out of order, or completed")))]
async fn skip(
    caller: OwnOr<WriteOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<SkipBody>,
) -> Result<Json<OnboardingView>> {
    let step = body::step(&body.step_id)?;
    let mut tx = app.db.begin().await?;
    onboarding::skip(&mut tx, &caller.ctx, id, step, body.reason).await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}

/// Decide a step as staff
///
/// The only way to complete a step whose proof is `staff`. A rejection keeps the step pending and its reason in the
/// history.
#[utoipa::path(post, path = "/api/creators/{id}/onboarding/decisions", operation_id = "decideOnboardingStep", tag = "onboarding", security(("bearer" = ["onboarding:decide"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = DecisionBody,
    responses((status = 200, body = OnboardingView), (status = 404, description = "No such creator, or it has no onboarding"),
              (status = 409, description = "Out of order or ended"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn decide(
    caller: Allowed<DecideOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<OnboardingView>> {
    let decision = body.command()?;
    let mut tx = app.db.begin().await?;
    onboarding::decide(&mut tx, &caller.ctx, id, decision).await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}

/// Have a step done again
///
/// Steps that waited for it and are done stay done. A completed run goes on when a required step is reopened.
#[utoipa::path(post, path = "/api/creators/{id}/onboarding/reopen", operation_id = "reopenOnboardingStep", tag = "onboarding", security(("bearer" = ["onboarding:decide"])),
    params(("id" = String, Path, description = "`creator_…`")),
    request_body = ReopenBody,
    responses((status = 200, body = OnboardingView), (status = 404, description = "No such creator, or it has no onboarding"),
              (status = 409, description = "The step has not ended")))]
async fn reopen(
    caller: Allowed<DecideOnboarding>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<ReopenBody>,
) -> Result<Json<OnboardingView>> {
    let step = body::step(&body.step_id)?;
    let mut tx = app.db.begin().await?;
    onboarding::reopen(&mut tx, &caller.ctx, id, step, body.reason).await?;
    let (run, blockers) = onboarding::get(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(OnboardingView::of(run, blockers, caller.ctx.now())))
}
