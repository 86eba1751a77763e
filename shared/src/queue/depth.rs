//! How much waits in each queue, counted so that looking never costs more than what is looked at.
//!
//! Up to [`COUNT_MAX`] waiting jobs of a queue are counted, and up to [`DEAD_COUNT_MAX`] dead ones of all; beyond that the
//! planner's statistics give the figure, and it says that it is an estimate.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Catalog;
use super::workers::{Live, live};

/// Waiting jobs of a queue that are counted one by one.
pub const COUNT_MAX: i64 = 10_000;
/// Dead jobs that are counted one by one, all queues together.
pub const DEAD_COUNT_MAX: i64 = 20_000;
/// Queues that are looked at, at the most; what a name is made of is up to whoever enqueues.
pub const QUEUES_MAX: usize = 200;
/// Groups whose heads are looked at for the age of the oldest job.
const GROUPS_MAX: i64 = 1_000;

/// What stands in one queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Depth {
    /// Jobs that wait: due, scheduled or for their next attempt.
    pub waiting: u64,
    /// Whether `waiting` is an estimate.
    pub estimated: bool,
    /// Of them, those that are due; none when there are too many to count.
    pub due: Option<u64>,
    /// Of them, those that wait for their time; none when there are too many to count.
    pub scheduled: Option<u64>,
    /// Of them, those that wait for their next attempt; none when there are too many to count.
    pub retryable: Option<u64>,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that are dead.
    pub dead: u64,
    /// Whether `dead` is an estimate.
    pub dead_estimated: bool,
    /// When the job that is due the longest became due; among the first groups, if there are very many.
    pub oldest_due: Option<DateTime<Utc>>,
    /// Waiting jobs of a kind that no live worker of this queue knows, as far as they were counted.
    pub stranded: u64,
    /// Slots of the live workers for this queue.
    pub slots: u64,
}

/// What stands in every queue that is known from settings, workers, the catalogue or its jobs.
///
/// # Errors
/// If the database does not answer.
pub async fn all(
    conn: &mut PgConnection,
    catalog: &Catalog,
) -> sqlx::Result<BTreeMap<String, Depth>> {
    let workers = live(&mut *conn).await?;
    let running = running(conn).await?;
    let (dead, too_many_dead) = dead(conn).await?;
    let mut names: BTreeSet<String> = catalog.queues().into_iter().map(str::to_owned).collect();
    names.extend(
        workers
            .iter()
            .flat_map(|worker| worker.queues.keys().cloned()),
    );
    names.extend(running.keys().chain(dead.keys()).cloned());
    names.extend(named(conn).await?);
    let mut depths = BTreeMap::new();
    for name in names.into_iter().take(QUEUES_MAX) {
        let mut depth = waiting(conn, &name, &kinds_served(&workers, &name)).await?;
        depth.running = running.get(&name).copied().unwrap_or(0);
        depth.dead = dead.get(&name).copied().unwrap_or(0);
        if too_many_dead {
            let believed = estimate(conn, DEAD, &name).await?;
            depth.dead = depth.dead.max(believed.unsigned_abs());
            depth.dead_estimated = true;
        }
        depth.slots = workers
            .iter()
            .filter_map(|worker| worker.queues.get(&name))
            .map(|slots| *slots as u64)
            .sum();
        depths.insert(name, depth);
    }
    Ok(depths)
}

/// The kinds that live workers of a queue know.
fn kinds_served(workers: &[Live], queue: &str) -> Vec<String> {
    let serving = workers
        .iter()
        .filter(|worker| worker.running && worker.queues.contains_key(queue));
    let kinds: BTreeSet<&String> = serving.flat_map(|worker| &worker.kinds).collect();
    kinds.into_iter().cloned().collect()
}

/// Queues that have settings or waiting jobs. The second part jumps from name to name in the index.
async fn named(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"
        with recursive waiting as (
            (select queue from jobs where state = 'available' order by queue limit 1)
            union all
            select (select j.queue from jobs j where j.state = 'available' and j.queue > w.queue order by j.queue limit 1)
            from waiting w where w.queue is not null
        )
        select name as "name!" from queues
        union select queue from (select queue from waiting limit $1) w where queue is not null
        "#,
        QUEUES_MAX as i64,
    )
    .fetch_all(conn)
    .await
}

async fn running(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, u64>> {
    let rows = sqlx::query!(
        r#"select queue, count(*) as "n!" from jobs where state = 'running' group by queue"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.queue, row.n.unsigned_abs()))
        .collect())
}

/// Dead jobs by queue, and whether there are more than were counted.
async fn dead(conn: &mut PgConnection) -> sqlx::Result<(BTreeMap<String, u64>, bool)> {
    let rows = sqlx::query!(
        r#"select queue, count(*) as "n!" from (select queue from jobs where state = 'dead' limit $1) d group by queue"#,
        DEAD_COUNT_MAX + 1,
    )
    .fetch_all(conn)
    .await?;
    let counted: i64 = rows.iter().map(|row| row.n).sum();
    let by_queue = rows.into_iter();
    Ok((
        by_queue
            .map(|row| (row.queue, row.n.unsigned_abs()))
            .collect(),
        counted > DEAD_COUNT_MAX,
    ))
}

async fn waiting(conn: &mut PgConnection, queue: &str, kinds: &[String]) -> sqlx::Result<Depth> {
    let row = sqlx::query!(
        r#"
        select count(*) as "n!", count(*) filter (where run_at <= now()) as "due!",
               count(*) filter (where run_at > now() and attempt = 0) as "scheduled!",
               count(*) filter (where run_at > now() and attempt > 0) as "retryable!",
               count(*) filter (where kind <> all($2)) as "stranded!"
        from (select run_at, attempt, kind from jobs where state = 'available' and queue = $1
              order by priority, group_key, run_at, id limit $3) head
        "#,
        queue,
        kinds,
        COUNT_MAX + 1,
    )
    .fetch_one(&mut *conn)
    .await?;
    let counted = row.n <= COUNT_MAX;
    let waiting = if counted {
        row.n
    } else {
        estimate(conn, WAITING, queue).await?.max(row.n)
    };
    let exactly = |n: i64| counted.then_some(n.unsigned_abs());
    Ok(Depth {
        waiting: waiting.unsigned_abs(),
        estimated: !counted,
        due: exactly(row.due),
        scheduled: exactly(row.scheduled),
        retryable: exactly(row.retryable),
        stranded: row.stranded.unsigned_abs(),
        oldest_due: if row.n == 0 {
            None
        } else {
            oldest_due(conn, queue).await?
        },
        ..Depth::default()
    })
}

/// How a planner is asked, for literal states: it knows how common each is.
const WAITING: &str =
    "explain (format json) select from jobs where state = 'available' and queue = $1";
const DEAD: &str = "explain (format json) select from jobs where state = 'dead' and queue = $1";

/// How many rows the planner, from its statistics, believes a statement about a queue to have.
async fn estimate(
    conn: &mut PgConnection,
    statement: &'static str,
    queue: &str,
) -> sqlx::Result<i64> {
    let plan: serde_json::Value = sqlx::query_scalar(statement)
        .bind(queue)
        .fetch_one(conn)
        .await?;
    Ok(plan
        .pointer("/0/Plan/Plan Rows")
        .and_then(serde_json::Value::as_i64)
        .unwrap_or(0))
}

/// The due time of the job that waits the longest: the least of the heads of each priority and group.
async fn oldest_due(conn: &mut PgConnection, queue: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"
        with recursive heads as (
            (select priority, group_key, run_at from jobs where state = 'available' and queue = $1
             order by priority, group_key, run_at limit 1)
            union all
            select n.priority, n.group_key, n.run_at from heads h, lateral (
                select j.priority, j.group_key, j.run_at from jobs j
                where j.state = 'available' and j.queue = $1 and (j.priority, j.group_key) > (h.priority, h.group_key)
                order by j.priority, j.group_key, j.run_at limit 1) n
        )
        select min(run_at) from (select run_at from heads limit $2) h where run_at <= now()
        "#,
        queue,
        GROUPS_MAX,
    )
    .fetch_one(conn)
    .await
}
