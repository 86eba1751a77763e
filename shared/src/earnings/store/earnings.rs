//! Rows of `earnings`, `earning_reversals` and `creator_currencies`.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::earnings::record::Draft;
use crate::earnings::{Earning, EarningId, EarningSource, Parts, Reversal};
use crate::kernel::money::Currency;
use crate::kernel::{Ctx, TypedId, stored};
use crate::ledger::TransferId;

/// Where a page of earnings ended.
pub(in crate::earnings) type Place = (DateTime<Utc>, Uuid);

/// What counts of a creator for an earning.
#[derive(Debug, Clone)]
pub(in crate::earnings) struct Earner {
    pub(in crate::earnings) id: CreatorId,
    pub(in crate::earnings) cluster: String,
    pub(in crate::earnings) created_at: DateTime<Utc>,
    pub(in crate::earnings) country: Option<String>,
    pub(in crate::earnings) currency: Option<Currency>,
}

/// Creators by the ids that were asked for; the id of one that was merged into another leads to that one.
pub(in crate::earnings) async fn earners(
    conn: &mut PgConnection,
    asked: &[CreatorId],
) -> sqlx::Result<HashMap<CreatorId, Earner>> {
    let ids: Vec<Uuid> = asked.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select e.asked as "asked!", e.id as "id!", e.cluster_id as "cluster!", e.created_at as "created_at!",
                  e.residence_country, k.currency as "currency?"
           from creator_earners e left join creator_currencies k on k.creator_id = e.id where e.asked = any($1)"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = row.currency.map(|code| stored("currency", &code));
            let earner = Earner {
                id: row.id.into(),
                cluster: row.cluster,
                created_at: row.created_at,
                country: row.residence_country,
                currency: currency.transpose()?,
            };
            Ok((CreatorId::from(row.asked), earner))
        })
        .collect()
}

/// Writes new earnings.
pub(in crate::earnings) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    drafts: &[&Draft],
) -> sqlx::Result<()> {
    let all = drafts.iter();
    let texts = |pick: fn(&Draft) -> &Option<String>| -> Vec<Option<String>> {
        drafts.iter().map(|draft| pick(draft).clone()).collect()
    };
    sqlx::query!(
        "insert into earnings (id, creator_id, gross_minor, fee_minor, reserve_minor, occurred_at, recorded_at, matures_on,
                               reserve_until, currency, source, recorded_by, description, fan, content, external_id)
         select t.id, t.creator_id, t.gross, t.fee, t.reserve, t.occurred_at, $14, t.matures_on, t.reserve_until, t.currency,
                t.source, $15, t.description, t.fan, t.content, t.external_id
         from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::int8[], $5::int8[], $6::timestamptz[], $7::date[], $8::date[],
                     $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $16::text[])
              t (id, creator_id, gross, fee, reserve, occurred_at, matures_on, reserve_until, currency, source, description,
                 fan, content, external_id)",
        &all.clone().map(|draft| draft.id.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.earner.id.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.terms.parts.gross).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.terms.parts.fee).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.terms.parts.reserve).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.occurred_at).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.terms.matures_on).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.terms.reserve_until).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.currency.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|draft| draft.said.source.to_string()).collect::<Vec<_>>(),
        &texts(|draft| &draft.said.description) as _,
        &texts(|draft| &draft.said.fan) as _,
        &texts(|draft| &draft.said.content) as _,
        ctx.now(),
        ctx.actor.to_string(),
        &texts(|draft| &draft.said.external_id) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

struct EarningRow {
    id: Uuid,
    creator_id: Uuid,
    gross_minor: i64,
    fee_minor: i64,
    reserve_minor: i64,
    reversed_minor: i64,
    occurred_at: DateTime<Utc>,
    recorded_at: DateTime<Utc>,
    matures_on: NaiveDate,
    reserve_until: NaiveDate,
    currency: String,
    source: String,
    description: Option<String>,
    fan: Option<String>,
    content: Option<String>,
    external_id: Option<String>,
}

impl TryFrom<EarningRow> for Earning {
    type Error = sqlx::Error;
    fn try_from(row: EarningRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            creator: row.creator_id.into(),
            currency: stored("currency", &row.currency)?,
            source: stored("source", &row.source)?,
            parts: Parts {
                gross: row.gross_minor,
                fee: row.fee_minor,
                reserve: row.reserve_minor,
            },
            reversed_minor: row.reversed_minor,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            matures_on: row.matures_on,
            reserve_until: row.reserve_until,
            description: row.description,
            fan: row.fan,
            content: row.content,
            external_id: row.external_id,
        })
    }
}

pub(in crate::earnings) async fn find(
    conn: &mut PgConnection,
    id: EarningId,
) -> sqlx::Result<Option<Earning>> {
    let row = sqlx::query_as!(
        EarningRow,
        "select id, creator_id, gross_minor, fee_minor, reserve_minor, reversed_minor, occurred_at, recorded_at, matures_on,
                reserve_until, currency, source, description, fan, content, external_id
         from earnings where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Earning::try_from).transpose()
}

/// As [`find`]; nobody else takes it back until the transaction ends. With what was taken back of it.
pub(in crate::earnings) async fn lock(
    conn: &mut PgConnection,
    id: EarningId,
) -> sqlx::Result<Option<(Earning, Parts)>> {
    let locked = sqlx::query!(
        "select id from earnings where id = $1 for no key update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    if locked.is_none() {
        return Ok(None);
    }
    let done = sqlx::query!(
        r#"select coalesce(sum(gross_minor), 0)::int8 as "gross!", coalesce(sum(fee_minor), 0)::int8 as "fee!",
                  coalesce(sum(reserve_minor), 0)::int8 as "reserve!"
           from earning_reversals where earning_id = $1"#,
        id.uuid(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let done = Parts {
        gross: done.gross,
        fee: done.fee,
        reserve: done.reserve,
    };
    Ok(find(conn, id).await?.map(|earning| (earning, done)))
}

/// A creator's earnings before a place, the latest first.
pub(in crate::earnings) async fn list(
    conn: &mut PgConnection,
    id: CreatorId,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Earning>> {
    let (at, last) = before.map_or((None, None), |(at, last)| (Some(at), Some(last)));
    let rows = sqlx::query_as!(
        EarningRow,
        "select id, creator_id, gross_minor, fee_minor, reserve_minor, reversed_minor, occurred_at, recorded_at, matures_on,
                reserve_until, currency, source, description, fan, content, external_id
         from earnings
         where creator_id = $1 and (occurred_at, id) < (coalesce($2::timestamptz, 'infinity'), coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
         order by occurred_at desc, id desc limit $4",
        id.uuid(),
        at,
        last,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Earning::try_from).collect()
}

/// Writes what was taken back, also with the earning.
pub(in crate::earnings) async fn insert_reversal(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    reversal: &Reversal,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with reversal as (
            insert into earning_reversals (id, earning_id, creator_id, kind, currency, gross_minor, fee_minor, reserve_minor,
                                           occurred_at, recorded_at, recorded_by, reason)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         )
         update earnings set reversed_minor = reversed_minor + $6 where id = $2",
        reversal.id.uuid(),
        reversal.earning.uuid(),
        creator.uuid(),
        reversal.kind.as_str(),
        reversal.currency.code(),
        reversal.parts.gross,
        reversal.parts.fee,
        reversal.parts.reserve,
        reversal.occurred_at,
        ctx.now(),
        ctx.actor.to_string(),
        reason,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::earnings) async fn find_reversal(
    conn: &mut PgConnection,
    id: EarningId,
) -> sqlx::Result<Option<Reversal>> {
    let row = sqlx::query!(
        "select id, earning_id, kind, currency, gross_minor, fee_minor, reserve_minor, occurred_at
         from earning_reversals where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Reversal {
            id: row.id.into(),
            earning: row.earning_id.into(),
            kind: stored("kind", &row.kind)?,
            currency: stored("currency", &row.currency)?,
            parts: Parts {
                gross: row.gross_minor,
                fee: row.fee_minor,
                reserve: row.reserve_minor,
            },
            occurred_at: row.occurred_at,
        })
    })
    .transpose()
}

/// What was paid for, of earnings and of what was taken back, by the ids of their transfers; others are left out.
pub(in crate::earnings) async fn sources(
    conn: &mut PgConnection,
    transfers: Vec<TransferId>,
) -> sqlx::Result<HashMap<Uuid, EarningSource>> {
    let ids: Vec<Uuid> = transfers.into_iter().map(TypedId::uuid).collect();
    let rows = sqlx::query!(
        r#"select id as "id!", source as "source!" from earnings where id = any($1)
           union all
           select r.id, e.source from earning_reversals r join earnings e on e.id = r.earning_id where r.id = any($1)"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| Ok((row.id, stored("source", &row.source)?)))
        .collect()
}

/// The currency that was set for a creator.
pub(in crate::earnings) async fn currency(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Option<Currency>> {
    let code = sqlx::query_scalar!(
        "select currency from creator_currencies where creator_id = $1",
        id.uuid()
    )
    .fetch_optional(conn)
    .await?;
    code.map(|code| stored("currency", &code)).transpose()
}

pub(in crate::earnings) async fn set_currency(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    currency: Currency,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into creator_currencies (creator_id, currency, set_by, set_at) values ($1, $2, $3, $4)
         on conflict (creator_id) do update
         set currency = excluded.currency, set_by = excluded.set_by, set_at = excluded.set_at",
        id.uuid(),
        currency.code(),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Makes the partitions that are missing of so many months from a day's on; answers how many.
pub(in crate::earnings) async fn make_partitions(
    conn: &mut PgConnection,
    from: NaiveDate,
    months: i32,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        r#"select earnings_make_partitions($1, $2) as "made!""#,
        from,
        months
    )
    .fetch_one(conn)
    .await
}
