//! Tiers: the rules, how one creator's tier comes about, and setting it by hand.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{CreatorId, Tier};
use shared::queue::JobId;
use shared::tiers::{self, TierPolicy, TierRun, TierRunId, TierStatus};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, MaybeJson, PathId, ReadCreators, WriteTiers, etag};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(policy))
        .routes(routes!(runs, recalculate))
        .routes(routes!(show))
        .routes(routes!(set_override, clear_override))
}

/// The rules of tiers in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TierPolicy)]
struct PolicyView {
    effective_from: NaiveDate,
    /// The reporting currency, ISO 4217; all amounts are in its minor units.
    #[schema(example = "USD")]
    currency: String,
    /// How many days back the figure goes.
    window_days: i32,
    /// Younger than this and below `rising`: newcomer.
    newcomer_days: i32,
    /// One of so many active creators is a legend …
    legend_one_in: i32,
    /// … if there are at least so many.
    legend_min_active: i32,
    /// Months below a tier until it is lost.
    demote_after_months: i32,
    /// Where the rules come from.
    source: String,
    /// The lowest first; each ends where the next begins.
    bands: Vec<BandView>,
}

/// From which earnings a tier begins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TierBand)]
struct BandView {
    tier: &'static str,
    from_minor: i64,
}

impl From<TierPolicy> for PolicyView {
    fn from(policy: TierPolicy) -> Self {
        let bands = policy.bands.iter().map(|band| BandView {
            tier: band.tier.as_str(),
            from_minor: band.from_minor,
        });
        Self {
            effective_from: policy.effective_from,
            bands: bands.collect(),
            currency: policy.currency,
            window_days: policy.window_days,
            newcomer_days: policy.newcomer_days,
            legend_one_in: policy.legend_one_in,
            legend_min_active: policy.legend_min_active,
            demote_after_months: policy.demote_after_months,
            source: policy.source,
        }
    }
}

/// Show the rules of tiers
#[utoipa::path(get, path = "/api/tiers", operation_id = "showTierPolicy", tag = "tiers", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = PolicyView)))]
async fn policy(caller: Allowed<ReadCreators>, State(app): State<App>) -> Result<Json<PolicyView>> {
    let mut tx = app.db.begin().await?;
    let policy = tiers::policy(&mut tx, caller.ctx.now().date_naive()).await?;
    Ok(Json(policy.into()))
}

/// Evaluations of all creators.
#[derive(Debug, Serialize, ToSchema)]
struct TierRuns {
    /// The newest first, up to 50.
    items: Vec<RunView>,
}

/// One evaluation of all creators.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TierRun)]
struct RunView {
    #[schema(value_type = String)]
    id: TierRunId,
    /// The last day that counts.
    day: NaiveDate,
    started_at: DateTime<Utc>,
    /// When every change was decided.
    planned_at: Option<DateTime<Utc>>,
    /// When the last one was applied.
    finished_at: Option<DateTime<Utc>>,
    /// Creators that were looked at.
    evaluated: i64,
    promoted: i64,
    demoted: i64,
    created_by: String,
}

impl From<TierRun> for RunView {
    fn from(run: TierRun) -> Self {
        Self {
            id: run.id,
            day: run.day,
            started_at: run.started_at,
            planned_at: run.planned_at,
            finished_at: run.finished_at,
            evaluated: run.evaluated,
            promoted: run.promoted,
            demoted: run.demoted,
            created_by: run.created_by,
        }
    }
}

/// List the evaluations of all creators
#[utoipa::path(get, path = "/api/tiers/runs", operation_id = "listTierRuns", tag = "tiers", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = TierRuns)))]
async fn runs(_: Allowed<ReadCreators>, State(app): State<App>) -> Result<Json<TierRuns>> {
    let mut tx = app.db.begin().await?;
    let runs = tiers::runs(&mut tx).await?;
    Ok(Json(TierRuns {
        items: runs.into_iter().map(RunView::from).collect(),
    }))
}

/// The job that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TierJob {
    #[schema(value_type = String)]
    job_id: JobId,
}

/// There is nothing to say about an evaluation of all.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTierRun)]
struct RunBody {}

/// Evaluate the tiers of all creators now
///
/// A job does it; one that waits already will do.
#[utoipa::path(post, path = "/api/tiers/runs", operation_id = "startTierRun", tag = "tiers", security(("bearer" = ["tiers:write"])),
    request_body = Option<RunBody>, responses((status = 202, body = TierJob)))]
async fn recalculate(
    caller: Allowed<WriteTiers>,
    State(app): State<App>,
    MaybeJson(RunBody {}): MaybeJson<RunBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let job_id = tiers::recalculate(&mut tx, &caller.ctx).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(TierJob { job_id })).into_response())
}

/// How a creator's tier comes about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TierStatus)]
struct StatusView {
    tier: &'static str,
    since: DateTime<Utc>,
    /// The creator's share before payout over the window up to today, in minor units.
    figure_minor: i64,
    window_days: i32,
    currency: String,
    /// The next band; null for superstars and legends.
    next: Option<NextView>,
    /// The tier by the rules as of the last evaluation; differs while one is set by hand.
    organic: &'static str,
    /// Since when every evaluation found less than the tier asks for; null if it did not.
    below_since: Option<NaiveDate>,
    #[serde(rename = "override")]
    set_by_hand: Option<OverrideView>,
}

/// The next band and what is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NextTier)]
struct NextView {
    tier: &'static str,
    missing_minor: i64,
}

/// A tier set by hand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TierOverride)]
struct OverrideView {
    tier: &'static str,
    reason: String,
    until: DateTime<Utc>,
    set_by: String,
    set_at: DateTime<Utc>,
}

impl From<TierStatus> for StatusView {
    fn from(status: TierStatus) -> Self {
        let next = status.next_band();
        Self {
            tier: status.tier.as_str(),
            since: status.since,
            figure_minor: status.figure_minor,
            next: next.map(|(tier, missing_minor)| NextView {
                tier: tier.as_str(),
                missing_minor,
            }),
            organic: status.standing.organic.as_str(),
            below_since: status.standing.below.map(|below| below.since),
            set_by_hand: status.set_by_hand.map(|set| OverrideView {
                tier: set.tier.as_str(),
                reason: set.reason,
                until: set.ends_at,
                set_by: set.set_by,
                set_at: set.set_at,
            }),
            window_days: status.policy.window_days,
            currency: status.policy.currency,
        }
    }
}

/// Show how a creator's tier comes about
#[utoipa::path(get, path = "/api/creators/{id}/tier", operation_id = "showCreatorTier", tag = "tiers", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = StatusView, headers(("ETag" = String, description = "The version of what is set by hand, for `If-Match`")))))]
async fn show(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    Ok(shown(tiers::status(&mut tx, &caller.ctx, id).await?))
}

fn shown(status: TierStatus) -> Response {
    let tag = [(header::ETAG, etag(status.version()))];
    (tag, Json(StatusView::from(status))).into_response()
}

/// A tier to set by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OverrideBody {
    #[schema(example = "star")]
    tier: String,
    /// Why, in up to 500 characters.
    reason: String,
    /// In the future, at most 366 days away.
    until: DateTime<Utc>,
}

/// Set a creator's tier by hand until a day
#[utoipa::path(put, path = "/api/creators/{id}/tier-override", operation_id = "setTierOverride", tag = "tiers", security(("bearer" = ["tiers:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only if this is what is set by hand")),
    request_body = OverrideBody,
    responses((status = 200, body = StatusView), (status = 412, description = "It was changed meanwhile")))]
async fn set_override(
    caller: Allowed<WriteTiers>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<OverrideBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let tier: Option<Tier> = fields.parsed("/tier", &body.tier);
    fields.finish()?;
    let tier = tier.ok_or_else(Problem::internal)?;
    let (reason, until) = (&body.reason, body.until);
    let mut tx = app.db.begin().await?;
    tiers::set_override(&mut tx, &caller.ctx, id, version, tier, reason, until).await?;
    let status = tiers::status(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(shown(status))
}

/// Take back a tier that was set by hand
#[utoipa::path(delete, path = "/api/creators/{id}/tier-override", operation_id = "clearTierOverride", tag = "tiers", security(("bearer" = ["tiers:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only if this is what is set by hand")),
    responses((status = 200, body = StatusView), (status = 404, description = "No such creator, or none is set"),
              (status = 412, description = "It was changed meanwhile")))]
async fn clear_override(
    caller: Allowed<WriteTiers>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    tiers::clear_override(&mut tx, &caller.ctx, id, version).await?;
    let status = tiers::status(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(shown(status))
}
