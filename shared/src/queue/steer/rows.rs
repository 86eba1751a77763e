//! The statements that move jobs, each for many rows at once: one job and a bulk operation go the same way.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::{Ctx, TypedId};
use crate::queue::{JobId, Notice};

/// A job of the hot table, locked until the transaction ends.
#[derive(Debug)]
pub(super) struct Locked {
    pub(super) kind: String,
    pub(super) queue: String,
    pub(super) priority: i16,
    pub(super) state: String,
    pub(super) grouped: bool,
    pub(super) unique_key: Option<String>,
    pub(super) cancel_requested: bool,
}

/// A job that a statement moved.
#[derive(Debug)]
pub(in crate::queue) struct Moved {
    pub(in crate::queue) id: Uuid,
    pub(in crate::queue) kind: String,
    pub(in crate::queue) queue: String,
    pub(in crate::queue) batch_id: Option<Uuid>,
}

pub(super) async fn lock(conn: &mut PgConnection, id: JobId) -> sqlx::Result<Option<Locked>> {
    sqlx::query_as!(
        Locked,
        r#"select kind, queue, priority, state::text as "state!", group_key <> '' as "grouped!", unique_key,
                  cancel_requested_at is not null as "cancel_requested!"
           from jobs where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await
}

/// How a job ended, if it is in the history.
pub(super) async fn over(conn: &mut PgConnection, id: JobId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select state::text as "state!" from job_history where id = $1"#,
        id.uuid()
    )
    .fetch_optional(conn)
    .await
}

/// Moves those of `ids` that wait into the history, as cancelled.
pub(in crate::queue) async fn cancel_waiting(
    conn: &mut PgConnection,
    ids: &[Uuid],
    reason: &str,
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (select id from jobs where id = any($1) and state = 'available' for update),
        gone as (delete from jobs j using picked p where j.id = p.id returning j.*),
        moved as (
            insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                finished_at, last_error, fingerprint, cancel_reason)
            select id, kind, queue, priority, 'cancelled', group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                now(), last_error, fingerprint, $2
            from gone
        ),
        counted as (
            update batches b set cancelled = b.cancelled + n.jobs
            from (select batch_id, count(*) as jobs from gone where batch_id is not null group by batch_id) n
            where b.id = n.batch_id
        )
        select id, kind, queue, batch_id from gone
        "#,
        ids,
        reason,
    )
    .fetch_all(conn)
    .await
}

/// Asks the workers that run those of `ids` that run to stop them; answers those that were not asked before.
pub(in crate::queue) async fn request_cancel(
    conn: &mut PgConnection,
    ids: &[Uuid],
    reason: &str,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "update jobs set cancel_requested_at = now(), cancel_reason = $2
         where id = any($1) and state = 'running' and cancel_requested_at is null
         returning id",
        ids,
        reason,
    )
    .fetch_all(conn)
    .await
}

/// Moves those of `ids` that are dead into the history, as discarded. Their batches counted them when they died.
pub(in crate::queue) async fn discard(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (select id from jobs where id = any($1) and state = 'dead' for update),
        gone as (delete from jobs j using picked p where j.id = p.id returning j.*),
        moved as (
            insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                finished_at, last_error, fingerprint)
            select id, kind, queue, priority, 'dead', group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                now(), last_error, fingerprint
            from gone
        )
        select id, kind, queue, batch_id from gone
        "#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Lets those of `ids` that are dead wait again, with all their attempts; what went wrong is told by the attempts made. One whose unique key is held by another job,
/// or by an earlier one of `ids`, stays dead.
pub(in crate::queue) async fn replay(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (
            select id, kind, unique_key from jobs where id = any($1) and state = 'dead' order by id for update
        ),
        free as (
            select distinct on (kind, coalesce(unique_key, id::text)) p.id from picked p
            where p.unique_key is null or not exists (
                select from jobs o where o.kind = p.kind and o.unique_key = p.unique_key
                  and (o.state = 'available' or (o.state = 'running' and o.unique_running)))
            order by kind, coalesce(unique_key, id::text), p.id
        ),
        again as (
            update jobs j
            set state = 'available', attempt = 0, crashes = 0, run_at = now(), dead_at = null, started_at = null,
                progress = null, progress_note = null, cancel_requested_at = null, cancel_reason = null,
                last_error = null, fingerprint = null
            from free f where j.id = f.id
            returning j.id, j.kind, j.queue, j.batch_id
        ),
        counted as (
            update batches b set dead = b.dead - n.jobs
            from (select batch_id, count(*) as jobs from again where batch_id is not null group by batch_id) n
            where b.id = n.batch_id
        )
        select id, kind, queue, batch_id from again
        "#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// The batches that jobs counted in, each once.
pub(in crate::queue) fn batches_of(moved: &[Moved]) -> Vec<Uuid> {
    let mut batches: Vec<Uuid> = moved.iter().filter_map(|job| job.batch_id).collect();
    batches.sort_unstable();
    batches.dedup();
    batches
}

/// Tells those who watch, once the transaction has committed.
pub(in crate::queue) fn tell(ctx: &Ctx, moved: &[Moved], state: &'static str) {
    for job in moved {
        ctx.tell(Notice::job(
            job.id.into(),
            job.kind.clone(),
            job.queue.clone(),
            state,
        ));
    }
}
