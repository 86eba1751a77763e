//! Doing something to all creators that match a filter.
//!
//! Each creator is visited once, by the same use case that changes a single one, so that its rules, history and trail are
//! the same; whom the rules do not allow it for is skipped and counted. A step of few creators is one transaction, and
//! after a crash it goes on where it was.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;

use super::search::too_broad;
use super::status::check_reason;
use super::store::search::{self, Wanted};
use super::{
    CreatorChanges, CreatorError, CreatorFilter, CreatorId, CreatorStatus, CreatorSummary, Sort,
    StatusChange, archive, change, change_status, store, suspend, unarchive, within_callers_reach,
};
use crate::access::Permission;
use crate::audit::{self, Entry};
use crate::kernel::{Classify, Ctx, ErrorKind, FieldError, Reach, typed_id};
use crate::queue::{Job, NewJob, Policy, Priority, enqueue_one};

typed_id!(
    /// Names one operation on creators.
    CreatorBulkId,
    "creatorbulk"
);

/// Creators that one step changes at the most; so long their rows are locked together.
pub const BULK_STEP_MAX: i64 = 100;
/// Matching creators that are counted; beyond that there are "at least" as many.
pub const BULK_MATCHED_MAX: i64 = 100_000;
/// Creators that a preview shows.
const SAMPLE_MAX: i64 = 10;

/// What is done to each creator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum BulkAction {
    /// Another status.
    SetStatus {
        /// The status to be.
        status: CreatorStatus,
    },
    /// Suspended for some seconds; 0 until it is lifted.
    Suspend {
        /// How long, in seconds.
        seconds: u64,
    },
    /// Out of lists, mails and tiers.
    Archive,
    /// Back again.
    Unarchive,
    /// Looked after by somebody else.
    Assign {
        /// The member of staff; none for nobody.
        owner: Option<String>,
    },
}

impl BulkAction {
    /// The permission that it takes.
    const fn permission(&self) -> Permission {
        match self {
            Self::SetStatus { .. } | Self::Suspend { .. } => Permission::SteerCreators,
            Self::Archive | Self::Unarchive | Self::Assign { .. } => Permission::WriteCreators,
        }
    }
}

/// An operation that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCreatorBulk {
    /// What is done.
    pub action: BulkAction,
    /// To whom.
    pub filter: CreatorFilter,
    /// Why; it stays in the histories.
    pub reason: String,
}

/// What an operation would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatorBulkPreview {
    /// Creators that match.
    pub matched: i64,
    /// Whether there may be more.
    pub at_least: bool,
    /// The newest of them.
    pub sample: Vec<CreatorSummary>,
}

crate::kernel::words!(
    /// How far an operation is.
    CreatorBulkState {
        /// It goes on.
        Running => "running",
        /// Every creator was visited.
        Completed => "completed",
        /// It was ended before.
        Cancelled => "cancelled",
        /// It could not go on.
        Failed => "failed",
    }
);

/// An operation and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatorBulk {
    /// Which.
    pub id: CreatorBulkId,
    /// What is done.
    pub action: BulkAction,
    /// To whom.
    pub filter: CreatorFilter,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub state: CreatorBulkState,
    /// Creators that matched when it was asked for.
    pub matched: i64,
    /// Whether there were more.
    pub at_least: bool,
    /// Creators for whom it was done, or who were so already.
    pub done: i64,
    /// Creators for whom the rules did not allow it.
    pub skipped: i64,
    /// The last such refusal.
    pub last_refusal: Option<String>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Carries an operation on creators on, from where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreatorBulkWork {
    /// Which.
    pub operation_id: CreatorBulkId,
}

impl Job for CreatorBulkWork {
    const KIND: &'static str = "creator.bulk";
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str =
        "Carries on an operation on all creators that match a filter, in small steps.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: std::time::Duration::from_secs(3600),
        searchable: &["operationId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.operation_id.to_string())
    }
}

/// What an operation would do now.
///
/// # Errors
/// If a field is wrong, the filter says nothing, or the caller may not do it.
pub async fn preview_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreatorBulk,
) -> Result<CreatorBulkPreview, CreatorError> {
    let filter = checked(ctx, new)?;
    let wanted = wanted(&filter);
    search::bound(conn).await?;
    let matched = search::count(conn, wanted, BULK_MATCHED_MAX + 1)
        .await
        .map_err(too_broad)?;
    let sample = search::page(conn, wanted, None, SAMPLE_MAX)
        .await
        .map_err(too_broad)?;
    Ok(CreatorBulkPreview {
        matched: matched.min(BULK_MATCHED_MAX),
        at_least: matched > BULK_MATCHED_MAX,
        sample,
    })
}

/// Begins an operation on the creators that match; those who are registered later are left alone.
///
/// # Errors
/// As [`preview_bulk`].
pub async fn start_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewCreatorBulk,
) -> Result<CreatorBulk, CreatorError> {
    check_reason("/reason", &new.reason)?;
    let seen = preview_bulk(conn, ctx, &new).await?;
    let new = NewCreatorBulk {
        filter: checked(ctx, &new)?,
        ..new
    };
    let operation = store::bulk::insert(conn, ctx, &new, &seen).await?;
    let work = CreatorBulkWork {
        operation_id: operation.id,
    };
    enqueue_one(conn, ctx, NewJob::of(&work)?).await?;
    let entry = Entry::new("creator.bulk", operation.id)
        .after(json!({ "action": new.action, "matched": seen.matched }))
        .reason(new.reason);
    audit::record(conn, ctx, entry).await?;
    Ok(operation)
}

/// One operation, if the caller reaches every creator it may be about.
///
/// # Errors
/// If there is none of that id within the caller's reach.
pub async fn find_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
) -> Result<CreatorBulk, CreatorError> {
    store::bulk::find(conn, id)
        .await?
        .filter(|operation| reached(ctx, operation))
        .ok_or(CreatorError::BulkNotFound(id))
}

fn reached(ctx: &Ctx, operation: &CreatorBulk) -> bool {
    let (reach, clusters) = (ctx.actor.reach(), &operation.filter.clusters);
    let all = clusters.iter().all(|cluster| reach.covers_cluster(cluster));
    reach.clusters.is_none() || (!clusters.is_empty() && all)
}

/// Ends an operation after its present step; what it did stays done. Saying it twice is allowed.
///
/// # Errors
/// If there is none of that id.
pub async fn cancel_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
) -> Result<CreatorBulk, CreatorError> {
    let operation = store::bulk::lock(conn, id)
        .await?
        .filter(|operation| reached(ctx, operation))
        .ok_or(CreatorError::BulkNotFound(id))?;
    if operation.state != CreatorBulkState::Running {
        return Ok(operation);
    }
    store::bulk::end(conn, ctx, id, CreatorBulkState::Cancelled, None).await?;
    audit::record(conn, ctx, Entry::new("creator.bulk_cancel", id)).await?;
    find_bulk(conn, ctx, id).await
}

/// Does the next creators of an operation; answers how it stands then.
///
/// # Errors
/// If there is none of that id, or the database refuses; then roll back.
pub async fn step_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
) -> Result<CreatorBulk, CreatorError> {
    let operation = store::bulk::lock(conn, id)
        .await?
        .ok_or(CreatorError::BulkNotFound(id))?;
    if operation.state != CreatorBulkState::Running {
        return Ok(operation);
    }
    let after = store::bulk::last_id(conn, id).await?;
    let wanted = wanted(&operation.filter);
    let ids = search::ids(conn, wanted, operation.created_at, after, BULK_STEP_MAX).await?;
    let Some(last) = ids.last().copied() else {
        store::bulk::end(conn, ctx, id, CreatorBulkState::Completed, None).await?;
        return find_bulk(conn, ctx, id).await;
    };
    let (mut done, mut refusal) = (0, None);
    let visited = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    for creator in ids {
        match apply(conn, ctx, &operation, creator.into()).await {
            Ok(()) => done += 1,
            // the rules are asked before anything is written, so the transaction goes on
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Invalid) => {
                refusal = Some(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    store::bulk::advance(conn, ctx, id, last, (done, visited - done), refusal).await?;
    find_bulk(conn, ctx, id).await
}

/// Notes that an operation cannot go on.
///
/// # Errors
/// If the database refuses.
pub async fn fail_bulk(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
    why: &str,
) -> Result<(), CreatorError> {
    let failed = CreatorBulkState::Failed;
    Ok(store::bulk::end(conn, ctx, id, failed, Some(why)).await?)
}

async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    operation: &CreatorBulk,
    id: CreatorId,
) -> Result<(), CreatorError> {
    match &operation.action {
        BulkAction::SetStatus { status } => {
            let to = StatusChange {
                status: *status,
                reason: operation.reason.clone(),
                effective_from: None,
            };
            change_status(conn, ctx, id, None, &to).await?;
        }
        BulkAction::Suspend { seconds } => {
            suspend(conn, ctx, id, None, &operation.reason, *seconds).await?;
        }
        BulkAction::Archive => {
            archive(conn, ctx, id, None).await?;
        }
        BulkAction::Unarchive => {
            unarchive(conn, ctx, id, None).await?;
        }
        BulkAction::Assign { owner } => {
            let changes = CreatorChanges {
                owner: Some(owner.clone()),
                ..CreatorChanges::default()
            };
            change(conn, ctx, id, None, changes).await?;
        }
    }
    Ok(())
}

/// The filter within the caller's reach, since the work is later done by a job that reaches everybody.
fn checked(ctx: &Ctx, new: &NewCreatorBulk) -> Result<CreatorFilter, CreatorError> {
    let permission = new.action.permission();
    if !permission.granted_to(&ctx.actor) {
        return Err(CreatorError::Lacking(permission));
    }
    let filter = within_callers_reach(ctx, &new.filter);
    let mut wrong = filter.as_ref().err().cloned().unwrap_or_default();
    if !new.filter.narrows() {
        let message =
            "name at least a cluster, a status, an owner or a text: this would change everybody";
        wrong.push(FieldError::new("/filter", message));
    }
    if let BulkAction::Assign { owner } = &new.action {
        let changes = CreatorChanges {
            owner: Some(owner.clone()),
            ..CreatorChanges::default()
        };
        wrong.extend(changes.check().err().into_iter().flatten());
    }
    match filter {
        Ok(filter) if wrong.is_empty() => Ok(filter),
        Ok(_) | Err(_) => Err(CreatorError::Invalid(wrong)),
    }
}

fn wanted(filter: &CreatorFilter) -> Wanted<'_> {
    Wanted {
        filter,
        sort: Sort::default(),
        reach: Reach::ALL,
        by_email: false,
    }
}
