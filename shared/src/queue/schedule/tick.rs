//! Firing schedules: what is due is enqueued, and `last_tick` moves, in one transaction.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::occurrences::{Misfire, Recurrence, due};
use super::run::{Plan, run};
use crate::kernel::{Actor, Clock, Ctx};
use crate::queue::{Catalog, EnqueueError, Priority};

/// When to look at a schedule; two that are equal need no new timer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wakeup {
    /// Which schedule.
    pub schedule: Uuid,
    /// Its pattern.
    pub cron: String,
    /// Its zone.
    pub timezone: Tz,
}

/// The timers that the active schedules want. One whose pattern cannot be read is left out, and told in the log.
///
/// # Errors
/// If the database does not answer.
pub async fn wakeups(conn: &mut PgConnection) -> sqlx::Result<Vec<Wakeup>> {
    let rows = sqlx::query!("select id, cron, timezone from schedules where paused_at is null")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(
            |row| match Recurrence::parse(&row.cron, &row.timezone, DateTime::UNIX_EPOCH) {
                Ok(recurrence) => Some(Wakeup {
                    schedule: row.id,
                    cron: row.cron,
                    timezone: recurrence.timezone(),
                }),
                Err(error) => {
                    tracing::error!(schedule = %row.id, %error, "a stored schedule cannot be read");
                    None
                }
            },
        )
        .collect())
}

struct Due {
    id: Uuid,
    name: String,
    kind: String,
    args: serde_json::Value,
    queue: Option<String>,
    priority: Option<i16>,
    cron: String,
    timezone: String,
    misfire: String,
    last_tick: DateTime<Utc>,
}

/// Why a schedule did not fire.
#[derive(Debug, thiserror::Error)]
enum FireError {
    #[error("its kind is not in the catalogue, or its arguments do not fit it")]
    NotInCatalog,
    #[error("its pattern or zone cannot be read")]
    Recurrence(#[from] super::occurrences::InvalidRecurrence),
    #[error("its job was refused")]
    Enqueue(#[from] EnqueueError),
    #[error("the database is away")]
    Db(#[from] sqlx::Error),
}

/// Fires every schedule that has ticks due by the database's clock; answers how many jobs were enqueued.
///
/// A schedule that cannot fire is told in the log and stops no other.
///
/// # Errors
/// If the database does not answer.
pub async fn fire_due(pool: &PgPool, catalog: &Catalog) -> sqlx::Result<usize> {
    let ids = sqlx::query_scalar!("select id from schedules where paused_at is null order by id")
        .fetch_all(pool)
        .await?;
    let mut fired = 0;
    for id in ids {
        match fire(pool, catalog, id).await {
            Ok(jobs) => fired += jobs,
            Err(FireError::Db(error)) => return Err(error),
            Err(error) => {
                tracing::error!(schedule = %id, error = &error as &dyn std::error::Error, "a schedule cannot fire")
            }
        }
    }
    Ok(fired)
}

async fn fire(pool: &PgPool, catalog: &Catalog, id: Uuid) -> Result<usize, FireError> {
    let mut tx = pool.begin().await?;
    // two leaders for a moment: the second one leaves the schedule to the first
    let row = sqlx::query_as!(
        Due,
        "select id, name, kind, args, queue, priority, cron, timezone, misfire, last_tick from schedules
         where id = $1 and paused_at is null for update skip locked",
        id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(schedule) = row else { return Ok(0) };
    let now = sqlx::query_scalar!(r#"select now() as "now!""#)
        .fetch_one(&mut *tx)
        .await?;
    let recurrence = Recurrence::parse(&schedule.cron, &schedule.timezone, schedule.last_tick)?;
    let misfire = Misfire::from_word(&schedule.misfire).unwrap_or(Misfire::Once);
    let (ticks, moved) = due(&recurrence, schedule.last_tick, now, misfire);
    if moved == schedule.last_tick {
        return Ok(0);
    }
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let mut jobs = 0;
    for tick in ticks {
        jobs += usize::from(run_for_tick(&mut tx, &ctx, catalog, &schedule, tick).await?);
    }
    sqlx::query!(
        "update schedules set last_tick = $2 where id = $1",
        id,
        moved
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(jobs)
}

/// Enqueues the job of one tick, unless that tick has run; answers whether it did.
async fn run_for_tick(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    schedule: &Due,
    tick: DateTime<Utc>,
) -> Result<bool, FireError> {
    let plan = Plan {
        name: &schedule.name,
        kind: &schedule.kind,
        args: &schedule.args,
        queue: schedule.queue.as_deref(),
        priority: schedule.priority.and_then(Priority::from_rank),
    };
    let job = plan
        .job(catalog, ctx.now())
        .map_err(|_| FireError::NotInCatalog)?;
    let ran = run(conn, ctx, schedule.id, tick, false, job).await?;
    Ok(ran.is_some())
}
