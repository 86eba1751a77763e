//! Rows of `bulk_operations`, and the statements that find the jobs of a step.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::model::{Action, BulkId, BulkOperation, BulkState, NewBulk};
use super::{BulkError, MATCHED_MAX};
use crate::kernel::{Ctx, TypedId};
use crate::queue::Priority;
use crate::queue::search::{JobFilter, push_hot_conditions};

struct Row {
    id: Uuid,
    action: String,
    to_priority: Option<i16>,
    to_queue: Option<String>,
    undoes: Option<Uuid>,
    filter: serde_json::Value,
    reason: String,
    state: String,
    matched: i64,
    matched_at_least: bool,
    done: i64,
    skipped: i64,
    rate_per_second: Option<i32>,
    error: Option<String>,
    remembers: bool,
    undone_by: Option<Uuid>,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    /// The table's own checks leave no other words, and give each word what it needs.
    fn action(&self) -> Option<Action> {
        Some(match self.action.as_str() {
            "replay" => Action::Replay,
            "discard" => Action::Discard,
            "cancel" => Action::Cancel,
            "prioritise" => Action::Prioritise(Priority::from_rank(self.to_priority?)?),
            "move" => Action::Move(self.to_queue.clone()?),
            "undo" => Action::Undo(self.undoes?.into()),
            _ => return None,
        })
    }
}

impl TryFrom<Row> for BulkOperation {
    type Error = BulkError;

    fn try_from(row: Row) -> Result<Self, BulkError> {
        Ok(Self {
            id: row.id.into(),
            action: row
                .action()
                .ok_or_else(|| BulkError::UnknownAction(row.action.clone()))?,
            filter: serde_json::from_value(row.filter).map_err(BulkError::Stored)?,
            reason: row.reason,
            state: BulkState::from_word(&row.state).unwrap_or(BulkState::Failed),
            matched: row.matched,
            at_least: row.matched_at_least,
            done: row.done,
            skipped: row.skipped,
            rate_per_second: row.rate_per_second.map(i32::unsigned_abs),
            error: row.error,
            remembers: row.remembers,
            undone_by: row.undone_by.map(BulkId::from),
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        })
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewBulk,
    filter: &JobFilter,
    matched: i64,
) -> Result<BulkOperation, BulkError> {
    let id = BulkId::new();
    let (priority, queue, undoes) = match &new.action {
        Action::Prioritise(priority) => (Some(priority.rank()), None, None),
        Action::Move(queue) => (None, Some(queue.as_str()), None),
        Action::Undo(other) => (None, None, Some(other.uuid())),
        Action::Replay | Action::Discard | Action::Cancel => (None, None, None),
    };
    sqlx::query!(
        "insert into bulk_operations (id, action, to_priority, to_queue, undoes, remembers, filter, reason, matched,
                                      matched_at_least, rate_per_second, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id.uuid(),
        new.action.as_str(),
        priority,
        queue,
        undoes,
        new.action.can_be_undone(),
        serde_json::to_value(filter).map_err(BulkError::Stored)?,
        new.reason,
        matched.min(MATCHED_MAX),
        matched > MATCHED_MAX,
        new.rate_per_second.and_then(|rate| i32::try_from(rate).ok()),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(&mut *conn)
    .await?;
    find(conn, id).await?.ok_or(BulkError::NotFound(id))
}

pub(super) async fn list(
    conn: &mut PgConnection,
    before: Option<BulkId>,
    limit: i64,
) -> Result<Vec<BulkOperation>, BulkError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select b.id, b.action, b.to_priority, b.to_queue, b.undoes, b.filter, b.reason, b.state, b.matched,
                  b.matched_at_least, b.done, b.skipped, b.rate_per_second, b.error, b.remembers, u.id as "undone_by?",
                  b.created_by, b.created_at, b.updated_at, b.finished_at
           from bulk_operations b
           left join bulk_operations u on u.undoes = b.id and u.state in ('running', 'paused', 'completed')
           where $1::uuid is null or b.id < $1 order by b.id desc limit $2"#,
        before.map(TypedId::uuid),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BulkOperation::try_from).collect()
}

pub(super) async fn find(
    conn: &mut PgConnection,
    id: BulkId,
) -> Result<Option<BulkOperation>, BulkError> {
    let row = sqlx::query_as!(
        Row,
        r#"select b.id, b.action, b.to_priority, b.to_queue, b.undoes, b.filter, b.reason, b.state, b.matched,
                  b.matched_at_least, b.done, b.skipped, b.rate_per_second, b.error, b.remembers, u.id as "undone_by?",
                  b.created_by, b.created_at, b.updated_at, b.finished_at
           from bulk_operations b
           left join bulk_operations u on u.undoes = b.id and u.state in ('running', 'paused', 'completed')
           where b.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(BulkOperation::try_from).transpose()
}

pub(super) async fn lock(
    conn: &mut PgConnection,
    id: BulkId,
) -> Result<Option<BulkOperation>, BulkError> {
    sqlx::query!(
        "select 1 as one from bulk_operations where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    find(conn, id).await
}

/// Puts an operation into another state.
pub(super) async fn set_state(
    conn: &mut PgConnection,
    id: BulkId,
    state: BulkState,
    error: Option<&str>,
) -> Result<BulkOperation, BulkError> {
    let over = !matches!(state, BulkState::Running | BulkState::Paused);
    sqlx::query!(
        "update bulk_operations
         set state = $2, error = $3, updated_at = now(), finished_at = case when $4 then now() end
         where id = $1",
        id.uuid(),
        state.as_str(),
        error,
        over,
    )
    .execute(&mut *conn)
    .await?;
    find(conn, id).await?.ok_or(BulkError::NotFound(id))
}

/// Where an operation is: ids up to this one are settled.
pub(super) async fn last_id(conn: &mut PgConnection, id: BulkId) -> sqlx::Result<Uuid> {
    sqlx::query_scalar!(
        "select last_id from bulk_operations where id = $1",
        id.uuid()
    )
    .fetch_one(conn)
    .await
}

/// Notes a step.
pub(super) async fn advance(
    conn: &mut PgConnection,
    id: BulkId,
    last: Uuid,
    done: i64,
    skipped: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update bulk_operations set last_id = $2, done = done + $3, skipped = skipped + $4, updated_at = now() where id = $1",
        id.uuid(),
        last,
        done,
        skipped,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The jobs of a step, and where the next one begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picked {
    /// Jobs that match, locked until the transaction ends.
    pub(super) ids: Vec<Uuid>,
    /// The last id that was looked at; none if there is nothing behind.
    pub(super) last: Option<Uuid>,
}

/// The next jobs behind `after` that match.
pub(super) async fn pick(
    conn: &mut PgConnection,
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
    after: Uuid,
    most: i64,
) -> sqlx::Result<Picked> {
    let mut query = QueryBuilder::new("with ");
    let by_term = push_candidates(&mut query, filter, Some((after, most)));
    query.push("picked as (select j.id from jobs j");
    push_jobs(&mut query, filter, asked_at, by_term);
    query
        .push(" and j.id > ")
        .push_bind(after)
        .push(" order by j.id limit ")
        .push_bind(most)
        .push(" for update of j) ");
    if by_term {
        query.push("select array(select id from picked), (select c.job_id from candidates c order by c.job_id desc limit 1), \
                    (select count(*) from candidates)");
    } else {
        query.push("select array(select id from picked), (select p.id from picked p order by p.id desc limit 1), \
                    (select count(*) from picked)");
    }
    let (ids, last, n): (Vec<Uuid>, Option<Uuid>, i64) =
        query.build_query_as().fetch_one(conn).await?;
    Ok(Picked {
        ids,
        last: last.filter(|_| n >= most),
    })
}

/// How many jobs match, up to one more than [`MATCHED_MAX`].
pub(super) async fn count(
    conn: &mut PgConnection,
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::new("with ");
    let by_term = push_candidates(&mut query, filter, None);
    query.push("found as (select 1 from jobs j");
    push_jobs(&mut query, filter, asked_at, by_term);
    query
        .push(" limit ")
        .push_bind(MATCHED_MAX + 1)
        .push(") select count(*) from found");
    query.build_query_scalar().fetch_one(conn).await
}

/// If the filter has terms: `candidates as (…), `, the jobs that have them all, the oldest `most` behind `after`.
fn push_candidates(
    query: &mut QueryBuilder<Postgres>,
    filter: &JobFilter,
    page: Option<(Uuid, i64)>,
) -> bool {
    let terms = filter.terms();
    let Some((first, others)) = terms.split_first() else {
        return false;
    };
    query
        .push(
            "candidates as materialized (select distinct t.job_id from job_terms t where t.term = ",
        )
        .push_bind(first.clone());
    for other in others {
        query.push(" and exists (select from job_terms o where o.job_id = t.job_id and o.term = ");
        query.push_bind(other.clone()).push(")");
    }
    if let Some((after, most)) = page {
        query
            .push(" and t.job_id > ")
            .push_bind(after)
            .push(" order by t.job_id limit ")
            .push_bind(most);
    }
    query.push("), ");
    true
}

fn push_jobs(
    query: &mut QueryBuilder<Postgres>,
    filter: &JobFilter,
    asked_at: DateTime<Utc>,
    by_term: bool,
) {
    if by_term {
        query.push(" join candidates c on c.job_id = j.id");
    }
    query.push(" where j.created_at <= ").push_bind(asked_at);
    push_hot_conditions(query, filter);
}
