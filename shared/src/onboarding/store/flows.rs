//! `onboarding_flows` and `onboarding_flow_steps`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::kernel::{Ctx, stored};
use crate::onboarding::{Flow, FlowStep, NewFlow};

/// Versions of a cluster that are shown at the most, the newest.
const VERSIONS_SHOWN_MAX: i32 = 100;

/// A step with the version it belongs to.
struct Row {
    cluster_id: String,
    version: i32,
    stall_minutes: i32,
    abandon_minutes: i32,
    published_by: String,
    published_at: DateTime<Utc>,
    step: String,
    title: String,
    prerequisites: Vec<String>,
    required: bool,
    data_schema: Value,
    proof: String,
    expected_minutes: i32,
    due_minutes: i32,
}

/// A flow's step as stored.
pub(super) struct StepColumns {
    pub(super) step: String,
    pub(super) title: String,
    pub(super) prerequisites: Vec<String>,
    pub(super) required: bool,
    pub(super) data_schema: Value,
    pub(super) proof: String,
    pub(super) expected_minutes: i32,
    pub(super) due_minutes: i32,
}

impl StepColumns {
    pub(super) fn step(self) -> sqlx::Result<FlowStep> {
        Ok(FlowStep {
            key: stored("step", &self.step)?,
            title: self.title,
            prerequisites: self
                .prerequisites
                .iter()
                .map(|key| stored("prerequisites", key))
                .collect::<Result<_, _>>()?,
            required: self.required,
            data_schema: self.data_schema,
            proof: stored("proof", &self.proof)?,
            expected_minutes: self.expected_minutes,
            due_minutes: self.due_minutes,
        })
    }
}

/// The newest versions of a cluster's flow; without a cluster, the newest of each.
pub(in crate::onboarding) async fn flows(
    conn: &mut PgConnection,
    cluster: Option<&str>,
) -> sqlx::Result<Vec<Flow>> {
    let rows = sqlx::query_as!(
        Row,
        "select f.cluster_id, f.version, f.stall_minutes, f.abandon_minutes, f.published_by, f.published_at, s.step, s.title,
                s.prerequisites, s.required, s.data_schema, s.proof, s.expected_minutes, s.due_minutes
         from onboarding_flows f join onboarding_flow_steps s using (cluster_id, version)
         where case when $1::text is null
                    then f.version = (select max(newest.version) from onboarding_flows newest where newest.cluster_id = f.cluster_id)
                    else f.cluster_id = $1 and f.version > (select max(newest.version) from onboarding_flows newest
                                                            where newest.cluster_id = $1) - $2 end
         order by f.cluster_id, f.version desc, s.position",
        cluster,
        VERSIONS_SHOWN_MAX,
    )
    .fetch_all(conn)
    .await?;
    let mut flows: Vec<Flow> = Vec::new();
    for row in rows {
        add(&mut flows, row)?;
    }
    Ok(flows)
}

/// The newest version of a cluster's flow.
pub(in crate::onboarding) async fn current_flow(
    conn: &mut PgConnection,
    cluster: &str,
) -> sqlx::Result<Option<Flow>> {
    let rows = sqlx::query_as!(
        Row,
        "select f.cluster_id, f.version, f.stall_minutes, f.abandon_minutes, f.published_by, f.published_at, s.step, s.title,
                s.prerequisites, s.required, s.data_schema, s.proof, s.expected_minutes, s.due_minutes
         from onboarding_flows f join onboarding_flow_steps s using (cluster_id, version)
         where f.cluster_id = $1 and f.version = (select max(version) from onboarding_flows where cluster_id = $1)
         order by s.position",
        cluster,
    )
    .fetch_all(conn)
    .await?;
    let mut flows = Vec::new();
    for row in rows {
        add(&mut flows, row)?;
    }
    Ok(flows.pop())
}

/// Adds a step to the flow it belongs to; rows of one flow come together.
fn add(flows: &mut Vec<Flow>, row: Row) -> sqlx::Result<()> {
    let same = flows
        .last()
        .is_some_and(|flow| flow.cluster == row.cluster_id && flow.version == row.version);
    if !same {
        flows.push(Flow {
            cluster: row.cluster_id,
            version: row.version,
            steps: Vec::new(),
            stall_minutes: row.stall_minutes,
            abandon_minutes: row.abandon_minutes,
            published_by: row.published_by,
            published_at: row.published_at,
        });
    }
    let step = StepColumns {
        step: row.step,
        title: row.title,
        prerequisites: row.prerequisites,
        required: row.required,
        data_schema: row.data_schema,
        proof: row.proof,
        expected_minutes: row.expected_minutes,
        due_minutes: row.due_minutes,
    };
    if let Some(flow) = flows.last_mut() {
        flow.steps.push(step.step()?);
    }
    Ok(())
}

/// Stores the next version; false if there is no such cluster.
pub(in crate::onboarding) async fn insert_flow(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewFlow,
) -> sqlx::Result<bool> {
    // the cluster's row is the lock that gives two who publish at once two numbers
    let known = sqlx::query_scalar!(
        "select id from clusters where id = $1 for no key update",
        new.cluster
    )
    .fetch_optional(&mut *conn)
    .await?;
    if known.is_none() {
        return Ok(false);
    }
    let version = sqlx::query_scalar!(
        "insert into onboarding_flows (cluster_id, version, stall_minutes, abandon_minutes, published_by, published_at)
         select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 from onboarding_flows where cluster_id = $1
         returning version",
        new.cluster,
        new.stall_minutes,
        new.abandon_minutes,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_one(&mut *conn)
    .await?;
    for (position, step) in (1_i32..).zip(&new.steps) {
        let prerequisites: Vec<String> =
            step.prerequisites.iter().map(ToString::to_string).collect();
        sqlx::query!(
            "insert into onboarding_flow_steps (cluster_id, version, step, position, title, prerequisites, required, data_schema,
                                                proof, expected_minutes, due_minutes)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            new.cluster,
            version,
            step.key.as_str(),
            position,
            step.title.trim(),
            &prerequisites,
            step.required,
            step.data_schema,
            step.proof.as_str(),
            step.expected_minutes,
            step.due_minutes,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(true)
}
