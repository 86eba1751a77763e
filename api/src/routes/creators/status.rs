//! Changing a creator's status, suspending and reactivating.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{self, Block, BlockId, CreatorId, CreatorStatus, StatusChange};
use utoipa::ToSchema;

use super::profile::answer;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, MaybeJson, PathId, ReadCreators, SteerCreators};
use crate::fields::Fields;

/// A status to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct StatusBody {
    /// `pending_verification`, `pending_review`, `active`, `inactive`, `suspended`, `banned` or `churned`.
    #[schema(example = "active")]
    status: String,
    /// Why, in up to 500 characters; it stays in the history.
    #[schema(example = "Verification completed")]
    reason: String,
    /// Since when it holds, if not since now; not in the future, and not before the present status began.
    effective_at: Option<DateTime<Utc>>,
}

impl StatusBody {
    fn checked(self) -> Result<StatusChange> {
        let mut fields = Fields::default();
        let status: Option<CreatorStatus> = fields.parsed("/status", &self.status);
        fields.finish()?;
        Ok(StatusChange {
            status: status.ok_or_else(Problem::internal)?,
            reason: self.reason,
            effective_from: self.effective_at,
        })
    }
}

/// Change a creator's status
///
/// Which status may follow which is fixed; a refusal names what may. Nobody becomes active before staff recorded that the
/// age is verified, or while something stands against it.
#[utoipa::path(put, path = "/api/creators/{id}/status", operation_id = "changeCreatorStatus", tag = "creators", security(("bearer" = ["creators:steer"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = StatusBody,
    responses((status = 200, body = super::view::CreatorView), (status = 409, description = "This status may not follow the present one, or facts stand against it"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn change(
    caller: Allowed<SteerCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<StatusBody>,
) -> Result<Response> {
    let change = body.checked()?;
    let mut tx = app.db.begin().await?;
    creators::change_status(&mut tx, &caller.ctx, id, version, &change).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// A suspension to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SuspendBody {
    /// Why, in up to 500 characters.
    #[schema(example = "Policy violation")]
    reason: String,
    /// In seconds; 0, or left out: until somebody lifts it.
    #[serde(default)]
    #[schema(example = 86400, minimum = 0, maximum = 315_360_000)]
    duration: u64,
}

/// Suspend a creator for some seconds, or until somebody lifts it
///
/// A longer suspension extends a standing one. When its time is over, the creator stands again where it stood before.
#[utoipa::path(post, path = "/api/creators/{id}/suspend", operation_id = "suspendCreator", tag = "creators", security(("bearer" = ["creators:steer"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = SuspendBody,
    responses((status = 200, body = super::view::CreatorView), (status = 409, description = "The status does not allow it, or a suspension that lasts as long stands"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn suspend(
    caller: Allowed<SteerCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<SuspendBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    creators::suspend(
        &mut tx,
        &caller.ctx,
        id,
        version,
        &body.reason,
        body.duration,
    )
    .await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// Why a creator may come back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ReactivateBody {
    /// Up to 500 characters.
    #[schema(example = "Issues resolved")]
    notes: String,
}

impl Default for ReactivateBody {
    fn default() -> Self {
        Self {
            notes: "reactivated".to_owned(),
        }
    }
}

/// Make a suspended or inactive creator active again
///
/// Standing suspensions are lifted by it; everything else that stands against it is named.
#[utoipa::path(post, path = "/api/creators/{id}/reactivate", operation_id = "reactivateCreator", tag = "creators", security(("bearer" = ["creators:steer"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = Option<ReactivateBody>,
    responses((status = 200, body = super::view::CreatorView), (status = 409, description = "It is neither suspended nor inactive, or something stands against it"), (status = 412, description = "It was changed meanwhile")))]
pub(super) async fn reactivate(
    caller: Allowed<SteerCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    MaybeJson(body): MaybeJson<ReactivateBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    creators::reactivate(&mut tx, &caller.ctx, id, version, &body.notes).await?;
    let profile = creators::profile(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answer(profile, &caller.ctx))
}

/// What stands against a creator.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Blocks {
    /// The oldest first.
    items: Vec<BlockView>,
}

/// A standing reason not to do something with a creator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Block)]
struct BlockView {
    #[schema(value_type = String)]
    id: BlockId,
    /// What set it.
    #[schema(example = "suspension")]
    source: String,
    reason: String,
    /// What it keeps them from: `mail`, `payout`, `reactivation`.
    blocks: Vec<&'static str>,
    starts_at: DateTime<Utc>,
    /// Null until somebody lifts it.
    ends_at: Option<DateTime<Utc>>,
}

impl From<Block> for BlockView {
    fn from(block: Block) -> Self {
        Self {
            id: block.id,
            source: block.source,
            reason: block.reason,
            blocks: block.blocks.iter().map(|thing| thing.as_str()).collect(),
            starts_at: block.starts_at,
            ends_at: block.ends_at,
        }
    }
}

/// List what stands against a creator
#[utoipa::path(get, path = "/api/creators/{id}/blocks", operation_id = "listCreatorBlocks", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")), responses((status = 200, body = Blocks)))]
pub(super) async fn blocks(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<Blocks>> {
    let mut tx = app.db.begin().await?;
    let found = creators::blocks(&mut tx, &caller.ctx, id).await?;
    Ok(Json(Blocks {
        items: found.into_iter().map(BlockView::from).collect(),
    }))
}
