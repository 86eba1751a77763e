//! What is held about a person: handing it out, erasing it, keeping it as evidence, and removing what was kept.

mod measures;
mod retention;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{CreatorId, PersonId};
use shared::privacy::{self, Outcome, Request, RequestId, RequestKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::download::download;
use crate::error::Result;
use crate::extract::{Allowed, ErasePeople, ExportPeople, Json, OwnOr, PathId, PathIds};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(ask))
        .routes(routes!(export))
        .routes(routes!(document))
        .routes(routes!(plan))
        .routes(routes!(erasure))
        .routes(routes!(confirm))
        .merge(measures::routes())
        .merge(retention::routes())
}

/// Why something is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPrivacyRequest)]
struct ReasonBody {
    /// In up to 500 characters, such as the ticket.
    #[serde(default)]
    reason: String,
}

/// What becomes of the rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PrivacyOutcome)]
struct OutcomeView {
    table: String,
    /// What its rows are.
    about: String,
    rows: u64,
    /// `erased`, `pseudonymised` or `retained`.
    fate: &'static str,
    /// Why something of them is kept; null if nothing is.
    basis: Option<String>,
    /// Until when.
    until: Option<NaiveDate>,
}

impl From<Outcome> for OutcomeView {
    fn from(outcome: Outcome) -> Self {
        Self {
            table: outcome.table,
            about: outcome.about,
            rows: outcome.rows,
            fate: outcome.fate.as_str(),
            basis: outcome.basis,
            until: outcome.until,
        }
    }
}

/// A request about a person's data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PrivacyRequest)]
struct RequestView {
    #[schema(value_type = String)]
    id: RequestId,
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `export` or `erasure`.
    kind: &'static str,
    /// `planned`, `running`, `completed` or `failed`.
    state: &'static str,
    reason: String,
    asked_by: String,
    asked_at: DateTime<Utc>,
    confirmed_by: Option<String>,
    finished_at: Option<DateTime<Utc>>,
    /// Why it could not be done.
    error: Option<String>,
    /// Of an erasure: what becomes of each class of data; while it is planned, what would.
    outcome: Vec<OutcomeView>,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        Self {
            id: request.id,
            person_id: request.person,
            kind: request.kind.as_str(),
            state: request.state.as_str(),
            reason: request.reason,
            asked_by: request.asked_by,
            asked_at: request.asked_at,
            confirmed_by: request.confirmed_by,
            finished_at: request.finished_at,
            error: request.error,
            outcome: request.outcome.into_iter().map(OutcomeView::from).collect(),
        }
    }
}

fn begun(status: StatusCode, creator: CreatorId, request: Request) -> Response {
    let kind = match request.kind {
        RequestKind::Export => "data-exports",
        RequestKind::Erasure => "erasures",
    };
    let place = format!("/api/creators/{creator}/{kind}/{}", request.id);
    let headers = [(header::LOCATION, place)];
    (status, headers, Json(RequestView::from(request))).into_response()
}

/// Ask for everything that is held about the person behind a creator
///
/// A job writes it into one JSON document, with all of the person's profiles; the creator itself may ask, too.
#[utoipa::path(post, path = "/api/creators/{id}/data-exports", operation_id = "askForDataExport", tag = "privacy", security(("bearer" = ["people:export"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")), request_body = ReasonBody,
    responses((status = 202, body = RequestView, headers(("Location" = String, description = "Where it is shown"))), (status = 404, description = "No such creator"), (status = 409, description = "One is under way")))]
async fn ask(
    caller: OwnOr<ExportPeople>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<ReasonBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let request = privacy::ask_for_export(&mut tx, &caller.ctx, id, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(begun(StatusCode::ACCEPTED, id, request))
}

/// Show an export of a person's data and how far it is
#[utoipa::path(get, path = "/api/creators/{id}/data-exports/{requestId}", operation_id = "showDataExport", tag = "privacy", security(("bearer" = ["people:export"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("requestId" = String, Path, description = "`privacy_…`")),
    responses((status = 200, body = RequestView), (status = 404, description = "No such export")))]
async fn export(
    caller: OwnOr<ExportPeople>,
    State(app): State<App>,
    PathIds(id, request): PathIds<CreatorId, RequestId>,
) -> Result<Json<RequestView>> {
    let mut tx = app.db.begin().await?;
    let found = privacy::find(&mut tx, &caller.ctx, id, request, RequestKind::Export).await?;
    Ok(Json(found.into()))
}

/// Fetch the document of an export; each time is recorded
#[utoipa::path(get, path = "/api/creators/{id}/data-exports/{requestId}/document", operation_id = "fetchDataExport", tag = "privacy", security(("bearer" = ["people:export"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("requestId" = String, Path, description = "`privacy_…`")),
    responses((status = 200, body = String, content_type = "application/json"), (status = 404, description = "No such document, or not any more")))]
async fn document(
    caller: OwnOr<ExportPeople>,
    State(app): State<App>,
    PathIds(id, request): PathIds<CreatorId, RequestId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let found = privacy::open_document(&mut tx, &caller.ctx, id, request).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(download(app.db, &found))
}

/// Plan the erasure of the person behind a creator
///
/// Says, class by class, what would be erased, pseudonymised or retained, on what basis and until when. Nothing changes
/// until it is confirmed.
#[utoipa::path(post, path = "/api/creators/{id}/erasures", operation_id = "planErasure", tag = "privacy", security(("bearer" = ["people:erase"])),
    params(("id" = String, Path, description = "`creator_…`")), request_body = ReasonBody,
    responses((status = 201, body = RequestView, headers(("Location" = String, description = "Where it is shown"))), (status = 404, description = "No such creator"), (status = 409, description = "One is under way")))]
async fn plan(
    caller: Allowed<ErasePeople>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<ReasonBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let request = privacy::plan_erasure(&mut tx, &caller.ctx, id, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(begun(StatusCode::CREATED, id, request))
}

/// Show an erasure and what becomes of the data
#[utoipa::path(get, path = "/api/creators/{id}/erasures/{requestId}", operation_id = "showErasure", tag = "privacy", security(("bearer" = ["people:erase"])),
    params(("id" = String, Path, description = "`creator_…`"), ("requestId" = String, Path, description = "`privacy_…`")),
    responses((status = 200, body = RequestView), (status = 404, description = "No such erasure")))]
async fn erasure(
    caller: Allowed<ErasePeople>,
    State(app): State<App>,
    PathIds(id, request): PathIds<CreatorId, RequestId>,
) -> Result<Json<RequestView>> {
    let mut tx = app.db.begin().await?;
    let found = privacy::find(&mut tx, &caller.ctx, id, request, RequestKind::Erasure).await?;
    Ok(Json(found.into()))
}

/// Have a planned erasure carried out; it cannot be undone
#[utoipa::path(post, path = "/api/creators/{id}/erasures/{requestId}/confirm", operation_id = "confirmErasure", tag = "privacy", security(("bearer" = ["people:erase"])),
    params(("id" = String, Path, description = "`creator_…`"), ("requestId" = String, Path, description = "`privacy_…`")),
    responses((status = 202, body = RequestView), (status = 404, description = "No such erasure"), (status = 409, description = "It is over, or a legal hold stands")))]
async fn confirm(
    caller: Allowed<ErasePeople>,
    State(app): State<App>,
    PathIds(id, request): PathIds<CreatorId, RequestId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let running = privacy::confirm_erasure(&mut tx, &caller.ctx, id, request).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(RequestView::from(running))).into_response())
}
