//! Pages on jobs.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use dashboard::query::{self, Term};
use dashboard::{BatchPage, BatchesPage, BulkPage, DeadLettersPage, JobPage, JobsPage, Section};
use serde::Deserialize;
use shared::kernel::{Cursor, Page, PageRequest};
use shared::queue::bulk;
use shared::queue::depth::Depth;
use shared::queue::inspect::{self, BatchView};
use shared::queue::sample::Sample;
use shared::queue::search::{JobFilter, JobStatus, JobSummary};
use shared::queue::{BatchId, JobId};
use url::form_urlencoded::Serializer;

use super::queue::ListQuery;
use super::screen::{Refusal, Screen};
use super::viewer::Seen;
use crate::app::App;
use crate::error::Problem;
use crate::extract::ReadJobs;
use crate::routes::jobs::{FilterBody, filter_of_query, hide};

/// Characters of the filter bar that are read.
const FILTER_MAX_CHARS: usize = 2_000;
/// Jobs of a batch that are read to show the others.
const SIBLINGS_SHOWN_MAX: u32 = 11;

/// What may be asked of the list.
#[derive(Debug, Deserialize)]
pub(super) struct JobsQuery {
    /// The words of the filter bar.
    #[serde(default)]
    q: String,
    cursor: Option<String>,
}

/// `GET /jobs`
pub(super) async fn list(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Query(asked): Query<JobsQuery>,
) -> Result<Response, Refusal> {
    if let Ok(id) = asked.q.trim().parse::<JobId>() {
        return Ok(Redirect::to(&format!("/jobs/{id}")).into_response());
    }
    let text: String = asked.q.chars().take(FILTER_MAX_CHARS).collect();
    let terms = query::parse(&text);
    let sample = app.sampler.sample().await?;
    let (found, refusals) = match find(&app, &terms, asked.cursor).await {
        Ok(found) => (Some(found), Vec::new()),
        Err(problem) if problem.status().is_client_error() => (None, problem.told()),
        Err(problem) => return Err(problem.into()),
    };
    let (filter, found) = found.unzip();
    let page = JobsPage {
        terms,
        filter: filter.and_then(as_body),
        refusals,
        counts: counts(&sample),
        next: found
            .as_ref()
            .and_then(|page| page.next.as_ref())
            .map(|cursor| cursor.as_str().to_owned()),
        jobs: found.map(|page| page.items.clone()).unwrap_or_default(),
        catalog: &app.catalog,
        queues: sample.queues.keys().cloned().collect(),
    };
    let markup = dashboard::jobs(&seen.frame(Section::Jobs), &page);
    Ok(Screen::new(markup, &seen.nonce).into_response())
}

async fn find(
    app: &App,
    terms: &[Term],
    cursor: Option<String>,
) -> Result<(JobFilter, Arc<Page<JobSummary>>), Problem> {
    let (filter, _) = filter_of_query(&as_query(terms), &app.catalog)?;
    let page = PageRequest {
        cursor: cursor.filter(|cursor| !cursor.is_empty()).map(Cursor::from),
        ..PageRequest::default()
    };
    let found = app.looks.jobs(&app.db, &filter, &page).await?;
    Ok((filter, found))
}

/// The words as `GET /api/jobs` takes them.
fn as_query(terms: &[Term]) -> String {
    let mut query = Serializer::new(String::new());
    for term in terms {
        let name = match term.name.as_str() {
            "after" => "createdAfter",
            "before" => "createdBefore",
            name => name,
        };
        query.append_pair(name, &term.value);
    }
    query.finish()
}

/// The filter as bulk operations take it; none if it asks for what they do not know, because without it they would be
/// for more jobs than are shown.
fn as_body(filter: JobFilter) -> Option<serde_json::Value> {
    let whole = filter.batch.is_none() && filter.parent.is_none();
    whole
        .then(|| serde_json::to_value(FilterBody::from(filter)).ok())
        .flatten()
}

/// How many jobs are in each state, as far as that is counted. Those that are over are too many to count.
fn counts(sample: &Sample) -> Vec<(JobStatus, Option<u64>)> {
    let sum = |of: fn(&Depth) -> Option<u64>| sample.queues.values().map(of).sum::<Option<u64>>();
    let count = |state: JobStatus| match state {
        JobStatus::Available => sum(|depth| depth.due),
        JobStatus::Scheduled => sum(|depth| depth.scheduled),
        JobStatus::Retryable => sum(|depth| depth.retryable),
        JobStatus::Running => sum(|depth| Some(depth.running)),
        JobStatus::Dead => sum(|depth| Some(depth.dead)),
        JobStatus::Completed | JobStatus::Cancelled | JobStatus::Discarded => None,
    };
    JobStatus::ALL
        .into_iter()
        .map(|state| (state, count(state)))
        .collect()
}

/// `GET /jobs/{id}`
pub(super) async fn show(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Screen, Refusal> {
    let id: JobId = id.parse().map_err(|_| Problem::not_found())?;
    let mut detail = inspect::job(&app.db, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let hidden = hide(&mut detail).into_iter().collect();
    let (batch, siblings) = match detail.summary.batch {
        Some(batch) => its_batch(&app, batch, id).await?,
        None => (None, Vec::new()),
    };
    let trace_url = detail.trace.as_deref().and_then(|trace| {
        let template = app.config.http.trace_url.as_ref()?;
        Some(template.replace("{traceId}", dashboard::trace_id(trace)))
    });
    let page = JobPage {
        detail,
        hidden,
        batch,
        siblings,
        trace_url,
    };
    let markup = dashboard::job(&seen.frame(Section::Jobs), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// A batch, and some of its jobs beside `job`.
async fn its_batch(
    app: &App,
    batch: BatchId,
    job: JobId,
) -> Result<(Option<BatchView>, Vec<JobSummary>), Refusal> {
    let its = JobFilter {
        batch: Some(batch),
        ..JobFilter::default()
    };
    let page = PageRequest {
        limit: SIBLINGS_SHOWN_MAX.to_string().parse().ok(),
        ..PageRequest::default()
    };
    let found = app.looks.jobs(&app.db, &its, &page).await?;
    let others = found.items.iter().filter(|other| other.id != job);
    let others = others.cloned().collect();
    let view = inspect::batch(&mut *app.db.pool().acquire().await?, batch).await?;
    Ok((view, others))
}

/// What may be asked of the dead letters.
#[derive(Debug, Deserialize)]
pub(super) struct DeadQuery {
    queue: Option<String>,
    cursor: Option<String>,
}

/// `GET /dead-letters`
pub(super) async fn dead_letters(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Query(asked): Query<DeadQuery>,
) -> Result<Screen, Refusal> {
    let queue = asked
        .queue
        .filter(|name| !name.is_empty() && !name.contains('\0'));
    let page = ListQuery {
        cursor: asked.cursor,
    }
    .page();
    let found = app.looks.dead(&app.db, queue.as_deref(), &page).await?;
    let page = DeadLettersPage {
        groups: found.items.clone(),
        queue,
        next: found.next.as_ref().map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::dead_letters(&seen.frame(Section::DeadLetters), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// What may be asked of the batches.
#[derive(Debug, Deserialize)]
pub(super) struct BatchesQuery {
    #[serde(default)]
    unfinished: bool,
    cursor: Option<String>,
}

/// `GET /batches`
pub(super) async fn batches(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Query(asked): Query<BatchesQuery>,
) -> Result<Screen, Refusal> {
    let page = ListQuery {
        cursor: asked.cursor,
    }
    .page();
    let mut conn = app.db.pool().acquire().await?;
    let found = inspect::list_batches(&mut conn, asked.unfinished, &page).await?;
    let page = BatchesPage {
        batches: found.items,
        unfinished: asked.unfinished,
        next: found.next.map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::batches(&seen.frame(Section::Batches), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// `GET /batches/{id}`
pub(super) async fn batch(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<ListQuery>,
) -> Result<Screen, Refusal> {
    let id: BatchId = id.parse().map_err(|_| Problem::not_found())?;
    let batch = inspect::batch(&mut *app.db.pool().acquire().await?, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let its = JobFilter {
        batch: Some(id),
        ..JobFilter::default()
    };
    let found = app.looks.jobs(&app.db, &its, &asked.page()).await?;
    let page = BatchPage {
        batch,
        jobs: found.items.clone(),
        next: found.next.as_ref().map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::batch(&seen.frame(Section::Batches), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// `GET /bulk`
pub(super) async fn bulk(
    seen: Seen<ReadJobs>,
    State(app): State<App>,
    Query(asked): Query<ListQuery>,
) -> Result<Screen, Refusal> {
    let found = bulk::list(&mut *app.db.pool().acquire().await?, &asked.page()).await?;
    let page = BulkPage {
        operations: found.items,
        next: found.next.map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::bulk(&seen.frame(Section::Bulk), &page);
    Ok(Screen::new(markup, &seen.nonce))
}
