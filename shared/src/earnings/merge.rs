//! Two creators turned out to be one.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::{EarningError, store};
use crate::creators::CreatorId;
use crate::kernel::Ctx;
use crate::kernel::money::Currency;
use crate::ledger::{self, Account, Leg, NewTransfer, TransferId, TransferKind};

/// Lets earnings and sums follow, and moves the balances by a transfer for each currency.
///
/// # Errors
/// If payouts of the one who goes are under way, or the ledger or the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> Result<(), EarningError> {
    store::merge::follow(conn, gone, kept).await?;
    let balances = ledger::creator_balances(conn, gone).await?;
    let mut legs: BTreeMap<Currency, Vec<Leg>> = BTreeMap::new();
    for (account, balance) in balances {
        if balance.debits_pending != 0 || balance.credits_pending != 0 {
            return Err(EarningError::PayoutsUnderWay(gone));
        }
        let to = Account {
            owner: Some(kept),
            ..account
        };
        let amount = balance.posted();
        let of = legs.entry(account.currency).or_default();
        if amount > 0 {
            of.extend([Leg::debit(account, amount), Leg::credit(to, amount)]);
        } else if amount < 0 {
            of.extend([Leg::debit(to, -amount), Leg::credit(account, -amount)]);
        }
    }
    let transfers: Vec<NewTransfer> = legs
        .into_values()
        .filter(|legs| !legs.is_empty())
        .map(|legs| {
            let id = TransferId::at(ctx.now());
            NewTransfer::posting(id, TransferKind::Merge, ctx.now(), legs)
        })
        .collect();
    ledger::post(conn, ctx, &transfers).await?;
    Ok(())
}
