//! `campaigns`: what is sent to whom, and where it stands.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::campaigns::{Audience, Campaign, CampaignId, CampaignStatus, NewCampaign};
use crate::kernel::{Ctx, TypedId, stored};
use crate::messaging::{Action, Content};

pub(in crate::campaigns) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCampaign,
) -> sqlx::Result<CampaignId> {
    let id = CampaignId::new();
    let (tiers, statuses) = words(&new.audience);
    let action = new.content.action.as_ref();
    sqlx::query!(
        "insert into campaigns (id, name, type, clusters, tiers, statuses, subject, message, action_text, action_url,
                                starts_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        id.uuid(),
        new.name.trim(),
        new.kind.as_str(),
        &new.audience.clusters,
        &tiers,
        &statuses,
        new.content.subject,
        new.content.message,
        action.map(|action| action.text.as_str()),
        action.map(|action| action.url.as_str()),
        new.starts_at,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(id)
}

fn words(audience: &Audience) -> (Vec<String>, Vec<String>) {
    let tiers = audience.tiers.iter().map(ToString::to_string).collect();
    let statuses = audience.statuses.iter().map(ToString::to_string).collect();
    (tiers, statuses)
}

/// The first of these clusters that there is not, by its place in the list.
pub(in crate::campaigns) async fn unknown_cluster(
    conn: &mut PgConnection,
    clusters: &[String],
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"select g.place - 1 as "place!"
           from unnest($1::text[]) with ordinality as g (id, place)
           where not exists (select 1 from clusters c where c.id = g.id)
           order by g.place limit 1"#,
        clusters,
    )
    .fetch_optional(conn)
    .await
}

/// Creators that match the audience now.
pub(in crate::campaigns) async fn count_audience(
    conn: &mut PgConnection,
    audience: &Audience,
) -> sqlx::Result<i64> {
    let (tiers, statuses) = words(audience);
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from creator_tiers
           where (cardinality($1::text[]) = 0 or cluster_id = any($1))
             and (cardinality($2::text[]) = 0 or tier = any($2))
             and status = any($3::text[])
             and not archived"#,
        &audience.clusters,
        &tiers,
        &statuses,
    )
    .fetch_one(conn)
    .await
}

pub(in crate::campaigns) async fn get(
    conn: &mut PgConnection,
    id: CampaignId,
) -> sqlx::Result<Option<Campaign>> {
    let row = sqlx::query!(
        "select id, name, type, status, clusters, tiers, statuses, subject, message, action_text, action_url, starts_at,
                launched_at, audience_complete_at, ended_at, created_by, created_at
         from campaigns where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        let action = row.action_text.zip(row.action_url);
        Ok(Campaign {
            id: row.id.into(),
            name: row.name,
            kind: stored("type", &row.r#type)?,
            status: stored("status", &row.status)?,
            audience: Audience {
                clusters: row.clusters,
                tiers: row
                    .tiers
                    .iter()
                    .map(|t| stored("tiers", t))
                    .collect::<Result<_, _>>()?,
                statuses: row
                    .statuses
                    .iter()
                    .map(|s| stored("statuses", s))
                    .collect::<Result<_, _>>()?,
            },
            content: Content {
                subject: row.subject,
                message: row.message,
                action: action.map(|(text, url)| Action { text, url }),
            },
            starts_at: row.starts_at,
            launched_at: row.launched_at,
            audience_complete_at: row.audience_complete_at,
            ended_at: row.ended_at,
            created_by: row.created_by,
            created_at: row.created_at,
        })
    })
    .transpose()
}

/// The campaign, locked until the transaction ends; recipients' rows can still be added to it.
pub(in crate::campaigns) async fn lock(
    conn: &mut PgConnection,
    id: CampaignId,
) -> sqlx::Result<Option<Campaign>> {
    sqlx::query!(
        "select id from campaigns where id = $1 for no key update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    get(conn, id).await
}

pub(in crate::campaigns) async fn set_status(
    conn: &mut PgConnection,
    id: CampaignId,
    status: CampaignStatus,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaigns
         set status = $2, updated_at = $3::timestamptz,
             ended_at = case when $2 in ('completed', 'cancelled') then $3::timestamptz end
         where id = $1",
        id.uuid(),
        status.as_str(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::campaigns) async fn set_launched(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update campaigns
         set status = 'scheduled', launched_at = $2, launched_by = $3, updated_at = $2
         where id = $1",
        id.uuid(),
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits for the right to change which campaigns are active; held until the transaction ends.
pub(in crate::campaigns) async fn lock_rooms(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('campaigns.rooms'))")
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::campaigns) async fn count_active(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from campaigns where status = 'active'"#)
        .fetch_one(conn)
        .await
}

/// The campaign that has waited longest and is due, locked. One that somebody else changes right now is left out:
/// whoever does will look for a room itself.
pub(in crate::campaigns) async fn next_waiting(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<CampaignId>> {
    let id = sqlx::query_scalar!(
        "select id from campaigns
         where status = 'scheduled' and (starts_at is null or starts_at <= $1)
         order by launched_at, id limit 1
         for no key update skip locked",
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(CampaignId::from))
}

/// What one step of giving rows to recipients did.
#[derive(Debug, Clone, Copy)]
pub(in crate::campaigns) struct Materialised {
    /// The first chunk it made, and how many.
    pub(in crate::campaigns) first_chunk: i32,
    pub(in crate::campaigns) chunks: i32,
}

/// Gives the next `most` matching creators, in the order of their ids, a row each, in chunks of `chunk_size`.
///
/// A creator whose address an earlier one of this campaign has gets its row too, as skipped: one mailbox, one mail.
pub(in crate::campaigns) async fn materialise(
    conn: &mut PgConnection,
    campaign: &Campaign,
    most: i64,
    chunk_size: i32,
    now: DateTime<Utc>,
) -> sqlx::Result<Materialised> {
    let (tiers, statuses) = words(&campaign.audience);
    let row = sqlx::query!(
        r#"
        with place as (
            select coalesce(audience_cursor, '00000000-0000-0000-0000-000000000000') as after, chunks
            from campaigns where id = $1
        ), picked as (
            select c.id, c.email_key
            from creators c join creator_tiers t on t.creator_id = c.id
            where c.id > (select after from place)
              and (cardinality($2::text[]) = 0 or c.cluster_id = any($2))
              and (cardinality($3::text[]) = 0 or t.tier = any($3))
              and c.status = any($4::text[])
              and c.archived_at is null
            order by c.id
            limit $5
        ), numbered as (
            select p.id,
                   (select chunks from place) + ((row_number() over (order by p.id) - 1) / $6::int4)::int4 as chunk,
                   row_number() over (partition by p.email_key order by p.id) > 1
                   -- the address first (`offset 0` keeps it so): hardly anybody shares one, while the campaign's rows
                   -- are as many as its audience
                   or exists (select 1
                              from (select c.id from creators c
                                    where c.email_key = p.email_key and c.id <> p.id offset 0) o
                              where exists (select 1 from campaign_deliveries d
                                            where d.campaign_id = $1 and d.creator_id = o.id)) as duplicate
            from picked p
        ), made as (
            insert into campaign_deliveries (id, campaign_id, creator_id, chunk, status, reason, ended_at)
            select uuid_v7(), $1, n.id, n.chunk,
                   case when n.duplicate then 'skipped' else 'pending' end,
                   case when n.duplicate then 'duplicate_address' end,
                   case when n.duplicate then $7::timestamptz end
            from numbered n
            order by n.id
            returning creator_id, chunk
        ), chunked as (
            insert into campaign_chunks (campaign_id, chunk, recipients)
            select $1, chunk, count(*) from made group by chunk
            returning chunk, recipients
        ), summed as (
            select count(*)::int4 as chunks, coalesce(sum(recipients), 0)::int8 as recipients from chunked
        )
        update campaigns c
        set audience = c.audience + s.recipients, chunks = c.chunks + s.chunks, updated_at = $7,
            audience_cursor = coalesce((select creator_id from made order by creator_id desc limit 1), c.audience_cursor),
            audience_complete_at = case when s.recipients < $5 then $7 end
        from summed s, place
        where c.id = $1
        returning s.chunks as "made_chunks!", place.chunks as "first_chunk!"
        "#,
        campaign.id.uuid(),
        &campaign.audience.clusters,
        &tiers,
        &statuses,
        most,
        chunk_size,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok(Materialised {
        first_chunk: row.first_chunk,
        chunks: row.made_chunks,
    })
}

/// The bare id, for the statements of other tables.
pub(super) fn uuid(id: CampaignId) -> Uuid {
    id.uuid()
}
