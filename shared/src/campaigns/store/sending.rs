//! `campaign_deliveries`, as a run of sending writes them. Every statement names the run's lease.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::campaigns::uuid;
use crate::campaigns::{CampaignId, DeliveryId, DeliveryStatus};
use crate::kernel::TypedId;
use crate::messaging::AddressDigests;

/// Rows of the chunk that a lost run had begun to send: their mails may have arrived.
pub(in crate::campaigns) async fn give_up_lost(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let lost = sqlx::query!(
        "update campaign_deliveries
         set status = 'unknown', reason = 'the worker was lost while it was sending', lease_id = null, ended_at = $3
         where campaign_id = $1 and chunk = $2 and status = 'sending'",
        uuid(campaign),
        chunk,
        now,
    )
    .execute(conn)
    .await?;
    Ok(lost.rows_affected())
}

/// Rows of the chunk that may be sent now.
pub(in crate::campaigns) async fn due(
    conn: &mut PgConnection,
    campaign: CampaignId,
    chunk: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<DeliveryId>> {
    let ids = sqlx::query_scalar!(
        "select id from campaign_deliveries
         where campaign_id = $1 and chunk = $2 and status = 'pending'
           and (next_attempt_at is null or next_attempt_at <= $3)
         order by id",
        uuid(campaign),
        chunk,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(DeliveryId::from).collect())
}

/// Which rows a run begins to send.
#[derive(Debug, Clone, Copy)]
pub(in crate::campaigns) struct Batch<'a> {
    pub(in crate::campaigns) campaign: CampaignId,
    pub(in crate::campaigns) chunk: i32,
    pub(in crate::campaigns) run: Uuid,
    /// Statuses of creators that the campaign addresses.
    pub(in crate::campaigns) statuses: &'a [String],
    pub(in crate::campaigns) ids: &'a [DeliveryId],
    pub(in crate::campaigns) digests: &'a AddressDigests,
}

/// A recipient to be sent to now, or why not.
#[derive(Debug, Clone)]
pub(in crate::campaigns) struct Begun {
    pub(in crate::campaigns) id: Uuid,
    pub(in crate::campaigns) creator_id: Uuid,
    pub(in crate::campaigns) attempts: i16,
    pub(in crate::campaigns) skipped: bool,
    pub(in crate::campaigns) email: String,
    pub(in crate::campaigns) first_name: Option<String>,
    pub(in crate::campaigns) display_name: Option<String>,
    pub(in crate::campaigns) username: String,
    pub(in crate::campaigns) tier: String,
    pub(in crate::campaigns) cluster_name: String,
}

/// Asks, for each row, whether it may be sent at this moment, and marks it as being sent or skipped; waits for the disk.
///
/// Nothing is begun unless the campaign is active and the run holds the chunk. Saying it twice gives the same rows
/// again, so that a commit whose answer was lost can be repeated.
pub(in crate::campaigns) async fn begin(
    conn: &mut PgConnection,
    batch: Batch<'_>,
) -> sqlx::Result<Vec<Begun>> {
    let ids: Vec<Uuid> = batch.ids.iter().map(|id| id.uuid()).collect();
    let (inner, outer) = batch.digests.blocks();
    sqlx::query_as!(
        Begun,
        r#"
        with due as (
            select d.id, d.creator_id
            from campaign_deliveries d
            where d.id = any($1)
              and (d.status = 'pending' or (d.status = 'sending' and d.lease_id = $2))
              and exists (select 1 from campaigns c
                          join campaign_chunks k on k.campaign_id = c.id and k.chunk = $4
                          where c.id = $3 and c.status = 'active' and k.lease_id = $2)
            for no key update of d
        ), gated as (
            select due.id, r.id as creator_id, r.email, r.first_name, r.display_name, r.username, t.tier, l.name as cluster_name,
                   case
                       when r.status <> all($5::text[]) or r.archived_at is not null then 'creator_status'
                       when exists (select 1 from creator_blocks b
                                    where b.creator_id = r.id and 'mail' = any(b.blocks)
                                      and b.starts_at <= now() and (b.ends_at is null or b.ends_at > now()))
                         or exists (select 1 from people p where p.id = r.person_id and p.restricted_at is not null)
                            then 'blocked'
                       when coalesce((select n.state from creator_consents n
                                      where n.creator_id = r.id and n.channel = 'email'
                                      order by n.recorded_at desc, n.id desc limit 1), 'none') <> 'granted' then 'no_consent'
                       when exists (select 1 from suppressions s
                                    where s.channel = 'email' and s.address = r.email_key)
                         or exists (select 1 from suppressed_digests s
                                    where s.channel = 'email'
                                      and s.digest = sha256($7 || sha256($6 || convert_to('email:' || r.email_key, 'UTF8'))))
                            then 'suppressed'
                   end as skip
            from due
            join creators r on r.id = due.creator_id
            join creator_tiers t on t.creator_id = r.id
            join clusters l on l.id = r.cluster_id
        )
        update campaign_deliveries d
        set status = case when g.skip is null then 'sending' else 'skipped' end,
            reason = g.skip,
            lease_id = case when g.skip is null then $2::uuid end,
            attempts = d.attempts + (g.skip is null and d.status = 'pending')::int4::int2,
            begun_at = case when g.skip is null then now() else d.begun_at end,
            ended_at = case when g.skip is not null then now() end,
            next_attempt_at = null
        from gated g
        where d.id = g.id
        returning d.id, g.creator_id, d.attempts, g.skip is not null as "skipped!", g.email, g.first_name,
                  g.display_name, g.username, g.tier, g.cluster_name
        "#,
        &ids,
        batch.run,
        uuid(batch.campaign),
        batch.chunk,
        batch.statuses,
        inner,
        outer,
    )
    .fetch_all(conn)
    .await
}

/// What became of one row.
#[derive(Debug, Clone)]
pub(in crate::campaigns) struct Ended {
    pub(in crate::campaigns) id: DeliveryId,
    pub(in crate::campaigns) status: DeliveryStatus,
    pub(in crate::campaigns) reason: Option<String>,
    /// Not again before this, for a row that is pending again.
    pub(in crate::campaigns) next_attempt_at: Option<DateTime<Utc>>,
    /// Whether the hand-over counts as an attempt.
    pub(in crate::campaigns) counts: bool,
}

/// Writes what became of rows that the run had begun; answers for how many. Waits for the disk.
pub(in crate::campaigns) async fn record(
    conn: &mut PgConnection,
    run: Uuid,
    ended: &[Ended],
) -> sqlx::Result<u64> {
    let ids: Vec<Uuid> = ended.iter().map(|row| row.id.uuid()).collect();
    let statuses: Vec<String> = ended.iter().map(|row| row.status.to_string()).collect();
    let reasons: Vec<Option<String>> = ended.iter().map(|row| row.reason.clone()).collect();
    let next: Vec<Option<DateTime<Utc>>> = ended.iter().map(|row| row.next_attempt_at).collect();
    let counts: Vec<bool> = ended.iter().map(|row| row.counts).collect();
    let written = sqlx::query!(
        "update campaign_deliveries d
         set status = e.status, reason = e.reason, next_attempt_at = e.next_attempt_at, lease_id = null,
             attempts = d.attempts - (not e.counts)::int4::int2,
             ended_at = case when e.status <> 'pending' then now() end
         from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bool[])
              as e (id, status, reason, next_attempt_at, counts)
         where d.id = e.id and d.lease_id = $6 and d.status = 'sending'",
        &ids,
        &statuses,
        &reasons as &[Option<String>],
        &next as &[Option<DateTime<Utc>>],
        &counts,
        run,
    )
    .execute(conn)
    .await?;
    Ok(written.rows_affected())
}
