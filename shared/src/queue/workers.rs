//! Worker processes: registration, heartbeat, and what becomes of the jobs of a process that fell silent.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::batch;
use super::settle::is_taken_key;
use super::watch::{GAP_MAX, Silent};
use super::{JobId, Lease, WorkerId};
use crate::kernel::TypedId;

/// Processes that may die while a job's handler runs before the job is held to be the cause.
pub const CRASHES_MAX: i32 = 3;

/// A process that is about to work.
#[derive(Debug, Clone)]
pub struct NewWorker {
    /// Its id, unique for each start.
    pub id: WorkerId,
    /// The machine's name.
    pub host: String,
    /// The process's number there.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Slots by queue.
    pub queues: BTreeMap<String, usize>,
    /// Kinds it has handlers for.
    pub kinds: Vec<String>,
}

/// Registers a worker and makes its queues known; from now on it may claim, as long as its heart beats.
///
/// # Errors
/// If the database refuses.
pub async fn register(conn: &mut PgConnection, worker: &NewWorker) -> sqlx::Result<()> {
    let names: Vec<String> = worker.queues.keys().cloned().collect();
    sqlx::query!(
        "insert into queues (name) select unnest($1::text[]) on conflict do nothing",
        &names
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into workers (id, host, pid, version, queues, kinds) values ($1, $2, $3, $4, $5, $6)",
        worker.id.uuid(),
        worker.host,
        i32::try_from(worker.pid).unwrap_or(0),
        worker.version,
        serde_json::json!(worker.queues),
        &worker.kinds,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What the database thinks of a worker that just beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beat {
    /// It may go on.
    Confirmed {
        /// Somebody asked it to finish what it runs and stop.
        drain: bool,
    },
    /// It was declared lost and its jobs are others' by now: it must stop them and register anew.
    Lost,
}

/// Tells that the worker lives. It does not wait for the disk: where a crash of the server takes a beat back, the count
/// still changes with the next.
///
/// # Errors
/// If the database does not answer; then nothing is confirmed.
pub async fn beat(conn: &mut PgConnection, worker: WorkerId) -> sqlx::Result<Beat> {
    let row = sqlx::query!(
        r#"with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           update workers set beat = beat + 1, seen_at = now() from relaxed
           where id = $1 and state in ('running', 'draining')
           returning drain_requested_at is not null as "drain!""#,
        worker.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or(Beat::Lost, |row| Beat::Confirmed { drain: row.drain }))
}

/// A job that the database says this worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Under which lease.
    pub lease: Lease,
    /// Somebody asked for it to be cancelled.
    pub cancel: bool,
}

/// All that the database says this worker runs.
///
/// # Errors
/// If the database does not answer.
pub async fn held(conn: &mut PgConnection, worker: WorkerId) -> sqlx::Result<Vec<Held>> {
    let rows = sqlx::query!(
        r#"select id, lease_id as "lease_id!", cancel_requested_at is not null as "cancel!"
           from jobs where worker_id = $1 and state = 'running'"#,
        worker.uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Held {
            lease: Lease {
                job: JobId::from(row.id),
                id: row.lease_id,
            },
            cancel: row.cancel,
        })
        .collect())
}

/// Writes how far running jobs are; what is no longer leased is left alone. Not synchronous: only for watching.
///
/// # Errors
/// If the database does not answer.
pub async fn report_progress(
    conn: &mut PgConnection,
    reports: &[(Lease, f32, Option<String>)],
) -> sqlx::Result<()> {
    if reports.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = reports.iter().map(|(lease, ..)| lease.job.uuid()).collect();
    let leases: Vec<Uuid> = reports.iter().map(|(lease, ..)| lease.id).collect();
    let done: Vec<f32> = reports
        .iter()
        // what is no number is no progress; it must not make the statement, and with it the heartbeat, fail
        .map(|(_, done, _)| {
            if done.is_nan() {
                0.0
            } else {
                done.clamp(0.0, 1.0)
            }
        })
        .collect();
    let notes: Vec<Option<String>> = reports
        .iter()
        .map(|(.., note)| note.as_deref().map(|note| super::settle::clean(note, 200)))
        .collect();
    sqlx::query!(
        "with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
         update jobs j set progress = r.done, progress_note = coalesce(r.note, j.progress_note)
         from unnest($1::uuid[], $2::uuid[], $3::float4[], $4::text[]) as r (id, lease_id, done, note), relaxed
         where j.id = r.id and j.lease_id = r.lease_id",
        &ids,
        &leases,
        &done,
        &notes as &[Option<String>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The worker takes no more jobs and finishes those it has.
///
/// # Errors
/// If the database does not answer.
pub async fn draining(conn: &mut PgConnection, worker: WorkerId) -> sqlx::Result<()> {
    sqlx::query!(
        "update workers set state = 'draining' where id = $1 and state = 'running'",
        worker.uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The worker ended in good order: nothing that it claimed is left in its name. Otherwise nothing changes and false is
/// answered; it will be found silent, and what it left will be rescued.
///
/// # Errors
/// If the database does not answer.
pub async fn stopped(conn: &mut PgConnection, worker: WorkerId) -> sqlx::Result<bool> {
    let stopped = sqlx::query!(
        "update workers set state = 'stopped', ended_at = now()
         where id = $1 and state in ('running', 'draining')
           and not exists (select from jobs where worker_id = $1 and state = 'running')",
        worker.uuid(),
    )
    .execute(conn)
    .await?;
    Ok(stopped.rows_affected() == 1)
}

/// A live worker as the watcher sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which.
    pub id: WorkerId,
    /// Its heart's counter.
    pub beat: i64,
    /// How long the counter has stood there while the database could be reached, as far as that can be known.
    pub silence: Duration,
    /// Slots by queue.
    pub queues: BTreeMap<String, usize>,
    /// Kinds it has handlers for.
    pub kinds: Vec<String>,
    /// It takes new jobs.
    pub running: bool,
}

/// All workers that have neither stopped nor been declared lost.
///
/// Their silences are what a watcher noted, and the time since that note or since the last beat, if it is no longer
/// than [`GAP_MAX`]: what may pass between two looks of one watcher may pass between those of two. Both ends of it are
/// the database's time, and a jump of its clock by more than that counts for nothing.
///
/// # Errors
/// If the database does not answer.
pub async fn live(conn: &mut PgConnection) -> sqlx::Result<Vec<Live>> {
    let gap_max_ms = GAP_MAX.as_millis() as f64;
    let rows = sqlx::query!(
        r#"select id, beat, queues, kinds, state = 'running' as "running!",
                  case when since_beat between 0 and $1 then since_beat
                       when silent_beat = beat and since_note between 0 and $1 then silent_ms + since_note
                       when silent_beat = beat then silent_ms
                       else 0 end as "silent_ms!"
           from workers, lateral (select
             extract(epoch from clock_timestamp() - seen_at)::float8 * 1000 as since_beat,
             extract(epoch from clock_timestamp() - silent_noted_at)::float8 * 1000 as since_note) as ages
           where state in ('running', 'draining')"#,
        gap_max_ms,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Live {
            id: WorkerId::from(row.id),
            beat: row.beat,
            silence: Duration::from_secs_f64(row.silent_ms.max(0.0) / 1000.0),
            queues: serde_json::from_value(row.queues).unwrap_or_default(),
            kinds: row.kinds,
            running: row.running,
        })
        .collect())
}

/// Notes silences for whoever leads next; where a heart has beaten meanwhile the note means nothing.
///
/// # Errors
/// If the database does not answer.
pub async fn note_silences(
    conn: &mut PgConnection,
    silences: &[(Silent, Duration)],
) -> sqlx::Result<()> {
    if silences.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = silences.iter().map(|(s, _)| s.worker.uuid()).collect();
    let beats: Vec<i64> = silences.iter().map(|(s, _)| s.beat).collect();
    let lengths: Vec<i32> = silences
        .iter()
        .map(|(_, silence)| i32::try_from(silence.as_millis()).unwrap_or(i32::MAX))
        .collect();
    sqlx::query!(
        "with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
         update workers w set silent_beat = s.beat, silent_ms = s.ms, silent_noted_at = clock_timestamp()
         from relaxed, unnest($1::uuid[], $2::int8[], $3::int4[]) as s (id, beat, ms)
         where w.id = s.id and w.beat = s.beat",
        &ids,
        &beats,
        &lengths,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a rescue did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rescue {
    /// Jobs that wait again.
    pub again: u64,
    /// Jobs that are dead because processes kept dying under them.
    pub poison: u64,
    /// Jobs that were to be cancelled anyway.
    pub cancelled: u64,
}

/// Declares a worker lost and takes its jobs back, in one transaction. Does nothing, and answers none, if it is no longer
/// live or if its heart has beaten since the watcher looked, as it may when the database itself was slow.
///
/// A rescue does not use up an attempt. A job whose handler had started counts a crash; from the first on it is a
/// suspect and runs alone, and with [`CRASHES_MAX`] it is dead.
///
/// # Errors
/// If the database does not answer; then nothing changed.
pub async fn rescue(pool: &PgPool, silent: Silent) -> sqlx::Result<Option<Rescue>> {
    match try_rescue(pool, silent).await {
        // an enqueuer took a unique key between our look and our write; it has committed, so now we see it
        Err(error) if is_taken_key(&error) => try_rescue(pool, silent).await,
        answer => answer,
    }
}

async fn try_rescue(pool: &PgPool, silent: Silent) -> sqlx::Result<Option<Rescue>> {
    let mut tx = pool.begin().await?;
    let lost = sqlx::query!(
        "update workers set state = 'lost', ended_at = now()
         where id = $1 and beat = $2 and state in ('running', 'draining')",
        silent.worker.uuid(),
        silent.beat,
    )
    .execute(&mut *tx)
    .await?;
    if lost.rows_affected() == 0 {
        return Ok(None);
    }
    let rescue = take_back(&mut tx, silent.worker.uuid()).await?;
    tx.commit().await?;
    Ok(Some(rescue))
}

/// Takes back what workers seem to run that are no longer live: jobs claimed in the very moment in which their worker
/// was declared lost, and those that a process could not end before it had to.
///
/// # Errors
/// If the database does not answer; what was taken back stays so.
pub async fn take_back_strays(pool: &PgPool) -> sqlx::Result<Rescue> {
    let workers = sqlx::query_scalar!(
        r#"select distinct worker_id as "id!" from jobs j where state = 'running' and not exists (
             select from workers w where w.id = j.worker_id and w.state in ('running', 'draining'))"#
    )
    .fetch_all(pool)
    .await?;
    let mut all = Rescue::default();
    for worker in workers {
        let mut tx = pool.begin().await?;
        let one = take_back(&mut tx, worker).await?;
        tx.commit().await?;
        all = Rescue {
            again: all.again + one.again,
            poison: all.poison + one.poison,
            cancelled: all.cancelled + one.cancelled,
        };
    }
    Ok(all)
}

/// Takes back all that a worker runs which cannot run it any more.
async fn take_back(conn: &mut PgConnection, worker: Uuid) -> sqlx::Result<Rescue> {
    let rows = sqlx::query!(
        r#"
        with stranded as (
            select id, kind, unique_key, batch_id, (started_at is not null)::int as crash,
                   case when cancel_requested_at is not null then 'cancelled'
                        when started_at is not null and crashes + 1 >= $2 then 'poison'
                        else 'again' end as fate
            from jobs where worker_id = $1 and state = 'running' for update
        ),
        noted as (
            insert into job_attempts (job_id, attempt, lease_id, worker_id, started_at, ended_at, outcome, error_chain)
            select j.id, j.attempt, j.lease_id, j.worker_id, j.started_at, now(), 'lost',
                   array['the worker process was lost']
            from stranded s join jobs j on j.id = s.id
        ),
        again as (
            update jobs j
            set state = 'available', attempt = greatest(j.attempt - 1, 0), crashes = j.crashes + s.crash,
                lease_id = null, worker_id = null, claimed_at = null, started_at = null,
                progress = null, progress_note = null,
                -- while this one ran, another may have taken its place under the key, and even run beside it
                unique_key = case when not j.unique_running and (s.twin > 1 or exists (
                    select from jobs o where o.kind = j.kind and o.unique_key = j.unique_key and o.id <> j.id
                      and o.state = 'available')) then null else j.unique_key end
            from (select *, row_number() over (partition by kind, unique_key order by id) as twin
                  from stranded where fate = 'again') s
            where j.id = s.id
        ),
        poisoned as (
            update jobs j
            set state = 'dead', dead_at = now(), crashes = j.crashes + 1, lease_id = null, worker_id = null,
                claimed_at = null, last_error = 'the worker process died each time this job ran',
                fingerprint = 'poison'
            from stranded s where j.id = s.id and s.fate = 'poison'
        ),
        gone as (delete from jobs j using stranded s where j.id = s.id and s.fate = 'cancelled' returning j.*),
        moved as (
            insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                finished_at, last_error, cancel_reason)
            select id, kind, queue, priority, 'cancelled', group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                now(), last_error, cancel_reason
            from gone
        ),
        counted as (
            update batches b set dead = b.dead + n.dead, cancelled = b.cancelled + n.cancelled
            from (select batch_id, count(*) filter (where fate = 'poison') as dead,
                         count(*) filter (where fate = 'cancelled') as cancelled
                  from stranded where batch_id is not null and fate <> 'again' group by batch_id) n
            where b.id = n.batch_id
        )
        select fate as "fate!", batch_id from stranded
        "#,
        worker,
        CRASHES_MAX,
    )
    .fetch_all(&mut *conn)
    .await?;
    let over: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.fate != "again")
        .filter_map(|row| row.batch_id)
        .collect();
    batch::finish(conn, &over).await?;
    let count = |fate| rows.iter().filter(|row| row.fate == fate).count() as u64;
    Ok(Rescue {
        again: count("again"),
        poison: count("poison"),
        cancelled: count("cancelled"),
    })
}
