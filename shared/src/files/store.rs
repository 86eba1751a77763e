//! Rows of `files` and `file_parts`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{File, FileId, NewFile, Part};
use crate::kernel::{Ctx, TypedId};

pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewFile,
) -> sqlx::Result<FileId> {
    let id = FileId::new();
    sqlx::query!(
        "insert into files (id, name, media_type, owner, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        new.name,
        new.media_type,
        new.owner,
        ctx.now(),
        new.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(id)
}

/// The file's size; nobody else writes to it until the transaction ends.
pub(super) async fn lock_size(conn: &mut PgConnection, id: FileId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "select bytes from files where id = $1 for update",
        id.uuid()
    )
    .fetch_one(conn)
    .await
}

/// Adds a part behind a locked file's present end; answers its new size.
pub(super) async fn append(
    conn: &mut PgConnection,
    id: FileId,
    size: i64,
    content: &[u8],
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "with part as (insert into file_parts (file_id, starts_at, content) values ($1, $2, $3) returning content)
         update files set bytes = bytes + (select octet_length(content) from part) where id = $1 returning bytes",
        id.uuid(),
        size,
        content,
    )
    .fetch_one(conn)
    .await
}

pub(super) async fn find(
    conn: &mut PgConnection,
    id: FileId,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<File>> {
    let row = sqlx::query!(
        "select id, name, media_type, owner, bytes, expires_at from files where id = $1 and expires_at > $2",
        id.uuid(),
        now,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| File {
        id: row.id.into(),
        name: row.name,
        media_type: row.media_type,
        owner: row.owner,
        bytes: row.bytes,
        expires_at: row.expires_at,
    }))
}

pub(super) async fn read(
    conn: &mut PgConnection,
    id: FileId,
    from: i64,
) -> sqlx::Result<Option<Part>> {
    // substring counts from 1; of a part that ends before `from` nothing is left
    let row = sqlx::query!(
        r#"select substring(content from ($2 - starts_at + 1)::int4) as "content!" from file_parts
           where file_id = $1 and starts_at <= $2 order by starts_at desc limit 1"#,
        id.uuid(),
        from,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.filter(|row| !row.content.is_empty()).map(|row| Part {
        starts_at: from,
        content: row.content,
    }))
}

pub(super) async fn keep_until(
    conn: &mut PgConnection,
    id: FileId,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update files set expires_at = $2 where id = $1",
        id.uuid(),
        expires_at
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn purge(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from files where id in
            (select id from files where expires_at <= $1 order by expires_at, id limit $2 for update skip locked)",
        now,
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
