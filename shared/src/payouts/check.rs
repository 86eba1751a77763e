//! Whether payouts and the ledger say the same.

use sqlx::PgConnection;

use super::store;
use crate::ledger::{FINDINGS_MAX, Finding};

/// Holds every payout against the ledger, as of one moment: it holds the payout's amounts while the payout is under way,
/// has posted them if it was completed, and has released them if it ended otherwise; what came back is what had to; and no
/// transfer is of a payout that is not there. Answers what does not hold, for the nightly check; it locks nothing.
///
/// # Errors
/// If the database cannot be read.
pub async fn check(conn: &mut PgConnection) -> sqlx::Result<Vec<Finding>> {
    store::checks::look(conn, FINDINGS_MAX).await
}
