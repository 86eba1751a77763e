//! Dead letters: jobs that failed for good, until somebody decides.

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::{Cursor, FieldError, PageLimit, PageRequest};
use shared::queue::JobId;
use shared::queue::dead_letters::{self, DeadGroup};
use shared::queue::search::{JobFilter, JobStatus, search};
use shared::queue::steer::{self, Changes};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::{JobList, Retried, SearchParams, Steered, filter_of_query, retried, steered};
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, PathId, Query, ReadJobs, WriteJobs};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(groups))
        .routes(routes!(replay))
        .routes(routes!(discard))
}

/// List dead jobs, newest first
#[utoipa::path(get, path = "/api/dead-letters", operation_id = "listDeadLetters", tag = "dead letters", security(("bearer" = ["jobs:read"])),
    params(SearchParams), responses((status = 200, body = JobList)))]
async fn list(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<JobList>> {
    let (filter, page) = filter_of_query(&query.unwrap_or_default(), &app.catalog)?;
    if filter.states.iter().any(|state| *state != JobStatus::Dead) {
        return Err(Problem::invalid(vec![FieldError::new(
            "state",
            "dead letters are dead; GET /api/jobs finds the others",
        )]));
    }
    let filter = JobFilter {
        states: vec![JobStatus::Dead],
        ..filter
    };
    Ok(Json(search(&app.db, &filter, &page).await?.into()))
}

/// Which groups.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct GroupParams {
    /// Of this queue.
    queue: Option<String>,
    /// Of this kind.
    kind: Option<String>,
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// Groups of dead jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeadGroups {
    /// The largest first.
    items: Vec<DeadGroupView>,
    next_cursor: Option<String>,
}

/// Dead jobs of one kind with the same sort of error.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadGroup)]
struct DeadGroupView {
    /// The same for errors that differ only in numbers, ids and quoted values.
    fingerprint: String,
    kind: String,
    /// The queue of the newest.
    queue: String,
    count: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    /// The newest of them.
    #[schema(value_type = String)]
    sample_job_id: JobId,
    /// Its error.
    error: String,
    /// How many died in each of the last 24 hours, the present one last.
    by_hour: Vec<i64>,
}

impl From<DeadGroup> for DeadGroupView {
    fn from(group: DeadGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            kind: group.kind,
            queue: group.queue,
            count: group.count,
            first_at: group.first_at,
            last_at: group.last_at,
            sample_job_id: group.sample,
            error: group.error,
            by_hour: group.by_hour,
        }
    }
}

/// Group dead jobs by what went wrong
///
/// Of very many dead jobs, the newest 100,000 are looked at.
#[utoipa::path(get, path = "/api/dead-letters/groups", operation_id = "groupDeadLetters", tag = "dead letters", security(("bearer" = ["jobs:read"])),
    params(GroupParams), responses((status = 200, body = DeadGroups)))]
async fn groups(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    Query(params): Query<GroupParams>,
) -> Result<Json<DeadGroups>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let found = dead_letters::groups(
        &app.db,
        params.queue.as_deref(),
        params.kind.as_deref(),
        &page,
    )
    .await?;
    Ok(Json(DeadGroups {
        items: found.items.into_iter().map(DeadGroupView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// Let a dead job wait again, with all its attempts
#[utoipa::path(post, path = "/api/dead-letters/{id}/replay", operation_id = "replayDeadLetter", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 202, body = Retried), (status = 409, description = "It is not dead, or its unique key is taken")))]
async fn replay(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let repeated = steer::retry(&mut tx, &caller.ctx, &app.catalog, id, Changes::default()).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(retried(repeated))
}

/// Leave a dead job for good
///
/// It moves into the history, where it can still be found and retried.
#[utoipa::path(post, path = "/api/dead-letters/{id}/discard", operation_id = "discardDeadLetter", tag = "dead letters", security(("bearer" = ["jobs:write"])),
    params(("id" = String, Path, description = "`job_…`")),
    responses((status = 200, body = Steered), (status = 409, description = "It is not dead")))]
async fn discard(
    caller: Allowed<WriteJobs>,
    State(app): State<App>,
    PathId(id): PathId<JobId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let applied = steer::discard(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(steered(id, applied))
}
