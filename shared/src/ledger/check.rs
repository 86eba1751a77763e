//! Whether the ledger holds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};

use super::{LedgerError, store};
use crate::kernel::{Ctx, Db, typed_id};

typed_id!(
    /// Names one check of the ledger.
    CheckId,
    "ledgercheck"
);

/// Findings of one sort that are told at the most; one is enough to act.
pub const FINDINGS_MAX: i64 = 100;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at: a currency, an account's number, or a row of somebody who posts.
    pub what: String,
    /// What is wrong with it.
    pub why: String,
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// When.
    pub at: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// Entries that were added up.
    pub entries: i64,
    /// What does not hold; empty if everything does.
    pub findings: Vec<Finding>,
}

impl Check {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Adds all entries up, as of one moment: debits equal credits in each currency, held and posted apart; each account's
/// balance is the sum of its entries; no limited account holds more than it has; no entry lies outside of a month's
/// partition. The result is kept. It reads every entry once and locks nothing.
///
/// # Errors
/// [`LedgerError::DoesNotHold`] with what was found, which is kept nevertheless; or if the database refuses.
pub async fn check(db: &Db, ctx: &Ctx) -> Result<Check, LedgerError> {
    check_with(db, ctx, Vec::new()).await
}

/// As [`check`], with what slices above found when they held their own rows against the ledger: it is kept and told beside
/// what is found here.
///
/// # Errors
/// As [`check`].
pub async fn check_with(db: &Db, ctx: &Ctx, beside: Vec<Finding>) -> Result<Check, LedgerError> {
    let mut conn = db.pool().acquire().await?;
    let mut tx = conn.begin().await?;
    let (entries, mut findings, took_ms) = look(&mut tx, true).await?;
    tx.rollback().await?;
    findings.extend(beside);
    let check = Check {
        at: ctx.now(),
        took_ms,
        entries,
        findings,
    };
    store::checks::keep(&mut conn, CheckId::new(), &check).await?;
    ensure_holds(check)
}

/// Checks within the caller's transaction and keeps nothing; [`super::bulk_load`] ends with it.
pub(super) async fn check_here(conn: &mut PgConnection, ctx: &Ctx) -> Result<Check, LedgerError> {
    let (entries, findings, took_ms) = look(conn, false).await?;
    ensure_holds(Check {
        at: ctx.now(),
        took_ms,
        entries,
        findings,
    })
}

async fn look(
    conn: &mut PgConnection,
    own_snapshot: bool,
) -> Result<(i64, Vec<Finding>, i64), LedgerError> {
    if own_snapshot {
        store::checks::read_one_moment(conn).await?;
    }
    let found = store::checks::look(conn, FINDINGS_MAX).await?;
    Ok((found.entries, found.findings, found.took_ms))
}

fn ensure_holds(check: Check) -> Result<Check, LedgerError> {
    if check.holds() {
        return Ok(check);
    }
    let told = check
        .findings
        .iter()
        .map(|finding| format!("{}: {}", finding.what, finding.why));
    Err(LedgerError::DoesNotHold(told.collect()))
}

/// The latest check; none if there was none yet.
///
/// # Errors
/// If the database cannot be read.
pub async fn latest_check(conn: &mut PgConnection) -> sqlx::Result<Option<Check>> {
    store::checks::latest(conn).await
}
