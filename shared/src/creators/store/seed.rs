//! Made-up creators, many in one statement.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

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
            insert into creators (id, person_id, cluster_id, email, email_key, username, username_key, phone, display_name,
                                  first_name, status, tier, time_zone, created_by, created_at, updated_at, status_since,
                                  tier_since)
            select id, uuid_v7(), cluster_id, email, lower(email), username, lower(username), phone, display_name,
                   first_name, status, tier, time_zone, 'seed', $12, $12, $12, $12
            from given
            on conflict do nothing
            returning id, person_id, status, tier
        ), embodied as (
            insert into people (id, created_by, created_at, updated_at) select person_id, 'seed', $12, $12 from made
        ), placed as (
            insert into creator_status_history (id, creator_id, to_status, reason, actor, effective_from, recorded_at)
            select uuid_v7(), id, status, 'seed', 'seed', $12, $12 from made
        ), ranked as (
            insert into creator_tier_history (id, creator_id, to_tier, reason, actor, effective_from, recorded_at)
            select uuid_v7(), id, tier, 'seed', 'seed', $12, $12 from made
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
