//! Very many rows at once, and partitions.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::ledger::Balance;

/// The statement that takes transfers.
pub(in crate::ledger) const TRANSFERS: &str = "copy ledger_transfers (id, kind, phase, legs, reverses, effective_at, recorded_at, \
     caused_by, body_hash) from stdin";
/// The statement that takes entries.
pub(in crate::ledger) const ENTRIES: &str =
    "copy ledger_entries (transfer_id, account_id, amount, leg, debit, pending) from stdin";

/// Takes the ledger for this transaction alone, and has triggers not look at each row.
pub(in crate::ledger) async fn begin(conn: &mut PgConnection) -> sqlx::Result<()> {
    // exclusive of other writers: whoever posts waits until the load is over
    sqlx::query(
        "lock table ledger_transfers, ledger_entries, ledger_balances in share row exclusive mode",
    )
    .execute(&mut *conn)
    .await?;
    for trigger in ["ledger_entries_balance", "ledger_entries_whole"] {
        let statement = format!("alter table ledger_entries disable trigger {trigger}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Has triggers look again.
pub(in crate::ledger) async fn end(conn: &mut PgConnection) -> sqlx::Result<()> {
    for trigger in ["ledger_entries_balance", "ledger_entries_whole"] {
        let statement = format!("alter table ledger_entries enable trigger {trigger}");
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Puts rows in.
pub(in crate::ledger) async fn copy(
    conn: &mut PgConnection,
    statement: &'static str,
    rows: &str,
) -> sqlx::Result<()> {
    let mut sink = conn.copy_in_raw(statement).await?;
    match sink.send(rows.as_bytes()).await {
        Ok(_) => sink.finish().await.map(drop),
        Err(error) => {
            sink.abort("the rows could not be sent").await?;
            Err(error)
        }
    }
}

/// Adds posted sums to the first row of each balance.
pub(in crate::ledger) async fn add_balances(
    conn: &mut PgConnection,
    sums: &[(i64, Balance)],
) -> sqlx::Result<()> {
    let ids: Vec<i64> = sums.iter().map(|(id, _)| *id).collect();
    let debits: Vec<i64> = sums.iter().map(|(_, sum)| sum.debits_posted).collect();
    let credits: Vec<i64> = sums.iter().map(|(_, sum)| sum.credits_posted).collect();
    sqlx::query!(
        "update ledger_balances b
         set debits_posted = b.debits_posted + s.debits, credits_posted = b.credits_posted + s.credits
         from unnest($1::int8[], $2::int8[], $3::int8[]) s (id, debits, credits) where b.account_id = s.id and b.shard = 0",
        &ids,
        &debits,
        &credits,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Makes the partitions that are missing, from the month of `from` on; answers how many.
pub(in crate::ledger) async fn make_partitions(
    conn: &mut PgConnection,
    from: NaiveDate,
    months: i32,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"select ledger_make_partitions($1, $2) as "made!""#,
        from,
        months
    )
    .fetch_one(conn)
    .await
}
