//! The SQL of creators.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Cluster, Consent, Creator, CreatorId, NewConsent, NewCreator};
use crate::kernel::{Ctx, TypedId, stored};

pub(super) async fn clusters(conn: &mut PgConnection) -> sqlx::Result<Vec<Cluster>> {
    sqlx::query_as!(
        Cluster,
        "select id, name, adult, enhanced_gating from clusters order by id"
    )
    .fetch_all(conn)
    .await
}

pub(super) async fn cluster_exists(conn: &mut PgConnection, id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from clusters where id = $1) as "exists!""#,
        id
    )
    .fetch_one(conn)
    .await
}

/// Stores a creator; none if its address or name is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
) -> sqlx::Result<Option<CreatorId>> {
    let id = sqlx::query_scalar!(
        "insert into creators (id, cluster_id, email, email_key, username, username_key, phone, display_name,
                               first_name, time_zone, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
         on conflict do nothing
         returning id",
        CreatorId::new().uuid(),
        new.cluster,
        new.email.as_str(),
        new.email.normalised(),
        new.username.as_str(),
        new.username.normalised(),
        new.phone.as_ref().map(|phone| phone.as_str()),
        new.display_name,
        new.first_name,
        new.time_zone.map(chrono_tz::Tz::name),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(CreatorId::from))
}

pub(super) async fn email_taken(
    conn: &mut PgConnection,
    cluster: &str,
    email_key: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from creators where email_key = $1 and cluster_id = $2) as "exists!""#,
        email_key,
        cluster,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn get(conn: &mut PgConnection, id: CreatorId) -> sqlx::Result<Option<Creator>> {
    let row = sqlx::query!(
        "select id, cluster_id, email, username, phone, display_name, first_name, status, tier, time_zone, created_at
         from creators where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Creator {
            id: row.id.into(),
            cluster: row.cluster_id,
            email: row.email,
            username: row.username,
            phone: row.phone,
            display_name: row.display_name,
            first_name: row.first_name,
            status: stored("status", &row.status)?,
            tier: stored("tier", &row.tier)?,
            time_zone: row.time_zone,
            created_at: row.created_at,
        })
    })
    .transpose()
}

pub(super) async fn insert_consents(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    consents: &[NewConsent],
) -> sqlx::Result<()> {
    for consent in consents {
        sqlx::query!(
            "insert into creator_consents (id, creator_id, channel, state, source, proof, recorded_by, recorded_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            Uuid::now_v7(),
            creator.uuid(),
            consent.channel.as_str(),
            consent.state.as_str(),
            consent.source,
            consent.proof,
            ctx.actor.to_string(),
            ctx.now(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What the creator said last about each channel.
pub(super) async fn latest_consents(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<Consent>> {
    let rows = sqlx::query!(
        "select distinct on (channel) channel, state, source, proof, recorded_at
         from creator_consents where creator_id = $1
         order by channel, recorded_at desc, id desc",
        creator.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Consent {
                channel: stored("channel", &row.channel)?,
                state: stored("state", &row.state)?,
                source: row.source,
                proof: row.proof,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

/// Creators made up for demonstrations, column by column.
#[derive(Debug, Default)]
pub(crate) struct SeedColumns {
    pub(crate) id: Vec<Uuid>,
    pub(crate) cluster: Vec<String>,
    pub(crate) email: Vec<String>,
    pub(crate) username: Vec<String>,
    pub(crate) phone: Vec<String>,
    pub(crate) first_name: Vec<String>,
    pub(crate) display_name: Vec<String>,
    pub(crate) status: Vec<String>,
    pub(crate) tier: Vec<String>,
    pub(crate) time_zone: Vec<String>,
    pub(crate) consents: Vec<bool>,
}

/// Stores creators with their e-mail consents; those that are there already stay as they are. Answers how many are new.
pub(crate) async fn seed(
    conn: &mut PgConnection,
    c: &SeedColumns,
    now: DateTime<Utc>,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        with given as (
            select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                 $8::text[], $9::text[], $10::text[], $11::bool[])
                 as g (id, cluster_id, email, username, phone, first_name, display_name, status, tier, time_zone, consents)
        ), made as (
            insert into creators (id, cluster_id, email, email_key, username, username_key, phone, display_name,
                                  first_name, status, tier, time_zone, created_by, created_at, updated_at)
            select id, cluster_id, email, lower(email), username, lower(username), phone, display_name,
                   first_name, status, tier, time_zone, 'seed', $12, $12
            from given
            on conflict do nothing
            returning id
        ), consented as (
            insert into creator_consents (id, creator_id, channel, state, source, proof, recorded_by, recorded_at)
            select uuid_v7(), made.id, 'email', 'granted', 'seed', null, 'seed', $12
            from made join given on given.id = made.id
            where given.consents
        )
        select count(*) as "made!" from made
        "#,
        &c.id,
        &c.cluster,
        &c.email,
        &c.username,
        &c.phone,
        &c.first_name,
        &c.display_name,
        &c.status,
        &c.tier,
        &c.time_zone,
        &c.consents,
        now,
    )
    .fetch_one(conn)
    .await
}
