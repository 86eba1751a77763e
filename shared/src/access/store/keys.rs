//! Rows of `api_keys`.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::{ApiKey, ApiKeyId, NewApiKey};
use crate::kernel::{Ctx, TypedId};

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
            created_at: row.created_at,
        }
    }
}

pub(in crate::access) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewApiKey,
    prefix: &str,
    hash: &[u8],
) -> sqlx::Result<ApiKey> {
    let permissions: Vec<String> = new.permissions.iter().map(ToString::to_string).collect();
    let row = sqlx::query_as!(
        Row,
        "insert into api_keys (id, name, prefix, hash, permissions, clusters, expires_at, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         returning id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, created_at",
        ApiKeyId::new().uuid(),
        new.name,
        prefix,
        hash,
        &permissions,
        new.clusters.as_deref(),
        new.expires_at,
        ctx.actor.to_string(),
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
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, created_at
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
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, created_at
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

/// The key with this fingerprint, if it can be used.
pub(in crate::access) async fn usable(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> sqlx::Result<Option<ApiKey>> {
    let row = sqlx::query_as!(
        Row,
        "select id, name, prefix, permissions, clusters, expires_at, last_used_at, revoked_at, created_by, created_at
         from api_keys where hash = $1 and revoked_at is null and expires_at > $2",
        hash,
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(ApiKey::from))
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
