//! "When X has happened, do Y": every fan-out of the system on one page, each in the transaction of its cause.

use chrono::{Duration, NaiveDate};
use serde_json::json;
use sqlx::PgConnection;
use thiserror::Error;

use crate::campaigns;
use crate::creators::{self, CreatorError, CreatorId, CreatorStatus, PersonId, StatusChange};
use crate::custom_fields;
use crate::earnings::{self, Change, EarningError};
use crate::kernel::{Classify, Ctx, ErrorKind, TypedId};
use crate::notes;
use crate::onboarding::{self, OnboardingError, StepKey};
use crate::payouts;
use crate::queue::EnqueueError;
use crate::tags;
use crate::tasks::{self, NewTask, TaskError};
use crate::tiers::{self, TierError};
use crate::verification::{self, VerificationError};

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
    /// The earnings could not follow.
    #[error(transparent)]
    Earning(#[from] Box<EarningError>),
    /// The verifications could not be read, or could not follow.
    #[error(transparent)]
    Verification(#[from] Box<VerificationError>),
    /// The tiers could not follow.
    #[error(transparent)]
    Tier(#[from] TierError),
    /// The database refused.
    #[error("what follows could not be written")]
    Db(#[from] sqlx::Error),
}

impl Classify for ReactionError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Onboarding(error) => error.kind(),
            Self::Creator(error) => error.kind(),
            Self::Task(error) => error.kind(),
            Self::Earning(error) => error.kind(),
            Self::Verification(error) => error.kind(),
            Self::Tier(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Onboarding(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Task(error) => error.code(),
            Self::Earning(error) => error.code(),
            Self::Verification(error) => error.code(),
            Self::Tier(error) => error.code(),
            Self::Db(error) => error.code(),
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

/// Something was proven of a person: if it is proven now who they are and that they are of age, the onboarding of each of
/// their creators needs no decision about that any more. Creators out of the caller's reach, and those who are not that
/// far yet, complete the step themselves when they come to it.
///
/// # Errors
/// If the database refuses.
pub async fn person_proven(
    conn: &mut PgConnection,
    ctx: &Ctx,
    profiles: &[CreatorId],
) -> Result<(), ReactionError> {
    for id in profiles {
        let creator = creators::get(conn, *id).await?;
        let reach = ctx.actor.reach();
        let reached = reach.covers(&creator.cluster, creator.id.uuid());
        let proven = reached
            && verification::proves_who_it_is(conn, ctx, creator.id)
                .await
                .map_err(Box::new)?;
        if !proven {
            continue;
        }
        match onboarding::prove(conn, ctx, creator.id, StepKey::Verification, json!({})).await {
            Ok(_) | Err(OnboardingError::NoRun(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Creators earned on days, or were taken back from (negative): in the reporting currency it counts for their tiers, a day of
/// large earnings at once; in any other it waits until a rate is known. What waits is written first, as who converts it
/// does, so that nobody waits in a circle.
///
/// # Errors
/// If the database refuses.
pub async fn earned(
    conn: &mut PgConnection,
    ctx: &Ctx,
    changes: &[Change],
) -> Result<(), ReactionError> {
    let reporting = tiers::reporting_currency(conn, ctx.now().date_naive()).await?;
    let (own, foreign): (Vec<Change>, Vec<Change>) = changes
        .iter()
        .copied()
        .partition(|change| change.currency == reporting);
    if !foreign.is_empty() {
        earnings::keep_unconverted(conn, &foreign).await?;
    }
    let own: Vec<_> = own
        .into_iter()
        .map(|change| (change.creator, change.day, change.share))
        .collect();
    Ok(tiers::add_earnings_many(conn, ctx, &own).await?)
}

/// What creators earned on days was converted, in minor units of the reporting currency: it counts for their tiers.
///
/// # Errors
/// If the database refuses.
pub async fn earnings_converted(
    conn: &mut PgConnection,
    ctx: &Ctx,
    shares: &[(CreatorId, NaiveDate, i64)],
) -> Result<(), ReactionError> {
    Ok(tiers::add_earnings_many(conn, ctx, shares).await?)
}

/// Exchange rates were imported or put by hand: earnings that wait for them are converted.
///
/// # Errors
/// If the database refuses.
pub async fn rates_known(conn: &mut PgConnection, ctx: &Ctx) -> Result<(), EnqueueError> {
    earnings::start_conversion(conn, ctx).await
}

/// A creator turned out to be another one: what slices hold of the one follows to the other. Slices that come later add
/// theirs here.
///
/// # Errors
/// If something keeps it from following, or the database refuses.
pub async fn creators_merged(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> Result<(), ReactionError> {
    campaigns::follow_merge(conn, gone, kept).await?;
    // before the tiers, as who converts earnings writes them
    earnings::follow_merge(conn, ctx, gone, kept)
        .await
        .map_err(Box::new)?;
    tiers::follow_merge(conn, gone, kept).await?;
    verification::follow_merge(conn, ctx, gone, kept)
        .await
        .map_err(Box::new)?;
    payouts::follow_merge(conn, ctx, gone, kept).await?;
    onboarding::follow_merge(conn, gone, kept).await?;
    notes::follow_merge(conn, gone, kept).await?;
    tasks::follow_merge(conn, gone, kept).await?;
    tags::follow_merge(conn, gone, kept).await?;
    Ok(custom_fields::follow_merge(conn, gone, kept).await?)
}

/// A person turned out to be another one: what slices hold of the one follows to the other.
///
/// # Errors
/// As [`creators_merged`].
pub async fn people_merged(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: PersonId,
    kept: PersonId,
) -> Result<(), ReactionError> {
    verification::follow_people_merge(conn, ctx, gone, kept)
        .await
        .map_err(Box::new)?;
    Ok(())
}
