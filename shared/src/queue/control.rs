//! What operators do to queues and workers: pause, resume, limit, drain.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use thiserror::Error;

use super::settings::Rate;
use super::submit::{QUEUE_NAME_RULE, is_queue_name};
use super::{Catalog, Notice, WorkerId};
use crate::audit::{self, Entry, Subject};
use crate::kernel::{Classify, Ctx, ErrorKind, FieldError, TypedId};

/// The highest limits that can be set.
pub const LIMIT_MAX: u32 = 1_000_000;
/// The longest period of a rate, in milliseconds: a day.
pub const RATE_PERIOD_MAX_MS: u32 = 86_400_000;
/// Workers that are listed at the most: all live ones, then those that ended last.
const WORKERS_LISTED_MAX: i64 = 500;

/// A queue as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueControl {
    /// Its name.
    pub name: String,
    /// Since when nothing new starts; none if it is not paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Jobs the fleet runs at once; none for no limit.
    pub concurrency_limit: Option<u32>,
    /// Jobs that may start within a period; none for no limit.
    pub rate: Option<Rate>,
    /// Grows with each change; 0 if nothing was ever set.
    pub version: i64,
    /// When it was changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// What is to be different; what is none stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueChanges {
    /// Paused or not.
    pub paused: Option<bool>,
    /// Another limit, or none at all.
    pub concurrency_limit: Option<Option<u32>>,
    /// Another rate, or none at all.
    pub rate: Option<Option<Rate>>,
}

/// Why a queue or a worker was not changed.
#[derive(Debug, Error)]
pub enum ControlError {
    /// There is no such queue.
    #[error("there is no queue `{0}`: no kind declares it and no worker serves it")]
    NoSuchQueue(String),
    /// There is no such worker, or it has ended.
    #[error("there is no live worker {0}")]
    NoSuchWorker(WorkerId),
    /// Somebody else changed it meanwhile.
    #[error("the queue was changed meanwhile; it is at version {0}")]
    Stale(i64),
    /// The new values are not acceptable.
    #[error("the changes are not acceptable; `errors` names the fields")]
    Invalid(Vec<FieldError>),
    /// The database refused.
    #[error("the change could not be stored")]
    Db(#[from] sqlx::Error),
}

impl Classify for ControlError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchQueue(_) | Self::NoSuchWorker(_) => ErrorKind::NotFound,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchQueue(_) => "queue-not-found",
            Self::NoSuchWorker(_) => "worker-not-found",
            Self::Stale(_) => "stale",
            Self::Invalid(_) => "invalid",
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::NoSuchQueue(_) | Self::NoSuchWorker(_) | Self::Stale(_) | Self::Db(_) => {
                Vec::new()
            }
        }
    }
}

/// The settings of the queues that have any, by name.
///
/// # Errors
/// If the database does not answer.
pub async fn queues(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, QueueControl>> {
    let rows = sqlx::query_as!(
        Row,
        "select name, paused_at, concurrency_limit, rate_limit, rate_period_ms, version, updated_at from queues"
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.name.clone(), row.into()))
        .collect())
}

struct Row {
    name: String,
    paused_at: Option<DateTime<Utc>>,
    concurrency_limit: Option<i32>,
    rate_limit: Option<i32>,
    rate_period_ms: i32,
    version: i64,
    updated_at: DateTime<Utc>,
}

impl From<Row> for QueueControl {
    fn from(row: Row) -> Self {
        let period_ms = row.rate_period_ms.unsigned_abs();
        Self {
            name: row.name,
            paused_at: row.paused_at,
            concurrency_limit: row.concurrency_limit.map(i32::unsigned_abs),
            rate: row.rate_limit.map(|limit| Rate {
                limit: limit.unsigned_abs(),
                period_ms,
            }),
            version: row.version,
            updated_at: Some(row.updated_at),
        }
    }
}

impl QueueControl {
    /// A queue of which nothing was ever set.
    pub const fn untouched(name: String) -> Self {
        Self {
            name,
            paused_at: None,
            concurrency_limit: None,
            rate: None,
            version: 0,
            updated_at: None,
        }
    }

    /// What the audit trail is told of it.
    fn told(&self) -> Value {
        serde_json::json!({
            "paused": self.paused_at.is_some(),
            "concurrencyLimit": self.concurrency_limit,
            "rateLimit": self.rate.map(|rate| serde_json::json!({ "limit": rate.limit, "periodMs": rate.period_ms })),
        })
    }

    /// The same with the changes; the fleet obeys within about a second.
    fn with(mut self, changes: QueueChanges, now: DateTime<Utc>) -> Self {
        if let Some(paused) = changes.paused {
            self.paused_at = paused.then(|| self.paused_at.unwrap_or(now));
        }
        self.concurrency_limit = changes.concurrency_limit.unwrap_or(self.concurrency_limit);
        self.rate = changes.rate.unwrap_or(self.rate);
        self
    }
}

/// Changes a queue for the whole fleet. With `expected`, only if it is still at that version.
///
/// # Errors
/// If there is no such queue, it is at another version, or the values are not acceptable.
pub async fn change_queue(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    name: &str,
    changes: QueueChanges,
    expected: Option<i64>,
) -> Result<QueueControl, ControlError> {
    check(&changes)?;
    if !is_queue_name(name) {
        return Err(ControlError::NoSuchQueue(format!(
            "{name}: a queue's name {QUEUE_NAME_RULE}"
        )));
    }
    if catalog.queues().contains(&name) {
        // known but never touched: it gets the row that it would get from its first worker
        sqlx::query!(
            "insert into queues (name) values ($1) on conflict do nothing",
            name
        )
        .execute(&mut *conn)
        .await?;
    }
    let row = sqlx::query_as!(
        Row,
        "select name, paused_at, concurrency_limit, rate_limit, rate_period_ms, version, updated_at from queues
         where name = $1 for update",
        name,
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or_else(|| ControlError::NoSuchQueue(name.to_owned()))?;
    if expected.is_some_and(|version| version != row.version) {
        return Err(ControlError::Stale(row.version));
    }
    let before = QueueControl::from(row);
    let after = before.clone().with(changes, ctx.now());
    if after == before {
        return Ok(before);
    }
    let stored = store(conn, &after).await?;
    let entry = Entry::new("queue.change", Subject::named("queue", name))
        .before(before.told())
        .after(stored.told());
    audit::record(conn, ctx, entry).await?;
    ctx.tell(Notice::Queue(name.to_owned()));
    Ok(stored)
}

async fn store(conn: &mut PgConnection, queue: &QueueControl) -> sqlx::Result<QueueControl> {
    let limit = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    sqlx::query_as!(
        Row,
        "update queues set paused_at = $2, concurrency_limit = $3, rate_limit = $4, rate_period_ms = coalesce($5, rate_period_ms),
                version = version + 1, updated_at = now()
         where name = $1
         returning name, paused_at, concurrency_limit, rate_limit, rate_period_ms, version, updated_at",
        queue.name,
        queue.paused_at,
        queue.concurrency_limit.map(limit),
        queue.rate.map(|rate| limit(rate.limit)),
        queue.rate.map(|rate| limit(rate.period_ms)),
    )
    .fetch_one(conn)
    .await
    .map(QueueControl::from)
}

fn check(changes: &QueueChanges) -> Result<(), ControlError> {
    let mut errors = Vec::new();
    if let Some(Some(limit)) = changes.concurrency_limit
        && limit > LIMIT_MAX
    {
        errors.push(FieldError::new(
            "/concurrencyLimit",
            format!("must be from 0 to {LIMIT_MAX}, or null for no limit"),
        ));
    }
    if let Some(Some(rate)) = changes.rate {
        if !(1..=LIMIT_MAX).contains(&rate.limit) {
            errors.push(FieldError::new(
                "/rateLimit/limit",
                format!("must be from 1 to {LIMIT_MAX}; to stop all, pause the queue"),
            ));
        }
        if !(1..=RATE_PERIOD_MAX_MS).contains(&rate.period_ms) {
            errors.push(FieldError::new(
                "/rateLimit/periodMs",
                format!("must be from 1 to {RATE_PERIOD_MAX_MS}"),
            ));
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(ControlError::Invalid(errors))
    }
}

/// A worker process as operators see it.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerView {
    /// Which start of a process.
    pub id: WorkerId,
    /// The machine's name.
    pub host: String,
    /// The process's number there.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// Slots by queue.
    pub queues: Value,
    /// Kinds it has handlers for.
    pub kinds: Vec<String>,
    /// `running`, `draining`, `stopped` or `lost`.
    pub state: String,
    /// When it was asked to drain.
    pub drain_requested_at: Option<DateTime<Utc>>,
    /// Jobs it holds.
    pub running: u64,
    /// When it started.
    pub started_at: DateTime<Utc>,
    /// When its heart was last heard.
    pub seen_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// The live workers, then those that ended last.
///
/// # Errors
/// If the database does not answer.
pub async fn workers(conn: &mut PgConnection) -> sqlx::Result<Vec<WorkerView>> {
    let rows = sqlx::query!(
        r#"select w.id, w.host, w.pid, w.version, w.queues, w.kinds, w.state, w.drain_requested_at, w.started_at, w.seen_at,
                  w.ended_at, (select count(*) from jobs j where j.worker_id = w.id and j.state = 'running') as "running!"
           from workers w order by w.ended_at desc nulls first, w.id desc limit $1"#,
        WORKERS_LISTED_MAX,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| WorkerView {
            id: row.id.into(),
            host: row.host,
            pid: row.pid.unsigned_abs(),
            version: row.version,
            queues: row.queues,
            kinds: row.kinds,
            state: row.state,
            drain_requested_at: row.drain_requested_at,
            running: row.running.unsigned_abs(),
            started_at: row.started_at,
            seen_at: row.seen_at,
            ended_at: row.ended_at,
        })
        .collect())
}

/// Asks a worker to finish what it runs and stop; it obeys at its next heartbeat. Saying it twice is allowed.
///
/// # Errors
/// If there is no such live worker.
pub async fn drain(
    conn: &mut PgConnection,
    ctx: &Ctx,
    worker: WorkerId,
) -> Result<(), ControlError> {
    let asked = sqlx::query!(
        "update workers set drain_requested_at = coalesce(drain_requested_at, now())
         where id = $1 and state in ('running', 'draining')",
        worker.uuid(),
    )
    .execute(&mut *conn)
    .await?;
    if asked.rows_affected() == 0 {
        return Err(ControlError::NoSuchWorker(worker));
    }
    audit::record(conn, ctx, Entry::new("worker.drain", worker)).await?;
    ctx.tell(Notice::Worker(worker));
    Ok(())
}
