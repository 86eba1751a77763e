//! What the ledger promises, asked of a real database.

mod checking;
mod holding;
mod loading;
mod model;
mod refusing;

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::kernel::money::Currency;
use crate::kernel::{Actor, Clock, Ctx, Db};

pub(super) const USD: Currency = Currency::USD;

pub(super) fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

/// The context of a later time.
pub(super) fn ctx_in(later: Duration) -> Ctx {
    let clock = Clock::system();
    clock.advance(later);
    Ctx::new(Actor::System, &clock)
}

pub(super) fn db(pool: &PgPool) -> Db {
    Db::new(pool.clone(), None)
}

pub(super) fn available(of: CreatorId) -> Account {
    Account::creator(of, AccountCode::CreatorAvailable, USD)
}

pub(super) fn receipts() -> Account {
    Account::platform(AccountCode::FanReceipts, USD)
}

pub(super) fn clearing() -> Account {
    Account::platform(AccountCode::PayoutClearing, USD)
}

/// A transfer of an amount from one account to another.
pub(super) fn moving(
    ctx: &Ctx,
    step: Step,
    from: Account,
    to: Account,
    amount: i64,
) -> NewTransfer {
    NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::Earning,
        step,
        legs: vec![Leg::debit(from, amount), Leg::credit(to, amount)],
        effective_at: ctx.now(),
    }
}

/// A transfer that resolves another one.
pub(super) fn resolving(ctx: &Ctx, step: Step) -> NewTransfer {
    NewTransfer {
        id: TransferId::at(ctx.now()),
        kind: TransferKind::Payout,
        step,
        legs: Vec::new(),
        effective_at: ctx.now(),
    }
}

/// Does transfers in a transaction of their own. What is refused is rolled back before the answer: a transaction that
/// is only dropped is rolled back some time later, and until then its locks stand.
pub(super) async fn posted(
    pool: &PgPool,
    ctx: &Ctx,
    transfers: &[NewTransfer],
) -> Result<Vec<Posted>, LedgerError> {
    let mut tx = pool.begin().await?;
    let done = post(&mut tx, ctx, transfers).await;
    match done {
        Ok(_) => tx.commit().await?,
        Err(_) => tx.rollback().await?,
    }
    done
}

/// What a creator has available, and what of it is posted.
pub(super) async fn funds(pool: &PgPool, of: CreatorId) -> (i64, i64) {
    let mut conn = pool.acquire().await.expect("a connection");
    let all = creator_balances(&mut conn, of).await.expect("balances");
    let one = all.iter().find(|(account, _)| *account == available(of));
    let balance = one.map(|(_, balance)| *balance).unwrap_or_default();
    (balance.available(), balance.posted())
}
