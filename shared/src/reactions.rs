//! "When X has happened, do Y": every fan-out of the system on one page, each in the transaction of its cause.

use sqlx::PgConnection;

use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::onboarding::{self, OnboardingError};

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
