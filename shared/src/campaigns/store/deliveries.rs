//! `campaign_deliveries`, as operators see and decide about them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::campaigns::uuid;
use crate::campaigns::{CampaignId, Delivery, DeliveryId, DeliveryStatus};
use crate::creators::CreatorId;
use crate::kernel::{Ctx, TypedId, stored};

/// Where a page begins: behind this chunk and id.
pub(in crate::campaigns) type Place = (i32, Uuid);

struct Row {
    id: Uuid,
    creator_id: Uuid,
    chunk: i32,
    status: String,
    reason: Option<String>,
    attempts: i16,
    next_attempt_at: Option<DateTime<Utc>>,
    begun_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    decision: Option<String>,
}

impl Row {
    fn delivery(self) -> sqlx::Result<Delivery> {
        Ok(Delivery {
            id: self.id.into(),
            creator: self.creator_id.into(),
            chunk: self.chunk,
            status: stored("status", &self.status)?,
            reason: self.reason,
            attempts: u16::try_from(self.attempts).unwrap_or(0),
            next_attempt_at: self.next_attempt_at,
            begun_at: self.begun_at,
            ended_at: self.ended_at,
            decided_by: self.decided_by,
            decided_at: self.decided_at,
            decision: self.decision,
        })
    }
}

/// Rows behind a place, in order; of one status or of all.
pub(in crate::campaigns) async fn list(
    conn: &mut PgConnection,
    campaign: CampaignId,
    status: Option<DeliveryStatus>,
    after: Place,
    most: i64,
) -> sqlx::Result<Vec<Delivery>> {
    // Statuses that always have a reason are few among many; the index over reasons holds only them.
    let explained = match status {
        Some(DeliveryStatus::Failed | DeliveryStatus::Skipped | DeliveryStatus::Unknown) => true,
        Some(DeliveryStatus::Pending | DeliveryStatus::Sending | DeliveryStatus::Sent) | None => {
            false
        }
    };
    let status = status.map(DeliveryStatus::as_str);
    let rows = if explained {
        sqlx::query_as!(
            Row,
            "select id, creator_id, chunk, status, reason, attempts, next_attempt_at, begun_at, ended_at, decided_by,
                    decided_at, decision
             from campaign_deliveries
             where campaign_id = $1 and reason is not null and status = $2 and (chunk, id) > ($3, $4)
             order by chunk, id limit $5",
            uuid(campaign),
            status,
            after.0,
            after.1,
            most,
        )
        .fetch_all(conn)
        .await?
    } else {
        sqlx::query_as!(
            Row,
            "select id, creator_id, chunk, status, reason, attempts, next_attempt_at, begun_at, ended_at, decided_by,
                    decided_at, decision
             from campaign_deliveries
             where campaign_id = $1 and ($2::text is null or status = $2) and chunk >= $3 and (chunk, id) > ($3, $4)
             order by chunk, id limit $5",
            uuid(campaign),
            status,
            after.0,
            after.1,
            most,
        )
        .fetch_all(conn)
        .await?
    };
    rows.into_iter().map(Row::delivery).collect()
}

/// One row of a campaign, locked.
pub(in crate::campaigns) async fn lock(
    conn: &mut PgConnection,
    campaign: CampaignId,
    id: DeliveryId,
) -> sqlx::Result<Option<Delivery>> {
    let row = sqlx::query_as!(
        Row,
        "select id, creator_id, chunk, status, reason, attempts, next_attempt_at, begun_at, ended_at, decided_by,
                decided_at, decision
         from campaign_deliveries where campaign_id = $1 and id = $2 for no key update",
        uuid(campaign),
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::delivery).transpose()
}

/// Writes what somebody decided about an unknown row, and moves the figures of its chunk if that is closed.
pub(in crate::campaigns) async fn decide(
    conn: &mut PgConnection,
    ctx: &Ctx,
    row: &Delivery,
    becomes: DeliveryStatus,
    decision: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with changed as (
            update campaign_deliveries
            set status = $2, decided_by = $3, decided_at = $4::timestamptz, decision = $5, next_attempt_at = null,
                reason = case when $2 = 'failed' then reason end,
                ended_at = case when $2 <> 'pending' then $4::timestamptz end
            where id = $1 and status = 'unknown'
            returning campaign_id, chunk
         )
         update campaign_chunks k
         set unknown = k.unknown - 1,
             sent = k.sent + ($2 = 'sent')::int4, failed = k.failed + ($2 = 'failed')::int4
         from changed c
         where k.campaign_id = c.campaign_id and k.chunk = c.chunk and k.closed_at is not null and $2 <> 'pending'",
        row.id.uuid(),
        becomes.as_str(),
        ctx.actor.to_string(),
        ctx.now(),
        decision,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends what a cancelled campaign has not sent. Rows of a lost run may have been sent.
pub(in crate::campaigns) async fn cancel_chunk(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_deliveries
         set status = case status when 'pending' then 'skipped' else 'unknown' end,
             reason = case status when 'pending' then 'cancelled' else 'the worker was lost while it was sending' end,
             lease_id = null, next_attempt_at = null, ended_at = $3
         where campaign_id = $1 and chunk = $2 and status in ('pending', 'sending')",
        uuid(campaign),
        chunk,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets the rows of one creator follow to another, where that one has none of the same campaign.
pub(in crate::campaigns) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_deliveries d set creator_id = $2
         where d.creator_id = $1
           and not exists (select from campaign_deliveries o where o.campaign_id = d.campaign_id and o.creator_id = $2)",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
