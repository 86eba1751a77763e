//! Exporting creators into CSV files.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::custom_fields::{self, Asked};
use shared::exports::{self, Column, Export, ExportId, NewExport};
use utoipa::ToSchema;

use super::filter::{CONDITIONS, FilterBody};
use crate::app::App;
use crate::download::download;
use crate::error::Result;
use crate::extract::{Allowed, ExportCreators, Json, PageParams, PathId, Query};
use crate::fields::Fields;

/// An export to begin.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCreatorExport)]
pub(super) struct ExportBody {
    /// Which creators; all that you reach if it says nothing.
    #[serde(default)]
    filter: FilterBody,
    /// Which columns, in their order; without, all that you may see, of which the personal ones only with a reason. Custom
    /// fields are `custom.` and their key.
    #[schema(example = json!(["id", "username", "custom.fee"]))]
    columns: Option<Vec<String>>,
    /// Why addresses, numbers, legal names or birth dates are to be in the file, in up to 500 characters; it is recorded.
    reason: Option<String>,
}

impl ExportBody {
    fn checked(self) -> Result<(NewExport, Vec<Asked>)> {
        let mut fields = Fields::default();
        let (filter, asked) = self.filter.checked(&mut fields);
        let columns = self
            .columns
            .map(|names| fields.parsed_all::<Column>("/columns", &names));
        fields.finish()?;
        let new = NewExport {
            filter,
            columns,
            reason: self.reason,
        };
        Ok((new, asked))
    }
}

/// An export and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorExport)]
pub(super) struct ExportView {
    #[schema(value_type = String)]
    id: ExportId,
    filter: FilterBody,
    columns: Vec<String>,
    /// `running`, `completed`, `cancelled` or `failed`.
    state: &'static str,
    /// Creators that matched when it was asked for.
    matched: i64,
    /// Creators that were written.
    rows: i64,
    /// 0 to 1; null if nobody matched.
    progress: Option<f64>,
    /// Why it could not go on.
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Export> for ExportView {
    fn from(export: Export) -> Self {
        let done = export.rows as f64 / export.matched as f64;
        Self {
            id: export.id,
            filter: export.filter.into(),
            columns: export.columns.iter().map(ToString::to_string).collect(),
            state: export.state.as_str(),
            matched: export.matched,
            rows: export.rows,
            progress: (export.matched > 0).then(|| done.min(1.0)),
            error: export.error,
            created_at: export.created_at,
            finished_at: export.finished_at,
        }
    }
}

/// A page of exports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatorExports {
    items: Vec<ExportView>,
    next_cursor: Option<String>,
}

/// List your exports of creators, the newest first
#[utoipa::path(get, path = "/api/creator-exports", operation_id = "listCreatorExports", tag = "creators", security(("bearer" = ["creators:export"])),
    params(PageParams), responses((status = 200, body = CreatorExports)))]
pub(super) async fn list(
    caller: Allowed<ExportCreators>,
    State(app): State<App>,
    Query(params): Query<PageParams>,
) -> Result<Json<CreatorExports>> {
    let mut tx = app.db.begin().await?;
    let found = exports::list(&mut tx, &caller.ctx, &params.page()).await?;
    Ok(Json(CreatorExports {
        items: found.items.into_iter().map(ExportView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// Write all creators that match into a CSV file
///
/// A job writes it in small steps; creators that are registered later are left out. Columns that are masked elsewhere take
/// the permission to reveal them, and a reason.
#[utoipa::path(post, path = "/api/creator-exports", operation_id = "startCreatorExport", tag = "creators", security(("bearer" = ["creators:export"])),
    request_body = ExportBody,
    responses((status = 202, body = ExportView, headers(("Location" = String, description = "Where its progress is shown")))))]
pub(super) async fn start(
    caller: Allowed<ExportCreators>,
    State(app): State<App>,
    Json(body): Json<ExportBody>,
) -> Result<Response> {
    let (mut new, asked) = body.checked()?;
    let mut tx = app.db.begin().await?;
    new.filter.fields = custom_fields::conditions(&mut tx, CONDITIONS, asked).await?;
    let export = exports::start(&mut tx, &caller.ctx, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let headers = [(
        header::LOCATION,
        format!("/api/creator-exports/{}", export.id),
    )];
    let view = Json(ExportView::from(export));
    Ok((StatusCode::ACCEPTED, headers, view).into_response())
}

/// Show one of your exports of creators and how far it is
#[utoipa::path(get, path = "/api/creator-exports/{id}", operation_id = "showCreatorExport", tag = "creators", security(("bearer" = ["creators:export"])),
    params(("id" = String, Path, description = "`export_…`")), responses((status = 200, body = ExportView), (status = 404, description = "You have no such export")))]
pub(super) async fn show(
    caller: Allowed<ExportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ExportId>,
) -> Result<Json<ExportView>> {
    let mut tx = app.db.begin().await?;
    Ok(Json(exports::find(&mut tx, &caller.ctx, id).await?.into()))
}

/// End an export of creators; there will be no file
#[utoipa::path(post, path = "/api/creator-exports/{id}/cancel", operation_id = "cancelCreatorExport", tag = "creators", security(("bearer" = ["creators:export"])),
    params(("id" = String, Path, description = "`export_…`")), responses((status = 200, body = ExportView), (status = 404, description = "You have no such export")))]
pub(super) async fn cancel(
    caller: Allowed<ExportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ExportId>,
) -> Result<Json<ExportView>> {
    let mut tx = app.db.begin().await?;
    let export = exports::cancel(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(export.into()))
}

/// Fetch the file of one of your exports of creators
///
/// It is kept for three days. Each fetching is recorded.
#[utoipa::path(get, path = "/api/creator-exports/{id}/file", operation_id = "fetchCreatorExport", tag = "creators", security(("bearer" = ["creators:export"])),
    params(("id" = String, Path, description = "`export_…`")),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, description = "You have no such export, or its file has expired"), (status = 409, description = "It is not completed")))]
pub(super) async fn file(
    caller: Allowed<ExportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ExportId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let file = exports::file(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(download(app.db, &file))
}
