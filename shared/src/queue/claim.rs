//! Claiming: the one place that decides who runs a job.
//!
//! Whatever the ready lists say, a claim asks everything of Postgres: the job waits, is due, belongs to this queue, is
//! of a kind this worker knows, nobody cancelled it, the queue is not paused, its fleet-wide limit is not used up, and
//! the claiming worker is alive in the database's eyes.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{BatchId, JobId, Lease, Priority, WorkerId};
use crate::kernel::TypedId;

/// Jobs one claim takes at the most.
pub const CLAIM_MAX: usize = 500;
/// Jobs a claim without the ready lists takes at the most: it walks the index itself, so it stays small.
pub const DIRECT_CLAIM_MAX: usize = 64;

/// Who claims, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The worker, as registered.
    pub worker: WorkerId,
    /// The queue.
    pub queue: &'a str,
    /// The kinds it has handlers for.
    pub kinds: &'a [String],
}

/// A job that this worker may now run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The right to end it.
    pub lease: Lease,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Its priority.
    pub priority: Priority,
    /// Which attempt this is, 1 for the first.
    pub attempt: u32,
    /// After how many attempts it is dead.
    pub max_attempts: u32,
    /// Processes that died while its handler ran; a suspect runs alone.
    pub crashes: u16,
    /// The payload, as JSON text.
    pub args: String,
    /// Trace context of whoever enqueued it.
    pub trace: Option<String>,
    /// The batch it counts in.
    pub batch: Option<BatchId>,
    /// When it became due.
    pub due_at: DateTime<Utc>,
    /// When it was claimed, by the database's clock.
    pub claimed_at: DateTime<Utc>,
}

struct Row {
    id: Uuid,
    kind: String,
    queue: String,
    priority: i16,
    attempt: i32,
    max_attempts: i32,
    crashes: i16,
    args: String,
    trace: Option<String>,
    batch_id: Option<Uuid>,
    run_at: DateTime<Utc>,
    claimed_at: DateTime<Utc>,
}

impl Row {
    fn into_claimed(self, lease: Uuid) -> Claimed {
        Claimed {
            lease: Lease {
                job: JobId::from(self.id),
                id: lease,
            },
            kind: self.kind,
            queue: self.queue,
            priority: Priority::from_rank(self.priority).unwrap_or_default(),
            attempt: self.attempt.unsigned_abs(),
            max_attempts: self.max_attempts.unsigned_abs(),
            crashes: self.crashes.unsigned_abs(),
            args: self.args,
            trace: self.trace,
            batch: self.batch_id.map(BatchId::from),
            due_at: self.run_at,
            claimed_at: self.claimed_at,
        }
    }
}

/// Claims those of `ids` that may be claimed, under the lease id `lease`, which must be drawn anew for each call.
///
/// The commit does not wait for the disk: losing a claim in a crash of the server only means that the job runs again.
///
/// # Errors
/// If the database does not answer; then the claim may still have happened, see [`super::workers`] for how such
/// strangers are found and given back.
pub async fn claim(
    pool: &PgPool,
    who: Claimant<'_>,
    lease: Uuid,
    ids: &[JobId],
) -> sqlx::Result<Vec<Claimed>> {
    let mut conn = pool.acquire().await?;
    claim_ids(&mut conn, who, lease, ids).await
}

/// As [`claim`], for a queue of which the whole fleet may run only `limit` jobs at once.
///
/// Claims of such a queue go one after the other, so that the count they decide on is true.
///
/// # Errors
/// As [`claim`].
pub async fn claim_within(
    pool: &PgPool,
    who: Claimant<'_>,
    lease: Uuid,
    ids: &[JobId],
    limit: u32,
) -> sqlx::Result<Vec<Claimed>> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "select pg_advisory_xact_lock(hashtext('queue limit'), hashtext($1))",
        who.queue
    )
    .execute(&mut *tx)
    .await?;
    let running = count_running(&mut tx, who.queue).await?;
    let room = usize::try_from(i64::from(limit) - running).unwrap_or(0);
    let claimed = claim_ids(&mut tx, who, lease, &ids[..room.min(ids.len())]).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Jobs of a queue that the fleet runs now, counted from the leases themselves.
///
/// # Errors
/// If the database does not answer.
pub async fn count_running(conn: &mut PgConnection, queue: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "n!" from jobs where state = 'running' and queue = $1"#,
        queue
    )
    .fetch_one(conn)
    .await
}

/// Due jobs of a queue straight from Postgres, for when Redis or the leader is away. They are candidates, not claims.
///
/// # Errors
/// If the database does not answer.
pub async fn due_now(pool: &PgPool, who: Claimant<'_>, most: usize) -> sqlx::Result<Vec<JobId>> {
    let ids = sqlx::query_scalar!(
        "select id from jobs
         where state = 'available' and queue = $1 and run_at <= now() and kind = any($2)
           and cancel_requested_at is null
         order by priority, group_key, run_at, id limit $3",
        who.queue,
        who.kinds,
        most.min(DIRECT_CLAIM_MAX) as i64,
    )
    .fetch_all(pool)
    .await?;
    Ok(ids.into_iter().map(JobId::from).collect())
}

async fn claim_ids(
    conn: &mut PgConnection,
    who: Claimant<'_>,
    lease: Uuid,
    ids: &[JobId],
) -> sqlx::Result<Vec<Claimed>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"
        with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
        picked as (
            -- the state as text: no partial index fits, so the rows are looked up by their ids whatever the
            -- statistics say
            select j.id from jobs j
            where j.id = any($1) and j.state::text = 'available' and j.queue = $2 and j.kind = any($3)
              and j.run_at <= now() and j.cancel_requested_at is null
              and exists (select from workers w where w.id = $4 and w.state = 'running')
              and not exists (select from queues q where q.name = $2 and q.paused_at is not null)
            for update of j skip locked
        )
        update jobs j
        set state = 'running', lease_id = $5, worker_id = $4, attempt = j.attempt + 1, claimed_at = now(),
            -- a suspect waits until it can run alone; its handler's start is written then
            started_at = case when j.crashes = 0 then now() end
        from picked p cross join relaxed
        where j.id = p.id
        returning j.id, j.kind, j.queue, j.priority, j.attempt, j.max_attempts, j.crashes, j.args::text as "args!",
                  j.trace, j.batch_id, j.run_at, j.claimed_at as "claimed_at!"
        "#,
        &uuids,
        who.queue,
        who.kinds,
        who.worker.uuid(),
        lease,
    )
    .fetch_all(conn)
    .await?;
    // an update returns its rows in no particular order; the queue's order is that of the ids
    let order: std::collections::HashMap<Uuid, usize> =
        uuids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut claimed: Vec<Claimed> = rows
        .into_iter()
        .map(|row| row.into_claimed(lease))
        .collect();
    claimed.sort_by_key(|job| order.get(&job.lease.job.uuid()).copied());
    Ok(claimed)
}

/// Writes that a suspect's handler begins now, and waits for the disk: should the process die, this is the proof.
///
/// # Errors
/// If the database does not answer; false if the lease is gone.
pub async fn begin_alone(pool: &PgPool, lease: Lease) -> sqlx::Result<bool> {
    let began = sqlx::query!(
        "update jobs set started_at = now() where id = $1 and lease_id = $2 and state = 'running'",
        lease.job.uuid(),
        lease.id,
    )
    .execute(pool)
    .await?;
    Ok(began.rows_affected() == 1)
}

/// Whether the lease still runs its job: nobody ended it, gave it back or took it away.
///
/// # Errors
/// If the database does not answer.
pub async fn is_running(conn: &mut PgConnection, lease: Lease) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from jobs where id = $1 and lease_id = $2 and state = 'running') as "exists!""#,
        lease.job.uuid(),
        lease.id,
    )
    .fetch_one(conn)
    .await
}
