//! How a creator came to its status and tier.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{self, CreatorId, StatusEntry, TierEntry};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, PathId, Query, ReadCreators};

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageParams {
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

impl From<PageParams> for PageRequest {
    fn from(params: PageParams) -> Self {
        Self {
            cursor: params.cursor.map(Cursor::from),
            limit: params.limit,
        }
    }
}

/// A page of a history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatorHistory {
    /// The newest first.
    items: Vec<ChangeView>,
    next_cursor: Option<String>,
}

/// One change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorChange)]
struct ChangeView {
    /// Null for the first one.
    from: Option<&'static str>,
    to: &'static str,
    reason: String,
    /// Who decided.
    actor: String,
    /// Since when it held.
    effective_from: DateTime<Utc>,
    /// When it was written down.
    recorded_at: DateTime<Utc>,
}

impl From<StatusEntry> for ChangeView {
    fn from(line: StatusEntry) -> Self {
        Self {
            from: line.from.map(|status| status.as_str()),
            to: line.to.as_str(),
            reason: line.reason,
            actor: line.actor,
            effective_from: line.effective_from,
            recorded_at: line.recorded_at,
        }
    }
}

impl From<TierEntry> for ChangeView {
    fn from(line: TierEntry) -> Self {
        Self {
            from: line.from.map(|tier| tier.as_str()),
            to: line.to.as_str(),
            reason: line.reason,
            actor: line.actor,
            effective_from: line.effective_from,
            recorded_at: line.recorded_at,
        }
    }
}

/// List every status a creator had
#[utoipa::path(get, path = "/api/creators/{id}/status-history", operation_id = "listCreatorStatuses", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams), responses((status = 200, body = CreatorHistory)))]
pub(super) async fn statuses(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<CreatorHistory>> {
    let mut tx = app.db.begin().await?;
    let page = creators::status_history(&mut tx, &caller.ctx, id, &params.into()).await?;
    Ok(Json(CreatorHistory {
        items: page.items.into_iter().map(ChangeView::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// List every tier a creator had
#[utoipa::path(get, path = "/api/creators/{id}/tier-history", operation_id = "listCreatorTiers", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams), responses((status = 200, body = CreatorHistory)))]
pub(super) async fn tiers(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<CreatorHistory>> {
    let mut tx = app.db.begin().await?;
    let page = creators::tier_history(&mut tx, &caller.ctx, id, &params.into()).await?;
    Ok(Json(CreatorHistory {
        items: page.items.into_iter().map(ChangeView::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}
