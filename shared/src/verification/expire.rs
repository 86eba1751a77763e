//! Noting what is over.

use serde_json::json;
use sqlx::PgConnection;

use super::{VerificationState, store};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;

/// Verifications that one step lets expire at the most; so long their rows are locked together.
pub const EXPIRE_STEP_MAX: i64 = 500;

/// Notes what was over before today, at most [`EXPIRE_STEP_MAX`] of it; answers how much that was. Nothing waits for this
/// to count no more: readers look at the day. It is for the history, the audit trail and those who list states.
///
/// # Errors
/// If the database refuses.
pub async fn expire_step(conn: &mut PgConnection, ctx: &Ctx) -> sqlx::Result<usize> {
    let ended = store::expire(conn, ctx, EXPIRE_STEP_MAX).await?;
    let entries = ended.iter().map(|ended| {
        Entry::new("verification.expire", ended.subject.clone())
            .before(json!({ "kind": ended.kind, "state": VerificationState::Verified }))
            .after(json!({ "kind": ended.kind, "state": VerificationState::Expired, "validUntil": ended.valid_until }))
    });
    audit::record_all(conn, ctx, entries.collect()).await?;
    Ok(ended.len())
}
