//! Rows of `payout_events` and `payout_reports`.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::{Ctx, TypedId, stored};
use crate::ledger::TransferId;
use crate::payouts::{Payout, PayoutEvent, PayoutId, PayoutState};

/// Adds a step; its payout is locked.
pub(in crate::payouts) async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: PayoutId,
    from: Option<PayoutState>,
    to: PayoutState,
    reason: Option<&str>,
    transfer: Option<TransferId>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into payout_events (id, payout_id, seq, at, from_state, to_state, by, reason, transfer_id)
         values ($8, $1, (select coalesce(max(seq), 0) + 1 from payout_events where payout_id = $1), $2, $3, $4, $5, $6, $7)",
        id.uuid(),
        ctx.now(),
        from.map(PayoutState::as_str),
        to.as_str(),
        ctx.actor.to_string(),
        reason,
        transfer.map(TypedId::uuid),
        // in the order of their making, also within one moment
        Uuid::now_v7(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Adds the first steps of payouts that begin: those that lead to where each stands, the first with its hold.
pub(in crate::payouts) async fn add_first(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payouts: &[Payout],
    steps: impl Fn(PayoutState) -> &'static [(PayoutState, Option<&'static str>)],
) -> sqlx::Result<()> {
    let (mut ids, mut of, mut seqs) = (Vec::new(), Vec::new(), Vec::new());
    let (mut froms, mut tos, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    let mut transfers: Vec<Option<Uuid>> = Vec::new();
    for payout in payouts {
        let mut from: Option<PayoutState> = None;
        for (seq, (to, reason)) in (1..).zip(steps(payout.state)) {
            ids.push(Uuid::now_v7());
            of.push(payout.id.uuid());
            seqs.push(seq);
            froms.push(from.map(|state| state.to_string()));
            tos.push(to.to_string());
            reasons.push(reason.map(str::to_owned));
            transfers.push(from.is_none().then(|| payout.hold.uuid()));
            from = Some(*to);
        }
    }
    sqlx::query!(
        "insert into payout_events (id, payout_id, seq, at, from_state, to_state, by, reason, transfer_id)
         select t.id, t.payout_id, t.seq, $8, t.from_state, t.to_state, $9, t.reason, t.transfer_id
         from unnest($1::uuid[], $2::uuid[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::uuid[])
              t (id, payout_id, seq, from_state, to_state, reason, transfer_id)",
        &ids,
        &of,
        &seqs,
        &froms as _,
        &tos,
        &reasons as _,
        &transfers as _,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Adds the same steps, from the first state to the last, to many payouts, which are locked, each for its reason.
pub(in crate::payouts) async fn add_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    moved: &[(PayoutId, Option<String>)],
    path: &[PayoutState],
) -> sqlx::Result<()> {
    let (mut ids, mut of, mut nths) = (Vec::new(), Vec::new(), Vec::new());
    let (mut froms, mut tos, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for (id, reason) in moved {
        for (nth, pair) in (1..).zip(path.windows(2)) {
            ids.push(Uuid::now_v7());
            of.push(id.uuid());
            nths.push(nth);
            froms.push(pair[0].to_string());
            tos.push(pair[1].to_string());
            reasons.push(reason.clone());
        }
    }
    sqlx::query!(
        "insert into payout_events (id, payout_id, seq, at, from_state, to_state, by, reason)
         select t.id, t.payout_id, coalesce(l.seq, 0) + t.nth, $7, t.from_state, t.to_state, $8, t.reason
         from unnest($1::uuid[], $2::uuid[], $3::int4[], $4::text[], $5::text[], $6::text[])
              t (id, payout_id, nth, from_state, to_state, reason)
              left join (select payout_id, max(seq) as seq from payout_events where payout_id = any($2) group by payout_id) l
                   on l.payout_id = t.payout_id",
        &ids,
        &of,
        &nths,
        &froms,
        &tos,
        &reasons as _,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// All steps of a payout, the first one first.
pub(in crate::payouts) async fn of_payout(
    conn: &mut PgConnection,
    id: PayoutId,
) -> sqlx::Result<Vec<PayoutEvent>> {
    let rows = sqlx::query!(
        "select at, from_state, to_state, by, reason, transfer_id from payout_events where payout_id = $1 order by seq",
        id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let from = row.from_state.map(|word| stored("state", &word));
            Ok(PayoutEvent {
                at: row.at,
                from: from.transpose()?,
                to: stored("state", &row.to_state)?,
                by: row.by,
                reason: row.reason,
                transfer: row.transfer_id.map(TransferId::from),
            })
        })
        .collect()
}

/// The ledger's transfer that completed a payout.
pub(in crate::payouts) async fn completed_by(
    conn: &mut PgConnection,
    id: PayoutId,
) -> sqlx::Result<Option<TransferId>> {
    let found = sqlx::query_scalar!(
        r#"select transfer_id as "transfer_id!" from payout_events
           where payout_id = $1 and to_state = 'completed' and transfer_id is not null"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(TransferId::from))
}

/// Notes that a provider reported an event; false if it did before.
pub(in crate::payouts) async fn report(
    conn: &mut PgConnection,
    ctx: &Ctx,
    provider: &str,
    event_id: &str,
    id: PayoutId,
    status: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into payout_reports (provider, event_id, payout_id, status, at) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        provider,
        event_id,
        id.uuid(),
        status,
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
