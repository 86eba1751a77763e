//! Adding up, and rows of `ledger_checks`.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::kernel::TypedId;
use crate::ledger::check::CheckId;
use crate::ledger::{Check, Finding};

/// What one look found.
#[derive(Debug)]
pub(in crate::ledger) struct Found {
    pub(in crate::ledger) entries: i64,
    pub(in crate::ledger) findings: Vec<Finding>,
    pub(in crate::ledger) took_ms: i64,
}

/// Has the transaction read everything as of one moment; its first statement.
pub(in crate::ledger) async fn read_one_moment(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("set transaction isolation level repeatable read, read only")
        .execute(conn)
        .await
        .map(drop)
}

/// Adds up all entries once, by account, and compares; of each sort of finding at most `most`.
pub(in crate::ledger) async fn look(conn: &mut PgConnection, most: i64) -> sqlx::Result<Found> {
    let rows = sqlx::query!(
        r#"
        with entries as materialized (
            select account_id, count(*) as n,
                   coalesce(sum(amount) filter (where debit and not pending), 0) as dp,
                   coalesce(sum(amount) filter (where not debit and not pending), 0) as cp,
                   coalesce(sum(amount) filter (where debit and pending), 0) as dh,
                   coalesce(sum(amount) filter (where not debit and pending), 0) as ch
            from ledger_entries group by account_id
        ), balances as (
            select account_id, sum(debits_posted) as dp, sum(credits_posted) as cp, sum(debits_pending) as dh,
                   sum(credits_pending) as ch
            from ledger_balances group by account_id
        ), currencies as (
            select coalesce(a.currency, 'no account') as currency, sum(e.dp) as dp, sum(e.cp) as cp, sum(e.dh) as dh, sum(e.ch) as ch
            from entries e left join ledger_accounts a on a.id = e.account_id group by 1
        )
        select 'entries' as "what!", coalesce(sum(n), 0)::text as "why!" from entries
        union all
        (select currency, format('debits %s, credits %s; held debits %s, held credits %s', dp, cp, dh, ch)
         from currencies where dp <> cp or dh <> ch or currency = 'no account' order by currency limit $1)
        union all
        (select format('account %s', account_id),
                format('entries make %s/%s/%s/%s, its balance says %s/%s/%s/%s', e.dp, e.cp, e.dh, e.ch, b.dp, b.cp, b.dh, b.ch)
         from entries e full join balances b using (account_id)
         where (coalesce(e.dp, 0), coalesce(e.cp, 0), coalesce(e.dh, 0), coalesce(e.ch, 0)) is distinct from (b.dp, b.cp, b.dh, b.ch)
         order by account_id limit $1)
        union all
        (select format('account %s', b.account_id), format('%s is %s', a.code, b.cp - b.dp - b.dh)
         from balances b join ledger_accounts a on a.id = b.account_id
         where a.limited and a.code <> 'creator_available' and b.cp - b.dp - b.dh < 0 order by b.account_id limit $1)
        union all
        select 'ledger_entries_default', 'has entries: a month has no partition'
        where exists (select from ledger_entries_default)
        "#,
        most,
    );
    let began = std::time::Instant::now();
    let rows = rows.fetch_all(conn).await?;
    let took_ms = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    let mut entries = 0;
    let mut findings = Vec::new();
    for row in rows {
        if row.what == "entries" {
            entries = row.why.parse().unwrap_or(0);
        } else {
            findings.push(Finding {
                what: row.what,
                why: row.why,
            });
        }
    }
    Ok(Found {
        entries,
        findings,
        took_ms,
    })
}

pub(in crate::ledger) async fn keep(
    conn: &mut PgConnection,
    id: CheckId,
    check: &Check,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into ledger_checks (id, checked_at, took_ms, entries, findings) values ($1, $2, $3, $4, $5)",
        id.uuid(),
        check.at,
        check.took_ms,
        check.entries,
        Json(&check.findings) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::ledger) async fn latest(conn: &mut PgConnection) -> sqlx::Result<Option<Check>> {
    let row = sqlx::query!(
        r#"select checked_at, took_ms, entries, findings as "findings: Json<Vec<Finding>>" from ledger_checks
           order by checked_at desc limit 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Check {
        at: row.checked_at,
        took_ms: row.took_ms,
        entries: row.entries,
        findings: row.findings.0,
    }))
}
