//! "When X has happened, do Y": every fan-out of the system on one page, each in the transaction of its cause.

use sqlx::PgConnection;

use crate::campaigns;
use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::onboarding::{self, OnboardingError};
use crate::tiers;

/// A creator was registered: their onboarding begins.
///
/// # Errors
/// If the database refuses.
pub async fn creator_registered(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    cluster: &str,
) -> Result<(), OnboardingError> {
    onboarding::start(conn, ctx, creator, cluster)
        .await
        .map(drop)
}

/// A creator has gone through everything their onboarding asks for.
///
/// # Errors
/// If the database refuses.
pub async fn onboarding_completed(
    _conn: &mut PgConnection,
    _ctx: &Ctx,
    _creator: CreatorId,
) -> Result<(), OnboardingError> {
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
    tiers::follow_merge(conn, gone, kept).await
}
