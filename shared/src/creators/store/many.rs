//! Many creators in one statement.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::creators::{
    Creator, CreatorError, CreatorId, CreatorStatus, Key, Known, PersonId, Registration, Tier,
};
use crate::kernel::{Ctx, TypedId, stored};

/// The ids of the creators that any of the keys names.
pub(in crate::creators) async fn named(
    conn: &mut PgConnection,
    keys: &[Key],
) -> sqlx::Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = keys
        .iter()
        .filter_map(|key| key.id)
        .map(TypedId::uuid)
        .collect();
    let (mut email_clusters, mut emails) = (Vec::new(), Vec::new());
    let (mut name_clusters, mut names) = (Vec::new(), Vec::new());
    for key in keys {
        let Some(cluster) = &key.cluster else {
            continue;
        };
        if let Some(email) = &key.email_key {
            email_clusters.push(cluster.clone());
            emails.push(email.clone());
        }
        if let Some(name) = &key.username_key {
            name_clusters.push(cluster.clone());
            names.push(name.clone());
        }
    }
    sqlx::query_scalar!(
        r#"select coalesce(c.merged_into, c.id) as "id!" from creators c where c.id = any($1)
           union
           select c.id from unnest($2::text[], $3::text[]) as g (cluster_id, email_key) join creators c using (cluster_id, email_key)
           union
           select c.id from unnest($4::text[], $5::text[]) as g (cluster_id, username_key)
           join creators c using (cluster_id, username_key)"#,
        &ids,
        &email_clusters,
        &emails,
        &name_clusters,
        &names,
    )
    .fetch_all(conn)
    .await
}

/// Keeps creators as they are until the transaction ends; always in the same order, so that two never wait for each other.
pub(in crate::creators) async fn lock(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from creators where id = any($1) order by id for update",
        ids
    )
    .fetch_all(conn)
    .await
    .map(drop)
}

/// Creators with what is known of the person behind, by id.
pub(in crate::creators) async fn rows(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<Known>> {
    let rows = sqlx::query!(
        r#"select c.id, c.person_id, c.cluster_id, c.email, c.username, c.phone, c.display_name, c.first_name, c.aliases,
                  c.handles as "handles: Json<BTreeMap<String, String>>", c.status, c.status_since, t.tier, t.since as tier_since,
                  c.time_zone, c.owner, c.version, c.last_active_at, c.archived_at, c.created_at,
                  greatest(c.updated_at, t.since) as "updated_at!", c.merged_into, p.legal_name, p.birth_date
           from creators c join people p on p.id = c.person_id join creator_tiers t on t.creator_id = c.id where c.id = any($1) order by c.id"#,
        ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Known {
                creator: Creator {
                    id: row.id.into(),
                    person: row.person_id.into(),
                    cluster: row.cluster_id,
                    email: row.email,
                    username: row.username,
                    phone: row.phone,
                    display_name: row.display_name,
                    first_name: row.first_name,
                    aliases: row.aliases,
                    handles: row.handles.0,
                    status: stored("status", &row.status)?,
                    status_since: row.status_since,
                    tier: stored("tier", &row.tier)?,
                    tier_since: row.tier_since,
                    time_zone: row.time_zone,
                    owner: row.owner,
                    version: row.version,
                    last_active_at: row.last_active_at,
                    archived_at: row.archived_at,
                    created_at: row.created_at,
                    updated_at: row.updated_at,
                },
                merged_into: row.merged_into.map(CreatorId::from),
                legal_name: row.legal_name,
                birth_date: row.birth_date,
            })
        })
        .collect()
}

/// What may be written of creators, column by column.
#[derive(Debug, Default)]
struct Columns {
    id: Vec<Uuid>,
    email: Vec<String>,
    username: Vec<String>,
    phone: Vec<Option<String>>,
    display_name: Vec<Option<String>>,
    first_name: Vec<Option<String>>,
    // a column cannot hold lists of different lengths, so they travel as JSON
    aliases: Vec<Json<Vec<String>>>,
    handles: Vec<Json<BTreeMap<String, String>>>,
    time_zone: Vec<Option<String>>,
    owner: Vec<Option<String>>,
    archived: Vec<bool>,
}

impl Columns {
    fn push(&mut self, id: Uuid, creator: &Creator) {
        self.id.push(id);
        self.email.push(creator.email.clone());
        self.username.push(creator.username.clone());
        self.phone.push(creator.phone.clone());
        self.display_name.push(creator.display_name.clone());
        self.first_name.push(creator.first_name.clone());
        self.aliases.push(Json(creator.aliases.clone()));
        self.handles.push(Json(creator.handles.clone()));
        self.time_zone.push(creator.time_zone.clone());
        self.owner.push(creator.owner.clone());
        self.archived.push(creator.archived_at.is_some());
    }
}

/// Stores creators with new people behind them and the first lines of their histories; answers the ids of those whose
/// address and name were free.
pub(in crate::creators) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &[Registration],
    reason: &str,
) -> sqlx::Result<Vec<Uuid>> {
    let mut c = Columns::default();
    let (mut person, mut cluster) = (Vec::<Uuid>::new(), Vec::<String>::new());
    let mut born = Vec::<Option<NaiveDate>>::new();
    for registration in new {
        c.push(registration.id.uuid(), &registration.stored(ctx.now()));
        person.push(PersonId::new().uuid());
        cluster.push(registration.new.cluster.clone());
        born.push(registration.new.birth_date);
    }
    sqlx::query_scalar!(
        r#"
        with given as (
            select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                                 $9::jsonb[], $10::jsonb[], $11::text[], $12::text[], $13::date[])
                 as g (id, person_id, cluster_id, email, username, phone, display_name, first_name, aliases, handles,
                       time_zone, owner, birth_date)
        ), made as (
            insert into creators (id, person_id, cluster_id, email, email_key, username, username_key, phone, display_name,
                                  first_name, aliases, handles, time_zone, owner, created_by, created_at, updated_at,
                                  status_since)
            select id, person_id, cluster_id, email, lower(email), username, lower(username), phone, display_name, first_name,
                   array(select jsonb_array_elements_text(aliases)), handles, time_zone, owner, $14, $15, $15, $15
            from given
            on conflict do nothing
            returning id, person_id
        ), embodied as (
            insert into people (id, birth_date, created_by, created_at, updated_at)
            select person_id, given.birth_date, $14, $15, $15 from made join given using (id, person_id)
        ), placed as (
            insert into creator_status_history (id, creator_id, to_status, reason, actor, effective_from, recorded_at)
            select uuid_v7(), id, $16, $18, $14, $15, $15 from made
        ), ranked as (
            insert into creator_tier_history (id, creator_id, to_tier, reason, actor, effective_from, recorded_at)
            select uuid_v7(), id, $17, $18, $14, $15, $15 from made
        )
        select id from made
        "#,
        &c.id,
        &person,
        &cluster,
        &c.email,
        &c.username,
        c.phone.as_slice() as &[Option<String>],
        c.display_name.as_slice() as &[Option<String>],
        c.first_name.as_slice() as &[Option<String>],
        c.aliases.as_slice() as &[Json<Vec<String>>],
        c.handles.as_slice() as &[Json<BTreeMap<String, String>>],
        c.time_zone.as_slice() as &[Option<String>],
        c.owner.as_slice() as &[Option<String>],
        born.as_slice() as &[Option<NaiveDate>],
        ctx.actor.to_string(),
        ctx.now(),
        CreatorStatus::PendingVerification.as_str(),
        Tier::Newcomer.as_str(),
        reason,
    )
    .fetch_all(conn)
    .await
}

/// Stores what people may change of creators, each under its next version.
pub(in crate::creators) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creators: &[&Creator],
) -> Result<(), CreatorError> {
    let mut c = Columns::default();
    for creator in creators {
        c.push(creator.id.uuid(), creator);
    }
    sqlx::query!(
        "update creators c
         set email = g.email, email_key = lower(g.email), username = g.username, username_key = lower(g.username),
             phone = g.phone, display_name = g.display_name, first_name = g.first_name,
             aliases = array(select jsonb_array_elements_text(g.aliases)), handles = g.handles, time_zone = g.time_zone,
             owner = g.owner, archived_at = case when g.archived then coalesce(c.archived_at, $12) end,
             version = c.version + 1, updated_at = $12
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[], $8::jsonb[],
                     $9::text[], $10::text[], $11::bool[])
              as g (id, email, username, phone, display_name, first_name, aliases, handles, time_zone, owner, archived)
         where c.id = g.id",
        &c.id,
        &c.email,
        &c.username,
        c.phone.as_slice() as &[Option<String>],
        c.display_name.as_slice() as &[Option<String>],
        c.first_name.as_slice() as &[Option<String>],
        c.aliases.as_slice() as &[Json<Vec<String>>],
        c.handles.as_slice() as &[Json<BTreeMap<String, String>>],
        c.time_zone.as_slice() as &[Option<String>],
        c.owner.as_slice() as &[Option<String>],
        &c.archived,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map_err(super::creators::taken)?;
    Ok(())
}
