//! `onboarding_runs`, `onboarding_steps` and `onboarding_events`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::flows::StepColumns;
use crate::creators::CreatorId;
use crate::kernel::{Cursor, Page, PageRequest, TypedId, stored};
use crate::onboarding::{Event, OnboardingError, Run, Step, StepKey};

/// A creator's run; none if it has none.
pub(in crate::onboarding) async fn get(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Option<Run>> {
    let row = sqlx::query!(
        "select r.id, r.cluster_id, r.flow_version, r.state, r.started_at, r.last_activity_at, r.stalled_at, r.ended_at,
                f.stall_minutes, f.abandon_minutes
         from onboarding_runs r join onboarding_flows f on f.cluster_id = r.cluster_id and f.version = r.flow_version
         where r.creator_id = $1",
        creator.uuid(),
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Run {
        id: row.id.into(),
        creator,
        cluster: row.cluster_id,
        flow_version: row.flow_version,
        stall_minutes: row.stall_minutes,
        abandon_minutes: row.abandon_minutes,
        state: stored("state", &row.state)?,
        started_at: row.started_at,
        last_activity_at: row.last_activity_at,
        stalled_at: row.stalled_at,
        ended_at: row.ended_at,
        steps: steps(conn, row.id).await?,
    }))
}

/// As [`get`]; nobody else changes the run until this transaction ends.
pub(in crate::onboarding) async fn lock(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Option<Run>> {
    let locked = sqlx::query_scalar!(
        "select id from onboarding_runs where creator_id = $1 for update",
        creator.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    // read after the lock was had, so that what another transaction did while we waited is seen
    get(conn, creator).await
}

async fn steps(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Vec<Step>> {
    let rows = sqlx::query!(
        "select f.step, f.title, f.prerequisites, f.required, f.data_schema, f.proof, f.expected_minutes, f.due_minutes,
                s.state, s.started_at, s.due_at, s.ended_at, s.ended_by, s.data
         from onboarding_runs r
         join onboarding_flow_steps f on f.cluster_id = r.cluster_id and f.version = r.flow_version
         join onboarding_steps s on s.run_id = r.id and s.step = f.step
         where r.id = $1
         order by f.position",
        run,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let flow = StepColumns {
                step: row.step,
                title: row.title,
                prerequisites: row.prerequisites,
                required: row.required,
                data_schema: row.data_schema,
                proof: row.proof,
                expected_minutes: row.expected_minutes,
                due_minutes: row.due_minutes,
            };
            Ok(Step {
                flow: flow.step()?,
                state: stored("state", &row.state)?,
                started_at: row.started_at,
                due_at: row.due_at,
                ended_at: row.ended_at,
                ended_by: row.ended_by,
                data: row.data,
            })
        })
        .collect()
}

/// Stores a run that begins; false if the creator has one already.
pub(in crate::onboarding) async fn insert(
    conn: &mut PgConnection,
    run: &Run,
    events: &[Event],
) -> sqlx::Result<bool> {
    let new = sqlx::query!(
        "insert into onboarding_runs (id, creator_id, cluster_id, flow_version, state, started_at, last_activity_at, stalls_at,
                                      abandons_at)
         values ($1, $2, $3, $4, $5, $6, $6, $7, $8)
         on conflict (creator_id) do nothing",
        run.id.uuid(),
        run.creator.uuid(),
        run.cluster,
        run.flow_version,
        run.state.as_str(),
        run.started_at,
        run.stalls_at(),
        run.abandons_at(),
    )
    .execute(&mut *conn)
    .await?;
    if new.rows_affected() == 0 {
        return Ok(false);
    }
    let steps: Vec<String> = run
        .steps
        .iter()
        .map(|step| step.flow.key.to_string())
        .collect();
    let started: Vec<Option<DateTime<Utc>>> =
        run.steps.iter().map(|step| step.started_at).collect();
    let due: Vec<Option<DateTime<Utc>>> = run.steps.iter().map(|step| step.due_at).collect();
    sqlx::query!(
        "insert into onboarding_steps (run_id, step, started_at, due_at)
         select $1, g.step, g.started_at, g.due_at
         from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as g (step, started_at, due_at)",
        run.id.uuid(),
        &steps,
        started.as_slice() as &[Option<DateTime<Utc>>],
        due.as_slice() as &[Option<DateTime<Utc>>],
    )
    .execute(&mut *conn)
    .await?;
    insert_events(conn, run, events).await?;
    Ok(true)
}

/// Stores what became of a locked run, and what happened.
pub(in crate::onboarding) async fn save(
    conn: &mut PgConnection,
    run: &Run,
    events: &[Event],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update onboarding_runs
         set state = $2, last_activity_at = $3, stalls_at = $4, abandons_at = $5, stalled_at = $6, ended_at = $7
         where id = $1",
        run.id.uuid(),
        run.state.as_str(),
        run.last_activity_at,
        run.stalls_at(),
        run.abandons_at(),
        run.stalled_at,
        run.ended_at,
    )
    .execute(&mut *conn)
    .await?;
    for step in &run.steps {
        sqlx::query!(
            "update onboarding_steps set state = $3, started_at = $4, due_at = $5, ended_at = $6, ended_by = $7, data = $8
             where run_id = $1 and step = $2
               and (state, started_at, ended_at, data) is distinct from ($3, $4, $6, $8)",
            run.id.uuid(),
            step.flow.key.as_str(),
            step.state.as_str(),
            step.started_at,
            step.due_at,
            step.ended_at,
            step.ended_by,
            step.data,
        )
        .execute(&mut *conn)
        .await?;
    }
    insert_events(conn, run, events).await
}

async fn insert_events(conn: &mut PgConnection, run: &Run, events: &[Event]) -> sqlx::Result<()> {
    for event in events {
        sqlx::query!(
            "insert into onboarding_events (id, run_id, creator_id, kind, step, minutes, reason, data, caused_by, at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            Uuid::now_v7(),
            run.id.uuid(),
            run.creator.uuid(),
            event.kind.as_str(),
            event.step.map(StepKey::as_str),
            event.minutes,
            event.reason,
            event.data,
            event.by,
            event.at,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What happened in a creator's run, the latest first.
pub(in crate::onboarding) async fn history(
    conn: &mut PgConnection,
    creator: CreatorId,
    page: &PageRequest,
) -> Result<Page<Event>, OnboardingError> {
    let after: Option<(DateTime<Utc>, Uuid)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (at, id) = after.unzip();
    let limit = page.limit();
    let rows = sqlx::query!(
        "select id, kind, step, minutes, reason, data, caused_by, at from onboarding_events
         where creator_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3::uuid))
         order by at desc, id desc limit $4",
        creator.uuid(),
        at,
        id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let events: Result<Vec<(Uuid, Event)>, sqlx::Error> = rows
        .into_iter()
        .map(|row| {
            let event = Event {
                kind: stored("kind", &row.kind)?,
                step: row.step.map(|step| stored("step", &step)).transpose()?,
                minutes: row.minutes,
                reason: row.reason,
                data: row.data,
                by: row.caused_by,
                at: row.at,
            };
            Ok((row.id, event))
        })
        .collect();
    let page = Page::of(events?, limit, |(id, event)| (event.at, *id));
    Ok(Page {
        items: page.items.into_iter().map(|(_, event)| event).collect(),
        next: page.next,
    })
}

/// The run of `gone` is that of `kept` if it has none; else it is superseded. Its history goes with `kept` either way.
pub(in crate::onboarding) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with told as (update onboarding_events set creator_id = $2 where creator_id = $1)
         update onboarding_runs set creator_id = $2
         where creator_id = $1 and not exists (select 1 from onboarding_runs own where own.creator_id = $2)",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update onboarding_runs set state = 'superseded', stalled_at = null, ended_at = coalesce(ended_at, last_activity_at)
         where creator_id = $1",
        gone.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
