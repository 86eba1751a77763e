//! What outlives an erasure, for how long, and its removal.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::privacy::{self, Due, RetentionRun, RetentionRunId};
use shared::queue::JobId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, ErasePeople, Json, MaybeJson, Query};
use crate::fields::Fields;

/// Years that can be asked about: what four digits say, since there are rules.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(dry_run))
        .routes(routes!(runs, remove))
}

/// On which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DayParams {
    /// Today if it is left out.
    day: Option<NaiveDate>,
}

/// One class of retained data, and what is over of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionClass)]
struct ClassView {
    class: String,
    /// What allows or demands to keep it.
    basis: String,
    years: u32,
    /// From when they count: `erasure`.
    start_event: String,
    /// What becomes of the rows then: `delete`.
    action: String,
    effective_from: NaiveDate,
    /// Where the rule comes from, and whether counsel has confirmed it.
    source: String,
    /// Of how many people it is over.
    people: u64,
    /// Whether there are more of them than were looked at.
    at_least: bool,
    /// How many more a legal hold keeps.
    held: u64,
    /// Rows that would go, table by table.
    rows: BTreeMap<&'static str, u64>,
}

impl From<Due> for ClassView {
    fn from(due: Due) -> Self {
        Self {
            class: due.rule.class,
            basis: due.rule.basis,
            years: due.rule.years,
            start_event: due.rule.start_event,
            action: due.rule.action,
            effective_from: due.rule.effective_from,
            source: due.rule.source,
            people: due.people,
            at_least: due.at_least,
            held: due.held,
            rows: due.rows,
        }
    }
}

/// What would be removed on a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Retention)]
struct RetentionView {
    day: NaiveDate,
    classes: Vec<ClassView>,
}

/// Show the rules of retention and what would be removed on a day; changes nothing
#[utoipa::path(get, path = "/api/admin/retention", operation_id = "showRetention", tag = "privacy", security(("bearer" = ["people:erase"])),
    params(DayParams), responses((status = 200, body = RetentionView)))]
async fn dry_run(
    caller: Allowed<ErasePeople>,
    State(app): State<App>,
    Query(params): Query<DayParams>,
) -> Result<Json<RetentionView>> {
    let day = params.day.unwrap_or_else(|| caller.ctx.now().date_naive());
    let mut fields = Fields::default();
    if !YEARS.contains(&day.year()) {
        fields.wrong("day", "use a day of the years 1970 to 9999");
    }
    fields.finish()?;
    let mut tx = app.db.begin().await?;
    let due = privacy::dry_run(&mut tx, &caller.ctx, day).await?;
    let classes = due.into_iter().map(ClassView::from).collect();
    Ok(Json(RetentionView { day, classes }))
}

/// What a run removed of one class.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionRemoved)]
struct RemovedView {
    /// Of how many people.
    people: u64,
    rows: u64,
}

/// One removal of everything that was over on a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RetentionRun)]
struct RunView {
    #[schema(value_type = String)]
    id: RetentionRunId,
    day: NaiveDate,
    started_at: DateTime<Utc>,
    /// Null while it is under way.
    finished_at: Option<DateTime<Utc>>,
    /// What went, class by class.
    classes: BTreeMap<String, RemovedView>,
    /// Classes of people that were over and that a legal hold keeps.
    held: u64,
    created_by: String,
}

impl From<RetentionRun> for RunView {
    fn from(run: RetentionRun) -> Self {
        let classes = run.outcome.classes.into_iter().map(|(class, removed)| {
            let view = RemovedView {
                people: removed.people,
                rows: removed.rows,
            };
            (class, view)
        });
        Self {
            id: run.id,
            day: run.day,
            started_at: run.started_at,
            finished_at: run.finished_at,
            classes: classes.collect(),
            held: run.outcome.held,
            created_by: run.created_by,
        }
    }
}

/// Removals, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RetentionRuns)]
struct RunsView {
    items: Vec<RunView>,
}

/// List what removals took away, the last fifty
#[utoipa::path(get, path = "/api/admin/retention/runs", operation_id = "listRetentionRuns", tag = "privacy", security(("bearer" = ["people:erase"])),
    responses((status = 200, body = RunsView)))]
async fn runs(caller: Allowed<ErasePeople>, State(app): State<App>) -> Result<Json<RunsView>> {
    let mut tx = app.db.begin().await?;
    let found = privacy::retention_runs(&mut tx, &caller.ctx).await?;
    let items = found.into_iter().map(RunView::from).collect();
    Ok(Json(RunsView { items }))
}

/// Nothing has to be said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRetentionRun)]
struct RunBody {}

/// The job that removes it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RetentionJob {
    #[schema(value_type = String)]
    job_id: JobId,
}

/// Remove what is over now
///
/// A job does it, as it does each night; one that waits already will do.
#[utoipa::path(post, path = "/api/admin/retention/runs", operation_id = "startRetentionRun", tag = "privacy", security(("bearer" = ["people:erase"])),
    request_body = Option<RunBody>, responses((status = 202, body = RetentionJob)))]
async fn remove(
    caller: Allowed<ErasePeople>,
    State(app): State<App>,
    MaybeJson(RunBody {}): MaybeJson<RunBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let job_id = privacy::remove(&mut tx, &caller.ctx).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(RetentionJob { job_id })).into_response())
}
