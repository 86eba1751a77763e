//! Rows of `password_tokens`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::access::UserId;
use crate::kernel::{Ctx, TypedId};

pub(in crate::access) async fn insert(
    conn: &mut PgConnection,
    user: UserId,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into password_tokens (hash, user_id, expires_at) values ($1, $2, $3)",
        hash,
        user.uuid(),
        expires_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whose token this is, if it can still be used.
pub(in crate::access) async fn owner(
    conn: &mut PgConnection,
    ctx: &Ctx,
    hash: &[u8],
) -> sqlx::Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "select t.user_id from password_tokens t join users u on u.id = t.user_id
         where t.hash = $1 and t.used_at is null and t.expires_at > $2 and u.disabled_at is null",
        hash,
        ctx.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(UserId::from))
}

/// Uses a token up, and with it all others of its user; false if it was used meanwhile.
pub(in crate::access) async fn use_up(
    conn: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
    hash: &[u8],
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update password_tokens set used_at = $2 where hash = $1 and used_at is null and expires_at > $2",
        hash,
        ctx.now(),
    )
    .execute(&mut *conn)
    .await?;
    forget(conn, ctx, user).await?;
    Ok(used.rows_affected() == 1)
}

/// Makes all tokens of a user useless.
pub(in crate::access) async fn forget(
    conn: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update password_tokens set used_at = $2 where user_id = $1 and used_at is null",
        user.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}
