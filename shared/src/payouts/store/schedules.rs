//! Rows of `payout_schedules`.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{TypedId, stored};
use crate::payouts::PayoutSchedule;

struct Row {
    creator_id: Uuid,
    currency: String,
    method: String,
    destination_id: Option<Uuid>,
    frequency: String,
    threshold_minor: i64,
    next_on: NaiveDate,
    set_by: String,
    set_at: DateTime<Utc>,
    last_on: Option<NaiveDate>,
    last_result: Option<String>,
}

impl TryFrom<Row> for PayoutSchedule {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            creator: row.creator_id.into(),
            currency: stored("currency", &row.currency)?,
            method: stored("method", &row.method)?,
            destination: row.destination_id.map(Into::into),
            frequency: stored("frequency", &row.frequency)?,
            threshold_minor: row.threshold_minor,
            next_on: row.next_on,
            set_by: row.set_by,
            set_at: row.set_at,
            last_on: row.last_on,
            last_result: row.last_result,
        })
    }
}

pub(in crate::payouts) async fn of_creator(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<PayoutSchedule>> {
    let rows = sqlx::query_as!(
        Row,
        "select creator_id, currency, method, destination_id, frequency, threshold_minor, next_on, set_by, set_at, last_on,
                last_result
         from payout_schedules where creator_id = $1 order by currency",
        creator.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(PayoutSchedule::try_from).collect()
}

pub(in crate::payouts) async fn set(
    conn: &mut PgConnection,
    one: &PayoutSchedule,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into payout_schedules (creator_id, currency, method, destination_id, frequency, threshold_minor, next_on,
                                       set_by, set_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (creator_id, currency) do update
         set method = excluded.method, destination_id = excluded.destination_id, frequency = excluded.frequency,
             threshold_minor = excluded.threshold_minor, next_on = excluded.next_on, set_by = excluded.set_by,
             set_at = excluded.set_at",
        one.creator.uuid(),
        one.currency.code(),
        one.method.as_str(),
        one.destination.map(TypedId::uuid),
        one.frequency.as_str(),
        one.threshold_minor,
        one.next_on,
        one.set_by,
        one.set_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes one away; false if there was none.
pub(in crate::payouts) async fn remove(
    conn: &mut PgConnection,
    creator: CreatorId,
    currency: Currency,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from payout_schedules where creator_id = $1 and currency = $2",
        creator.uuid(),
        currency.code(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A schedule whose day has come, with what counts for it.
#[derive(Debug)]
pub(in crate::payouts) struct DueSchedule {
    pub(in crate::payouts) schedule: PayoutSchedule,
    /// Where the creator lives, if it is known.
    pub(in crate::payouts) country: Option<String>,
    /// What the creator can spend, in minor units.
    pub(in crate::payouts) available: i64,
}

/// Schedules whose day has come and nobody else is at, the earliest first, locked.
pub(in crate::payouts) async fn lock_due(
    conn: &mut PgConnection,
    today: NaiveDate,
    limit: i64,
) -> sqlx::Result<Vec<DueSchedule>> {
    let rows = sqlx::query!(
        r#"select s.creator_id, s.currency, s.method, s.destination_id, s.frequency, s.threshold_minor, s.next_on, s.set_by,
                  s.set_at, s.last_on, s.last_result,
                  (select p.residence_country from creator_payees p where p.id = s.creator_id) as country,
                  coalesce((select b.available_minor from creator_available_balances b
                            where b.creator_id = s.creator_id and b.currency = s.currency), 0) as "available!"
           from payout_schedules s where s.next_on <= $1
           order by s.next_on, s.creator_id limit $2 for no key update of s skip locked"#,
        today,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let schedule = Row {
                creator_id: row.creator_id,
                currency: row.currency,
                method: row.method,
                destination_id: row.destination_id,
                frequency: row.frequency,
                threshold_minor: row.threshold_minor,
                next_on: row.next_on,
                set_by: row.set_by,
                set_at: row.set_at,
                last_on: row.last_on,
                last_result: row.last_result,
            };
            Ok(DueSchedule {
                schedule: schedule.try_into()?,
                country: row.country,
                available: row.available,
            })
        })
        .collect()
}

/// What a run made of a schedule.
#[derive(Debug)]
pub(in crate::payouts) struct Looked {
    pub(in crate::payouts) creator: CreatorId,
    pub(in crate::payouts) currency: Currency,
    pub(in crate::payouts) next_on: NaiveDate,
    pub(in crate::payouts) result: String,
}

/// Notes what a run made of schedules, which are locked.
pub(in crate::payouts) async fn note(
    conn: &mut PgConnection,
    today: NaiveDate,
    all: &[Looked],
) -> sqlx::Result<()> {
    let all = all.iter();
    sqlx::query!(
        "update payout_schedules s set next_on = t.next_on, last_on = $5, last_result = t.result
         from unnest($1::uuid[], $2::text[], $3::date[], $4::text[]) t (creator_id, currency, next_on, result)
         where s.creator_id = t.creator_id and s.currency = t.currency",
        &all.clone().map(|one| one.creator.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.currency.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.next_on).collect::<Vec<_>>(),
        &all.map(|one| one.result.clone()).collect::<Vec<_>>(),
        today,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Hands one creator's to another, unless they have their own for the currency.
pub(in crate::payouts) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with own as (
            delete from payout_schedules s where s.creator_id = $1
              and exists (select from payout_schedules k where k.creator_id = $2 and k.currency = s.currency)
         )
         update payout_schedules s set creator_id = $2
         where s.creator_id = $1
           and not exists (select from payout_schedules k where k.creator_id = $2 and k.currency = s.currency)",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
