//! Importing creators from CSV files.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use shared::imports::{
    self, Existing, IMPORT_MAX_BYTES, Import, ImportError, ImportId, MatchBy, NewStart, Target,
    Upload,
};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::download::download;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, ImportCreators, Json, PageParams, PathId, Query};
use crate::fields::Fields;

/// What is uploaded.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UploadParams {
    /// What the file is called, in up to 200 characters; else `creators.csv`.
    file_name: Option<String>,
}

/// An import and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatorImport)]
pub(super) struct ImportView {
    #[schema(value_type = String)]
    id: ImportId,
    file_name: String,
    file_bytes: i64,
    /// `uploaded`, `checking`, `checked`, `running`, `completed`, `cancelled`, `failed`, `undoing` or `undone`.
    state: &'static str,
    /// What the columns are called.
    headers: Vec<String>,
    /// What each column is read as, or would be if nothing else is said; null for one that is not read.
    #[schema(value_type = Object, example = json!({ "E-mail": "email", "Remarks": null }))]
    mapping: BTreeMap<String, Option<String>>,
    /// 0 to 1; null when nothing goes on.
    progress: Option<f64>,
    /// Rows that were read, without the header.
    rows: i64,
    /// Creators that are new; of a check: that would be.
    created: i64,
    /// Creators that are changed; of a check: that would be.
    updated: i64,
    /// Rows that say what is there already.
    unchanged: i64,
    /// Rows about creators who were to be left alone.
    skipped: i64,
    /// Rows that were refused; the report says why.
    failed: i64,
    /// Rows that were taken back.
    undone: i64,
    /// Rows that were not, because somebody changed the creator since; the report says which.
    not_undone: i64,
    /// Whether there is a report.
    has_report: bool,
    /// Why it could not go on.
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        let progress = import.progress();
        let columns = match &import.settings {
            Some(settings) => settings.columns.clone(),
            None => imports::suggested(&import.headers),
        };
        let names = columns
            .into_iter()
            .map(|column| column.map(|target| target.to_string()));
        Self {
            id: import.id,
            file_name: import.file_name,
            file_bytes: import.file_bytes,
            state: import.state.as_str(),
            mapping: import.headers.iter().cloned().zip(names).collect(),
            headers: import.headers,
            progress,
            rows: import.read_rows - 1,
            created: import.counts.created,
            updated: import.counts.updated,
            unchanged: import.counts.unchanged,
            skipped: import.counts.skipped,
            failed: import.counts.failed,
            undone: import.counts.undone,
            not_undone: import.counts.refused,
            has_report: import.report.is_some(),
            error: import.error,
            created_at: import.created_at,
            finished_at: import.finished_at,
        }
    }
}

/// A page of imports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatorImports {
    items: Vec<ImportView>,
    next_cursor: Option<String>,
}

/// List your imports of creators, the newest first
#[utoipa::path(get, path = "/api/creator-imports", operation_id = "listCreatorImports", tag = "creators", security(("bearer" = ["creators:import"])),
    params(PageParams), responses((status = 200, body = CreatorImports)))]
pub(super) async fn list(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    Query(params): Query<PageParams>,
) -> Result<Json<CreatorImports>> {
    let mut tx = app.db.begin().await?;
    let found = imports::list(&mut tx, &caller.ctx, &params.page()).await?;
    Ok(Json(CreatorImports {
        items: found.items.into_iter().map(ImportView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// Upload a CSV file of creators
///
/// Nothing is imported yet: the answer says how the columns would be read. UTF-8, with a header, of up to 32 MiB; cells with
/// commas, semicolons or tabs between them. Kept for seven days.
#[utoipa::path(post, path = "/api/creator-imports", operation_id = "uploadCreatorImport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(UploadParams), request_body(content_type = "text/csv", description = "The file itself"),
    responses((status = 201, body = ImportView, headers(("Location" = String, description = "The import"))),
        (status = 413, description = "The file is too large"), (status = 415, description = "It is not said to be text/csv")))]
pub(super) async fn upload(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    Query(params): Query<UploadParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    require_csv(&headers)?;
    let name = params.file_name.as_deref().unwrap_or("creators.csv");
    let mut upload = Upload::begin(&app.db, &caller.ctx, name).await?;
    let mut stream = body.into_data_stream();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|_| unreadable())?;
        upload
            .push(&app.db, &caller.ctx, &bytes)
            .await
            .map_err(refused)?;
    }
    let import = upload.finish(&app.db, &caller.ctx).await?;
    let place = [(
        header::LOCATION,
        format!("/api/creator-imports/{}", import.id),
    )];
    let view = Json(ImportView::from(import));
    Ok((StatusCode::CREATED, place, view).into_response())
}

/// Refuses what is not said to be CSV, and what says itself that it is too large, before any of it is read.
fn require_csv(headers: &HeaderMap) -> Result<()> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("text/csv") {
        let unsupported = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Problem::new(unsupported, "unsupported-media-type")
            .detail("Send the file itself as text/csv."));
    }
    let length = text(header::CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > IMPORT_MAX_BYTES) {
        return Err(refused(ImportError::TooLarge));
    }
    Ok(())
}

fn unreadable() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "body-unreadable")
        .detail("The body could not be received whole.")
}

/// The problem of bytes that were not taken.
fn refused(error: ImportError) -> Problem {
    if !matches!(error, ImportError::TooLarge) {
        return error.into();
    }
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "file-too-large").detail(error.to_string())
}

/// How an import is to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreatorImportStart)]
pub(super) struct StartBody {
    /// Only look at every row, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// What each column is: `id`, `clusterId`, `email`, `username`, `phone`, `displayName`, `firstName`, `aliases`,
    /// `handles`, `timeZone`, `owner`, `birthDate`, `custom.` and the key of a custom field, or null. Without it, columns are
    /// taken for what they are called; those that it leaves out are not read.
    #[schema(value_type = Option<Object>, example = json!({ "E-mail": "email", "Name": "username" }))]
    mapping: Option<BTreeMap<String, Option<String>>>,
    /// The cluster of rows that name none.
    cluster_id: Option<String>,
    /// What tells which creator a row is about: `id`, `email` or `username`; else the first of them that is a column.
    match_by: Option<String>,
    /// `update` (else) or `skip` creators who are there already.
    existing: Option<String>,
    /// Whether an empty cell forgets what is there; else it says nothing.
    #[serde(default)]
    clear_empty: bool,
}

impl StartBody {
    fn checked(self) -> Result<NewStart> {
        let mut fields = Fields::default();
        let mut target = |header: &String, name: &Option<String>| {
            let pointer = header.replace('~', "~0").replace('/', "~1");
            let name = name.as_deref()?;
            fields.parsed::<Target>(format!("/mapping/{pointer}"), name)
        };
        let mapping = self.mapping.as_ref().map(|mapping| {
            mapping
                .iter()
                .map(|(header, name)| (header.clone(), target(header, name)))
                .collect()
        });
        let match_by = fields.parsed_if::<MatchBy>("/matchBy", self.match_by.as_deref());
        let existing = fields.parsed_if::<Existing>("/existing", self.existing.as_deref());
        fields.finish()?;
        Ok(NewStart {
            dry_run: self.dry_run,
            mapping,
            cluster: self.cluster_id,
            match_by,
            existing: existing.unwrap_or(Existing::Update),
            clear_empty: self.clear_empty,
        })
    }
}

/// Show one of your imports of creators and how far it is
#[utoipa::path(get, path = "/api/creator-imports/{id}", operation_id = "showCreatorImport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(("id" = String, Path, description = "`import_…`")), responses((status = 200, body = ImportView), (status = 404, description = "You have no such import")))]
pub(super) async fn show(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>> {
    let mut tx = app.db.begin().await?;
    Ok(Json(imports::find(&mut tx, &caller.ctx, id).await?.into()))
}

/// Check or run an import of creators
///
/// A job does it in small steps, each row by the rules of a single write. Rows that break one are refused and the others
/// are not; the report holds them, each with why.
#[utoipa::path(post, path = "/api/creator-imports/{id}/start", operation_id = "startCreatorImport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(("id" = String, Path, description = "`import_…`")), request_body = StartBody,
    responses((status = 202, body = ImportView), (status = 404, description = "You have no such import"), (status = 409, description = "It was run already, or its file has expired")))]
pub(super) async fn start(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ImportId>,
    Json(body): Json<StartBody>,
) -> Result<Response> {
    let new = body.checked()?;
    let mut tx = app.db.begin().await?;
    let import = imports::start(&mut tx, &caller.ctx, id, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportView::from(import))).into_response())
}

/// End an import of creators after its present step; what it wrote stays and can be undone
#[utoipa::path(post, path = "/api/creator-imports/{id}/cancel", operation_id = "cancelCreatorImport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(("id" = String, Path, description = "`import_…`")), responses((status = 200, body = ImportView), (status = 404, description = "You have no such import"), (status = 409, description = "It is being undone")))]
pub(super) async fn cancel(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ImportId>,
) -> Result<Json<ImportView>> {
    let mut tx = app.db.begin().await?;
    let import = imports::cancel(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(import.into()))
}

/// Take back what an import of creators wrote
///
/// Creators that it made are archived, those that it changed become as they were. Those whom somebody changed since stay as
/// they are; the report names them. Possible for 30 days.
#[utoipa::path(post, path = "/api/creator-imports/{id}/undo", operation_id = "undoCreatorImport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(("id" = String, Path, description = "`import_…`")),
    responses((status = 202, body = ImportView), (status = 404, description = "You have no such import"), (status = 409, description = "It has not ended, or wrote nothing")))]
pub(super) async fn undo(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ImportId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let import = imports::undo(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportView::from(import))).into_response())
}

/// Fetch the rows that an import of creators refused, each with why
///
/// The rows as they were sent, so that they can be mended and sent again; after an undo, those that were not taken back.
#[utoipa::path(get, path = "/api/creator-imports/{id}/report", operation_id = "fetchCreatorImportReport", tag = "creators", security(("bearer" = ["creators:import"])),
    params(("id" = String, Path, description = "`import_…`")),
    responses((status = 200, content_type = "text/csv", body = String), (status = 404, description = "You have no such import, or it refused no row")))]
pub(super) async fn report(
    caller: Allowed<ImportCreators>,
    State(app): State<App>,
    PathId(id): PathId<ImportId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let file = imports::report(&mut tx, &caller.ctx, id).await?;
    Ok(download(app.db, &file))
}
