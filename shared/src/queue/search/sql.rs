//! The statements of a search, put together from a filter; every value is bound.
//!
//! A search is one statement over one snapshot, so that a job which moves into the history meanwhile is neither missed
//! nor shown twice. It has a branch for each state, because each state has indexes of its own; each branch is ordered
//! and limited by itself, so that it reads no more than a page.

use chrono::{DateTime, Duration, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::summary::{JobSummary, Row};
use super::{JobFilter, JobStatus};
use crate::kernel::TypedId;
use crate::queue::JobId;

/// Jobs of one search term that a page looks at, at the most; the next page goes on behind them.
pub(super) const CANDIDATES_MAX: i64 = 5_000;
/// Ids are made a little after the context's time that is stored as `created_at`, and perhaps on another machine.
const ID_SLACK: Duration = Duration::hours(1);

const COLUMNS_HOT: &str = "j.id, j.kind, j.queue, j.priority, j.state::text as state, false as in_history, \
    j.run_at > now() as later, j.group_key, j.tags, j.run_at, j.attempt, j.max_attempts, j.batch_id, j.parent_id, \
    j.created_by, j.created_at, j.worker_id, j.started_at, j.dead_at as finished_at, j.progress, j.progress_note, \
    j.last_error, j.fingerprint, j.cancel_requested_at is not null as cancel_requested";

const COLUMNS_HISTORY: &str = "j.id, j.kind, j.queue, j.priority, j.state::text as state, true as in_history, \
    false as later, j.group_key, j.tags, j.run_at, j.attempt, j.max_attempts, j.batch_id, j.parent_id, \
    j.created_by, j.created_at, j.worker_id, j.started_at, j.finished_at, null::real as progress, \
    null::text as progress_note, j.last_error, j.fingerprint, false as cancel_requested";

type Query = QueryBuilder<Postgres>;

/// Candidates to look at first: nearly always the newest ones fill the page, unless other conditions leave most out.
pub(super) const fn first_window(limit: i64) -> i64 {
    let few = 3 * limit;
    if few < CANDIDATES_MAX {
        few
    } else {
        CANDIDATES_MAX
    }
}

/// The jobs of one page and one more, newest first; of a term, of its newest `window` jobs.
pub(super) async fn page(
    conn: &mut PgConnection,
    filter: &JobFilter,
    before: Option<Uuid>,
    limit: i64,
    window: i64,
) -> sqlx::Result<Vec<JobSummary>> {
    let mut query = Query::new("");
    push_term_source(&mut query, filter, before, window);
    query.push("select * from (");
    for (i, branch) in branches(filter).into_iter().enumerate() {
        query.push(if i == 0 { "(" } else { " union all (" });
        push_branch(&mut query, filter, branch, before, limit + 1);
        query.push(")");
    }
    query
        .push(") found order by id desc limit ")
        .push_bind(limit + 1);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(JobSummary::from).collect())
}

/// One job.
pub(super) async fn by_id(conn: &mut PgConnection, id: JobId) -> sqlx::Result<Option<JobSummary>> {
    let mut query =
        Query::new(format_args!("select {COLUMNS_HOT} from jobs j where j.id = ").to_string());
    query.push_bind(id.uuid());
    query
        .push(format_args!(
            " union all select {COLUMNS_HISTORY} from job_history j where j.id = "
        ))
        .push_bind(id.uuid());
    let row: Option<Row> = query.build_query_as().fetch_optional(conn).await?;
    Ok(row.map(JobSummary::from))
}

/// The oldest of the candidates, if there are as many as are looked at: the search is not over then.
pub(super) async fn last_candidate(
    conn: &mut PgConnection,
    filter: &JobFilter,
    before: Option<Uuid>,
    window: i64,
) -> sqlx::Result<Option<Uuid>> {
    let mut query = Query::new("");
    if !push_term_source(&mut query, filter, before, window) {
        return Ok(None);
    }
    query.push("select (select job_id from candidates order by job_id limit 1), (select count(*) from candidates)");
    let (id, n): (Option<Uuid>, i64) = query.build_query_as().fetch_one(conn).await?;
    Ok(id.filter(|_| n >= window))
}

/// One part of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// All of the hot table.
    Hot,
    /// All of the history.
    History,
    /// The jobs of one state.
    Status(JobStatus),
    /// Jobs that were tried and wait again, due or not.
    Tried,
}

fn branches(filter: &JobFilter) -> Vec<Branch> {
    if filter.states.is_empty() {
        if filter.error.is_some() || filter.fingerprint.is_some() {
            // only these can have an error; a job that waits for its first attempt is not looked at
            let (running, dead) = (
                Branch::Status(JobStatus::Running),
                Branch::Status(JobStatus::Dead),
            );
            return vec![Branch::Tried, running, dead, Branch::History];
        }
        return vec![Branch::Hot, Branch::History];
    }
    let mut states = filter.states.clone();
    states.sort_unstable();
    states.dedup();
    states.into_iter().map(Branch::Status).collect()
}

/// If the filter has terms: `with candidates as (…)`, the newest jobs that have the first of them. Says whether it has.
///
/// Starting from the term, whatever the planner's statistics say, is what keeps such a search from walking the backlog.
fn push_term_source(
    query: &mut Query,
    filter: &JobFilter,
    before: Option<Uuid>,
    window: i64,
) -> bool {
    let terms = filter.terms();
    let Some((first, others)) = terms.split_first() else {
        return false;
    };
    query.push("with candidates as materialized (select distinct t.job_id from job_terms t where t.term = ");
    query.push_bind(first.clone());
    if let Some(before) = before {
        query.push(" and t.job_id < ").push_bind(before);
    }
    if let Some(after) = filter.created_after {
        query
            .push(" and t.job_id >= ")
            .push_bind(lowest_id(after - ID_SLACK));
    }
    for other in others {
        query.push(" and exists (select from job_terms o where o.job_id = t.job_id and o.term = ");
        query.push_bind(other.clone()).push(")");
    }
    query
        .push(" order by t.job_id desc limit ")
        .push_bind(window)
        .push(") ");
    true
}

fn push_branch(
    query: &mut Query,
    filter: &JobFilter,
    branch: Branch,
    before: Option<Uuid>,
    limit: i64,
) {
    let history = match branch {
        Branch::Hot | Branch::Tried => false,
        Branch::History => true,
        Branch::Status(status) => status.is_over(),
    };
    let (columns, table) = if history {
        (COLUMNS_HISTORY, "job_history")
    } else {
        (COLUMNS_HOT, "jobs")
    };
    query.push(format_args!("select {columns} from {table} j"));
    if !filter.terms().is_empty() {
        query.push(" join candidates c on c.job_id = j.id");
    }
    query.push(" where true");
    match branch {
        Branch::Status(status) => {
            query.push(" and ").push(status_condition(status));
        }
        Branch::Tried => {
            query.push(" and j.state = 'available' and j.attempt > 0");
        }
        Branch::Hot | Branch::History => {}
    }
    push_conditions(query, filter);
    if history && let Some(after) = filter.created_after {
        // nothing ends before it begins, so whole days of the history can be left out
        query.push(" and j.finished_at >= ").push_bind(after);
    }
    if let Some(before) = before {
        query.push(" and j.id < ").push_bind(before);
    }
    query.push(" order by j.id desc limit ").push_bind(limit);
}

const fn status_condition(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Available => "j.state = 'available' and j.run_at <= now()",
        JobStatus::Scheduled => "j.state = 'available' and j.attempt = 0 and j.run_at > now()",
        JobStatus::Retryable => "j.state = 'available' and j.attempt > 0 and j.run_at > now()",
        JobStatus::Running => "j.state = 'running'",
        JobStatus::Completed => "j.state = 'completed'",
        JobStatus::Cancelled => "j.state = 'cancelled'",
        // in the hot table dead, in the history discarded
        JobStatus::Dead | JobStatus::Discarded => "j.state = 'dead'",
    }
}

/// The conditions of a bulk operation on the hot table, `jobs j`: the filter's states, and all the rest of it.
pub(in crate::queue) fn push_hot_conditions(query: &mut Query, filter: &JobFilter) {
    let states: Vec<&str> = filter
        .states
        .iter()
        .filter(|status| !status.is_over())
        .map(|status| status_condition(*status))
        .collect();
    if !states.is_empty() {
        query.push(format_args!(" and (({}))", states.join(") or (")));
    }
    push_conditions(query, filter);
}

/// Everything of the filter but its states and terms, about `j`.
fn push_conditions(query: &mut Query, filter: &JobFilter) {
    for (column, value) in [
        ("kind", &filter.kind),
        ("queue", &filter.queue),
        ("fingerprint", &filter.fingerprint),
    ] {
        if let Some(value) = value {
            query
                .push(format_args!(" and j.{column} = "))
                .push_bind(value.clone());
        }
    }
    for (column, id) in [
        ("batch_id", filter.batch.map(TypedId::uuid)),
        ("parent_id", filter.parent.map(TypedId::uuid)),
    ] {
        if let Some(id) = id {
            query.push(format_args!(" and j.{column} = ")).push_bind(id);
        }
    }
    if let Some(after) = filter.created_after {
        query.push(" and j.created_at >= ").push_bind(after);
        query
            .push(" and j.id >= ")
            .push_bind(lowest_id(after - ID_SLACK));
    }
    if let Some(before) = filter.created_before {
        query.push(" and j.created_at < ").push_bind(before);
        query
            .push(" and j.id < ")
            .push_bind(lowest_id(before + ID_SLACK));
    }
    if let Some(text) = &filter.error {
        query
            .push(" and j.last_error ilike ")
            .push_bind(format!("%{}%", escape_like(text)));
    }
}

/// The smallest id that can have been made at `at`: ids begin with the milliseconds of their making.
fn lowest_id(at: DateTime<Utc>) -> Uuid {
    let ms = u128::try_from(at.timestamp_millis().max(0)).unwrap_or(0);
    Uuid::from_u128((ms & 0xffff_ffff_ffff) << 80)
}

/// The text with the signs that `like` reads as patterns taken literally.
fn escape_like(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            if matches!(c, '\\' | '%' | '_') {
                out.push('\\');
            }
            out.push(c);
            out
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_filter_gets_into_the_statement() {
        let nasty = "'; drop table jobs; --".to_owned();
        let filter = JobFilter {
            states: vec![JobStatus::Dead, JobStatus::Completed],
            kind: Some(nasty.clone()),
            queue: Some(nasty.clone()),
            tag: Some(nasty.clone()),
            args: vec![(nasty.clone(), nasty.clone())],
            error: Some(nasty.clone()),
            fingerprint: Some(nasty),
            ..JobFilter::default()
        };
        let mut query = Query::new("");
        push_term_source(&mut query, &filter, None, CANDIDATES_MAX);
        for branch in branches(&filter) {
            push_branch(&mut query, &filter, branch, None, 10);
        }
        assert!(!query.sql().as_str().contains("drop table"));
    }

    #[test]
    fn patterns_in_a_text_are_taken_literally() {
        assert_eq!(escape_like(r"100%_\"), r"100\%\_\\");
    }

    #[test]
    fn ids_made_later_are_above_the_lowest_id_of_an_earlier_moment() {
        let at = DateTime::from_timestamp_millis(1_800_000_000_000).expect("a time");
        assert!(lowest_id(at) < lowest_id(at + Duration::milliseconds(1)));
        assert_eq!(lowest_id(at).get_version_num(), 0);
    }
}
