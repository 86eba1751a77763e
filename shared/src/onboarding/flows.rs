//! Publishing flows.

use serde_json::json;
use sqlx::PgConnection;

use super::{Flow, NewFlow, OnboardingError, store};
use crate::audit::{self, Entry, Subject};
use crate::kernel::Ctx;

/// The versions of a cluster's flow, the newest first; without a cluster, the newest of each that the caller reaches.
///
/// # Errors
/// If the database cannot be read, or the cluster has none.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    cluster: Option<&str>,
) -> Result<Vec<Flow>, OnboardingError> {
    let mut flows = store::flows(conn, cluster).await?;
    flows.retain(|flow| ctx.actor.reach().covers_cluster(&flow.cluster));
    match cluster {
        Some(cluster) if flows.is_empty() => Err(OnboardingError::NoFlow(cluster.to_owned())),
        Some(_) | None => Ok(flows),
    }
}

/// The flow that new runs of a cluster take.
///
/// # Errors
/// If the cluster has none.
pub async fn current(conn: &mut PgConnection, cluster: &str) -> Result<Flow, OnboardingError> {
    store::current_flow(conn, cluster)
        .await?
        .ok_or_else(|| OnboardingError::NoFlow(cluster.to_owned()))
}

/// Publishes the next version of a cluster's flow. Runs under way keep theirs.
///
/// # Errors
/// If a field breaks a rule or there is no such cluster.
pub async fn publish(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewFlow,
) -> Result<Flow, OnboardingError> {
    new.check().map_err(OnboardingError::Invalid)?;
    let reached = ctx.actor.reach().covers_cluster(&new.cluster);
    if !reached || !store::insert_flow(conn, ctx, new).await? {
        return Err(OnboardingError::NoFlow(new.cluster.clone()));
    }
    let flow = current(conn, &new.cluster).await?;
    let steps: Vec<&str> = flow.steps.iter().map(|step| step.key.as_str()).collect();
    let entry = Entry::new(
        "onboarding.publish_flow",
        Subject::named("cluster", &new.cluster),
    )
    .after(json!({ "version": flow.version, "steps": steps }));
    audit::record(conn, ctx, entry).await?;
    Ok(flow)
}
