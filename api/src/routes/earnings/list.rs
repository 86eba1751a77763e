//! Earnings one by one.

use axum::extract::State;
use serde::Serialize;
use shared::creators::CreatorId;
use shared::earnings;
use utoipa::ToSchema;

use super::view::EarningView;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Json, OwnOr, PageParams, PathId, Query, ReadEarnings};

/// A page of earnings.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EarningsPage {
    items: Vec<EarningView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List a creator's earnings, the latest first
#[utoipa::path(get, path = "/api/creators/{id}/earnings/entries", operation_id = "listEarnings", tag = "earnings", security(("bearer" = ["earnings:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), PageParams),
    responses((status = 200, body = EarningsPage), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadEarnings>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<PageParams>,
) -> Result<Json<EarningsPage>> {
    let page = params.page();
    let mut tx = app.db.begin().await?;
    let page = earnings::earnings(&mut tx, &caller.ctx, id, &page).await?;
    Ok(Json(EarningsPage {
        items: page.items.into_iter().map(EarningView::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}
