//! Where a creator stands: changing it, suspending for a while, and coming back.
//!
//! Every change holds the creator's row, so that two at once come one after the other and the second one is judged by
//! what the first one left.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::edit::locked;
use super::jobs::{LiftSuspension, NotifySuspension};
use super::store::{self, blocks::NewBlock};
use super::{
    ActivationFacts, Block, BlockId, BlockedThing, Creator, CreatorError, CreatorId, CreatorStatus,
    Obstacle, StatusChange, get, obstacles, trail, within_reach,
};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, FieldError};
use crate::queue::{NewJob, enqueue_one};

/// Characters in a reason at the most.
pub const REASON_MAX_CHARS: usize = 500;
/// The longest suspension with an end, in seconds: ten years. Whoever means longer means until it is lifted.
pub const SUSPENSION_MAX_SECONDS: u64 = 10 * 365 * 86_400;
/// What suspensions are called among the blocks.
const SUSPENSION: &str = "suspension";

/// Changes a creator's status; only at the given version, if one is given. Asking for the present one changes nothing.
///
/// # Errors
/// If the reason or time is not acceptable, there is no such creator, it is archived or at another version, the status may
/// not follow the present one, or facts keep the creator from being active.
pub async fn change_status(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    change: &StatusChange,
) -> Result<Creator, CreatorError> {
    check_reason("/reason", &change.reason)?;
    let before = usable(locked(conn, ctx, id, version).await?)?;
    if before.status == change.status {
        return Ok(before);
    }
    check_transition(&before, change.status)?;
    let since = since(ctx, &before, change.effective_from)?;
    match change.status {
        CreatorStatus::Suspended => {
            block(conn, ctx, &before, &change.reason, None).await?;
        }
        CreatorStatus::Active => ensure_activatable(conn, ctx, &before).await?,
        CreatorStatus::PendingVerification
        | CreatorStatus::PendingReview
        | CreatorStatus::Inactive
        | CreatorStatus::Banned
        | CreatorStatus::Churned => {}
    }
    let step = Turn {
        action: "creator.status",
        to: change.status,
        reason: &change.reason,
        since,
    };
    turn(conn, ctx, &before, step).await
}

/// Suspends a creator for some seconds, or until somebody lifts it; only at the given version, if one is given. A longer
/// suspension extends a standing one.
///
/// # Errors
/// If the reason or duration is not acceptable, there is no such creator, it is archived or at another version, the status
/// does not allow it, or a suspension that lasts as long stands already.
pub async fn suspend(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    reason: &str,
    seconds: u64,
) -> Result<Creator, CreatorError> {
    check_reason("/reason", reason)?;
    let ends_at = suspension_end(ctx.now(), seconds)?;
    let before = usable(locked(conn, ctx, id, version).await?)?;
    if before.status == CreatorStatus::Suspended {
        let standing = suspensions(&blocks_of(conn, ctx, before.id).await?, ctx.now());
        if let Some(until) = last_end(&standing)
            && !lasts_longer(ends_at, until)
        {
            return Err(CreatorError::SuspendedAlready(until));
        }
        block(conn, ctx, &before, reason, ends_at).await?;
        // who read the creator before must not lift what they have not seen
        store::creators::set_status(conn, ctx, before.id, before.status, before.status_since)
            .await?;
        let entry = Entry::new("creator.extend_suspension", before.id)
            .after(json!({ "endsAt": ends_at }))
            .reason(reason);
        audit::record(conn, ctx, entry).await?;
        return get(conn, before.id).await;
    }
    check_transition(&before, CreatorStatus::Suspended)?;
    block(conn, ctx, &before, reason, ends_at).await?;
    let step = Turn {
        action: "creator.suspend",
        to: CreatorStatus::Suspended,
        reason,
        since: ctx.now(),
    };
    turn(conn, ctx, &before, step).await
}

/// Makes a suspended or inactive creator active again; only at the given version, if one is given. Standing suspensions
/// are lifted by it.
///
/// # Errors
/// If there is no such creator, it is archived or at another version, it is neither suspended nor inactive, or something
/// else stands against it.
pub async fn reactivate(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    reason: &str,
) -> Result<Creator, CreatorError> {
    check_reason("/notes", reason)?;
    let before = usable(locked(conn, ctx, id, version).await?)?;
    if !before.status.may_be_reactivated() {
        return Err(CreatorError::NotReactivatable(before.status));
    }
    ensure_activatable(conn, ctx, &before).await?;
    let step = Turn {
        action: "creator.reactivate",
        to: CreatorStatus::Active,
        reason,
        since: ctx.now(),
    };
    turn(conn, ctx, &before, step).await
}

/// What stands against a creator now or will, the oldest first.
///
/// # Errors
/// If there is no such creator.
pub async fn blocks(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Vec<Block>, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    blocks_of(conn, ctx, creator.id).await
}

/// What became of a suspension whose time had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifted {
    /// The creator stands here again.
    Back(CreatorStatus),
    /// Something stands until then; look again.
    NotBefore(DateTime<Utc>),
    /// Another suspension, or a block without an end, keeps the creator suspended; whoever ends it decides.
    KeptByOthers,
    /// The creator is not suspended any more.
    NotSuspended,
}

/// Ends a suspension whose time has come: the creator stands again where they stood before.
///
/// # Errors
/// If there is no such creator.
pub async fn lift_due(
    conn: &mut PgConnection,
    ctx: &Ctx,
    job: &LiftSuspension,
) -> Result<Lifted, CreatorError> {
    let creator = locked(conn, ctx, job.creator_id, None).await?;
    if creator.status != CreatorStatus::Suspended {
        return Ok(Lifted::NotSuspended);
    }
    let now = ctx.now();
    let facts = facts(conn, ctx, &creator).await?;
    let suspensions = suspensions(&facts.blocks, now);
    let own = suspensions.iter().find(|block| block.id == job.block_id);
    if let Some(end) = own.and_then(|block| block.ends_at) {
        return Ok(Lifted::NotBefore(end));
    }
    if !suspensions.is_empty() {
        return Ok(Lifted::KeptByOthers);
    }
    let against: Vec<&Block> = facts
        .blocks
        .iter()
        .filter(|block| block.keeps_from(BlockedThing::Reactivation, now))
        .collect();
    if !against.is_empty() {
        let ends: Option<Vec<_>> = against.iter().map(|block| block.ends_at).collect();
        let last = ends.and_then(|ends| ends.into_iter().max());
        return Ok(last.map_or(Lifted::KeptByOthers, Lifted::NotBefore));
    }
    let back = match store::history::before_suspension(conn, creator.id).await? {
        Some(CreatorStatus::Active) | None if !obstacles(&facts, now).is_empty() => {
            CreatorStatus::PendingReview
        }
        Some(status) => status,
        None => CreatorStatus::Active,
    };
    let step = Turn {
        action: "creator.lift_suspension",
        to: back,
        reason: "the suspension ended",
        since: now,
    };
    turn(conn, ctx, &creator, step).await?;
    Ok(Lifted::Back(back))
}

/// One step from a status to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    /// What the audit trail calls it.
    pub(super) action: &'static str,
    /// The status to be.
    pub(super) to: CreatorStatus,
    /// Why.
    pub(super) reason: &'a str,
    /// Since when it holds.
    pub(super) since: DateTime<Utc>,
}

/// Writes another status with its line in the history; suspensions do not outlast the status.
pub(super) async fn turn(
    conn: &mut PgConnection,
    ctx: &Ctx,
    before: &Creator,
    step: Turn<'_>,
) -> Result<Creator, CreatorError> {
    let Turn {
        action,
        to,
        reason,
        since,
    } = step;
    if before.status == CreatorStatus::Suspended {
        store::blocks::lift(conn, ctx, before.id, SUSPENSION, reason).await?;
    }
    store::creators::set_status(conn, ctx, before.id, to, since).await?;
    let from = Some(before.status);
    store::history::add_status(conn, ctx, before.id, from, to, reason, since).await?;
    let after = get(conn, before.id).await?;
    let entry = trail::creator_changed(action, before, &after).reason(reason);
    audit::record(conn, ctx, entry).await?;
    Ok(after)
}

/// Writes a suspension among the blocks, the job that tells the creator, and the one that ends it if it has an end.
async fn block(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    reason: &str,
    ends_at: Option<DateTime<Utc>>,
) -> Result<(), CreatorError> {
    let id = BlockId::new();
    let new = NewBlock {
        id,
        creator: creator.id,
        source: SUSPENSION,
        reason,
        blocks: &[BlockedThing::Mail, BlockedThing::Payout],
        ends_at,
    };
    store::blocks::insert(conn, ctx, new).await?;
    if let Some(end) = ends_at {
        let job = LiftSuspension {
            creator_id: creator.id,
            block_id: id,
        };
        enqueue_one(conn, ctx, NewJob::of(&job)?.at(end)).await?;
    }
    let notice = NotifySuspension {
        creator_id: creator.id,
        block_id: id,
    };
    enqueue_one(conn, ctx, NewJob::of(&notice)?).await?;
    Ok(())
}

async fn ensure_activatable(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
) -> Result<(), CreatorError> {
    let found: Vec<Obstacle> = obstacles(&facts(conn, ctx, creator).await?, ctx.now());
    if found.is_empty() {
        Ok(())
    } else {
        Err(CreatorError::Obstacles(found))
    }
}

async fn facts(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
) -> Result<ActivationFacts, CreatorError> {
    // held, so that nobody revokes the proof meanwhile
    let person = super::people::locked(conn, creator.person).await?;
    Ok(ActivationFacts {
        birth_date: person.birth_date,
        age: store::people::latest_age_decision(conn, person.id).await?,
        blocks: blocks_of(conn, ctx, creator.id).await?,
    })
}

async fn blocks_of(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Vec<Block>, CreatorError> {
    Ok(store::blocks::standing(conn, id, ctx.now()).await?)
}

/// The suspensions among blocks that have not ended at `now`. Who waited for the creator may have looked at the clock
/// before whoever went first, so one that begins a moment later stands, too.
fn suspensions(blocks: &[Block], now: DateTime<Utc>) -> Vec<Block> {
    let standing = blocks
        .iter()
        .filter(|block| block.source == SUSPENSION && block.ends_at.is_none_or(|end| end > now));
    standing.cloned().collect()
}

/// When the last of some suspensions ends: none if there is none, `Some(None)` if one has no end.
fn last_end(suspensions: &[Block]) -> Option<Option<DateTime<Utc>>> {
    suspensions
        .iter()
        .map(|block| block.ends_at)
        .reduce(|a, b| match (a, b) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (None, _) | (_, None) => None,
        })
}

/// Whether an end comes after another one; none is never.
fn lasts_longer(end: Option<DateTime<Utc>>, than: Option<DateTime<Utc>>) -> bool {
    match (end, than) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(end), Some(than)) => end > than,
    }
}

fn suspension_end(now: DateTime<Utc>, seconds: u64) -> Result<Option<DateTime<Utc>>, CreatorError> {
    if seconds > SUSPENSION_MAX_SECONDS {
        let message = format!(
            "at most {SUSPENSION_MAX_SECONDS} seconds; leave it out to suspend until it is lifted"
        );
        return Err(CreatorError::Invalid(vec![FieldError::new(
            "/duration",
            message,
        )]));
    }
    let length = Duration::seconds(i64::try_from(seconds).unwrap_or(0));
    Ok((seconds > 0).then(|| now + length))
}

fn check_transition(before: &Creator, to: CreatorStatus) -> Result<(), CreatorError> {
    if before.status.may_become(to) {
        return Ok(());
    }
    Err(CreatorError::IllegalTransition {
        from: before.status,
        to,
        legal: before.status.successors(),
    })
}

/// Since when a new status holds.
fn since(
    ctx: &Ctx,
    before: &Creator,
    asked: Option<DateTime<Utc>>,
) -> Result<DateTime<Utc>, CreatorError> {
    let Some(at) = asked else {
        return Ok(ctx.now());
    };
    let message = if at > ctx.now() {
        "must not be in the future; ask again when it is time"
    } else if at < before.status_since {
        "must not be before the present status began; see the status history"
    } else {
        return Ok(at);
    };
    Err(CreatorError::Invalid(vec![FieldError::new(
        "/effectiveAt",
        message,
    )]))
}

/// Checks a reason that is to be stored with a decision; `field` is the pointer of a refusal.
///
/// # Errors
/// If the text is empty, too long, or contains NUL.
pub fn check_reason(field: &'static str, text: &str) -> Result<(), CreatorError> {
    let fits = !text.trim().is_empty() && text.chars().count() <= REASON_MAX_CHARS;
    if fits && !text.contains('\0') {
        return Ok(());
    }
    let message = format!("say why in 1 to {REASON_MAX_CHARS} characters");
    Err(CreatorError::Invalid(vec![FieldError::new(field, message)]))
}

fn usable(creator: Creator) -> Result<Creator, CreatorError> {
    if creator.archived_at.is_some() {
        Err(CreatorError::Archived(creator.id))
    } else {
        Ok(creator)
    }
}
