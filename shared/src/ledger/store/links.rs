//! What transfers resolve or take back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::account;
use crate::kernel::money::Currency;
use crate::kernel::{TypedId, stored};
use crate::ledger::{Leg, Outcome, Side, TransferId};

/// A pending transfer, locked.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct HeldTransfer {
    pub(in crate::ledger) expires_at: Option<DateTime<Utc>>,
    pub(in crate::ledger) outcome: Option<Outcome>,
    pub(in crate::ledger) legs: Vec<Leg>,
}

fn uuids(ids: &BTreeSet<TransferId>) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

/// Locks what is held, in the order of ids.
pub(in crate::ledger) async fn lock_holds(
    conn: &mut PgConnection,
    ids: &BTreeSet<TransferId>,
) -> sqlx::Result<HashMap<TransferId, HeldTransfer>> {
    let mut held = HashMap::new();
    if ids.is_empty() {
        return Ok(held);
    }
    let rows = sqlx::query!(
        "select transfer_id, expires_at, outcome from ledger_holds
         where transfer_id = any($1) order by transfer_id for no key update",
        &uuids(ids),
    )
    .fetch_all(&mut *conn)
    .await?;
    for row in rows {
        let outcome = row
            .outcome
            .map(|word| stored("outcome", &word))
            .transpose()?;
        let one = HeldTransfer {
            expires_at: row.expires_at,
            outcome,
            legs: Vec::new(),
        };
        held.insert(TransferId::from(row.transfer_id), one);
    }
    let entries = sqlx::query!(
        "select e.transfer_id, e.amount, e.debit, a.owner, a.code, a.currency
         from ledger_entries e join ledger_accounts a on a.id = e.account_id
         where e.transfer_id = any($1) and e.pending order by e.transfer_id, e.leg",
        &uuids(ids),
    )
    .fetch_all(conn)
    .await?;
    for entry in entries {
        let leg = Leg {
            account: account(entry.owner, &entry.code, &entry.currency)?,
            side: if entry.debit {
                Side::Debit
            } else {
                Side::Credit
            },
            amount: entry.amount,
        };
        if let Some(one) = held.get_mut(&TransferId::from(entry.transfer_id)) {
            one.legs.push(leg);
        }
    }
    Ok(held)
}

/// Locks posted transfers in the order of ids; answers what is left of each to take back, by currency.
pub(in crate::ledger) async fn lock_reversible(
    conn: &mut PgConnection,
    ids: &BTreeSet<TransferId>,
) -> sqlx::Result<HashMap<TransferId, BTreeMap<Currency, i64>>> {
    let mut left: HashMap<TransferId, BTreeMap<Currency, i64>> = HashMap::new();
    if ids.is_empty() {
        return Ok(left);
    }
    // a lock changes nothing of the row; whoever takes back of the same transfer waits here
    sqlx::query!(
        "select id from ledger_transfers where id = any($1) and phase in ('posted', 'post') order by id for no key update",
        &uuids(ids),
    )
    .fetch_all(&mut *conn)
    .await?;
    let rows = sqlx::query!(
        r#"
        with moved as (
            select t.id as original, e.account_id, e.amount
            from ledger_transfers t join ledger_entries e on e.transfer_id = t.id
            where t.id = any($1) and t.phase in ('posted', 'post') and e.debit and not e.pending
            union all
            select t.reverses, e.account_id, -e.amount
            from ledger_transfers t join ledger_entries e on e.transfer_id = t.id
            where t.reverses = any($1) and e.debit and not e.pending
        )
        select m.original as "original!", a.currency, sum(m.amount)::int8 as "amount!"
        from moved m join ledger_accounts a on a.id = m.account_id group by m.original, a.currency
        "#,
        &uuids(ids),
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let of = left.entry(TransferId::from(row.original)).or_default();
        of.insert(stored("currency", &row.currency)?, row.amount);
    }
    Ok(left)
}

/// Keeps new holds, and what became of old ones.
pub(in crate::ledger) async fn keep(
    conn: &mut PgConnection,
    holds: &[(TransferId, Option<DateTime<Utc>>)],
    resolutions: &[(TransferId, Outcome, TransferId)],
) -> sqlx::Result<()> {
    if !holds.is_empty() {
        let ids: Vec<Uuid> = holds.iter().map(|(id, _)| id.uuid()).collect();
        let ends: Vec<Option<DateTime<Utc>>> = holds.iter().map(|(_, end)| *end).collect();
        sqlx::query!(
            "insert into ledger_holds (transfer_id, expires_at)
             select t.id, t.ends from unnest($1::uuid[], $2::timestamptz[]) t (id, ends)",
            &ids,
            &ends as _,
        )
        .execute(&mut *conn)
        .await?;
    }
    if !resolutions.is_empty() {
        let ids: Vec<Uuid> = resolutions.iter().map(|(id, ..)| id.uuid()).collect();
        let words: Vec<String> = resolutions
            .iter()
            .map(|(_, outcome, _)| outcome.to_string())
            .collect();
        let by: Vec<Uuid> = resolutions.iter().map(|(.., by)| by.uuid()).collect();
        sqlx::query!(
            "update ledger_holds h set outcome = t.outcome, resolved_by = t.resolved_by
             from unnest($1::uuid[], $2::text[], $3::uuid[]) t (id, outcome, resolved_by) where h.transfer_id = t.id",
            &ids,
            &words,
            &by,
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Holds whose time is over, the earliest first, that nobody else is at.
pub(in crate::ledger) async fn overdue(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<TransferId>> {
    let ids = sqlx::query_scalar!(
        "select transfer_id from ledger_holds where outcome is null and expires_at <= $1
         order by expires_at limit $2 for no key update skip locked",
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(TransferId::from).collect())
}
