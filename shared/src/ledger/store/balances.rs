//! Rows of `ledger_accounts` and `ledger_balances`.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{account, owner};
use crate::creators::CreatorId;
use crate::kernel::TypedId;
use crate::ledger::{Account, Balance};

/// A row of a balance that nobody else changes before the transaction ends.
#[derive(Debug, Clone, Copy)]
pub(in crate::ledger) struct Locked {
    pub(in crate::ledger) id: i64,
    pub(in crate::ledger) shard: i16,
    /// What is in this row: all there is of an account that is not spread.
    pub(in crate::ledger) balance: Balance,
}

/// Locks one row of each account's balance, in the order of the accounts. Of an account that is spread it is this
/// connection's row, so that connections do not wait for each other.
pub(in crate::ledger) async fn lock(
    conn: &mut PgConnection,
    accounts: &[Account],
) -> sqlx::Result<HashMap<Account, Locked>> {
    let owners: Vec<Uuid> = accounts.iter().map(owner).collect();
    let codes: Vec<String> = accounts.iter().map(|at| at.code.to_string()).collect();
    let currencies: Vec<String> = accounts.iter().map(|at| at.currency.to_string()).collect();
    let rows = sqlx::query!(
        r#"select k.place as "place!", b.account_id, b.shard, b.debits_posted, b.credits_posted, b.debits_pending,
                  b.credits_pending
           from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality k (owner, code, currency, place)
           join ledger_accounts a on a.owner = k.owner and a.code = k.code and a.currency = k.currency
           join ledger_balances b on b.account_id = a.id and b.shard = pg_backend_pid() % a.shards
           order by b.account_id, b.shard for no key update of b"#,
        &owners,
        &codes,
        &currencies,
    )
    .fetch_all(conn)
    .await?;
    let locked = rows.into_iter().filter_map(|row| {
        let place = usize::try_from(row.place - 1).ok()?;
        let locked = Locked {
            id: row.account_id,
            shard: row.shard,
            balance: Balance {
                debits_posted: row.debits_posted,
                credits_posted: row.credits_posted,
                debits_pending: row.debits_pending,
                credits_pending: row.credits_pending,
            },
        };
        Some((*accounts.get(place)?, locked))
    });
    Ok(locked.collect())
}

/// Opens accounts, with all rows of their balances.
pub(in crate::ledger) async fn open(
    conn: &mut PgConnection,
    accounts: &[Account],
) -> sqlx::Result<()> {
    let owners: Vec<Uuid> = accounts.iter().map(owner).collect();
    let codes: Vec<String> = accounts.iter().map(|at| at.code.to_string()).collect();
    let currencies: Vec<String> = accounts.iter().map(|at| at.currency.to_string()).collect();
    let limited: Vec<bool> = accounts.iter().map(|at| at.code.is_limited()).collect();
    let shards: Vec<i16> = accounts.iter().map(|at| at.code.shards()).collect();
    sqlx::query!(
        "with opened as (
            insert into ledger_accounts (owner, creator_id, code, currency, limited, shards)
            select k.owner, nullif(k.owner, '00000000-0000-0000-0000-000000000000'), k.code, k.currency, k.limited, k.shards
            from unnest($1::uuid[], $2::text[], $3::text[], $4::bool[], $5::int2[]) k (owner, code, currency, limited, shards)
            order by 1, 3, 4
            on conflict (owner, code, currency) do nothing returning id, shards
         )
         insert into ledger_balances (account_id, shard)
         select o.id, s.n from opened o cross join lateral generate_series(0, o.shards - 1) s (n)",
        &owners,
        &codes,
        &currencies,
        &limited,
        &shards,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What is on all accounts of a creator, or of the platform.
pub(in crate::ledger) async fn of_owner(
    conn: &mut PgConnection,
    whose: Option<CreatorId>,
) -> sqlx::Result<Vec<(Account, Balance)>> {
    let rows = sqlx::query!(
        r#"select a.owner, a.code, a.currency, sum(b.debits_posted)::int8 as "debits_posted!",
                  sum(b.credits_posted)::int8 as "credits_posted!", sum(b.debits_pending)::int8 as "debits_pending!",
                  sum(b.credits_pending)::int8 as "credits_pending!"
           from ledger_accounts a join ledger_balances b on b.account_id = a.id
           where a.owner = $1 group by a.id order by a.currency, a.code"#,
        whose.map_or(Uuid::nil(), TypedId::uuid),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let balance = Balance {
                debits_posted: row.debits_posted,
                credits_posted: row.credits_posted,
                debits_pending: row.debits_pending,
                credits_pending: row.credits_pending,
            };
            Ok((account(row.owner, &row.code, &row.currency)?, balance))
        })
        .collect()
}
