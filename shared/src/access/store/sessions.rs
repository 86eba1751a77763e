//! Rows of `sessions` and `refresh_tokens`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::users::roles;
use crate::access::session::EndReason;
use crate::access::{SessionId, UserId};
use crate::kernel::{Ctx, Role, TypedId};

/// Sessions that are long over and are removed with each new one.
const PURGE_CHUNK: i64 = 20;

/// Who holds an open session, and what they may do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::access) struct Holder {
    pub(in crate::access) user: UserId,
    pub(in crate::access) roles: Vec<Role>,
    pub(in crate::access) clusters: Option<Vec<String>>,
    pub(in crate::access) creator: Option<Uuid>,
    pub(in crate::access) mfa: bool,
}

pub(in crate::access) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
    mfa: bool,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<SessionId> {
    sqlx::query!(
        "delete from sessions where id in (
             select id from sessions where expires_at < $1::timestamptz - interval '30 days' order by expires_at limit $2
             for update skip locked)",
        ctx.now(),
        PURGE_CHUNK,
    )
    .execute(&mut *conn)
    .await?;
    let id = SessionId::new();
    sqlx::query!(
        "insert into sessions (id, user_id, mfa, created_at, expires_at) values ($1, $2, $3, $4, $5)",
        id.uuid(),
        user.uuid(),
        mfa,
        ctx.now(),
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// Who holds this session; none if it is over, or they may not log in any more. A creator who was merged into another one
/// is that one from then on.
pub(in crate::access) async fn holder(
    conn: &mut PgConnection,
    session: SessionId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Holder>> {
    let row = sqlx::query!(
        "select u.id, u.roles, u.clusters, coalesce(c.merged_into, u.creator_id) as creator_id, s.mfa
         from sessions s join users u on u.id = s.user_id left join creators c on c.id = u.creator_id
         where s.id = $1 and s.ended_at is null and s.expires_at > $2 and u.disabled_at is null",
        session.uuid(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(Holder {
            user: row.id.into(),
            roles: roles(&row.roles)?,
            clusters: row.clusters,
            creator: row.creator_id,
            mfa: row.mfa,
        })
    })
    .transpose()
}

/// Ends one session; false if it is over already.
pub(in crate::access) async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    session: SessionId,
    reason: EndReason,
) -> sqlx::Result<bool> {
    let ended = sqlx::query!(
        "update sessions set ended_at = $2, end_reason = $3 where id = $1 and ended_at is null",
        session.uuid(),
        ctx.now(),
        reason.as_str(),
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Ends all sessions of a user but one; answers how many.
pub(in crate::access) async fn end_all(
    conn: &mut PgConnection,
    ctx: &Ctx,
    user: UserId,
    but: Option<SessionId>,
    reason: EndReason,
) -> sqlx::Result<u64> {
    let ended = sqlx::query!(
        "update sessions set ended_at = $2, end_reason = $3
         where user_id = $1 and ended_at is null and ($4::uuid is null or id <> $4)",
        user.uuid(),
        ctx.now(),
        reason.as_str(),
        but.map(TypedId::uuid),
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// Notes that a second factor was shown.
pub(in crate::access) async fn set_mfa(
    conn: &mut PgConnection,
    session: SessionId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update sessions set mfa = true where id = $1",
        session.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::access) async fn insert_refresh(
    conn: &mut PgConnection,
    session: SessionId,
    hash: &[u8],
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into refresh_tokens (hash, session_id, expires_at) values ($1, $2, $3)",
        hash,
        session.uuid(),
        expires_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A refresh token and its session.
#[derive(Debug)]
pub(in crate::access) struct Refresh {
    pub(in crate::access) session: SessionId,
    pub(in crate::access) used: bool,
    pub(in crate::access) expires_at: DateTime<Utc>,
}

/// A refresh token, locked until the transaction ends.
pub(in crate::access) async fn lock_refresh(
    conn: &mut PgConnection,
    hash: &[u8],
) -> sqlx::Result<Option<Refresh>> {
    let row = sqlx::query!(
        r#"select session_id, used_at is not null as "used!", expires_at from refresh_tokens where hash = $1 for update"#,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Refresh {
        session: row.session_id.into(),
        used: row.used,
        expires_at: row.expires_at,
    }))
}

pub(in crate::access) async fn use_refresh(
    conn: &mut PgConnection,
    ctx: &Ctx,
    hash: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update refresh_tokens set used_at = $2 where hash = $1",
        hash,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}
