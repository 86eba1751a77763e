//! Rows of `creators` and `clusters`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::creators::{
    Cluster, Creator, CreatorError, CreatorId, CreatorStatus, NewCreator, PersonId, Sibling,
};
use crate::kernel::{Ctx, TypedId, stored};

pub(in crate::creators) async fn clusters(conn: &mut PgConnection) -> sqlx::Result<Vec<Cluster>> {
    sqlx::query_as!(
        Cluster,
        "select id, name, adult, enhanced_gating from clusters order by id"
    )
    .fetch_all(conn)
    .await
}

pub(in crate::creators) async fn cluster_exists(
    conn: &mut PgConnection,
    id: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from clusters where id = $1) as "exists!""#,
        id
    )
    .fetch_one(conn)
    .await
}

/// Stores a creator, and its person if it is a new one; none if its address or name is taken.
pub(in crate::creators) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
) -> sqlx::Result<Option<CreatorId>> {
    let person = new.person.unwrap_or_else(PersonId::new);
    let id = sqlx::query_scalar!(
        "with made as (
            insert into creators (id, person_id, cluster_id, email, email_key, username, username_key, phone, display_name,
                                  first_name, time_zone, created_by, created_at, updated_at, status_since)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13)
            on conflict do nothing
            returning id, person_id
         ), embodied as (
            insert into people (id, birth_date, created_by, created_at, updated_at)
            select person_id, $14, $12, $13, $13 from made where $15
         )
         select id from made",
        CreatorId::new().uuid(),
        person.uuid(),
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
        new.birth_date,
        new.person.is_none(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(CreatorId::from))
}

pub(in crate::creators) async fn email_taken(
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

/// The creator of that id, or the one it was merged into.
pub(in crate::creators) async fn get(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Option<Creator>> {
    let row = sqlx::query!(
        r#"select c.id, c.person_id, c.cluster_id, c.email, c.username, c.phone, c.display_name, c.first_name, c.aliases,
                  c.handles as "handles: Json<BTreeMap<String, String>>", c.status, c.status_since, t.tier, t.since as tier_since,
                  c.time_zone, c.owner, c.version, c.last_active_at, c.archived_at, c.created_at,
                  greatest(c.updated_at, t.since) as "updated_at!"
           from creators c join creator_tiers t on t.creator_id = c.id
           where c.id = (select coalesce(merged_into, id) from creators where id = $1)"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Creator {
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
        })
    })
    .transpose()
}

/// As [`get`], with the row locked until the transaction ends.
pub(in crate::creators) async fn lock(
    conn: &mut PgConnection,
    id: CreatorId,
) -> sqlx::Result<Option<Creator>> {
    let mut wanted = id.uuid();
    // a merge may have come first while this waited for the row; merges lead straight to the last creator
    loop {
        let row = sqlx::query!(
            "select merged_into from creators where id = $1 for update",
            wanted
        )
        .fetch_optional(&mut *conn)
        .await?;
        match row.map(|row| row.merged_into) {
            None => return Ok(None),
            Some(Some(survivor)) => wanted = survivor,
            Some(None) => return get(conn, wanted.into()).await,
        }
    }
}

/// Stores what people may change of a creator, under the next version.
pub(in crate::creators) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
) -> Result<(), CreatorError> {
    sqlx::query!(
        "update creators
         set email = $2, email_key = $3, username = $4, username_key = $5, phone = $6, display_name = $7, first_name = $8,
             aliases = $9, handles = $10, time_zone = $11, owner = $12, version = version + 1, updated_at = $13
         where id = $1",
        creator.id.uuid(),
        creator.email,
        creator.email.to_lowercase(),
        creator.username,
        creator.username.to_ascii_lowercase(),
        creator.phone,
        creator.display_name,
        creator.first_name,
        &creator.aliases,
        Json(&creator.handles) as _,
        creator.time_zone,
        creator.owner,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map_err(taken)?;
    Ok(())
}

pub(in crate::creators) fn taken(error: sqlx::Error) -> CreatorError {
    let constraint = error
        .as_database_error()
        .and_then(|error| error.constraint())
        .map(str::to_owned);
    match constraint.as_deref() {
        Some("creators_email") => CreatorError::EmailTaken,
        Some("creators_username") => CreatorError::UsernameTaken,
        Some(_) | None => CreatorError::Db(error),
    }
}

/// Archives or unarchives, under the next version.
pub(in crate::creators) async fn set_archived(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    archived: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creators set archived_at = case when $3 then $2::timestamptz end, version = version + 1, updated_at = $2
         where id = $1",
        id.uuid(),
        ctx.now(),
        archived,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Notes another status, under the next version.
pub(in crate::creators) async fn set_status(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    status: CreatorStatus,
    since: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creators set status = $2, status_since = $3, version = version + 1, updated_at = $4 where id = $1",
        id.uuid(),
        status.as_str(),
        since,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The other creators of a person, by cluster.
pub(in crate::creators) async fn siblings(
    conn: &mut PgConnection,
    person: PersonId,
    except: CreatorId,
) -> sqlx::Result<Vec<Sibling>> {
    let rows = sqlx::query!(
        "select id, cluster_id, username, status from creators
         where person_id = $1 and id <> $2 and merged_into is null
         order by cluster_id, id",
        person.uuid(),
        except.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Sibling {
                id: row.id.into(),
                cluster: row.cluster_id,
                username: row.username,
                status: stored("status", &row.status)?,
            })
        })
        .collect()
}
