//! Rows of `earning_dues`.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::earnings::Due;
use crate::kernel::{TypedId, stored};

/// Adds to what is due, in the order of the rows.
pub(in crate::earnings) async fn add(
    conn: &mut PgConnection,
    mut dues: Vec<Due>,
) -> sqlx::Result<()> {
    dues.retain(|due| due.minor > 0);
    dues.sort_unstable();
    let kinds: Vec<String> = dues.iter().map(|due| due.kind.to_string()).collect();
    let days: Vec<NaiveDate> = dues.iter().map(|due| due.on).collect();
    let creators: Vec<Uuid> = dues.iter().map(|due| due.creator.uuid()).collect();
    let currencies: Vec<String> = dues.iter().map(|due| due.currency.to_string()).collect();
    let amounts: Vec<i64> = dues.iter().map(|due| due.minor).collect();
    sqlx::query!(
        "insert into earning_dues (kind, due_on, creator_id, currency, amount_minor)
         select d.kind, d.due_on, d.creator_id, d.currency, sum(d.amount)::int8
         from unnest($1::text[], $2::date[], $3::uuid[], $4::text[], $5::int8[]) d (kind, due_on, creator_id, currency, amount)
         group by 1, 2, 3, 4 order by 1, 2, 3, 4
         on conflict (kind, due_on, creator_id, currency) do update
         set amount_minor = earning_dues.amount_minor + excluded.amount_minor",
        &kinds,
        &days,
        &creators,
        &currencies,
        &amounts,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes from what is due, as far as it is still there; answers how much that was. `due.minor` is negative.
pub(in crate::earnings) async fn take(conn: &mut PgConnection, due: Due) -> sqlx::Result<i64> {
    let taken = sqlx::query_scalar!(
        r#"
        with there as (
            select amount_minor from earning_dues
            where kind = $1 and due_on = $2 and creator_id = $3 and currency = $4 for update
        ), less as (
            update earning_dues d set amount_minor = d.amount_minor - least(t.amount_minor, -$5::int8)
            from there t where d.kind = $1 and d.due_on = $2 and d.creator_id = $3 and d.currency = $4
        )
        select least(amount_minor, -$5::int8) as "taken!" from there
        "#,
        due.kind.as_str(),
        due.on,
        due.creator.uuid(),
        due.currency.code(),
        due.minor,
    )
    .fetch_optional(conn)
    .await?;
    Ok(taken.unwrap_or(0))
}

/// Takes away rows that are due, the earliest first, and answers them; those of creators who are kept from being paid stay.
pub(in crate::earnings) async fn take_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        "with due as (
            select d.kind, d.due_on, d.creator_id, d.currency from earning_dues d
            join creator_standings s on s.id = d.creator_id
            where d.due_on <= $1 and s.status not in ('suspended', 'banned') and not exists (
                select from creator_payout_blocks b
                where b.creator_id = d.creator_id and b.starts_at <= $2 and (b.ends_at is null or b.ends_at > $2))
            order by d.kind, d.due_on, d.creator_id, d.currency limit $3 for update of d skip locked
         )
         delete from earning_dues d using due
         where (d.kind, d.due_on, d.creator_id, d.currency) = (due.kind, due.due_on, due.creator_id, due.currency)
         returning d.kind, d.due_on, d.creator_id, d.currency, d.amount_minor",
        now.date_naive(),
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                kind: stored("kind", &row.kind)?,
                on: row.due_on,
                creator: row.creator_id.into(),
                currency: stored("currency", &row.currency)?,
                minor: row.amount_minor,
            })
        })
        .collect()
}
