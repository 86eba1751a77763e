//! Many runs in a few statements.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::TypedId;
use crate::onboarding::{Event, Run, StepKey};

/// Runs that begin, column by column; all of them are in the state of their first moment.
#[derive(Debug, Default)]
struct Runs {
    id: Vec<Uuid>,
    creator: Vec<Uuid>,
    cluster: Vec<String>,
    version: Vec<i32>,
    state: Vec<String>,
    started_at: Vec<DateTime<Utc>>,
    stalls_at: Vec<DateTime<Utc>>,
    abandons_at: Vec<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct Steps {
    run: Vec<Uuid>,
    step: Vec<String>,
    started_at: Vec<Option<DateTime<Utc>>>,
    due_at: Vec<Option<DateTime<Utc>>>,
}

#[derive(Debug, Default)]
struct Events {
    id: Vec<Uuid>,
    run: Vec<Uuid>,
    creator: Vec<Uuid>,
    kind: Vec<String>,
    step: Vec<Option<String>>,
    by: Vec<String>,
    at: Vec<DateTime<Utc>>,
}

/// Stores runs that begin, of creators who have none; answers the ids of those.
pub(in crate::onboarding) async fn insert_many(
    conn: &mut PgConnection,
    begun: &[(Run, Vec<Event>)],
) -> sqlx::Result<BTreeSet<Uuid>> {
    let mut runs = Runs::default();
    for (run, _) in begun {
        runs.push(run);
    }
    let new = insert_runs(conn, &runs).await?;
    let (mut steps, mut events) = (Steps::default(), Events::default());
    for (run, happened) in begun.iter().filter(|(run, _)| new.contains(&run.id.uuid())) {
        steps.push(run);
        events.push(run, happened);
    }
    insert_steps(conn, &steps).await?;
    insert_events(conn, &events).await?;
    Ok(new)
}

impl Runs {
    fn push(&mut self, run: &Run) {
        self.id.push(run.id.uuid());
        self.creator.push(run.creator.uuid());
        self.cluster.push(run.cluster.clone());
        self.version.push(run.flow_version);
        self.state.push(run.state.to_string());
        self.started_at.push(run.started_at);
        self.stalls_at.push(run.stalls_at());
        self.abandons_at.push(run.abandons_at());
    }
}

impl Steps {
    fn push(&mut self, run: &Run) {
        for step in &run.steps {
            self.run.push(run.id.uuid());
            self.step.push(step.flow.key.to_string());
            self.started_at.push(step.started_at);
            self.due_at.push(step.due_at);
        }
    }
}

impl Events {
    fn push(&mut self, run: &Run, happened: &[Event]) {
        for event in happened {
            self.id.push(Uuid::now_v7());
            self.run.push(run.id.uuid());
            self.creator.push(run.creator.uuid());
            self.kind.push(event.kind.to_string());
            self.step
                .push(event.step.map(StepKey::as_str).map(str::to_owned));
            self.by.push(event.by.clone());
            self.at.push(event.at);
        }
    }
}

async fn insert_runs(conn: &mut PgConnection, r: &Runs) -> sqlx::Result<BTreeSet<Uuid>> {
    let new = sqlx::query_scalar!(
        "insert into onboarding_runs (id, creator_id, cluster_id, flow_version, state, started_at, last_activity_at, stalls_at,
                                      abandons_at)
         select id, creator_id, cluster_id, flow_version, state, started_at, started_at, stalls_at, abandons_at
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int4[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                     $8::timestamptz[])
              as g (id, creator_id, cluster_id, flow_version, state, started_at, stalls_at, abandons_at)
         on conflict (creator_id) do nothing
         returning id",
        &r.id,
        &r.creator,
        &r.cluster,
        &r.version,
        &r.state,
        &r.started_at,
        &r.stalls_at,
        &r.abandons_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().collect())
}

async fn insert_steps(conn: &mut PgConnection, s: &Steps) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into onboarding_steps (run_id, step, started_at, due_at)
         select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[])",
        &s.run,
        &s.step,
        s.started_at.as_slice() as &[Option<DateTime<Utc>>],
        s.due_at.as_slice() as &[Option<DateTime<Utc>>],
    )
    .execute(conn)
    .await
    .map(drop)
}

async fn insert_events(conn: &mut PgConnection, e: &Events) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into onboarding_events (id, run_id, creator_id, kind, step, caused_by, at)
         select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])",
        &e.id,
        &e.run,
        &e.creator,
        &e.kind,
        e.step.as_slice() as &[Option<String>],
        &e.by,
        &e.at,
    )
    .execute(conn)
    .await
    .map(drop)
}
