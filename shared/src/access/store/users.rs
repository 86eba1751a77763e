//! Rows of `users`.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::access::{Grant, NewUser, User, UserFilter, UserId};
use crate::kernel::{Ctx, Role, TypedId, stored};

/// A user with what only logging in needs.
#[derive(Debug)]
pub(in crate::access) struct Credentials {
    pub(in crate::access) user: User,
    pub(in crate::access) password_hash: Option<String>,
    /// Of a confirmed second factor.
    pub(in crate::access) totp_secret: Option<Vec<u8>>,
    pub(in crate::access) totp_pending: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    email: String,
    name: String,
    roles: Vec<String>,
    clusters: Option<Vec<String>>,
    creator_id: Option<Uuid>,
    password_hash: Option<String>,
    totp_secret: Option<Vec<u8>>,
    totp_pending: Option<Vec<u8>>,
    totp_confirmed_at: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Credentials {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            user: User {
                id: row.id.into(),
                email: row.email,
                name: row.name,
                roles: roles(&row.roles)?,
                clusters: row.clusters,
                creator: row.creator_id,
                has_password: row.password_hash.is_some(),
                second_factor_since: row.totp_confirmed_at,
                disabled_at: row.disabled_at,
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
            password_hash: row.password_hash,
            totp_secret: row.totp_secret.filter(|_| row.totp_confirmed_at.is_some()),
            totp_pending: row.totp_pending,
        })
    }
}

/// Roles as they are stored.
pub(in crate::access) fn roles(words: &[String]) -> sqlx::Result<Vec<Role>> {
    words.iter().map(|word| stored("roles", word)).collect()
}

fn words(roles: &[Role]) -> Vec<String> {
    roles.iter().map(ToString::to_string).collect()
}

/// The user with this address.
pub(in crate::access) async fn by_email(
    conn: &mut PgConnection,
    email_key: &str,
) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query_as!(
        Row,
        "select id, email, name, roles, clusters, creator_id, password_hash, totp_secret, totp_pending, totp_confirmed_at,
                disabled_at, version, created_at, updated_at
         from users where email_key = $1",
        email_key,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Credentials::try_from).transpose()
}

pub(in crate::access) async fn get(
    conn: &mut PgConnection,
    id: UserId,
) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query_as!(
        Row,
        "select id, email, name, roles, clusters, creator_id, password_hash, totp_secret, totp_pending, totp_confirmed_at,
                disabled_at, version, created_at, updated_at
         from users where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Credentials::try_from).transpose()
}

/// The user, locked until the transaction ends.
pub(in crate::access) async fn lock(
    conn: &mut PgConnection,
    id: UserId,
) -> sqlx::Result<Option<Credentials>> {
    sqlx::query!(
        "select 1 as one from users where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    get(conn, id).await
}

/// Stores a user; none if the address is taken.
pub(in crate::access) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewUser,
    password_hash: Option<&str>,
) -> sqlx::Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "insert into users (id, email, email_key, name, roles, clusters, creator_id, password_hash, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         on conflict (email_key) do nothing returning id",
        UserId::new().uuid(),
        new.email.as_str(),
        new.email.normalised(),
        new.name,
        &words(&new.grant.roles),
        new.grant.clusters.as_deref(),
        new.grant.creator,
        password_hash,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(id.map(UserId::from))
}

pub(in crate::access) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    name: &str,
    grant: &Grant,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set name = $2, roles = $3, clusters = $4, creator_id = $5, version = version + 1, updated_at = $6 where id = $1",
        id.uuid(),
        name,
        &words(&grant.roles),
        grant.clusters.as_deref(),
        grant.creator,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::access) async fn set_disabled(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    disabled: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set disabled_at = case when $2 then $3::timestamptz end, version = version + 1, updated_at = $3 where id = $1",
        id.uuid(),
        disabled,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::access) async fn set_password(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    hash: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set password_hash = $2, version = version + 1, updated_at = $3 where id = $1",
        id.uuid(),
        hash,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Keeps a second factor that is not confirmed yet.
pub(in crate::access) async fn set_pending(
    conn: &mut PgConnection,
    id: UserId,
    sealed: &[u8],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set totp_pending = $2 where id = $1",
        id.uuid(),
        sealed
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The pending second factor holds from now on; the code of `step` is used up.
pub(in crate::access) async fn confirm_pending(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    step: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set totp_secret = totp_pending, totp_pending = null, totp_confirmed_at = $2, totp_last_step = $3,
                version = version + 1, updated_at = $2
         where id = $1",
        id.uuid(),
        ctx.now(),
        step,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::access) async fn remove_second_factor(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update users set totp_secret = null, totp_pending = null, totp_confirmed_at = null, totp_last_step = null,
                version = version + 1, updated_at = $2
         where id = $1",
        id.uuid(),
        ctx.now(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("delete from recovery_codes where user_id = $1", id.uuid())
        .execute(conn)
        .await
        .map(drop)
}

/// Uses up the codes of time steps up to this one; false if that was done before.
pub(in crate::access) async fn use_step(
    conn: &mut PgConnection,
    id: UserId,
    step: i64,
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update users set totp_last_step = $2 where id = $1 and (totp_last_step is null or totp_last_step < $2)",
        id.uuid(),
        step,
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Puts new recovery codes in the place of all former ones.
pub(in crate::access) async fn replace_recovery_codes(
    conn: &mut PgConnection,
    id: UserId,
    hashes: &[Vec<u8>],
) -> sqlx::Result<()> {
    sqlx::query!("delete from recovery_codes where user_id = $1", id.uuid())
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "insert into recovery_codes (user_id, hash) select $1, unnest($2::bytea[])",
        id.uuid(),
        hashes,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Uses a recovery code up; false if there is no such code or it was used.
pub(in crate::access) async fn use_recovery_code(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    hash: &[u8],
) -> sqlx::Result<bool> {
    let used = sqlx::query!(
        "update recovery_codes set used_at = $3 where user_id = $1 and hash = $2 and used_at is null",
        id.uuid(),
        hash,
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Held until the transaction ends by whoever may take an admin away, so that two who do so come one after the other.
pub(in crate::access) async fn lock_admins(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('access.admins'))")
        .execute(conn)
        .await
        .map(drop)
}

/// Whether beside `id` somebody may do everything everywhere; ask while [`lock_admins`] is held.
pub(in crate::access) async fn other_admin(
    conn: &mut PgConnection,
    id: UserId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from users where 'admin' = any(roles) and clusters is null and disabled_at is null
                          and id <> $1) as "other!""#,
        id.uuid(),
    )
    .fetch_one(conn)
    .await
}

/// Whether there is any user.
pub(in crate::access) async fn any(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select exists (select 1 from users) as "any!""#)
        .fetch_one(conn)
        .await
}

/// The first of these clusters that there is not.
pub(in crate::access) async fn unknown_cluster(
    conn: &mut PgConnection,
    clusters: &[String],
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select given.id as "id!" from unnest($1::text[]) with ordinality as given (id, at)
           where not exists (select 1 from clusters c where c.id = given.id) order by at limit 1"#,
        clusters,
    )
    .fetch_optional(conn)
    .await
}

/// Users by address, behind `after`.
pub(in crate::access) async fn page(
    conn: &mut PgConnection,
    filter: &UserFilter,
    reach: Option<&[String]>,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<(String, User)>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select id, email, name, roles, clusters, creator_id, password_hash, totp_secret, totp_pending, totp_confirmed_at,
                disabled_at, version, created_at, updated_at
         from users where true",
    );
    if let Some(role) = filter.role {
        query
            .push(" and ")
            .push_bind(role.as_str())
            .push(" = any(roles)");
    }
    if let Some(disabled) = filter.disabled {
        query
            .push(" and (disabled_at is not null) = ")
            .push_bind(disabled);
    }
    if let Some(clusters) = reach {
        query.push(" and clusters <@ ").push_bind(clusters.to_vec());
    }
    if let Some(after) = after {
        query.push(" and email_key > ").push_bind(after.to_owned());
    }
    query.push(" order by email_key limit ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| {
            let user = Credentials::try_from(row)?.user;
            Ok((user.email.to_lowercase(), user))
        })
        .collect()
}
