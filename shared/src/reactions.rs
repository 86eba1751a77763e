//! "When X has happened, do Y": every fan-out of the system on one page, each in the transaction of its cause.

use chrono::Duration;
use sqlx::PgConnection;
use thiserror::Error;

use crate::campaigns;
use crate::creators::{self, CreatorError, CreatorId, CreatorStatus, StatusChange};
use crate::custom_fields;
use crate::kernel::{Classify, Ctx, ErrorKind};
use crate::notes;
use crate::onboarding::{self, OnboardingError};
use crate::tags;
use crate::tasks::{self, NewTask, TaskError};
use crate::tiers;

/// How long staff has to review somebody whose onboarding is complete.
const REVIEW_WITHIN: Duration = Duration::days(3);

/// What follows from something could not be done.
#[derive(Debug, Error)]
pub enum ReactionError {
    /// The onboarding could not be begun.
    #[error(transparent)]
    Onboarding(#[from] OnboardingError),
    /// The creator's status could not follow.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The task for staff could not be added.
    #[error(transparent)]
    Task(#[from] TaskError),
}

impl Classify for ReactionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Onboarding(error) => error.kind(),
            Self::Creator(error) => error.kind(),
            Self::Task(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Onboarding(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Task(error) => error.code(),
        }
    }
}

/// A creator was registered: their onboarding begins.
///
/// # Errors
/// If the database refuses.
pub async fn creator_registered(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    cluster: &str,
) -> Result<(), ReactionError> {
    onboarding::start(conn, ctx, creator, cluster).await?;
    Ok(())
}

/// Creators, each with its cluster, were registered: as [`creator_registered`].
///
/// # Errors
/// If the database refuses.
pub async fn creators_registered(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creators: &[(CreatorId, &str)],
) -> Result<(), ReactionError> {
    Ok(onboarding::start_many(conn, ctx, creators).await?)
}

/// A creator has gone through everything their onboarding asks for: who still waits for their verification waits for a
/// review from now on, and staff has a task to do it.
///
/// # Errors
/// If the database refuses.
pub async fn onboarding_completed(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<(), ReactionError> {
    let creator = creators::get(conn, creator).await?;
    if creator.status != CreatorStatus::PendingVerification || creator.archived_at.is_some() {
        return Ok(());
    }
    let review = StatusChange {
        status: CreatorStatus::PendingReview,
        reason: "onboarding completed".to_owned(),
        effective_from: None,
    };
    creators::change_status(conn, ctx, creator.id, None, &review).await?;
    let task = NewTask {
        title: "Review a creator whose onboarding is complete".to_owned(),
        description: None,
        assignee: creator.owner,
        due_at: Some(ctx.now() + REVIEW_WITHIN),
        remind_at: None,
        repeat_days: None,
    };
    tasks::add(conn, ctx, Some(creator.id), task).await?;
    Ok(())
}

/// A creator turned out to be another one: what slices hold of the one follows to the other. Slices that come later add
/// theirs here.
///
/// # Errors
/// If the database refuses.
pub async fn creators_merged(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    campaigns::follow_merge(conn, gone, kept).await?;
    tiers::follow_merge(conn, gone, kept).await?;
    onboarding::follow_merge(conn, gone, kept).await?;
    notes::follow_merge(conn, gone, kept).await?;
    tasks::follow_merge(conn, gone, kept).await?;
    tags::follow_merge(conn, gone, kept).await?;
    custom_fields::follow_merge(conn, gone, kept).await
}
