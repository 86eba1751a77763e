//! Rows of `creator_status_history` and `creator_tier_history`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::{CreatorId, CreatorStatus, StatusEntry, Tier, TierEntry};
use crate::kernel::{Ctx, TypedId, stored};

/// Where a page of a history begins: before this line.
pub(in crate::creators) type Place = (DateTime<Utc>, Uuid);

/// Writes a line of the status history.
pub(in crate::creators) async fn add_status(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    from: Option<CreatorStatus>,
    to: CreatorStatus,
    reason: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into creator_status_history (id, creator_id, from_status, to_status, reason, actor, effective_from, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        Uuid::now_v7(),
        id.uuid(),
        from.map(CreatorStatus::as_str),
        to.as_str(),
        reason,
        ctx.actor.to_string(),
        since,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes the first line of the tier history.
pub(in crate::creators) async fn add_first_tier(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    tier: Tier,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into creator_tier_history (id, creator_id, to_tier, reason, actor, effective_from, recorded_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        Uuid::now_v7(),
        id.uuid(),
        tier.as_str(),
        reason,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The status history, newest first.
pub(in crate::creators) async fn statuses(
    conn: &mut PgConnection,
    id: CreatorId,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<StatusEntry>> {
    let (at, line) = before.unzip();
    let rows = sqlx::query!(
        "select id, from_status, to_status, reason, actor, effective_from, recorded_at
         from creator_status_history
         where creator_id = $1 and ($2::timestamptz is null or (effective_from, id) < ($2, $3::uuid))
         order by effective_from desc, id desc limit $4",
        id.uuid(),
        at,
        line,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let from = row.from_status.as_deref();
            Ok(StatusEntry {
                id: row.id,
                from: from.map(|word| stored("from_status", word)).transpose()?,
                to: stored("to_status", &row.to_status)?,
                reason: row.reason,
                actor: row.actor,
                effective_from: row.effective_from,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

/// The tier history, newest first.
pub(in crate::creators) async fn tiers(
    conn: &mut PgConnection,
    id: CreatorId,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<TierEntry>> {
    let (at, line) = before.unzip();
    let rows = sqlx::query!(
        "select id, from_tier, to_tier, reason, actor, effective_from, recorded_at
         from creator_tier_history
         where creator_id = $1 and ($2::timestamptz is null or (effective_from, id) < ($2, $3::uuid))
         order by effective_from desc, id desc limit $4",
        id.uuid(),
        at,
        line,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let from = row.from_tier.as_deref();
            Ok(TierEntry {
                id: row.id,
                from: from.map(|word| stored("from_tier", word)).transpose()?,
                to: stored("to_tier", &row.to_tier)?,
                reason: row.reason,
                actor: row.actor,
                effective_from: row.effective_from,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

/// What a suspended creator was before; none if that was not written down.
pub(in crate::creators) async fn before_suspension(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Option<CreatorStatus>> {
    let word = sqlx::query_scalar!(
        "select from_status from creator_status_history
         where creator_id = $1 and to_status = 'suspended' order by effective_from desc, id desc limit 1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?
    .flatten();
    word.map(|word| stored("from_status", &word)).transpose()
}
