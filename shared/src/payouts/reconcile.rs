//! Payouts against what banks say of them.

use sqlx::PgConnection;

use super::batches::ensure_unlimited;
use super::{Payout, PayoutError, RECONCILED_DAYS_MAX, Reconciliation, ReconciliationScope, store};
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest, TypedId};

/// Reconciles payouts with statements over some days. Both sides are added up by themselves, so that what does not agree
/// shows.
///
/// # Errors
/// If the caller is limited to some clusters, or the days are none.
pub async fn reconcile(
    conn: &mut PgConnection,
    ctx: &Ctx,
    scope: ReconciliationScope,
) -> Result<Reconciliation, PayoutError> {
    ensure_unlimited(ctx)?;
    check(&scope)?;
    let (handed_over, not_sent, failed) = store::reconciliation::flows(conn, &scope).await?;
    let books = store::reconciliation::books(conn, &scope).await?;
    let under_way = super::UnderWay {
        opening: store::reconciliation::open_at(conn, &scope, scope.begins()).await?,
        handed_over,
        not_sent,
        completed: books.completed,
        failed,
        closing: store::reconciliation::open_at(conn, &scope, scope.ends()).await?,
    };
    let [matched, theirs, dismissed] = store::reconciliation::moves(conn, &scope).await?;
    let explained = store::reconciliation::explained(conn, &scope, matched.net()).await?;
    Ok(Reconciliation {
        scope,
        under_way,
        books,
        matched,
        theirs,
        dismissed,
        ours: store::reconciliation::ours(conn, &scope).await?,
        explained,
        accounts: store::reconciliation::accounts(conn, &scope).await?,
    })
}

/// Payouts handed over on the days that no statement has as paid, without those that failed; the latest first.
///
/// # Errors
/// As [`reconcile`], or if the cursor is not ours.
pub async fn list_ours_only(
    conn: &mut PgConnection,
    ctx: &Ctx,
    scope: ReconciliationScope,
    page: &PageRequest,
) -> Result<Page<Payout>, PayoutError> {
    ensure_unlimited(ctx)?;
    check(&scope)?;
    let before: Option<store::payouts::Place> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::reconciliation::list_ours(conn, &scope, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |payout| {
        let handed = payout.first_handed_at.unwrap_or(payout.requested_at);
        (handed, payout.id.uuid())
    }))
}

fn check(scope: &ReconciliationScope) -> Result<(), PayoutError> {
    let days = (scope.to - scope.from).num_days() + 1;
    if (1..=RECONCILED_DAYS_MAX).contains(&days) {
        return Ok(());
    }
    Err(PayoutError::Invalid(vec![FieldError::new(
        "to",
        format!("must not be before `from`, nor more than {RECONCILED_DAYS_MAX} days from it"),
    )]))
}
