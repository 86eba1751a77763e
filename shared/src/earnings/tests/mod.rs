//! What earnings promise, asked of a real database.

mod converting;
mod maturing;
mod recording;
mod reversing;
mod stating;

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{Actor, Clock, Ctx, Db};
use crate::ledger;
use crate::testing;

pub(super) fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

/// The context of a later day.
pub(super) fn ctx_in(days: i64) -> Ctx {
    let clock = Clock::system();
    clock.advance(Duration::days(days));
    Ctx::new(Actor::System, &clock)
}

pub(super) async fn ada(pool: &PgPool) -> CreatorId {
    testing::creator(pool, "girlfanz", "ada").await
}

pub(super) fn tip(creator: CreatorId, amount: &str) -> NewEarning {
    NewEarning {
        creator,
        amount: amount.to_owned(),
        currency: None,
        source: EarningSource::Tip,
        description: None,
        fan: None,
        content: None,
        external_id: None,
        occurred_at: None,
    }
}

pub(super) async fn recorded(
    pool: &PgPool,
    ctx: &Ctx,
    new: NewEarning,
) -> Result<(Earning, bool), EarningError> {
    let mut tx = pool.begin().await?;
    let done = record(&mut tx, ctx, new).await?;
    tx.commit().await?;
    Ok(done)
}

pub(super) fn refund(amount: Option<&str>) -> NewReversal {
    NewReversal {
        kind: ReversalKind::Refund,
        amount: amount.map(str::to_owned),
        reason: Some("asked for it".to_owned()),
        external_id: None,
        occurred_at: None,
    }
}

pub(super) async fn reversed(
    pool: &PgPool,
    ctx: &Ctx,
    of: &Earning,
    new: NewReversal,
) -> Result<(Reversal, bool), EarningError> {
    let mut tx = pool.begin().await?;
    let done = reverse(&mut tx, ctx, of.creator, of.id, new).await?;
    tx.commit().await?;
    Ok(done)
}

/// Matures everything that is due; answers how many rows that were.
pub(super) async fn matured(pool: &PgPool, ctx: &Ctx) -> usize {
    let mut done = 0;
    loop {
        let mut tx = pool.begin().await.expect("begun");
        let step = mature_step(&mut tx, ctx).await.expect("matured");
        tx.commit().await.expect("committed");
        done += step.done;
        if !step.more {
            return done;
        }
    }
}

/// The creator's figures in dollars.
pub(super) async fn usd(pool: &PgPool, id: CreatorId) -> CurrencySummary {
    let mut conn = pool.acquire().await.expect("a connection");
    let summary = summary(&mut conn, &ctx(), id).await.expect("a summary");
    let found = summary
        .currencies
        .into_iter()
        .find(|of| of.currency == Currency::USD);
    found.expect("dollars")
}

/// Pending, reserved, available.
pub(super) async fn funds(pool: &PgPool, id: CreatorId) -> (i64, i64, i64) {
    let of = usd(pool, id).await;
    (of.pending, of.reserved, of.available)
}

pub(super) async fn holds(pool: &PgPool) {
    ledger::check(&Db::new(pool.clone(), None), &ctx())
        .await
        .expect("the ledger holds");
}
