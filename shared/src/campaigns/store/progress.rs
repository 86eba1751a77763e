//! How far campaigns are: counted where work goes on, added up where it is over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::campaigns::uuid;
use crate::campaigns::{
    CampaignId, CampaignStatus, CampaignSummary, DeliveryStatus, Metrics, RATE_WINDOW,
};
use crate::kernel::{TypedId, stored};

/// All figures of a campaign, of one moment.
///
/// Only chunks that were begun have rows that differ; of the others all but those with a reason are pending.
pub(in crate::campaigns) async fn metrics(
    conn: &mut PgConnection,
    id: CampaignId,
) -> sqlx::Result<Option<Metrics>> {
    let row = sqlx::query!(
        r#"
        with live as (
            select chunk, closed_at is null as open from campaign_chunks
            where campaign_id = $1 and begun_at is not null
              and (closed_at is null or closed_at > now() - make_interval(secs => $2))
        ), counted as (
            select l.open, d.status, count(*) as n,
                   count(*) filter (where d.ended_at > now() - make_interval(secs => $2)) as lately
            from live l join campaign_deliveries d on d.campaign_id = $1 and d.chunk = l.chunk
            group by l.open, d.status
        ), untouched as (
            select chunk, recipients from campaign_chunks
            where campaign_id = $1 and begun_at is null and closed_at is null
        ), left_out as (
            select count(*) as n from campaign_deliveries
            where campaign_id = $1 and reason is not null and chunk = any(array(select chunk from untouched))
        ), closed as (
            select coalesce(sum(sent), 0)::int8 as sent, coalesce(sum(failed), 0)::int8 as failed,
                   coalesce(sum(skipped), 0)::int8 as skipped, coalesce(sum(unknown), 0)::int8 as unknown
            from campaign_chunks where campaign_id = $1 and closed_at is not null
        ), skips as (
            select coalesce(jsonb_object_agg(reason, n), '{}') as reasons
            from (select reason, count(*) as n from campaign_deliveries
                  where campaign_id = $1 and reason is not null and status = 'skipped' group by reason) r
        )
        select c.status, c.audience, c.audience_complete_at, now() as "as_of!",
               coalesce((select n from counted where open and status = 'pending'), 0)
                   + coalesce((select sum(recipients) from untouched), 0)::int8 - o.n as "pending!",
               coalesce((select n from counted where open and status = 'sending'), 0) as "sending!",
               k.sent + coalesce((select n from counted where open and status = 'sent'), 0) as "sent!",
               k.failed + coalesce((select n from counted where open and status = 'failed'), 0) as "failed!",
               k.skipped + o.n + coalesce((select n from counted where open and status = 'skipped'), 0) as "skipped!",
               k.unknown + coalesce((select n from counted where open and status = 'unknown'), 0) as "unknown!",
               coalesce((select sum(lately) from counted where status in ('sent', 'failed', 'unknown')), 0)::int8
                   as "handed_over!",
               s.reasons as "reasons!"
        from campaigns c, closed k, left_out o, skips s
        where c.id = $1
        "#,
        id.uuid(),
        RATE_WINDOW.as_seconds_f64(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let counts = |status: &DeliveryStatus| match status {
            DeliveryStatus::Pending => row.pending,
            DeliveryStatus::Sending => row.sending,
            DeliveryStatus::Sent => row.sent,
            DeliveryStatus::Failed => row.failed,
            DeliveryStatus::Skipped => row.skipped,
            DeliveryStatus::Unknown => row.unknown,
        };
        let rows: BTreeMap<_, _> = DeliveryStatus::ALL
            .iter()
            .map(|s| (s.as_str(), counts(s)))
            .collect();
        Ok(Metrics {
            status: stored("status", &row.status)?,
            as_of: row.as_of,
            audience: row.audience,
            audience_complete: row.audience_complete_at.is_some(),
            rows,
            skipped: serde_json::from_value(row.reasons)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            handed_over_lately: row.handed_over,
        })
    })
    .transpose()
}

struct Row {
    id: Uuid,
    name: String,
    kind: String,
    status: String,
    clusters: Vec<String>,
    audience: i64,
    audience_complete_at: Option<DateTime<Utc>>,
    ended: i64,
    sent: i64,
    failed: i64,
    skipped: i64,
    unknown: i64,
    starts_at: Option<DateTime<Utc>>,
    launched_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl Row {
    fn summary(self) -> sqlx::Result<CampaignSummary> {
        Ok(CampaignSummary {
            id: self.id.into(),
            name: self.name,
            kind: stored("type", &self.kind)?,
            status: stored("status", &self.status)?,
            clusters: self.clusters,
            audience: self.audience,
            audience_complete: self.audience_complete_at.is_some(),
            ended: self.ended,
            sent: self.sent,
            failed: self.failed,
            skipped: self.skipped,
            unknown: self.unknown,
            starts_at: self.starts_at,
            launched_at: self.launched_at,
            ended_at: self.ended_at,
            created_by: self.created_by,
            created_at: self.created_at,
        })
    }
}

/// Campaigns older than `before`, newest first: of one status or of all, and only those that address nobody outside of
/// `reach`. Figures are of the chunks that are closed.
pub(in crate::campaigns) async fn list(
    conn: &mut PgConnection,
    reach: Option<&[String]>,
    status: Option<CampaignStatus>,
    before: Option<CampaignId>,
    most: i64,
) -> sqlx::Result<Vec<CampaignSummary>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        with shown as (
            select * from campaigns
            where ($1::uuid is null or id < $1) and ($2::text is null or status = $2)
              and ($3::text[] is null or (cardinality(clusters) > 0 and clusters <@ $3))
            order by id desc limit $4
        )
        select c.id, c.name, c.type as kind, c.status, c.clusters, c.audience, c.audience_complete_at,
               k.ended as "ended!", k.sent as "sent!", k.failed as "failed!", k.skipped as "skipped!",
               k.unknown as "unknown!", c.starts_at, c.launched_at, c.ended_at, c.created_by, c.created_at
        from shown c
        cross join lateral (
            select coalesce(sum(recipients), 0)::int8 as ended, coalesce(sum(sent), 0)::int8 as sent,
                   coalesce(sum(failed), 0)::int8 as failed, coalesce(sum(skipped), 0)::int8 as skipped,
                   coalesce(sum(unknown), 0)::int8 as unknown
            from campaign_chunks where campaign_id = c.id and closed_at is not null
        ) k
        order by c.id desc
        "#,
        before.map(uuid),
        status.map(CampaignStatus::as_str),
        reach,
        most,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::summary).collect()
}
