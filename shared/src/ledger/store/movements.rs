//! What moved on a creator's accounts.
//!
//! A transfer is recorded at most 30 days after its id was made, and at most a day before
//! ([`crate::ledger::ID_AGE_MAX_DAYS`]): so months that cannot hold any are not looked into.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{TypedId, stored};
use crate::ledger::{Funds, Movement};

/// From a moment until before another.
type Time = (DateTime<Utc>, DateTime<Utc>);

/// What there was before a moment.
pub(in crate::ledger) async fn opening(
    conn: &mut PgConnection,
    creator: CreatorId,
    currency: Currency,
    at: DateTime<Utc>,
) -> sqlx::Result<Funds> {
    sqlx::query_as!(
        Funds,
        r#"
        select coalesce(sum(m.amount) filter (where m.code = 'creator_pending'), 0)::int8 as "pending!",
               coalesce(sum(m.amount) filter (where m.code = 'creator_reserved'), 0)::int8 as "reserved!",
               coalesce(sum(m.amount) filter (where m.code = 'creator_available'), 0)::int8 as "available!"
        from (select a.code, case when e.debit then -e.amount else e.amount end as amount
              from ledger_accounts a
              join ledger_entries e on e.account_id = a.id
              join ledger_transfers t on t.id = e.transfer_id
              where a.owner = $1 and a.currency = $2 and a.code in ('creator_pending', 'creator_reserved', 'creator_available')
                and not e.pending and t.recorded_at < $3
                and e.transfer_id < uuid_v7_floor($3::timestamptz + interval '2 days')) m
        "#,
        creator.uuid(),
        currency.code(),
        at,
    )
    .fetch_one(conn)
    .await
}

struct Row {
    transfer: Option<Uuid>,
    count: i64,
    kind: String,
    at: DateTime<Utc>,
    pending: i64,
    reserved: i64,
    available: i64,
    fee: i64,
}

impl Row {
    fn movement(self) -> sqlx::Result<Movement> {
        Ok(Movement {
            transfer: self.transfer.map(Into::into),
            count: self.count,
            kind: stored("kind", &self.kind)?,
            at: self.at,
            change: Funds {
                pending: self.pending,
                reserved: self.reserved,
                available: self.available,
            },
            fee: self.fee,
        })
    }
}

/// What each transfer moved.
pub(in crate::ledger) async fn one_by_one(
    conn: &mut PgConnection,
    creator: CreatorId,
    currency: Currency,
    (from, until): Time,
    limit: i64,
) -> sqlx::Result<Vec<Movement>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        with own as materialized (
            select t.id, t.kind, t.recorded_at,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_pending'), 0)::int8 as pending,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_reserved'), 0)::int8 as reserved,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_available'), 0)::int8 as available
            from (select a.code, e.transfer_id, case when e.debit then -e.amount else e.amount end as amount
                  from ledger_accounts a join ledger_entries e on e.account_id = a.id
                  where a.owner = $1 and a.currency = $2 and not e.pending
                    and a.code in ('creator_pending', 'creator_reserved', 'creator_available')
                    and e.transfer_id >= uuid_v7_floor($3::timestamptz - interval '31 days')
                    and e.transfer_id < uuid_v7_floor($4::timestamptz + interval '2 days')) m
            join ledger_transfers t on t.id = m.transfer_id
            where t.recorded_at >= $3 and t.recorded_at < $4
            group by t.id, t.kind, t.recorded_at
            order by t.recorded_at, t.id limit $5
        )
        select o.id as "transfer?", 1::int8 as "count!", o.kind as "kind!", o.recorded_at as "at!", o.pending as "pending!",
               o.reserved as "reserved!", o.available as "available!",
               (select coalesce(sum(case when f.debit then f.amount else -f.amount end), 0)::int8
                from ledger_entries f join ledger_accounts k on k.id = f.account_id
                where f.transfer_id = o.id and not f.pending and k.creator_id is null and k.currency = $2
                  and k.code in ('platform_fee', 'payout_fee', 'fx_spread')) as "fee!"
        from own o order by o.recorded_at, o.id
        "#,
        creator.uuid(),
        currency.code(),
        from,
        until,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::movement).collect()
}

/// What all transfers of a kind moved on a day.
pub(in crate::ledger) async fn by_day(
    conn: &mut PgConnection,
    creator: CreatorId,
    currency: Currency,
    (from, until): Time,
) -> sqlx::Result<Vec<Movement>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        with own as materialized (
            select t.id, t.kind, t.recorded_at,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_pending'), 0)::int8 as pending,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_reserved'), 0)::int8 as reserved,
                   coalesce(sum(m.amount) filter (where m.code = 'creator_available'), 0)::int8 as available
            from (select a.code, e.transfer_id, case when e.debit then -e.amount else e.amount end as amount
                  from ledger_accounts a join ledger_entries e on e.account_id = a.id
                  where a.owner = $1 and a.currency = $2 and not e.pending
                    and a.code in ('creator_pending', 'creator_reserved', 'creator_available')
                    and e.transfer_id >= uuid_v7_floor($3::timestamptz - interval '31 days')
                    and e.transfer_id < uuid_v7_floor($4::timestamptz + interval '2 days')) m
            join ledger_transfers t on t.id = m.transfer_id
            where t.recorded_at >= $3 and t.recorded_at < $4
            group by t.id, t.kind, t.recorded_at
        ), whole as (
            select o.*, (select coalesce(sum(case when f.debit then f.amount else -f.amount end), 0)::int8
                         from ledger_entries f join ledger_accounts k on k.id = f.account_id
                         where f.transfer_id = o.id and not f.pending and k.creator_id is null and k.currency = $2
                           and k.code in ('platform_fee', 'payout_fee', 'fx_spread')) as fee
            from own o
        )
        select null::uuid as "transfer?", count(*) as "count!", kind as "kind!", min(recorded_at) as "at!",
               sum(pending)::int8 as "pending!", sum(reserved)::int8 as "reserved!", sum(available)::int8 as "available!",
               sum(fee)::int8 as "fee!"
        from whole group by (recorded_at at time zone 'UTC')::date, kind order by min(recorded_at), kind
        "#,
        creator.uuid(),
        currency.code(),
        from,
        until,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::movement).collect()
}

/// The months in which anything was posted, the latest first.
pub(in crate::ledger) async fn months(
    conn: &mut PgConnection,
    creator: CreatorId,
    limit: i64,
) -> sqlx::Result<Vec<(NaiveDate, Currency)>> {
    let rows = sqlx::query!(
        r#"
        select distinct date_trunc('month', t.recorded_at at time zone 'UTC')::date as "month!", a.currency
        from ledger_accounts a
        join ledger_entries e on e.account_id = a.id
        join ledger_transfers t on t.id = e.transfer_id
        where a.owner = $1 and a.code in ('creator_pending', 'creator_reserved', 'creator_available') and not e.pending
        order by 1 desc, 2 limit $2
        "#,
        creator.uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.month, stored("currency", &row.currency)?)))
        .collect()
}
