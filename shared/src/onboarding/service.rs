//! What can be done with a creator's onboarding.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::model::Refusal;
use super::{
    Blocker, Event, Flow, OnboardingError, Proof, Run, RunState, Step, StepKey, StepState, store,
};
use crate::audit::{self, Entry};
use crate::creators::{self, Channel, CreatorId};
use crate::kernel::{Ctx, FieldError, Page, PageRequest, TypedId};
use crate::reactions;
use crate::verification;

/// Characters of a reason at the most.
const REASON_MAX_CHARS: usize = 500;
/// A step's data at the most, in bytes.
const DATA_MAX_BYTES: usize = 16 * 1024;

/// A step that somebody says is done.
#[derive(Debug, Clone, PartialEq)]
pub struct CompleteStep {
    /// Which.
    pub step: StepKey,
    /// With which data; none counts as `{}`.
    pub data: Option<Value>,
}

/// What staff says of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct StaffDecision {
    /// Which step.
    pub step: StepKey,
    /// Done, or not good enough.
    pub approved: bool,
    /// Why; kept in the history.
    pub reason: String,
    /// The data of an approval; none counts as `{}`.
    pub data: Option<Value>,
}

/// Begins a creator's onboarding by the newest flow of the cluster. Beginning twice is beginning once; a cluster that
/// nobody published a flow for has no onboarding, and that keeps nobody from registering.
///
/// # Errors
/// If the database refuses.
pub async fn start(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    cluster: &str,
) -> Result<Option<Run>, OnboardingError> {
    if let Some(run) = store::lock(conn, creator).await? {
        return Ok(Some(run));
    }
    let Some(flow) = store::current_flow(conn, cluster).await? else {
        return Ok(None);
    };
    let (run, events) = Run::begin(flow, creator, &ctx.actor.to_string(), ctx.now());
    if store::insert(conn, &run, &events).await? {
        record(conn, ctx, "onboarding.begin", &run, &events).await?;
        return Ok(Some(run));
    }
    // somebody else began it at this very moment
    Ok(store::lock(conn, creator).await?)
}

/// Begins the onboarding of creators, each with its cluster, who have none yet: as [`start`], all in a few statements.
///
/// # Errors
/// If the database refuses.
pub async fn start_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creators: &[(CreatorId, &str)],
) -> Result<(), OnboardingError> {
    let by = ctx.actor.to_string();
    let mut flows: BTreeMap<&str, Option<Flow>> = BTreeMap::new();
    let mut begun = Vec::with_capacity(creators.len());
    for (creator, cluster) in creators {
        if !flows.contains_key(cluster) {
            flows.insert(cluster, store::current_flow(conn, cluster).await?);
        }
        if let Some(Some(flow)) = flows.get(cluster) {
            begun.push(Run::begin(flow.clone(), *creator, &by, ctx.now()));
        }
    }
    let new = store::insert_many(conn, &begun).await?;
    let entries = begun
        .iter()
        .filter(|(run, _)| new.contains(&run.id.uuid()))
        .map(|(run, events)| entry("onboarding.begin", run, events));
    Ok(audit::record_all(conn, ctx, entries.collect()).await?)
}

/// A creator's run, with what keeps each step from being completed.
///
/// # Errors
/// If there is no such creator, or it has no run.
pub async fn get(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<(Run, Vec<Vec<Blocker>>), OnboardingError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    let run = store::get(conn, creator)
        .await?
        .ok_or(OnboardingError::NoRun(creator))?;
    let mut blockers = Vec::with_capacity(run.steps.len());
    for step in &run.steps {
        blockers.push(blockers_of(conn, ctx, &run, step).await?);
    }
    Ok((run, blockers))
}

async fn blockers_of(
    conn: &mut PgConnection,
    ctx: &Ctx,
    run: &Run,
    step: &Step,
) -> Result<Vec<Blocker>, OnboardingError> {
    if step.state != StepState::Pending {
        return Ok(Vec::new());
    }
    let mut blockers: Vec<Blocker> = run
        .missing(step)
        .into_iter()
        .map(Blocker::Prerequisite)
        .collect();
    match step.flow.proof {
        Proof::Word => {}
        Proof::Staff => {
            if !decided_elsewhere(conn, ctx, run.creator, step.flow.key).await? {
                blockers.push(Blocker::Decision);
            }
        }
        Proof::OtherSteps => blockers.push(Blocker::OtherSteps),
        proof @ (Proof::Profile | Proof::ConsentChoice) => {
            blockers.extend(
                unproven(conn, run.creator, proof)
                    .await?
                    .into_iter()
                    .map(Blocker::Missing),
            );
        }
    }
    Ok(blockers)
}

/// What happened in a creator's onboarding, the latest first.
///
/// # Errors
/// If there is no such creator, or the cursor is not ours.
pub async fn history(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    page: &PageRequest,
) -> Result<Page<Event>, OnboardingError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    store::history(conn, creator, page).await
}

/// Completes a step on the word of whoever asks, checked against what the database holds. Repeating it is completing
/// it once.
///
/// # Errors
/// If the step is unknown, out of order, ended with other data, needs a decision of staff, is not proven, or its data
/// do not fit.
pub async fn complete(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    command: CompleteStep,
) -> Result<Run, OnboardingError> {
    let run = lock(conn, ctx, creator).await?;
    let data = acceptable(command.data)?;
    let step = run.step(command.step)?;
    if step.state == StepState::Completed && step.data.as_ref() == Some(&data) {
        return Ok(run);
    }
    run.ready(command.step)?;
    match step.flow.proof {
        Proof::Word => {}
        Proof::Staff => {
            if !decided_elsewhere(conn, ctx, run.creator, command.step).await? {
                return Err(OnboardingError::NeedsDecision(command.step));
            }
        }
        Proof::OtherSteps => return Err(Refusal::ByItself { step: command.step }.into()),
        proof @ (Proof::Profile | Proof::ConsentChoice) => {
            let missing = unproven(conn, run.creator, proof).await?;
            if !missing.is_empty() {
                return Err(OnboardingError::NotProven {
                    step: command.step,
                    missing,
                });
            }
        }
    }
    step.flow
        .check_data(&data)
        .map_err(OnboardingError::Invalid)?;
    finish_step(conn, ctx, run, command.step, data, None).await
}

/// Completes a step that another slice has proven (a verified identity, a payout method, a passed training), whatever
/// proof its flow asks for. A step that has ended, is not part of the flow or cannot be begun yet stays as it is.
///
/// # Errors
/// If the creator has no run.
pub async fn prove(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    step: StepKey,
    data: Value,
) -> Result<Run, OnboardingError> {
    let run = lock(conn, ctx, creator).await?;
    if run.ready(step).is_err() {
        return Ok(run);
    }
    finish_step(conn, ctx, run, step, data, None).await
}

/// Decides a step as staff does: approves it, or says what is wrong with it.
///
/// # Errors
/// If the step is unknown, out of order or ended, or a field breaks a rule.
pub async fn decide(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    decision: StaffDecision,
) -> Result<Run, OnboardingError> {
    let mut run = lock(conn, ctx, creator).await?;
    let reason = reasoned(decision.reason)?;
    let data = acceptable(decision.data)?;
    let step = run.ready(decision.step)?;
    if !decision.approved {
        let events = run.reject(decision.step, reason, &ctx.actor.to_string(), ctx.now())?;
        keep(conn, ctx, "onboarding.reject_step", &run, &events).await?;
        return Ok(run);
    }
    step.flow
        .check_data(&data)
        .map_err(OnboardingError::Invalid)?;
    finish_step(conn, ctx, run, decision.step, data, Some(reason)).await
}

/// Leaves out a step that is not required. Skipping twice is skipping once.
///
/// # Errors
/// If the step is unknown, required, out of order or completed.
pub async fn skip(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    step: StepKey,
    reason: Option<String>,
) -> Result<Run, OnboardingError> {
    let mut run = lock(conn, ctx, creator).await?;
    let reason = reason.map(reasoned).transpose()?;
    if run.step(step)?.state == StepState::Skipped {
        return Ok(run);
    }
    let events = run.skip(step, reason, &ctx.actor.to_string(), ctx.now())?;
    keep(conn, ctx, "onboarding.skip_step", &run, &events).await?;
    Ok(run)
}

/// Has a step done again; a completed run goes on if the step is required.
///
/// # Errors
/// If the step is unknown or pending.
pub async fn reopen(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    step: StepKey,
    reason: String,
) -> Result<Run, OnboardingError> {
    let mut run = lock(conn, ctx, creator).await?;
    let events = run.reopen(step, reasoned(reason)?, &ctx.actor.to_string(), ctx.now())?;
    keep(conn, ctx, "onboarding.reopen_step", &run, &events).await?;
    Ok(run)
}

async fn lock(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Run, OnboardingError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    store::lock(conn, creator)
        .await?
        .ok_or(OnboardingError::NoRun(creator))
}

/// Completes a step of a locked run, and lets follow what follows from the end of the run.
async fn finish_step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    mut run: Run,
    step: StepKey,
    data: Value,
    reason: Option<String>,
) -> Result<Run, OnboardingError> {
    let was = run.state;
    let events = run.complete(step, data, reason, &ctx.actor.to_string(), ctx.now())?;
    keep(conn, ctx, "onboarding.complete_step", &run, &events).await?;
    if was != RunState::Completed && run.state == RunState::Completed {
        reactions::onboarding_completed(conn, ctx, run.creator)
            .await
            .map_err(|error| OnboardingError::Reaction(Box::new(error)))?;
    }
    Ok(run)
}

/// Stores what became of a run, and leaves a trail.
async fn keep(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    run: &Run,
    events: &[Event],
) -> Result<(), OnboardingError> {
    store::save(conn, run, events).await?;
    Ok(record(conn, ctx, action, run, events).await?)
}

async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    run: &Run,
    events: &[Event],
) -> sqlx::Result<()> {
    audit::record(conn, ctx, entry(action, run, events)).await
}

fn entry(action: &'static str, run: &Run, events: &[Event]) -> Entry {
    let about = events.iter().find(|event| event.step.is_some());
    let after = json!({
        "run": run.id, "flowVersion": run.flow_version, "state": run.state, "percent": run.percent(),
        "step": about.and_then(|event| event.step),
    });
    let reason = about.and_then(|event| event.reason.as_deref());
    Entry::new(action, run.creator)
        .after(after)
        .reason_if(reason)
}

/// Whether staff has decided by other means what a step asks them to decide: who it is, and how old.
async fn decided_elsewhere(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    step: StepKey,
) -> Result<bool, OnboardingError> {
    match step {
        StepKey::Verification => Ok(verification::proves_who_it_is(conn, ctx, creator)
            .await
            .map_err(Box::new)?),
        StepKey::Welcome
        | StepKey::ProfileSetup
        | StepKey::ContentSetup
        | StepKey::PricingSetup
        | StepKey::PayoutSetup
        | StepKey::FirstContent
        | StepKey::MarketingSetup
        | StepKey::ComplianceTraining
        | StepKey::Completed => Ok(false),
    }
}

/// What a proof still lacks, as names of fields of the creator.
async fn unproven(
    conn: &mut PgConnection,
    creator: CreatorId,
    proof: Proof,
) -> Result<Vec<&'static str>, OnboardingError> {
    match proof {
        Proof::Word | Proof::Staff | Proof::OtherSteps => Ok(Vec::new()),
        Proof::Profile => {
            let creator = creators::get(conn, creator).await?;
            let fields = [
                ("displayName", creator.display_name.is_some()),
                ("firstName", creator.first_name.is_some()),
                ("timeZone", creator.time_zone.is_some()),
            ];
            Ok(fields
                .into_iter()
                .filter(|(_, filled)| !filled)
                .map(|(name, _)| name)
                .collect())
        }
        Proof::ConsentChoice => {
            let spoken = creators::consents(conn, creator).await?;
            let chosen = spoken
                .iter()
                .any(|consent| consent.channel == Channel::Email);
            Ok(if chosen {
                Vec::new()
            } else {
                vec!["consents.email"]
            })
        }
    }
}

fn acceptable(data: Option<Value>) -> Result<Value, OnboardingError> {
    let data = data.unwrap_or_else(|| json!({}));
    let text = data.to_string();
    // a NUL can be written in JSON, but not be stored
    if text.len() > DATA_MAX_BYTES || text.contains("\\u0000") {
        let remedy = format!("use at most {DATA_MAX_BYTES} bytes, without NUL characters");
        return Err(OnboardingError::Invalid(vec![FieldError::new(
            "/data", remedy,
        )]));
    }
    Ok(data)
}

fn reasoned(reason: String) -> Result<String, OnboardingError> {
    let trimmed = reason.trim();
    let fits = (1..=REASON_MAX_CHARS).contains(&trimmed.chars().count());
    if !fits || trimmed.contains('\0') {
        let remedy = format!("say why in 1 to {REASON_MAX_CHARS} characters");
        return Err(OnboardingError::Invalid(vec![FieldError::new(
            "/reason", remedy,
        )]));
    }
    Ok(trimmed.to_owned())
}

/// A creator turned out to be another one: the run of the one is the other's if that one has none; else it counts no more. What happened in it is told
/// with the other.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::follow_merge(conn, gone, kept).await
}
