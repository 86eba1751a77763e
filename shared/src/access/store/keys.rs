//! Rows of `api_keys`.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::users::roles;
use crate::access::{ApiKey, ApiKeyId, NewApiKey, UserId};
use crate::kernel::{Ctx, Role, TypedId};

struct Row {
    id: Uuid,
    name: String,
    prefix: String,
    permissions: Vec<String>,
    clusters: Option<Vec<String>>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    created_by: String,
    owner_id: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            prefix: row.prefix,
            permissions: row.permissions,
            clusters: row.clusters,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            created_by: row.created_by,
            owner: row.owner_id.map(UserId::from),
            created_at: row.created_at,
        }
    }
}

pub(in crate::access) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewApiKey,
    owner: Option<UserId>,
    prefix: &str,
    hash: &[u8],
) -> sqlx::Result<ApiKey> {
    let permissions: Vec<String> = new.permissions.iter().map(ToString::to_string).collect();
    let row = sqlx::query_as!(
        Row,
        "insert into api_keys (id, name, prefix, hash, permissions, clusters, expires_at, created_by, owner_id, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         returning id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, owner_id, created_at",
        ApiKeyId::new().uuid(),
        new.name,
        prefix,
        hash,
        &permissions,
        new.clusters.as_deref(),
        new.expires_at,
        ctx.actor.to_string(),
        owner.map(TypedId::uuid),
        ctx.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

pub(in crate::access) async fn get(
    conn: &mut PgConnection,
    id: ApiKeyId,
) -> sqlx::Result<Option<ApiKey>> {
    let row = sqlx::query_as!(
        Row,
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, owner_id, created_at
         from api_keys where id = $1 for update",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ApiKey::from))
}

/// Keys that reach no further than `reach`, the newest first, behind `before`.
pub(in crate::access) async fn page(
    conn: &mut PgConnection,
    reach: Option<&[String]>,
    before: Option<ApiKeyId>,
    limit: i64,
) -> sqlx::Result<Vec<ApiKey>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, owner_id, created_at
         from api_keys where ($1::text[] is null or clusters <@ $1) and ($2::uuid is null or id < $2)
         order by id desc limit $3",
        reach,
        before.map(TypedId::uuid),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub(in crate::access) async fn revoke(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ApiKeyId,
) -> sqlx::Result<bool> {
    let revoked = sqlx::query!(
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null",
        id.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(revoked.rows_affected() == 1)
}

/// What a key's owner may now, and how far they reach.
#[derive(Debug)]
pub(in crate::access) struct Owner {
    pub(in crate::access) roles: Vec<Role>,
    pub(in crate::access) clusters: Option<Vec<String>>,
}

/// The key with this fingerprint and its owner, if it can be used: not when its owner is disabled.
pub(in crate::access) async fn usable(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(ApiKey, Option<Owner>)>> {
    let row = sqlx::query_as!(
        Row,
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, owner_id, created_at
         from api_keys where hash = $1 and revoked_at is null and expires_at > $2",
        hash,
        now,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(key) = row.map(ApiKey::from) else {
        return Ok(None);
    };
    let Some(owner) = key.owner else {
        return Ok(Some((key, None)));
    };
    let owner = sqlx::query!(
        "select roles, clusters from users where id = $1 and disabled_at is null",
        owner.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    let Some(owner) = owner else {
        return Ok(None);
    };
    let owner = Owner {
        roles: roles(&owner.roles)?,
        clusters: owner.clusters,
    };
    Ok(Some((key, Some(owner))))
}

/// Notes the use of a key, unless one was noted within `every`.
pub(in crate::access) async fn touch(
    conn: &mut PgConnection,
    id: ApiKeyId,
    now: DateTime<Utc>,
    every: TimeDelta,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)",
        id.uuid(),
        now,
        now - every,
    )
    .execute(conn)
    .await
    .map(drop)
}
