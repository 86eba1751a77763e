//! Rows of `payout_approvals`.

use sqlx::PgConnection;

use crate::kernel::{Ctx, TypedId};
use crate::payouts::{Approval, Payout, PayoutId};

/// Notes that the caller approves what the payout says now; false if they did before.
pub(in crate::payouts) async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &Payout,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into payout_approvals (payout_id, approver, content_hash, at) values ($1, $2, $3, $4) on conflict do nothing",
        payout.id.uuid(),
        ctx.actor.to_string(),
        &payout.content_hash,
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Who approved a payout, the first one first.
pub(in crate::payouts) async fn of_payout(
    conn: &mut PgConnection,
    id: PayoutId,
) -> sqlx::Result<Vec<Approval>> {
    sqlx::query_as!(
        Approval,
        r#"select a.approver as by, a.at, a.content_hash = p.content_hash as "counts!"
           from payout_approvals a join payouts p on p.id = a.payout_id where a.payout_id = $1 order by a.at, a.approver"#,
        id.uuid(),
    )
    .fetch_all(conn)
    .await
}
