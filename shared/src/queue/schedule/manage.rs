//! Making, changing, running and removing schedules.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{
    Schedule, ScheduleChanges, ScheduleError, ScheduleId, ScheduleRun, ScheduleSpec,
};
use super::{Misfire, run};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId};
use crate::queue::{Catalog, JobId, Priority};

/// Runs of a schedule that are shown, the last ones.
pub const RUNS_SHOWN_MAX: i64 = 20;
/// Runs of each schedule that are shown beside many others.
pub const LAST_RUNS: i64 = 5;

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    args: Value,
    queue: Option<String>,
    priority: Option<i16>,
    cron: String,
    timezone: String,
    misfire: String,
    paused_at: Option<DateTime<Utc>>,
    last_tick: DateTime<Utc>,
    version: i64,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Row> for Schedule {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            spec: ScheduleSpec {
                name: row.name,
                kind: row.kind,
                args: row.args,
                queue: row.queue,
                priority: row.priority.and_then(Priority::from_rank),
                cron: row.cron,
                timezone: row.timezone,
                misfire: Misfire::from_word(&row.misfire).unwrap_or(Misfire::Once),
            },
            paused_at: row.paused_at,
            last_tick: row.last_tick,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The schedules by name, a page at a time.
///
/// # Errors
/// If the database does not answer or the cursor is not ours.
pub async fn list(
    conn: &mut PgConnection,
    page: &PageRequest,
) -> Result<Page<Schedule>, ScheduleError> {
    let after: Option<String> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = sqlx::query_as!(
        Row,
        "select id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, version, created_by,
                created_at, updated_at
         from schedules where $1::text is null or name > $1 order by name limit $2",
        after,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let schedules: Vec<Schedule> = rows.into_iter().map(Schedule::from).collect();
    Ok(Page::of(schedules, limit, |schedule| {
        schedule.spec.name.clone()
    }))
}

/// One schedule with its last runs; none if there is none of that id.
///
/// # Errors
/// If the database does not answer.
pub async fn find(
    conn: &mut PgConnection,
    id: ScheduleId,
) -> sqlx::Result<Option<(Schedule, Vec<ScheduleRun>)>> {
    let row = sqlx::query_as!(
        Row,
        "select id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, version, created_by,
                created_at, updated_at
         from schedules where id = $1",
        id.uuid(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let runs = sqlx::query!(
        "select tick, job_id, manual, created_at from schedule_runs where schedule_id = $1 order by tick desc limit $2",
        id.uuid(),
        RUNS_SHOWN_MAX,
    )
    .fetch_all(conn)
    .await?;
    let runs = runs.into_iter().map(|run| ScheduleRun {
        tick: run.tick,
        job: run.job_id.into(),
        manual: run.manual,
        created_at: run.created_at,
    });
    Ok(Some((row.into(), runs.collect())))
}

/// The last [`LAST_RUNS`] runs of each of these schedules, newest first.
///
/// # Errors
/// If the database does not answer.
pub async fn last_runs(
    conn: &mut PgConnection,
    schedules: impl Iterator<Item = ScheduleId>,
) -> sqlx::Result<BTreeMap<ScheduleId, Vec<ScheduleRun>>> {
    let ids: Vec<Uuid> = schedules.map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select s.id as "id!", r.tick, r.job_id, r.manual, r.created_at
           from unnest($1::uuid[]) s(id) cross join lateral (
               select tick, job_id, manual, created_at from schedule_runs
               where schedule_id = s.id order by tick desc limit $2) r"#,
        &ids,
        LAST_RUNS,
    )
    .fetch_all(conn)
    .await?;
    let mut runs: BTreeMap<ScheduleId, Vec<ScheduleRun>> = BTreeMap::new();
    for row in rows {
        runs.entry(row.id.into()).or_default().push(ScheduleRun {
            tick: row.tick,
            job: row.job_id.into(),
            manual: row.manual,
            created_at: row.created_at,
        });
    }
    Ok(runs)
}

/// Makes a schedule; its first tick is the first occurrence after now.
///
/// # Errors
/// If a field is wrong or the name is taken.
pub async fn create(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    spec: ScheduleSpec,
    paused: bool,
) -> Result<Schedule, ScheduleError> {
    spec.check(catalog, ctx.now())?;
    let row = sqlx::query_as!(
        Row,
        "insert into schedules (id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then now() end, now(), $11)
         returning id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, version, created_by,
                   created_at, updated_at",
        ScheduleId::new().uuid(),
        spec.name,
        spec.kind,
        spec.args,
        spec.queue,
        spec.priority.map(Priority::rank),
        spec.cron,
        spec.timezone,
        spec.misfire.as_str(),
        paused,
        ctx.actor.to_string(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let schedule = Schedule::from(row);
    let entry = Entry::new("schedule.create", schedule.id).after(told(&schedule));
    audit::record(conn, ctx, entry).await?;
    Ok(schedule)
}

/// What the audit trail is told of a schedule; of its payload, which may name people, only what its job says later.
fn told(schedule: &Schedule) -> Value {
    let spec = &schedule.spec;
    serde_json::json!({
        "name": spec.name,
        "kind": spec.kind,
        "queue": spec.queue,
        "priority": spec.priority.map(Priority::rank),
        "cron": spec.cron,
        "timezone": spec.timezone,
        "misfire": spec.misfire.as_str(),
        "paused": schedule.paused_at.is_some(),
        "version": schedule.version,
    })
}

/// Changes a schedule. With `expected`, only if it is still at that version.
///
/// When its pattern or zone changes, or it is resumed, it goes on with the first occurrence after now.
///
/// # Errors
/// If there is no such schedule, it is at another version, a field is wrong, or the name is taken.
pub async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: ScheduleId,
    changes: ScheduleChanges,
    expected: Option<i64>,
) -> Result<Schedule, ScheduleError> {
    let before = lock(conn, id).await?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(ScheduleError::Stale(before.version));
    }
    let paused = changes.paused.unwrap_or(before.paused_at.is_some());
    let spec = before.spec.clone().with(changes);
    spec.check(catalog, ctx.now())?;
    let resumed = before.paused_at.is_some() && !paused;
    if spec == before.spec && paused == before.paused_at.is_some() {
        return Ok(before);
    }
    let retimed = (&spec.cron, &spec.timezone) != (&before.spec.cron, &before.spec.timezone);
    let row = sqlx::query_as!(
        Row,
        "update schedules
         set name = $2, args = $3, queue = $4, priority = $5, cron = $6, timezone = $7, misfire = $8,
             paused_at = case when $9 then coalesce(paused_at, now()) end,
             last_tick = case when $10 then now() else last_tick end, version = version + 1, updated_at = now()
         where id = $1
         returning id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, version, created_by,
                   created_at, updated_at",
        id.uuid(),
        spec.name,
        spec.args,
        spec.queue,
        spec.priority.map(Priority::rank),
        spec.cron,
        spec.timezone,
        spec.misfire.as_str(),
        paused,
        resumed || retimed,
    )
    .fetch_one(&mut *conn)
    .await?;
    let after = Schedule::from(row);
    let entry = Entry::new("schedule.change", id)
        .before(told(&before))
        .after(told(&after));
    audit::record(conn, ctx, entry).await?;
    Ok(after)
}

/// Removes a schedule. Jobs that it enqueued stay.
///
/// # Errors
/// If there is no such schedule, or it is not at the version that was `expected`.
pub async fn remove(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ScheduleId,
    expected: Option<i64>,
) -> Result<(), ScheduleError> {
    let schedule = lock(conn, id).await?;
    if expected.is_some_and(|version| version != schedule.version) {
        return Err(ScheduleError::Stale(schedule.version));
    }
    sqlx::query!("delete from schedules where id = $1", id.uuid())
        .execute(&mut *conn)
        .await?;
    let entry = Entry::new("schedule.remove", id).before(told(&schedule));
    audit::record(conn, ctx, entry).await?;
    Ok(())
}

/// Runs a schedule's job now, beside its ticks; also while it is paused.
///
/// # Errors
/// If there is no such schedule, or its job is not acceptable any more.
pub async fn run_now(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: ScheduleId,
) -> Result<JobId, ScheduleError> {
    let schedule = lock(conn, id).await?;
    let job = schedule
        .spec
        .plan()
        .job(catalog, ctx.now())
        .map_err(ScheduleError::Invalid)?;
    if let Some(job) = run::run(&mut *conn, ctx, id.uuid(), ctx.now(), true, job).await? {
        let entry = Entry::new("schedule.run", id).after(serde_json::json!({ "jobId": job }));
        audit::record(conn, ctx, entry).await?;
        return Ok(job);
    }
    // somebody asked, or a tick was, at this very microsecond: that run is the one
    let job = sqlx::query_scalar!(
        "select job_id from schedule_runs where schedule_id = $1 and tick = $2",
        id.uuid(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(job.into())
}

async fn lock(conn: &mut PgConnection, id: ScheduleId) -> Result<Schedule, ScheduleError> {
    let row = sqlx::query_as!(
        Row,
        "select id, name, kind, args, queue, priority, cron, timezone, misfire, paused_at, last_tick, version, created_by,
                created_at, updated_at
         from schedules where id = $1 for update",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Schedule::from).ok_or(ScheduleError::NotFound(id))
}
