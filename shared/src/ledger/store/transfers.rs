//! Rows of `ledger_transfers` and `ledger_entries`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::balances::Locked;
use crate::kernel::{Ctx, TypedId};
use crate::ledger::model::Move;
use crate::ledger::{LedgerError, NewTransfer, Side, TransferId};

/// Transfers and their entries, column by column.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Rows {
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    phases: Vec<String>,
    legs: Vec<i16>,
    resolves: Vec<Option<Uuid>>,
    reverses: Vec<Option<Uuid>>,
    effective: Vec<DateTime<Utc>>,
    hashes: Vec<Vec<u8>>,
    entries: Entries,
}

#[derive(Debug, Default)]
struct Entries {
    transfers: Vec<Uuid>,
    accounts: Vec<i64>,
    shards: Vec<i16>,
    amounts: Vec<i64>,
    legs: Vec<i16>,
    debits: Vec<bool>,
    pending: Vec<bool>,
}

impl Rows {
    pub(in crate::ledger) fn transfer(&mut self, new: &NewTransfer, legs: usize) {
        self.ids.push(new.id.uuid());
        self.kinds.push(new.kind.to_string());
        self.phases.push(new.step.phase().to_owned());
        self.legs.push(i16::try_from(legs).unwrap_or(i16::MAX));
        let resolves = new.step.resolves().map(|(id, _)| id.uuid());
        self.resolves.push(resolves);
        self.reverses.push(new.step.reverses().map(TypedId::uuid));
        self.effective.push(new.effective_at);
        self.hashes.push(new.body_hash().to_vec());
    }

    /// The leg at `place` (0 for the first) of a transfer.
    pub(in crate::ledger) fn entry(
        &mut self,
        transfer: TransferId,
        place: usize,
        row: &Locked,
        by: Move,
    ) {
        let entries = &mut self.entries;
        entries.transfers.push(transfer.uuid());
        entries.accounts.push(row.id);
        entries.shards.push(row.shard);
        entries.amounts.push(by.amount);
        entries
            .legs
            .push(i16::try_from(place + 1).unwrap_or(i16::MAX));
        entries.debits.push(by.side == Side::Debit);
        entries.pending.push(by.pending);
    }
}

/// Writes transfers that are not there yet, with their entries, and keeps the balances, all in one statement; answers
/// which are new. The rows of balances are locked by the caller.
pub(in crate::ledger) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    rows: &Rows,
) -> sqlx::Result<HashSet<TransferId>> {
    if rows.ids.is_empty() {
        return Ok(HashSet::new());
    }
    let entries = &rows.entries;
    let new = sqlx::query!(
        r#"
        with new as (
            insert into ledger_transfers (id, kind, phase, legs, resolves, reverses, effective_at, recorded_at, caused_by, body_hash)
            select t.id, t.kind, t.phase, t.legs, t.resolves, t.reverses, t.effective_at, $9, $10, t.body_hash
            from unnest($1::uuid[], $2::text[], $3::text[], $4::int2[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::bytea[])
                 t (id, kind, phase, legs, resolves, reverses, effective_at, body_hash)
            on conflict (id) do nothing returning id
        ), legs as materialized (
            select l.transfer_id, l.account_id, l.shard, l.amount, l.leg, l.debit, l.pending
            from unnest($11::uuid[], $12::int8[], $13::int2[], $14::int8[], $15::int2[], $16::bool[], $17::bool[])
                 l (transfer_id, account_id, shard, amount, leg, debit, pending)
            join new on new.id = l.transfer_id
        ), entries as (
            insert into ledger_entries (transfer_id, account_id, amount, leg, debit, pending)
            select transfer_id, account_id, amount, leg, debit, pending from legs
        ), sums as (
            select account_id, shard,
                   coalesce(sum(amount) filter (where debit and not pending), 0)::int8 as debits_posted,
                   coalesce(sum(amount) filter (where not debit and not pending), 0)::int8 as credits_posted,
                   coalesce(sum(amount) filter (where debit and pending), 0)::int8 as debits_pending,
                   coalesce(sum(amount) filter (where not debit and pending), 0)::int8 as credits_pending
            from legs group by account_id, shard
        ), moved as (
            update ledger_balances b
            set debits_posted = b.debits_posted + s.debits_posted, credits_posted = b.credits_posted + s.credits_posted,
                debits_pending = b.debits_pending + s.debits_pending, credits_pending = b.credits_pending + s.credits_pending
            from sums s where b.account_id = s.account_id and b.shard = s.shard
        )
        select id, set_config('plan_cache_mode', 'auto', true) as plans from new
        "#,
        &rows.ids,
        &rows.kinds,
        &rows.phases,
        &rows.legs,
        &rows.resolves as _,
        &rows.reverses as _,
        &rows.effective,
        &rows.hashes,
        ctx.now(),
        ctx.actor.to_string(),
        &entries.transfers,
        &entries.accounts,
        &entries.shards,
        &entries.amounts,
        &entries.legs,
        &entries.debits,
        &entries.pending,
    )
    .fetch_all(conn)
    .await?;
    Ok(new.into_iter().map(|row| row.id.into()).collect())
}

/// Those of the transfers that stand already.
///
/// # Errors
/// If an id stands for something else, or the database refuses.
pub(in crate::ledger) async fn standing(
    conn: &mut PgConnection,
    transfers: &[NewTransfer],
) -> Result<HashSet<TransferId>, LedgerError> {
    let ids: Vec<Uuid> = transfers.iter().map(|new| new.id.uuid()).collect();
    let rows = sqlx::query!(
        "select id, body_hash from ledger_transfers where id = any($1)",
        &ids
    )
    .fetch_all(conn)
    .await?;
    let hashes: HashMap<Uuid, Vec<u8>> = rows
        .into_iter()
        .map(|row| (row.id, row.body_hash))
        .collect();
    let mut standing = HashSet::new();
    for new in transfers {
        match hashes.get(&new.id.uuid()) {
            Some(hash) if *hash == new.body_hash() => {
                standing.insert(new.id);
            }
            Some(_) => return Err(LedgerError::IdReused(new.id)),
            None => {}
        }
    }
    Ok(standing)
}
