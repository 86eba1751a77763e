//! Restrictions of processing and legal holds.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::creators::{CreatorId, PersonId};
use shared::privacy::{self, Measure, MeasureId, MeasureKind};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, HoldPeople, Json, PathId, PathIds};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, take))
        .routes(routes!(show))
        .routes(routes!(lift))
}

/// A measure to take.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewPrivacyMeasure)]
struct MeasureBody {
    /// `restriction` or `legal_hold`.
    #[schema(example = "legal_hold")]
    kind: String,
    /// In up to 500 characters, such as the case.
    #[serde(default)]
    reason: String,
}

/// Why a measure is lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PrivacyMeasureLift)]
struct LiftBody {
    /// In up to 500 characters.
    #[serde(default)]
    reason: String,
}

/// A measure about a person, standing or lifted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PrivacyMeasure)]
struct MeasureView {
    #[schema(value_type = String)]
    id: MeasureId,
    #[schema(value_type = String)]
    person_id: PersonId,
    /// `restriction` or `legal_hold`.
    kind: &'static str,
    reason: String,
    set_by: String,
    set_at: DateTime<Utc>,
    /// Null while it stands.
    lifted_by: Option<String>,
    lifted_at: Option<DateTime<Utc>>,
    lift_reason: Option<String>,
}

impl From<Measure> for MeasureView {
    fn from(measure: Measure) -> Self {
        Self {
            id: measure.id,
            person_id: measure.person,
            kind: measure.kind.as_str(),
            reason: measure.reason,
            set_by: measure.set_by,
            set_at: measure.set_at,
            lifted_by: measure.lifted_by,
            lifted_at: measure.lifted_at,
            lift_reason: measure.lift_reason,
        }
    }
}

/// Measures about a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyMeasures)]
struct MeasuresView {
    items: Vec<MeasureView>,
}

/// List the restrictions and legal holds about the person behind a creator, the last 200
#[utoipa::path(get, path = "/api/creators/{id}/privacy-measures", operation_id = "listPrivacyMeasures", tag = "privacy", security(("bearer" = ["people:hold"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = MeasuresView), (status = 404, description = "No such creator")))]
async fn list(
    caller: Allowed<HoldPeople>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Json<MeasuresView>> {
    let mut tx = app.db.begin().await?;
    let found = privacy::measures(&mut tx, &caller.ctx, id).await?;
    let items = found.into_iter().map(MeasureView::from).collect();
    Ok(Json(MeasuresView { items }))
}

/// Restrict what is done with a person's data, or keep it as evidence
///
/// While a restriction stands, no campaign writes to any profile of the person. While a legal hold stands, nothing of
/// theirs is erased, or removed when its time is over.
#[utoipa::path(post, path = "/api/creators/{id}/privacy-measures", operation_id = "takePrivacyMeasure", tag = "privacy", security(("bearer" = ["people:hold"])),
    params(("id" = String, Path, description = "`creator_…`")), request_body = MeasureBody,
    responses((status = 201, body = MeasureView, headers(("Location" = String, description = "Where it is shown"))), (status = 404, description = "No such creator"), (status = 409, description = "The person is restricted already, or erased")))]
async fn take(
    caller: Allowed<HoldPeople>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    Json(body): Json<MeasureBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let kind: Option<MeasureKind> = fields.parsed("/kind", &body.kind);
    fields.finish()?;
    let kind = kind.ok_or_else(Problem::internal)?;
    let mut tx = app.db.begin().await?;
    let taken = privacy::take_measure(&mut tx, &caller.ctx, id, kind, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let place = format!("/api/creators/{id}/privacy-measures/{}", taken.id);
    let headers = [(header::LOCATION, place)];
    Ok((StatusCode::CREATED, headers, Json(MeasureView::from(taken))).into_response())
}

/// Show a restriction or legal hold
#[utoipa::path(get, path = "/api/creators/{id}/privacy-measures/{measureId}", operation_id = "showPrivacyMeasure", tag = "privacy", security(("bearer" = ["people:hold"])),
    params(("id" = String, Path, description = "`creator_…`"), ("measureId" = String, Path, description = "`measure_…`")),
    responses((status = 200, body = MeasureView), (status = 404, description = "No such measure")))]
async fn show(
    caller: Allowed<HoldPeople>,
    State(app): State<App>,
    PathIds(id, measure): PathIds<CreatorId, MeasureId>,
) -> Result<Json<MeasureView>> {
    let mut tx = app.db.begin().await?;
    let found = privacy::find_measure(&mut tx, &caller.ctx, id, measure).await?;
    Ok(Json(found.into()))
}

/// Lift a restriction or legal hold
#[utoipa::path(post, path = "/api/creators/{id}/privacy-measures/{measureId}/lift", operation_id = "liftPrivacyMeasure", tag = "privacy", security(("bearer" = ["people:hold"])),
    params(("id" = String, Path, description = "`creator_…`"), ("measureId" = String, Path, description = "`measure_…`")), request_body = LiftBody,
    responses((status = 200, body = MeasureView), (status = 404, description = "No such measure"), (status = 409, description = "It was lifted before")))]
async fn lift(
    caller: Allowed<HoldPeople>,
    State(app): State<App>,
    PathIds(id, measure): PathIds<CreatorId, MeasureId>,
    Json(body): Json<LiftBody>,
) -> Result<Json<MeasureView>> {
    let mut tx = app.db.begin().await?;
    let lifted = privacy::lift_measure(&mut tx, &caller.ctx, id, measure, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(lifted.into()))
}
