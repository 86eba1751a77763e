//! Campaigns: write, launch, steer, and see what became of every recipient.

mod body;
mod list;
mod view;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use shared::campaigns::{self, Campaign, CampaignId, Decision, DeliveryId, DeliveryStatus};
use shared::idempotency::{self, Answer};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, IdempotencyKey, Json, JsonBytes, PathId, PathIds, Query, ReadCampaigns,
    ReadDeliveries, RunCampaigns, WriteCampaigns, answered, parse_json,
};
use crate::fields::Fields;
use body::CampaignBody;
use view::{CampaignView, DecidedView, DeliveryPage, MetricsView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list, create))
        .routes(routes!(show))
        .routes(routes!(launch))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(metrics))
        .routes(routes!(deliveries))
        .routes(routes!(decide))
}

/// Write a campaign
///
/// It is a draft until it is launched. For somebody who is limited to clusters, all clusters are theirs. A part of the specification that is not built yet is refused by its field.
#[utoipa::path(post, path = "/api/campaigns", operation_id = "createCampaign", tag = "campaigns", security(("bearer" = ["campaigns:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = CampaignBody,
    responses(
        (status = 201, body = CampaignView, headers(("Location" = String, description = "Where the campaign is shown"))),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn create(
    caller: Allowed<WriteCampaigns>,
    State(app): State<App>,
    key: IdempotencyKey,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = parse_json::<CampaignBody>(&bytes, "")?.campaign(caller.ctx.now())?;
    let request = key.request("POST /api/campaigns", &bytes);
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let campaign = campaigns::create(&mut tx, &caller.ctx, &new).await?;
    let preview = campaigns::preview(&mut tx, &campaign.audience).await?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/campaigns/{}", campaign.id)),
        body: serde_json::json!(CampaignView::draft(campaign, preview)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Show a campaign
#[utoipa::path(get, path = "/api/campaigns/{id}", operation_id = "showCampaign", tag = "campaigns", security(("bearer" = ["campaigns:read"])),
    params(("id" = String, Path, description = "`campaign_…`")),
    responses((status = 200, body = CampaignView), (status = 404, description = "No such campaign")))]
async fn show(
    caller: Allowed<ReadCampaigns>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignView>> {
    let mut tx = app.db.begin().await?;
    let campaign = campaigns::within_reach(&mut tx, &caller.ctx, id).await?;
    Ok(Json(CampaignView::from(campaign)))
}

/// Launch a draft: freeze it and send it
///
/// It begins at once if its time has come and fewer campaigns than `MAX_CONCURRENT_CAMPAIGNS` are active; else it is
/// `scheduled` until then. A second launch is refused, unless it repeats the first under the same Idempotency-Key.
#[utoipa::path(post, path = "/api/campaigns/{id}/launch", operation_id = "launchCampaign", tag = "campaigns", security(("bearer" = ["campaigns:run"])),
    params(("id" = String, Path, description = "`campaign_…`"),
           ("Idempotency-Key" = Option<String>, Header, description = "The same key for the same campaign has its effect once")),
    responses((status = 202, body = CampaignView), (status = 404, description = "No such campaign"),
              (status = 409, description = "It was launched before")))]
async fn launch(
    caller: Allowed<RunCampaigns>,
    State(app): State<App>,
    key: IdempotencyKey,
    PathId(id): PathId<CampaignId>,
) -> Result<Response> {
    let request = key.request("POST /api/campaigns/{id}/launch", id.to_string().as_bytes());
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let campaign = campaigns::launch(&mut tx, &caller.ctx, &app.config.campaigns, id).await?;
    let answer = Answer {
        status: StatusCode::ACCEPTED.as_u16(),
        location: Some(format!("/api/campaigns/{id}/metrics")),
        body: serde_json::json!(CampaignView::from(campaign)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Pause a campaign
///
/// Mails on their way arrive; no other is begun. Pausing twice is pausing once.
#[utoipa::path(post, path = "/api/campaigns/{id}/pause", operation_id = "pauseCampaign", tag = "campaigns", security(("bearer" = ["campaigns:run"])),
    params(("id" = String, Path, description = "`campaign_…`")),
    responses((status = 200, body = CampaignView), (status = 409, description = "It is not under way")))]
async fn pause(
    caller: Allowed<RunCampaigns>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignView>> {
    let mut tx = app.db.begin().await?;
    let campaign = campaigns::pause(&mut tx, &caller.ctx, &app.config.campaigns, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(campaign)
}

/// Resume a paused campaign
///
/// It goes on where it was, or waits as `scheduled` while too many others are active. Nobody gets a second mail.
#[utoipa::path(post, path = "/api/campaigns/{id}/resume", operation_id = "resumeCampaign", tag = "campaigns", security(("bearer" = ["campaigns:run"])),
    params(("id" = String, Path, description = "`campaign_…`")),
    responses((status = 200, body = CampaignView), (status = 409, description = "It is not under way")))]
async fn resume(
    caller: Allowed<RunCampaigns>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignView>> {
    let mut tx = app.db.begin().await?;
    let campaign = campaigns::resume(&mut tx, &caller.ctx, &app.config.campaigns, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(campaign)
}

/// Cancel a campaign
///
/// Mails on their way arrive; every other recipient is skipped as `cancelled`. This cannot be undone.
#[utoipa::path(post, path = "/api/campaigns/{id}/cancel", operation_id = "cancelCampaign", tag = "campaigns", security(("bearer" = ["campaigns:run"])),
    params(("id" = String, Path, description = "`campaign_…`")),
    responses((status = 200, body = CampaignView), (status = 409, description = "It is completed")))]
async fn cancel(
    caller: Allowed<RunCampaigns>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<CampaignView>> {
    let mut tx = app.db.begin().await?;
    let campaign = campaigns::cancel(&mut tx, &caller.ctx, &app.config.campaigns, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(campaign)
}

fn shown(campaign: Campaign) -> Result<Json<CampaignView>> {
    Ok(Json(CampaignView::from(campaign)))
}

/// Count what became of the recipients
#[utoipa::path(get, path = "/api/campaigns/{id}/metrics", operation_id = "showCampaignMetrics", tag = "campaigns", security(("bearer" = ["campaigns:read"])),
    params(("id" = String, Path, description = "`campaign_…`")),
    responses((status = 200, body = MetricsView), (status = 404, description = "No such campaign")))]
async fn metrics(
    caller: Allowed<ReadCampaigns>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
) -> Result<Json<MetricsView>> {
    let mut tx = app.db.begin().await?;
    let metrics = campaigns::metrics(&mut tx, &caller.ctx, id).await?;
    Ok(Json(MetricsView::of(id, metrics)))
}

/// Which rows are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DeliveryParams {
    /// `pending`, `sending`, `sent`, `failed`, `skipped` or `unknown`.
    status: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// List the recipients' rows, such as those that are `unknown`
#[utoipa::path(get, path = "/api/campaigns/{id}/deliveries", operation_id = "listDeliveries", tag = "campaigns", security(("bearer" = ["campaigns:deliveries"])),
    params(("id" = String, Path, description = "`campaign_…`"), DeliveryParams),
    responses((status = 200, body = DeliveryPage), (status = 404, description = "No such campaign")))]
async fn deliveries(
    caller: Allowed<ReadDeliveries>,
    State(app): State<App>,
    PathId(id): PathId<CampaignId>,
    Query(params): Query<DeliveryParams>,
) -> Result<Json<DeliveryPage>> {
    let mut fields = Fields::default();
    let status: Option<DeliveryStatus> = fields.parsed_if("status", params.status.as_deref());
    fields.finish()?;
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    let page = campaigns::deliveries(&mut tx, &caller.ctx, id, status, &page).await?;
    Ok(Json(DeliveryPage::of(page, &app.config.email.from)))
}

/// What somebody makes of a row that is unknown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DecisionBody {
    /// `mark_sent`, `mark_failed`, or `send_again` at the risk that it arrives twice.
    decision: String,
    /// Why; kept on the row with who and when.
    note: String,
}

/// Decide about a mail that may have arrived
///
/// Only a row that is `unknown` can be decided about. `send_again` brings a completed campaign under way again.
#[utoipa::path(post, path = "/api/campaigns/{id}/deliveries/{deliveryId}/resolve", operation_id = "resolveDelivery", tag = "campaigns",
    security(("bearer" = ["campaigns:run"])),
    params(("id" = String, Path, description = "`campaign_…`"), ("deliveryId" = String, Path, description = "`delivery_…`")),
    request_body = DecisionBody,
    responses((status = 200, body = DecidedView), (status = 404, description = "No such delivery"),
              (status = 409, description = "It is not unknown")))]
async fn decide(
    caller: Allowed<RunCampaigns>,
    State(app): State<App>,
    PathIds(id, delivery): PathIds<CampaignId, DeliveryId>,
    Json(body): Json<DecisionBody>,
) -> Result<Json<DecidedView>> {
    let mut fields = Fields::default();
    let decision: Option<Decision> = fields.parsed("/decision", &body.decision);
    fields.finish()?;
    let decision = decision.ok_or_else(crate::error::Problem::internal)?;
    let (mut tx, limits) = (app.db.begin().await?, &app.config.campaigns);
    let decided = campaigns::decide(
        &mut tx,
        &caller.ctx,
        limits,
        (id, delivery),
        decision,
        &body.note,
    )
    .await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(DecidedView::of(decided, &app.config.email.from)))
}
