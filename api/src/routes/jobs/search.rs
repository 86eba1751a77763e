//! Finding jobs.

use axum::extract::{RawQuery, State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::kernel::{Cursor, FieldError, PageLimit, PageRequest};
use shared::queue::Catalog;
use shared::queue::search::{ARG_FILTERS_MAX, ERROR_TEXT_MIN_CHARS, JobFilter, JobStatus, search};
use utoipa::{IntoParams, ToSchema};

use super::view::JobView;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, ReadJobs};

/// A page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JobList {
    /// Newest first. There may be fewer than `limit`, even none, although there is a next page.
    items: Vec<JobView>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

impl From<shared::kernel::Page<shared::queue::search::JobSummary>> for JobList {
    fn from(page: shared::kernel::Page<shared::queue::search::JobSummary>) -> Self {
        Self {
            items: page.items.into_iter().map(JobView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// What jobs can be searched by. Searchable arguments (see `GET /api/job-kinds`) are given as `args.NAME=value`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes what `filter_of_query` reads")]
pub(crate) struct SearchParams {
    /// `available`, `scheduled`, `retryable`, `running`, `completed`, `dead`, `cancelled`, `discarded`; several with commas.
    state: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    tag: Option<String>,
    group: Option<String>,
    /// `creator_…`
    creator: Option<String>,
    /// Enqueued at this moment or later.
    created_after: Option<DateTime<Utc>>,
    /// Enqueued before this moment.
    created_before: Option<DateTime<Utc>>,
    /// A text within the last error, at least three characters.
    error: Option<String>,
    fingerprint: Option<String>,
    /// `batch_…`
    batch: Option<String>,
    /// `job_…` that enqueued them.
    parent: Option<String>,
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// Find jobs, newest first
#[utoipa::path(get, path = "/api/jobs", operation_id = "findJobs", tag = "jobs", security(("bearer" = ["jobs:read"])), params(SearchParams),
    responses((status = 200, body = JobList)))]
pub(super) async fn list(
    _: Allowed<ReadJobs>,
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<JobList>> {
    let (filter, page) = filter_of_query(&query.unwrap_or_default(), &app.catalog)?;
    Ok(Json(search(&app.db, &filter, &page).await?.into()))
}

/// The filter and the page that a query string asks for.
pub(crate) fn filter_of_query(query: &str, catalog: &Catalog) -> Result<(JobFilter, PageRequest)> {
    let (mut filter, mut page, mut errors) =
        (JobFilter::default(), PageRequest::default(), Vec::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if let Err(message) = read(&mut filter, &mut page, &name, value.into_owned()) {
            errors.push(FieldError::new(name.into_owned(), message));
        }
    }
    errors.extend(check_args(&filter, catalog, |name| format!("args.{name}")));
    errors.extend(check_error_text(&filter, "error".to_owned()));
    if errors.is_empty() {
        Ok((filter, page))
    } else {
        Err(Problem::invalid(errors))
    }
}

fn read(
    filter: &mut JobFilter,
    page: &mut PageRequest,
    name: &str,
    value: String,
) -> std::result::Result<(), String> {
    if value.contains('\0') {
        return Err("must not contain the NUL character".to_owned());
    }
    fn parsed<T: std::str::FromStr>(
        value: &str,
        wanted: &str,
    ) -> std::result::Result<Option<T>, String> {
        value
            .parse()
            .map(Some)
            .map_err(|_| format!("`{value}` is not {wanted}"))
    }
    /// A form sends its empty fields too; they ask for nothing.
    fn word(value: String) -> Option<String> {
        (!value.is_empty()).then_some(value)
    }
    const TIME: &str = "a time such as 2026-11-22T15:00:00Z";
    match name {
        "state" => {
            for word in value.split(',').filter(|word| !word.is_empty()) {
                filter.states.push(
                    word.trim()
                        .parse::<JobStatus>()
                        .map_err(|error| error.to_string())?,
                );
            }
        }
        "kind" => filter.kind = word(value),
        "queue" => filter.queue = word(value),
        "tag" => filter.tag = word(value),
        "group" => filter.group = word(value),
        "creator" => filter.creator = word(value),
        "error" => filter.error = word(value),
        "fingerprint" => filter.fingerprint = word(value),
        "createdAfter" => filter.created_after = parsed(&value, TIME)?,
        "createdBefore" => filter.created_before = parsed(&value, TIME)?,
        "batch" => filter.batch = parsed(&value, "a batch's id")?,
        "parent" => filter.parent = parsed(&value, "a job's id")?,
        "cursor" => page.cursor = word(value).map(Cursor::from),
        "limit" => page.limit = parsed(&value, "a number from 1 to 200")?,
        _ => match name.strip_prefix("args.") {
            Some(argument) => filter
                .args
                .extend(word(value).map(|value| (argument.to_owned(), value))),
            None => return Err("jobs cannot be searched by this".to_owned()),
        },
    }
    Ok(())
}

/// Refuses arguments that the kind, or any kind, does not declare searchable: nothing would ever be found by them.
pub(super) fn check_args(
    filter: &JobFilter,
    catalog: &Catalog,
    field: impl Fn(&str) -> String,
) -> Vec<FieldError> {
    let known = |name: &str| match &filter.kind {
        Some(kind) => catalog
            .get(kind)
            .is_some_and(|kind| kind.spec.searchable.contains(&name)),
        None => catalog
            .iter()
            .any(|kind| kind.spec.searchable.contains(&name)),
    };
    let unknown = filter.args.iter().filter(|(name, _)| !known(name));
    let mut errors: Vec<FieldError> = unknown
        .map(|(name, _)| {
            FieldError::new(
                field(name),
                "this argument is not searchable; GET /api/job-kinds lists those that are",
            )
        })
        .collect();
    if filter.args.len() > ARG_FILTERS_MAX {
        errors.push(FieldError::new(
            "args",
            format!("at most {ARG_FILTERS_MAX} arguments"),
        ));
    }
    errors
}

pub(super) fn check_error_text(filter: &JobFilter, field: String) -> Option<FieldError> {
    let short = filter
        .error
        .as_ref()
        .is_some_and(|text| text.chars().count() < ERROR_TEXT_MIN_CHARS);
    short.then(|| {
        FieldError::new(
            field,
            format!("must have at least {ERROR_TEXT_MIN_CHARS} characters"),
        )
    })
}
