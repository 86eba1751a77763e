//! Removing what was retained after an erasure, when its time is over.
//!
//! The rule in force on the day of the removal counts, not the one of the erasure: periods change, and what counsel
//! confirms later holds for what is there already.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::store;
use super::{
    HOLDINGS, Holding, MeasureKind, PrivacyError, RemoveRetained, RetentionRunId, Treatment,
};
use crate::audit::{self, Entry, Subject};
use crate::creators::PersonId;
use crate::kernel::Ctx;
use crate::queue::{self, JobId};

/// People of one class that one transaction removes the rows of.
pub const REMOVAL_STEP_MAX: i64 = 50;
/// People of one class that a dry run looks at; beyond them it says only that there are more.
pub const DRY_RUN_PEOPLE_MAX: i64 = 5_000;
/// Runs that are listed, the last ones.
const RUNS_SHOWN_MAX: i64 = 50;

/// How long a class of data outlives an erasure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRule {
    /// The class.
    pub class: String,
    /// What allows or demands to keep it.
    pub basis: String,
    /// For how many years.
    pub years: u32,
    /// From when they count: `erasure`.
    pub start_event: String,
    /// What becomes of the rows then: `delete`.
    pub action: String,
    /// Since when the rule is in force.
    pub effective_from: NaiveDate,
    /// Where it comes from.
    pub source: String,
}

/// What is over of one class on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// By which rule.
    pub rule: RetentionRule,
    /// Of how many people.
    pub people: u64,
    /// Whether there are more of them than were looked at.
    pub at_least: bool,
    /// How many more a legal hold keeps.
    pub held: u64,
    /// Rows that would go, table by table.
    pub rows: BTreeMap<&'static str, u64>,
}

/// What a run removed of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Of how many people.
    pub people: u64,
    /// How many rows.
    pub rows: u64,
}

/// What a run came to: its report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunOutcome {
    /// Class by class.
    pub classes: BTreeMap<String, Removed>,
    /// Whose data was due and is kept by a legal hold; counted when the run ended.
    pub held: u64,
}

/// One removal of everything that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionRun {
    /// Which.
    pub id: RetentionRunId,
    /// What was over on this day.
    pub day: NaiveDate,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When nothing was left.
    pub finished_at: Option<DateTime<Utc>>,
    /// What went so far.
    pub outcome: RunOutcome,
    /// Who asked for it.
    pub created_by: String,
}

/// What a step of a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalStep {
    /// There may be more.
    GoOn,
    /// The run is over.
    Finished(RetentionRun),
}

/// The rules in force on a day and what would go by them if it were removed then. Changes nothing.
///
/// # Errors
/// If the caller does not reach all clusters, a class has no rule, or the database refuses.
pub async fn dry_run(
    conn: &mut PgConnection,
    ctx: &Ctx,
    day: NaiveDate,
) -> Result<Vec<Due>, PrivacyError> {
    ensure_reaches_all(ctx)?;
    let mut all = Vec::new();
    for class in classes() {
        let rule = rule(conn, class, day).await?;
        let due =
            store::retention::due(conn, class, rule.years, day, DRY_RUN_PEOPLE_MAX + 1).await?;
        let at_least = due.len() > usize::try_from(DRY_RUN_PEOPLE_MAX).unwrap_or(usize::MAX);
        let subjects = store::subjects_of(conn, &due).await?;
        let mut rows = BTreeMap::new();
        for holding in kept_as(class) {
            rows.insert(holding.table, store::count(conn, holding, &subjects).await?);
        }
        all.push(Due {
            held: store::retention::held(conn, class, rule.years, day).await?,
            people: due.len() as u64,
            at_least,
            rows,
            rule,
        });
    }
    Ok(all)
}

/// Has everything that is over removed by a job; one that waits already will do.
///
/// # Errors
/// If the caller does not reach all clusters, or the queue refuses.
pub async fn remove(conn: &mut PgConnection, ctx: &Ctx) -> Result<JobId, PrivacyError> {
    ensure_reaches_all(ctx)?;
    let job = queue::enqueue(conn, ctx, &RemoveRetained {}).await?.id();
    let subject = Subject::named("retention", "all");
    let entry = Entry::new("privacy.ask_for_removal", subject).after(json!({ "jobId": job }));
    audit::record(conn, ctx, entry).await?;
    Ok(job)
}

/// The next step of the run that is open, or the first of a new one; each in a transaction of its own.
///
/// # Errors
/// If a class has no rule, or the database refuses.
pub async fn removal_step(conn: &mut PgConnection, ctx: &Ctx) -> Result<RemovalStep, PrivacyError> {
    let today = ctx.now().date_naive();
    let Some(mut run) = store::retention::lock_open(conn).await? else {
        store::retention::begin(conn, ctx, RetentionRunId::new(), today).await?;
        return Ok(RemovalStep::GoOn);
    };
    for class in classes() {
        let rule = rule(conn, class, run.day).await?;
        let due = store::retention::due(conn, class, rule.years, run.day, REMOVAL_STEP_MAX).await?;
        if due.is_empty() {
            continue;
        }
        for person in due {
            let rows = remove_class(conn, ctx, person.into(), &rule).await?;
            let removed = run.outcome.classes.entry(class.to_owned()).or_default();
            if let Some(rows) = rows {
                removed.people += 1;
                removed.rows += rows;
            }
        }
        store::retention::note(conn, run.id, &run.outcome).await?;
        return Ok(RemovalStep::GoOn);
    }
    finish(conn, ctx, run).await
}

async fn finish(
    conn: &mut PgConnection,
    ctx: &Ctx,
    mut run: RetentionRun,
) -> Result<RemovalStep, PrivacyError> {
    for class in classes() {
        let rule = rule(conn, class, run.day).await?;
        run.outcome.held += store::retention::held(conn, class, rule.years, run.day).await?;
    }
    run.finished_at = Some(ctx.now());
    store::retention::finish(conn, ctx, run.id, &run.outcome).await?;
    let entry = Entry::new("privacy.remove_retained", run.id)
        .after(json!({ "day": run.day, "outcome": run.outcome }));
    audit::record(conn, ctx, entry).await?;
    Ok(RemovalStep::Finished(run))
}

/// The last runs, the newest first.
///
/// # Errors
/// If the caller does not reach all clusters, or the database does not answer.
pub async fn retention_runs(
    conn: &mut PgConnection,
    ctx: &Ctx,
) -> Result<Vec<RetentionRun>, PrivacyError> {
    ensure_reaches_all(ctx)?;
    Ok(store::retention::list(conn, RUNS_SHOWN_MAX).await?)
}

/// Removes the rows of one class of a person; none if a legal hold came first.
async fn remove_class(
    conn: &mut PgConnection,
    ctx: &Ctx,
    person: PersonId,
    rule: &RetentionRule,
) -> Result<Option<u64>, PrivacyError> {
    let subjects = store::subjects(conn, person).await?;
    store::measures::lock_people(conn, &subjects.people).await?;
    if super::measures::stands(conn, &subjects, MeasureKind::LegalHold).await? {
        return Ok(None);
    }
    let mut gone = BTreeMap::new();
    for holding in kept_as(&rule.class) {
        let rows = store::retention::delete(conn, holding, &subjects).await?;
        if rows > 0 {
            gone.insert(holding.table, rows);
        }
    }
    let rows = gone.values().sum();
    store::retention::note_removed(conn, ctx, person, &rule.class, rows).await?;
    let entry = Entry::new("privacy.remove_class", person)
        .after(json!({ "class": rule.class, "years": rule.years, "rows": gone }));
    audit::record(conn, ctx, entry).await?;
    Ok(Some(rows))
}

/// Removals are about everybody, wherever they are.
fn ensure_reaches_all(ctx: &Ctx) -> Result<(), PrivacyError> {
    if ctx.actor.reach().clusters.is_some() {
        return Err(PrivacyError::BeyondReach);
    }
    Ok(())
}

/// The classes that something is kept as, each once.
pub(super) fn classes() -> Vec<&'static str> {
    let mut classes: Vec<&str> = HOLDINGS.iter().filter_map(class_of).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// What is kept as a class, those that refer to others first.
fn kept_as(class: &str) -> impl Iterator<Item = &'static Holding> {
    HOLDINGS
        .iter()
        .filter(move |holding| class_of(holding) == Some(class))
}

fn class_of(holding: &Holding) -> Option<&'static str> {
    match holding.treatment {
        Treatment::Erase | Treatment::Stay => None,
        Treatment::Pseudonymise { kept_as, .. } => kept_as,
        Treatment::Retain { kept_as } => Some(kept_as),
    }
}

/// The rule of a class on a day.
pub(super) async fn rule(
    conn: &mut PgConnection,
    class: &'static str,
    day: NaiveDate,
) -> Result<RetentionRule, PrivacyError> {
    let found = store::retention::rule(conn, class, day).await?;
    found.ok_or(PrivacyError::NoRule(class))
}
