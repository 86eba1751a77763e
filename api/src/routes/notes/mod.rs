//! Notes about creators.

mod body;
mod view;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use serde::Deserialize;
use shared::creators::CreatorId;
use shared::idempotency::{self, Answer};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::notes::{self, Note, NoteFilter, NoteId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{
    Allowed, IdempotencyKey, IfMatch, Json, JsonBytes, PathId, Query, ReadNotes, WriteNotes,
    answered, etag, parse_json,
};
use crate::fields::Fields;
use body::{ChangesBody, NoteBody};
use view::{NotePage, NoteView, RevisionsView};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, write))
        .routes(routes!(follow_ups))
        .routes(routes!(show, change, delete))
        .routes(routes!(revisions))
}

fn tagged(note: Note) -> Response {
    (
        [(header::ETAG, etag(note.version))],
        Json(NoteView::from(note)),
    )
        .into_response()
}

/// Which notes are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NoteParams {
    /// `general`, `support`, `compliance`, `marketing`, `financial` or `performance`.
    r#type: Option<String>,
    /// Only those that are pinned, or are not.
    pinned: Option<bool>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// List the notes about a creator
///
/// The latest first; those that the caller may not read are left out.
#[utoipa::path(get, path = "/api/creators/{id}/notes", operation_id = "listNotes", tag = "notes", security(("bearer" = ["notes:read"])),
    params(("id" = String, Path, description = "`creator_…`"), NoteParams),
    responses((status = 200, body = NotePage), (status = 404, description = "No such creator")))]
async fn list(
    caller: Allowed<ReadNotes>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Query(params): Query<NoteParams>,
) -> Result<Json<NotePage>> {
    let mut fields = Fields::default();
    let note_type = fields.parsed_if("type", params.r#type.as_deref());
    fields.finish()?;
    let filter = NoteFilter {
        note_type,
        pinned: params.pinned,
    };
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    Ok(Json(NotePage::of(
        notes::list(&mut tx, &caller.ctx, id, &filter, &page).await?,
    )))
}

/// Write a note about a creator
#[utoipa::path(post, path = "/api/creators/{id}/notes", operation_id = "writeNote", tag = "notes", security(("bearer" = ["notes:write"])),
    params(("id" = String, Path, description = "`creator_…`"),
           ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body has its effect once")),
    request_body = NoteBody,
    responses(
        (status = 201, body = NoteView, headers(("Location" = String, description = "Where the note is shown"), ("ETag" = String, description = "The version, for `If-Match`"))),
        (status = 404, description = "No such creator"),
        (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn write(
    caller: Allowed<WriteNotes>,
    State(app): State<App>,
    key: IdempotencyKey,
    PathId(id): PathId<CreatorId>,
    JsonBytes(bytes): JsonBytes,
) -> Result<Response> {
    let new = parse_json::<NoteBody>(&bytes, "")?.note()?;
    let request = key.request(
        "POST /api/creators/{id}/notes",
        &[id.to_string().as_bytes(), &bytes].concat(),
    );
    let mut tx = app.db.begin().await?;
    if let Some(request) = &request
        && let Some(answer) = idempotency::seen(&mut tx, &caller.ctx, request).await?
    {
        return Ok(answered(answer));
    }
    let note = notes::write(&mut tx, &caller.ctx, id, new).await?;
    let answer = Answer {
        status: StatusCode::CREATED.as_u16(),
        location: Some(format!("/api/notes/{}", note.id)),
        body: serde_json::json!(NoteView::from(note)).to_string(),
    };
    if let Some(request) = &request {
        idempotency::remember(&mut tx, &caller.ctx, request, &answer).await?;
    }
    app.db.commit(tx, &caller.ctx).await?;
    Ok(answered(answer))
}

/// Which notes somebody wanted to come back to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FollowUpParams {
    /// Those whose date is this day or before it.
    #[param(example = "2026-01-31")]
    until: NaiveDate,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// List the notes that are to be followed up, the most urgent first
#[utoipa::path(get, path = "/api/notes/follow-ups", operation_id = "listFollowUps", tag = "notes", security(("bearer" = ["notes:read"])),
    params(FollowUpParams),
    responses((status = 200, body = NotePage),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn follow_ups(
    caller: Allowed<ReadNotes>,
    State(app): State<App>,
    Query(params): Query<FollowUpParams>,
) -> Result<Json<NotePage>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    Ok(Json(NotePage::of(
        notes::follow_ups(&mut tx, &caller.ctx, params.until, &page).await?,
    )))
}

/// Show a note
#[utoipa::path(get, path = "/api/notes/{id}", operation_id = "showNote", tag = "notes", security(("bearer" = ["notes:read"])),
    params(("id" = String, Path, description = "`note_…`")),
    responses((status = 200, body = NoteView, headers(("ETag" = String, description = "The version, for `If-Match`"))),
              (status = 404, description = "No such note for the caller")))]
async fn show(
    caller: Allowed<ReadNotes>,
    State(app): State<App>,
    PathId(id): PathId<NoteId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    Ok(tagged(notes::get(&mut tx, &caller.ctx, id).await?))
}

/// Change a note
///
/// Its author changes what it says, and the former wording is kept; everybody who reads it may pin it.
#[utoipa::path(patch, path = "/api/notes/{id}", operation_id = "changeNote", tag = "notes", security(("bearer" = ["notes:write"])),
    params(("id" = String, Path, description = "`note_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ChangesBody,
    responses((status = 200, body = NoteView), (status = 403, description = "Somebody else wrote it"),
              (status = 404, description = "No such note for the caller"), (status = 412, description = "It was changed meanwhile")))]
async fn change(
    caller: Allowed<WriteNotes>,
    State(app): State<App>,
    PathId(id): PathId<NoteId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ChangesBody>,
) -> Result<Response> {
    let changes = body.changes()?;
    let mut tx = app.db.begin().await?;
    let note = notes::change(&mut tx, &caller.ctx, id, changes, version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(note))
}

/// Delete a note
#[utoipa::path(delete, path = "/api/notes/{id}", operation_id = "deleteNote", tag = "notes", security(("bearer" = ["notes:write"])),
    params(("id" = String, Path, description = "`note_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is deleted")),
    responses((status = 204, description = "It is shown no more"), (status = 403, description = "Somebody else wrote it"),
              (status = 404, description = "No such note for the caller"), (status = 412, description = "It was changed meanwhile")))]
async fn delete(
    caller: Allowed<WriteNotes>,
    State(app): State<App>,
    PathId(id): PathId<NoteId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    notes::delete(&mut tx, &caller.ctx, id, version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the earlier wordings of a note, the latest first
#[utoipa::path(get, path = "/api/notes/{id}/revisions", operation_id = "listNoteRevisions", tag = "notes", security(("bearer" = ["notes:read"])),
    params(("id" = String, Path, description = "`note_…`")),
    responses((status = 200, body = RevisionsView), (status = 404, description = "No such note for the caller")))]
async fn revisions(
    caller: Allowed<ReadNotes>,
    State(app): State<App>,
    PathId(id): PathId<NoteId>,
) -> Result<Json<RevisionsView>> {
    let mut tx = app.db.begin().await?;
    Ok(Json(RevisionsView::of(
        notes::revisions(&mut tx, &caller.ctx, id).await?,
    )))
}
