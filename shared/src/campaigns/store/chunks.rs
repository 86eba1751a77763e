//! `campaign_chunks`: who works on which recipients, and what became of them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::campaigns::uuid;
use crate::campaigns::CampaignId;
use crate::kernel::TypedId;
use crate::queue::Lease;

/// A chunk, locked.
#[derive(Debug, Clone, Copy)]
pub(in crate::campaigns) struct Chunk {
    pub(in crate::campaigns) closed: bool,
    /// The job that works on it, and the lease under which it does.
    pub(in crate::campaigns) holder: Option<Lease>,
}

pub(in crate::campaigns) async fn lock(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
) -> sqlx::Result<Option<Chunk>> {
    let row = sqlx::query!(
        "select closed_at, job_id, job_lease_id from campaign_chunks
         where campaign_id = $1 and chunk = $2 for no key update",
        uuid(campaign),
        chunk,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Chunk {
        closed: row.closed_at.is_some(),
        holder: row.job_id.zip(row.job_lease_id).map(|(job, id)| Lease {
            job: job.into(),
            id,
        }),
    }))
}

/// Makes `run` the one that works on the chunk.
pub(in crate::campaigns) async fn hold(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    run: Uuid,
    lease: Lease,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_chunks
         set lease_id = $3, job_id = $4, job_lease_id = $5, begun_at = coalesce(begun_at, now())
         where campaign_id = $1 and chunk = $2",
        uuid(campaign),
        chunk,
        run,
        lease.job.uuid(),
        lease.id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets go of the chunk, if `run` still holds it.
pub(in crate::campaigns) async fn release(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    run: Uuid,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_chunks set lease_id = null, job_id = null, job_lease_id = null
         where campaign_id = $1 and chunk = $2 and lease_id = $3",
        uuid(campaign),
        chunk,
        run,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is left to do in a chunk.
#[derive(Debug, Clone, Copy)]
pub(in crate::campaigns) struct Rest {
    /// Rows that have not ended.
    pub(in crate::campaigns) open: i64,
    /// When the first of them may be tried again; none if one may be at once.
    pub(in crate::campaigns) next_at: Option<DateTime<Utc>>,
}

pub(in crate::campaigns) async fn rest(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
) -> sqlx::Result<Rest> {
    let row = sqlx::query!(
        r#"select count(*) as "open!", min(next_attempt_at) as next_at,
                  coalesce(bool_or(next_attempt_at is null), false) as "at_once!"
           from campaign_deliveries
           where campaign_id = $1 and chunk = $2 and status in ('pending', 'sending')"#,
        uuid(campaign),
        chunk,
    )
    .fetch_one(conn)
    .await?;
    Ok(Rest {
        open: row.open,
        next_at: row.next_at.filter(|_| !row.at_once),
    })
}

/// Closes a chunk all of whose rows have ended.
///
/// # Errors
/// Also if a row has not: a constraint says so.
pub(in crate::campaigns) async fn close(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_chunks k
         set closed_at = $3, lease_id = null, job_id = null, job_lease_id = null,
             sent = n.sent, failed = n.failed, skipped = n.skipped, unknown = n.unknown
         from (select count(*) filter (where status = 'sent') as sent,
                      count(*) filter (where status = 'failed') as failed,
                      count(*) filter (where status = 'skipped') as skipped,
                      count(*) filter (where status = 'unknown') as unknown
               from campaign_deliveries where campaign_id = $1 and chunk = $2) n
         where k.campaign_id = $1 and k.chunk = $2",
        uuid(campaign),
        chunk,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Opens a chunk again, because a row of it is to be sent after all.
pub(in crate::campaigns) async fn reopen(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaign_chunks set closed_at = null, sent = 0, failed = 0, skipped = 0, unknown = 0
         where campaign_id = $1 and chunk = $2",
        uuid(campaign),
        chunk,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Open chunks behind `after`, in order.
pub(in crate::campaigns) async fn open_after(
    conn: &mut PgConnection,
    campaign: CampaignId,
    after: i32,
    most: i64,
) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        "select chunk from campaign_chunks
         where campaign_id = $1 and chunk > $2 and closed_at is null order by chunk limit $3",
        uuid(campaign),
        after,
        most,
    )
    .fetch_all(conn)
    .await
}

/// Whether `run` holds the chunk.
pub(in crate::campaigns) async fn is_held(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    run: Uuid,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select lease_id is not distinct from $3 as "held!" from campaign_chunks
           where campaign_id = $1 and chunk = $2 for no key update"#,
        uuid(campaign),
        chunk,
        run,
    )
    .fetch_one(conn)
    .await
}
