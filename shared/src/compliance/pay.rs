//! Who may be paid.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{ComplianceError, NotPayable, Reason, reasons, store};
use crate::creators::{self, CreatorId};
use crate::kernel::Ctx;

/// Creators that are asked about at once at the most.
pub const PAYABLE_MAX: usize = 10_000;

/// Passes if nothing keeps the creator from being paid now.
///
/// # Errors
/// With everything that does ([`ComplianceError::NotPayable`]), or if the database refuses.
pub async fn ensure_payable(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<(), ComplianceError> {
    let mut asked = payable_many(conn, ctx, &[creator]).await?;
    // who is not answered is not payable
    let reasons = asked
        .remove(&creator)
        .unwrap_or_else(|| vec![Reason::CreatorUnknown]);
    if reasons.is_empty() {
        return Ok(());
    }
    Err(NotPayable { creator, reasons }.into())
}

/// What keeps each of some creators from being paid now, in one statement: every id that was asked for is answered, and
/// only who has no reason may be paid. At most [`PAYABLE_MAX`] at once.
///
/// # Errors
/// If there are too many, or the database refuses.
pub async fn payable_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creators: &[CreatorId],
) -> Result<HashMap<CreatorId, Vec<Reason>>, ComplianceError> {
    if creators.len() > PAYABLE_MAX {
        return Err(ComplianceError::TooMany);
    }
    let today = ctx.now().date_naive();
    let known = store::facts(conn, creators, ctx.now()).await?;
    let mut answers: HashMap<CreatorId, Vec<Reason>> = creators
        .iter()
        .map(|id| (*id, vec![Reason::CreatorUnknown]))
        .collect();
    for (id, facts) in known {
        answers.insert(id, reasons(&facts, today));
    }
    Ok(answers)
}

/// What keeps a creator within the caller's reach from being paid now; nothing if they may be.
///
/// # Errors
/// If there is no such creator.
pub async fn payability(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<Reason>, ComplianceError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    match ensure_payable(conn, ctx, creator).await {
        Ok(()) => Ok(Vec::new()),
        Err(ComplianceError::NotPayable(not)) => Ok(not.reasons),
        Err(error) => Err(error),
    }
}
