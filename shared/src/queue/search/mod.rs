//! Finding jobs: by state, kind, queue, words and time, in the hot table and in the history, newest first.
//!
//! Every search is bounded: a page at a time, and [`SEARCH_TIMEOUT_MS`] for the statement. One that cannot be answered
//! in that time is refused with advice instead of slowing the queue down.

mod filter;
mod sql;
mod summary;

pub use filter::{ARG_FILTERS_MAX, ERROR_TEXT_MIN_CHARS, JobFilter, JobStatus, UnknownStatus};
pub use summary::JobSummary;

pub(super) use sql::push_hot_conditions;

use thiserror::Error;
use uuid::Uuid;

use super::JobId;
use crate::kernel::{
    Classify, Cursor, Db, ErrorKind, FieldError, InvalidCursor, Page, PageRequest,
};

/// How long a search may take, in milliseconds.
pub const SEARCH_TIMEOUT_MS: u32 = 3_000;
/// SQLSTATE of a statement that was ended for taking too long.
const QUERY_CANCELED: &str = "57014";

/// Why a search was not answered.
#[derive(Debug, Error)]
pub enum SearchError {
    /// Too many rows would have to be looked at.
    #[error(
        "this search looks at too many jobs; add a kind, a state, a tag, an argument or a shorter time"
    )]
    TooBroad,
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The database refused.
    #[error("the search could not be answered")]
    Db(#[source] sqlx::Error),
}

impl From<sqlx::Error> for SearchError {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        if code.as_deref() == Some(QUERY_CANCELED) {
            Self::TooBroad
        } else {
            Self::Db(error)
        }
    }
}

impl Classify for SearchError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::TooBroad => ErrorKind::Invalid,
            Self::Cursor(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooBroad => "search-too-broad",
            Self::Cursor(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Cursor(error) => error.fields(),
            Self::TooBroad | Self::Db(_) => Vec::new(),
        }
    }
}

/// One page of the jobs that match, newest first.
///
/// A page may hold fewer rows than were asked for and still have a next one: only a page without a cursor is the last.
///
/// # Errors
/// If the search is too broad, the cursor is not ours, or the database does not answer.
pub async fn search(
    db: &Db,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<JobSummary>, SearchError> {
    let before: Option<Uuid> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let mut tx = db.begin().await?;
    bound(&mut tx).await?;
    let mut window = sql::first_window(limit);
    loop {
        let rows = sql::page(&mut tx, filter, before, limit, window).await?;
        let mut page = Page::of(rows, limit, |job| Uuid::from(job.id));
        if page.next.is_some() {
            return Ok(page);
        }
        // the page is not full: because that is all, or because the candidates of a term were used up before
        let edge = sql::last_candidate(&mut tx, filter, before, window).await?;
        if edge.is_none() || window == sql::CANDIDATES_MAX {
            page.next = edge.map(|id| Cursor::encode(&id));
            return Ok(page);
        }
        window = sql::CANDIDATES_MAX;
    }
}

/// Bounds every statement of the rest of this transaction: its time, and the cores it may take from the queue. Plans are
/// made for the values at hand: one that suits a common word would walk everything for a rare one.
pub(super) async fn bound(conn: &mut sqlx::PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as a, set_config('max_parallel_workers_per_gather', '0', true) as b,
                set_config('jit', 'off', true) as c, set_config('plan_cache_mode', 'force_custom_plan', true) as d",
        SEARCH_TIMEOUT_MS.to_string(),
    )
    .fetch_one(conn)
        .await
        .map(drop)
}

/// The newest jobs that match; at most `most`.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn newest(
    conn: &mut sqlx::PgConnection,
    filter: &JobFilter,
    most: i64,
) -> sqlx::Result<Vec<JobSummary>> {
    let mut jobs = sql::page(conn, filter, None, most, sql::CANDIDATES_MAX).await?;
    // a page brings one more, to tell that there is a next one
    jobs.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(jobs)
}

/// A job by its id, in the hot table or in the history.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn find_by_id(
    conn: &mut sqlx::PgConnection,
    id: JobId,
) -> sqlx::Result<Option<JobSummary>> {
    sql::by_id(conn, id).await
}
