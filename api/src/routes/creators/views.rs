//! Kept filters over creators.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{self, NewView, Sort, View, ViewId};
use shared::custom_fields::{self, Asked};
use utoipa::ToSchema;

use super::filter::{CONDITIONS, FilterBody};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, IfMatch, Json, PathId, ReadCreators, etag};
use crate::fields::Fields;

/// A filter to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCreatorView)]
pub(super) struct ViewBody {
    #[schema(example = "My stars")]
    name: String,
    /// Whether everybody sees it; only you change it.
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    filter: FilterBody,
    /// As in `GET /api/creators`.
    #[schema(example = "-created")]
    sort: Option<String>,
}

impl ViewBody {
    fn checked(self) -> Result<(NewView, Vec<Asked>)> {
        let mut fields = Fields::default();
        let sort = fields.parsed_if::<Sort>("/sort", self.sort.as_deref());
        let (filter, asked) = self.filter.checked(&mut fields);
        fields.finish()?;
        let new = NewView {
            name: self.name,
            shared: self.shared,
            filter,
            sort: sort.unwrap_or_default(),
        };
        Ok((new, asked))
    }
}

/// Kept filters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CreatorViews {
    /// Your own, then those that others share; up to 1,000.
    items: Vec<ViewView>,
}

/// A kept filter.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorView)]
pub(super) struct ViewView {
    #[schema(value_type = String)]
    id: ViewId,
    /// Who keeps it.
    owner: String,
    name: String,
    shared: bool,
    filter: FilterBody,
    sort: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<View> for ViewView {
    fn from(view: View) -> Self {
        Self {
            id: view.id,
            owner: view.owner,
            name: view.name,
            shared: view.shared,
            filter: view.filter.into(),
            sort: view.sort.to_string(),
            version: view.version,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// List your kept filters, and those that others share
#[utoipa::path(get, path = "/api/creator-views", operation_id = "listCreatorViews", tag = "creators", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = CreatorViews)))]
pub(super) async fn list(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
) -> Result<Json<CreatorViews>> {
    let mut tx = app.db.begin().await?;
    let views = creators::views(&mut tx, &caller.ctx).await?;
    Ok(Json(CreatorViews {
        items: views.into_iter().map(ViewView::from).collect(),
    }))
}

/// Keep a filter
#[utoipa::path(post, path = "/api/creator-views", operation_id = "keepCreatorView", tag = "creators", security(("bearer" = ["creators:read"])),
    request_body = ViewBody,
    responses((status = 201, body = ViewView, headers(("Location" = String, description = "Where it is changed"))), (status = 409, description = "You keep one of this name")))]
pub(super) async fn keep(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    Json(body): Json<ViewBody>,
) -> Result<Response> {
    let (mut new, asked) = body.checked()?;
    let mut tx = app.db.begin().await?;
    new.filter.fields = custom_fields::conditions(&mut tx, CONDITIONS, asked).await?;
    let view = creators::keep_view(&mut tx, &caller.ctx, &new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let place = format!("/api/creator-views/{}", view.id);
    let headers = [
        (header::LOCATION, place),
        (header::ETAG, etag(view.version)),
    ];
    Ok((StatusCode::CREATED, headers, Json(ViewView::from(view))).into_response())
}

/// Change one of your kept filters
#[utoipa::path(put, path = "/api/creator-views/{id}", operation_id = "changeCreatorView", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`view_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ViewBody,
    responses((status = 200, body = ViewView), (status = 412, description = "It was changed meanwhile"), (status = 404, description = "You keep none of this id"), (status = 409, description = "You keep another one of this name")))]
pub(super) async fn change(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<ViewId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ViewBody>,
) -> Result<Response> {
    let (mut new, asked) = body.checked()?;
    let mut tx = app.db.begin().await?;
    new.filter.fields = custom_fields::conditions(&mut tx, CONDITIONS, asked).await?;
    let view = creators::change_view(&mut tx, &caller.ctx, id, version, &new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let headers = [(header::ETAG, etag(view.version))];
    Ok((headers, Json(ViewView::from(view))).into_response())
}

/// Remove one of your kept filters
#[utoipa::path(delete, path = "/api/creator-views/{id}", operation_id = "removeCreatorView", tag = "creators", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`view_…`")),
    responses((status = 204, description = "It is gone"), (status = 404, description = "You keep none of this id")))]
pub(super) async fn remove(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<ViewId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    creators::remove_view(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}
