//! Putting work into the queue, inside the transaction of the fact that causes it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ready_list::Hint;
use super::{EnqueueError, Job, JobId, NewJob};
use crate::kernel::{Ctx, TypedId};

/// Jobs that one statement stores at the most; more are stored in several.
pub const ENQUEUE_CHUNK: usize = 1000;

/// What became of a job that was to be enqueued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It was stored.
    Inserted(JobId),
    /// A job with the same unique key stands already. It is locked until this transaction ends, so it cannot run
    /// before it can see what this transaction wrote.
    Found(JobId),
}

impl Enqueued {
    /// The job that now stands, new or old.
    pub const fn id(self) -> JobId {
        match self {
            Self::Inserted(id) | Self::Found(id) => id,
        }
    }

    /// Whether it is new.
    pub const fn inserted(self) -> bool {
        matches!(self, Self::Inserted(_))
    }
}

/// Enqueues one job as its kind declares; it exists once the caller's transaction has committed.
///
/// # Errors
/// If the payload is not acceptable or the database refuses; then roll back.
pub async fn enqueue<J: Job>(
    conn: &mut PgConnection,
    ctx: &Ctx,
    job: &J,
) -> Result<Enqueued, EnqueueError> {
    enqueue_one(conn, ctx, NewJob::of(job)?).await
}

/// Enqueues one job with choices of its own.
///
/// # Errors
/// As [`enqueue`].
pub async fn enqueue_one(
    conn: &mut PgConnection,
    ctx: &Ctx,
    job: NewJob,
) -> Result<Enqueued, EnqueueError> {
    let all = enqueue_many(conn, ctx, vec![job]).await?;
    Ok(all[0])
}

/// Enqueues many jobs, a statement for each [`ENQUEUE_CHUNK`]; the answers are in the order of the jobs.
///
/// # Errors
/// As [`enqueue`]; [`EnqueueError::BatchClosed`] if a job names a batch that is sealed.
pub async fn enqueue_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    mut jobs: Vec<NewJob>,
) -> Result<Vec<Enqueued>, EnqueueError> {
    if jobs.len() <= ENQUEUE_CHUNK {
        return enqueue_chunk(conn, ctx, &jobs).await;
    }
    let asked: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    // also from statement to statement, for the reason that stands at `insert_keyed`
    jobs.sort_by(in_key_order);
    let mut answers = HashMap::with_capacity(jobs.len());
    for chunk in jobs.chunks(ENQUEUE_CHUNK) {
        let told = enqueue_chunk(conn, ctx, chunk).await?;
        answers.extend(chunk.iter().map(|job| job.id).zip(told));
    }
    Ok(asked.iter().map(|id| answers[id]).collect())
}

/// Jobs without a key first, as they stand; then by kind and key.
fn in_key_order(a: &NewJob, b: &NewJob) -> std::cmp::Ordering {
    let key = |job: &NewJob| job.unique_key.as_ref().map(|_| job.kind);
    (key(a), &a.unique_key).cmp(&(key(b), &b.unique_key))
}

async fn enqueue_chunk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    jobs: &[NewJob],
) -> Result<Vec<Enqueued>, EnqueueError> {
    let trace = ctx.trace.child().to_string();
    let by = ctx.actor.to_string();
    let parent = ctx.job().map(TypedId::uuid);
    let (keyed, plain): (Vec<&NewJob>, Vec<&NewJob>) =
        jobs.iter().partition(|job| job.unique_key.is_some());
    let origin = Origin {
        trace: &trace,
        by: &by,
        parent,
    };

    let mut standing = HashMap::new();
    if !plain.is_empty() {
        insert_plain(conn, &Columns::of(&plain), &origin).await?;
    }
    if !keyed.is_empty() {
        standing = insert_keyed(conn, keyed, &origin).await?;
    }
    let answers: Vec<Enqueued> = jobs
        .iter()
        .map(|job| match standing.get(&job.id) {
            Some(other) if *other != job.id => Enqueued::Found(*other),
            Some(_) | None => Enqueued::Inserted(job.id),
        })
        .collect();
    let new: Vec<&NewJob> = jobs
        .iter()
        .zip(&answers)
        .filter(|(_, a)| a.inserted())
        .map(|(job, _)| job)
        .collect();
    insert_terms(conn, &new).await?;
    count_in_batches(conn, &new).await?;
    for job in new {
        ctx.add_hint(Hint {
            kind: job.kind,
            queue: job.queue.clone(),
            priority: job.priority,
            id: job.id,
            due: job.run_at.is_none_or(|at| at <= ctx.now()),
            grouped: job.group.is_some(),
            new: true,
        });
    }
    Ok(answers)
}

// "Now" is the database's: the machines' clocks differ, and a job must not wait for the slowest of them.

/// Where the jobs come from: the same for all of a statement.
struct Origin<'a> {
    trace: &'a str,
    by: &'a str,
    parent: Option<Uuid>,
}

/// The jobs of a statement, column by column.
struct Columns {
    id: Vec<Uuid>,
    kind: Vec<String>,
    queue: Vec<String>,
    priority: Vec<i16>,
    group: Vec<String>,
    run_at: Vec<Option<DateTime<Utc>>>,
    max_attempts: Vec<i32>,
    args: Vec<String>,
    tags: Vec<Option<String>>,
    batch: Vec<Option<Uuid>>,
}

impl Columns {
    fn of(jobs: &[&NewJob]) -> Self {
        Self {
            id: jobs.iter().map(|job| job.id.uuid()).collect(),
            kind: jobs.iter().map(|job| job.kind.to_owned()).collect(),
            queue: jobs.iter().map(|job| job.queue.clone()).collect(),
            priority: jobs.iter().map(|job| job.priority.rank()).collect(),
            group: jobs
                .iter()
                .map(|job| job.group.clone().unwrap_or_default())
                .collect(),
            run_at: jobs.iter().map(|job| job.run_at).collect(),
            max_attempts: jobs.iter().map(|job| i32::from(job.max_attempts)).collect(),
            args: jobs.iter().map(|job| job.args.clone()).collect(),
            // an array of arrays must be rectangular, so each job's tags travel as one JSON text
            tags: jobs
                .iter()
                .map(|job| {
                    (!job.tags.is_empty())
                        .then(|| serde_json::Value::from(job.tags.clone()).to_string())
                })
                .collect(),
            batch: jobs
                .iter()
                .map(|job| job.batch.map(TypedId::uuid))
                .collect(),
        }
    }
}

async fn insert_plain(
    conn: &mut PgConnection,
    c: &Columns,
    origin: &Origin<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into jobs (id, kind, queue, priority, group_key, run_at, max_attempts, args, tags, batch_id,
                          parent_id, created_by, trace, created_at)
        select n.id, n.kind, n.queue, n.priority, n.group_key, coalesce(n.run_at, now()), n.max_attempts, n.args::jsonb,
               case when n.tags is not null then array(select jsonb_array_elements_text(n.tags::jsonb)) end,
               n.batch_id, $11, $12, $13, now()
        from unnest($1::uuid[], $2::text[], $3::text[], $4::int2[], $5::text[], $6::timestamptz[], $7::int4[],
                    $8::text[], $9::text[], $10::uuid[])
             as n (id, kind, queue, priority, group_key, run_at, max_attempts, args, tags, batch_id)
        "#,
        &c.id,
        &c.kind,
        &c.queue,
        &c.priority,
        &c.group,
        &c.run_at as &[Option<DateTime<Utc>>],
        &c.max_attempts,
        &c.args,
        &c.tags as &[Option<String>],
        &c.batch as &[Option<Uuid>],
        origin.parent,
        origin.by,
        origin.trace,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts jobs with unique keys; answers, for each, the job that now stands under its key.
async fn insert_keyed(
    conn: &mut PgConnection,
    mut jobs: Vec<&NewJob>,
    origin: &Origin<'_>,
) -> sqlx::Result<HashMap<JobId, JobId>> {
    // In key order, so that two enqueuers with the same keys wait for each other instead of deadlocking; and each key
    // once, because one statement cannot touch a row twice.
    jobs.sort_by(|a, b| in_key_order(a, b));
    let mut distinct = jobs.clone();
    distinct.dedup_by(|a, b| (a.kind, &a.unique_key) == (b.kind, &b.unique_key));
    let c = Columns::of(&distinct);
    let keys: Vec<String> = distinct
        .iter()
        .filter_map(|job| job.unique_key.clone())
        .collect();
    let running: Vec<bool> = distinct
        .iter()
        .map(|job| job.unique_while_running)
        .collect();
    let rows = sqlx::query!(
        r#"
        insert into jobs (id, kind, queue, priority, group_key, run_at, max_attempts, args, tags, batch_id,
                          unique_key, unique_running, parent_id, created_by, trace, created_at)
        select n.id, n.kind, n.queue, n.priority, n.group_key, coalesce(n.run_at, now()), n.max_attempts, n.args::jsonb,
               case when n.tags is not null then array(select jsonb_array_elements_text(n.tags::jsonb)) end,
               n.batch_id, n.unique_key, n.unique_running, $13, $14, $15, now()
        from unnest($1::uuid[], $2::text[], $3::text[], $4::int2[], $5::text[], $6::timestamptz[], $7::int4[],
                    $8::text[], $9::text[], $10::uuid[], $11::text[], $12::bool[]) with ordinality
             as n (id, kind, queue, priority, group_key, run_at, max_attempts, args, tags, batch_id, unique_key,
                   unique_running, position)
        order by n.position
        -- updating the standing row is what locks it until the enqueuer commits
        on conflict (kind, unique_key)
            where unique_key is not null and (state = 'available' or (state = 'running' and unique_running))
            do update set unique_key = excluded.unique_key
        returning id, kind, unique_key as "unique_key!"
        "#,
        &c.id,
        &c.kind,
        &c.queue,
        &c.priority,
        &c.group,
        &c.run_at as &[Option<DateTime<Utc>>],
        &c.max_attempts,
        &c.args,
        &c.tags as &[Option<String>],
        &c.batch as &[Option<Uuid>],
        &keys,
        &running,
        origin.parent,
        origin.by,
        origin.trace,
    )
    .fetch_all(conn)
    .await?;
    let by_key: HashMap<(&str, &str), JobId> = rows
        .iter()
        .map(|row| {
            (
                (row.kind.as_str(), row.unique_key.as_str()),
                JobId::from(row.id),
            )
        })
        .collect();
    Ok(jobs
        .iter()
        .filter_map(|job| {
            Some((
                job.id,
                *by_key.get(&(job.kind, job.unique_key.as_deref()?))?,
            ))
        })
        .collect())
}

async fn insert_terms(conn: &mut PgConnection, jobs: &[&NewJob]) -> sqlx::Result<()> {
    let (ids, terms): (Vec<Uuid>, Vec<String>) = jobs
        .iter()
        .flat_map(|job| job.terms.iter().map(|term| (job.id.uuid(), term.clone())))
        .unzip();
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into job_terms (term, job_id, day)
         select t.term, t.id, current_date from unnest($1::text[], $2::uuid[]) as t (term, id)",
        &terms,
        &ids,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the new jobs to their batches' totals; a sealed batch takes none.
async fn count_in_batches(conn: &mut PgConnection, jobs: &[&NewJob]) -> Result<(), EnqueueError> {
    let mut counts: HashMap<Uuid, i64> = HashMap::new();
    for batch in jobs.iter().filter_map(|job| job.batch) {
        *counts.entry(batch.uuid()).or_default() += 1;
    }
    if counts.is_empty() {
        return Ok(());
    }
    let (ids, added): (Vec<Uuid>, Vec<i64>) = counts.into_iter().unzip();
    let open = sqlx::query!(
        "update batches b set total = b.total + n.added
         from unnest($1::uuid[], $2::int8[]) as n (id, added)
         where b.id = n.id and b.sealed_at is null",
        &ids,
        &added,
    )
    .execute(conn)
    .await?
    .rows_affected();
    if open == ids.len() as u64 {
        Ok(())
    } else {
        Err(EnqueueError::BatchClosed)
    }
}
