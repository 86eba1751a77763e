//! What is stored of one creator's tier.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::{CreatorId, Tier};
use crate::kernel::{Ctx, TypedId, stored};
use crate::tiers::{Below, Override, Standing};

/// What a creator earned from one day to another, both included.
pub(in crate::tiers) async fn figure(
    conn: &mut PgConnection,
    id: CreatorId,
    first: NaiveDate,
    last: NaiveDate,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(share_minor), 0)::bigint as "figure!" from creator_earnings_daily
           where creator_id = $1 and day between $2 and $3"#,
        id.uuid(),
        first,
        last,
    )
    .fetch_one(conn)
    .await
}

/// Adds to a day; answers the day's sum.
pub(in crate::tiers) async fn add_earnings(
    conn: &mut PgConnection,
    id: CreatorId,
    day: NaiveDate,
    share_minor: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "insert into creator_earnings_daily (creator_id, day, share_minor) values ($1, $2, $3)
         on conflict (creator_id, day) do update
         set share_minor = creator_earnings_daily.share_minor + excluded.share_minor
         returning share_minor",
        id.uuid(),
        day,
        share_minor,
    )
    .fetch_one(conn)
    .await
}

/// Adds to days, in the order of the rows; answers the sums of those days that grew.
pub(in crate::tiers) async fn add_earnings_many(
    conn: &mut PgConnection,
    shares: &[(CreatorId, NaiveDate, i64)],
) -> sqlx::Result<Vec<(CreatorId, i64)>> {
    let ids: Vec<Uuid> = shares.iter().map(|(id, ..)| id.uuid()).collect();
    let days: Vec<NaiveDate> = shares.iter().map(|(_, day, _)| *day).collect();
    let minor: Vec<i64> = shares.iter().map(|(.., minor)| *minor).collect();
    let rows = sqlx::query!(
        r#"
        with news as (
            select t.id, t.day, sum(t.minor)::int8 as minor
            from unnest($1::uuid[], $2::date[], $3::int8[]) t (id, day, minor) group by 1, 2
        ), added as (
            insert into creator_earnings_daily (creator_id, day, share_minor) select id, day, minor from news order by id, day
            on conflict (creator_id, day) do update
            set share_minor = creator_earnings_daily.share_minor + excluded.share_minor
            returning creator_id, day, share_minor
        )
        select a.creator_id, max(a.share_minor) as "share_minor!"
        from added a join news n on n.id = a.creator_id and n.day = a.day where n.minor > 0
        group by a.creator_id order by a.creator_id
        "#,
        &ids,
        &days,
        &minor,
    )
    .fetch_all(conn)
    .await?;
    let grown = rows
        .into_iter()
        .map(|row| (row.creator_id.into(), row.share_minor));
    Ok(grown.collect())
}

/// What is remembered of a creator; none if there is no more to know than their tier.
pub(in crate::tiers) async fn state(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Option<Standing>> {
    let row = sqlx::query!(
        "select organic, below_since, below_best from creator_tier_states where creator_id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let best = row.below_best.as_deref();
        let best: Option<Tier> = best.map(|word| stored("below_best", word)).transpose()?;
        Ok(Standing {
            organic: stored("organic", &row.organic)?,
            below: row
                .below_since
                .zip(best)
                .map(|(since, best)| Below { since, best }),
        })
    })
    .transpose()
}

/// Remembers where a creator stands by the rules, or nothing if that is simply the tier they show.
pub(in crate::tiers) async fn keep(
    conn: &mut PgConnection,
    id: CreatorId,
    standing: Standing,
    shown: Tier,
) -> sqlx::Result<()> {
    if standing == Standing::at(shown) {
        return sqlx::query!(
            "delete from creator_tier_states where creator_id = $1",
            id.uuid()
        )
        .execute(conn)
        .await
        .map(drop);
    }
    sqlx::query!(
        "insert into creator_tier_states (creator_id, organic, below_since, below_best) values ($1, $2, $3, $4)
         on conflict (creator_id) do update
         set organic = excluded.organic, below_since = excluded.below_since, below_best = excluded.below_best",
        id.uuid(),
        standing.organic.as_str(),
        standing.below.map(|below| below.since),
        standing.below.map(|below| below.best.as_str()),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The tier set by hand that holds at `now`.
pub(in crate::tiers) async fn standing_override(
    conn: &mut PgConnection,
    id: CreatorId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Override>> {
    let row = sqlx::query!(
        "select tier, reason, ends_at, set_by, set_at from tier_overrides where creator_id = $1 and ends_at > $2",
        id.uuid(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Override {
            tier: stored("tier", &row.tier)?,
            reason: row.reason,
            ends_at: row.ends_at,
            set_by: row.set_by,
            set_at: row.set_at,
        })
    })
    .transpose()
}

pub(in crate::tiers) async fn set_override(
    conn: &mut PgConnection,
    id: CreatorId,
    set: &Override,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into tier_overrides (creator_id, tier, reason, ends_at, set_by, set_at) values ($1, $2, $3, $4, $5, $6)
         on conflict (creator_id) do update
         set tier = excluded.tier, reason = excluded.reason, ends_at = excluded.ends_at, set_by = excluded.set_by,
             set_at = excluded.set_at",
        id.uuid(),
        set.tier.as_str(),
        set.reason,
        set.ends_at,
        set.set_by,
        set.set_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether there was one.
pub(in crate::tiers) async fn remove_override(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from tier_overrides where creator_id = $1",
        id.uuid()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Writes another tier, with its line in the history.
pub(in crate::tiers) async fn show(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    from: Tier,
    to: Tier,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with shown as (
            update creator_tiers set tier = $3, since = $7 where creator_id = $1
         )
         insert into creator_tier_history (id, creator_id, from_tier, to_tier, reason, actor, effective_from, recorded_at)
         values ($6, $1, $2, $3, $4, $5, $7, $7)",
        id.uuid(),
        from.as_str(),
        to.as_str(),
        reason,
        ctx.actor.to_string(),
        Uuid::now_v7(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Lets what is stored of one creator follow to another.
pub(in crate::tiers) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (
            delete from creator_earnings_daily where creator_id = $1 returning day, share_minor
         ), added as (
            insert into creator_earnings_daily (creator_id, day, share_minor) select $2, day, share_minor from moved
            on conflict (creator_id, day) do update
            set share_minor = creator_earnings_daily.share_minor + excluded.share_minor
         ), states as (
            delete from creator_tier_states where creator_id = $1
         ), overrides as (
            delete from tier_overrides where creator_id = $1
         )
         update creator_tier_history set creator_id = $2 where creator_id = $1",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
