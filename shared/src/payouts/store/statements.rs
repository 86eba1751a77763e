//! Rows of `payout_statements` and `payout_statement_accounts`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::payouts::Place;
use crate::kernel::{Ctx, TypedId, stored};
use crate::payouts::{BankStatement, EntrySum, StatementId, StatementState};
use crate::providers::payout::files::statement::{StatementAccount, StatementFormat};

struct Row {
    id: Uuid,
    source: String,
    format: Option<String>,
    sha256: Vec<u8>,
    size_bytes: i64,
    file_name: Option<String>,
    bank_id: Option<String>,
    state: String,
    entries: i32,
    taken_at: DateTime<Utc>,
    taken_by: String,
    matched_at: Option<DateTime<Utc>>,
    failure: Option<String>,
}

impl TryFrom<Row> for BankStatement {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        let hash = row.sha256.try_into();
        let format = row.format.map(|word| stored("format", &word));
        Ok(Self {
            id: row.id.into(),
            source: stored("source", &row.source)?,
            format: format.transpose()?,
            sha256: hash.map_err(|_| sqlx::Error::Decode("sha256 has another length".into()))?,
            size_bytes: row.size_bytes,
            file_name: row.file_name,
            bank_id: row.bank_id,
            state: stored("state", &row.state)?,
            entries: row.entries,
            taken_at: row.taken_at,
            taken_by: row.taken_by,
            matched_at: row.matched_at,
            failure: row.failure,
        })
    }
}

/// Statements are looked at one after the other, so that of two that say the same the second one sees the first.
pub(in crate::payouts) async fn take_turn(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('payouts.statements'))")
        .execute(conn)
        .await
        .map(drop)
}

/// Writes a new one; false if the same file is there already, refused ones apart from the others.
pub(in crate::payouts) async fn insert(
    conn: &mut PgConnection,
    new: &BankStatement,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into payout_statements (id, source, format, sha256, size_bytes, file_name, bank_id, state, entries, taken_at,
                                        taken_by, failure)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
        new.id.uuid(),
        new.source.as_str(),
        new.format.map(StatementFormat::as_str),
        &new.sha256,
        new.size_bytes,
        new.file_name,
        new.bank_id,
        new.state.as_str(),
        new.entries,
        new.taken_at,
        new.taken_by,
        new.failure,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes what one says of accounts as a whole.
pub(in crate::payouts) async fn insert_accounts(
    conn: &mut PgConnection,
    id: StatementId,
    accounts: &[StatementAccount],
) -> sqlx::Result<()> {
    let all = accounts.iter();
    sqlx::query!(
        "insert into payout_statement_accounts (statement_id, nth, account, currency, from_day, to_day, opening_minor,
                                                closing_minor, moved_minor)
         select $1, t.nth - 1, t.account, t.currency, t.from_day, t.to_day, t.opening, t.closing, t.moved
         from unnest($2::text[], $3::text[], $4::date[], $5::date[], $6::int8[], $7::int8[], $8::int8[]) with ordinality
              t (account, currency, from_day, to_day, opening, closing, moved, nth)",
        id.uuid(),
        &all.clone().map(|one| one.account.clone().filter(|text| !text.is_empty())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.currency.map(|currency| currency.to_string())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.from).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.to).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.opening).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.closing).collect::<Vec<_>>() as _,
        &all.map(|one| one.moved).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What one says of accounts as a whole, in its order.
pub(in crate::payouts) async fn accounts(
    conn: &mut PgConnection,
    id: StatementId,
) -> sqlx::Result<Vec<StatementAccount>> {
    let rows = sqlx::query!(
        "select account, currency, from_day, to_day, opening_minor, closing_minor, moved_minor
         from payout_statement_accounts where statement_id = $1 order by nth",
        id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let currency = row.currency.map(|code| stored("currency", &code));
        Ok(StatementAccount {
            account: row.account,
            currency: currency.transpose()?,
            from: row.from_day,
            to: row.to_day,
            opening: row.opening_minor,
            closing: row.closing_minor,
            moved: row.moved_minor,
        })
    });
    all.collect()
}

/// The one of a file, refused or not.
pub(in crate::payouts) async fn of_file(
    conn: &mut PgConnection,
    sha256: &[u8; 32],
    refused: bool,
) -> sqlx::Result<Option<BankStatement>> {
    let row = sqlx::query_as!(
        Row,
        "select id, source, format, sha256, size_bytes, file_name, bank_id, state, entries, taken_at, taken_by, matched_at,
                failure
         from payout_statements where sha256 = $1 and (state = 'refused') = $2",
        sha256,
        refused,
    )
    .fetch_optional(conn)
    .await?;
    row.map(BankStatement::try_from).transpose()
}

pub(in crate::payouts) async fn find(
    conn: &mut PgConnection,
    id: StatementId,
) -> sqlx::Result<Option<BankStatement>> {
    let row = sqlx::query_as!(
        Row,
        "select id, source, format, sha256, size_bytes, file_name, bank_id, state, entries, taken_at, taken_by, matched_at,
                failure
         from payout_statements where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(BankStatement::try_from).transpose()
}

/// The latest first.
pub(in crate::payouts) async fn list(
    conn: &mut PgConnection,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<BankStatement>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select id, source, format, sha256, size_bytes, file_name, bank_id, state, entries, taken_at, taken_by, matched_at,
                failure
         from payout_statements where $1::timestamptz is null or (taken_at, id) < ($1, $2::uuid)
         order by taken_at desc, id desc limit $3",
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(BankStatement::try_from).collect()
}

/// Each of its entries was looked at.
pub(in crate::payouts) async fn matched(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: StatementId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_statements set state = $2, matched_at = $3 where id = $1",
        id.uuid(),
        StatementState::Matched.as_str(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Where its entries stand.
pub(in crate::payouts) async fn sums(
    conn: &mut PgConnection,
    id: StatementId,
) -> sqlx::Result<Vec<EntrySum>> {
    let rows = sqlx::query!(
        r#"select state, currency, count(*) as "entries!",
                  coalesce(sum(amount_minor) filter (where direction = 'debit'), 0)::int8 as "debits!",
                  coalesce(sum(amount_minor) filter (where direction = 'credit'), 0)::int8 as "credits!"
           from payout_statement_entries where statement_id = $1 group by state, currency order by state, currency"#,
        id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        let currency = row.currency.map(|code| stored("currency", &code));
        Ok(EntrySum {
            state: stored("state", &row.state)?,
            currency: currency.transpose()?,
            entries: row.entries,
            debits: row.debits,
            credits: row.credits,
        })
    });
    all.collect()
}
