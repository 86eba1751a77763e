//! Files: what people upload for jobs to read, and what jobs write for people to fetch.
//!
//! Promises: a file is read and written part by part, so that no process holds more than [`PART_MAX_BYTES`] of it; nobody
//! is given a file that has expired, and a job removes it. Owns: `files`, `file_parts`. Emits: `files.purge` by schedule.
//! Calls: nothing. Who may read a file is for the slice to say that the file belongs to.

mod jobs;
mod store;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures_util::Stream;
use futures_util::stream::try_unfold;
use sqlx::PgConnection;

pub use jobs::PurgeFiles;

use crate::kernel::{Ctx, Db, typed_id};

/// Bytes of one part at the most.
pub const PART_MAX_BYTES: usize = 256 * 1024;
/// Characters of a file's name at the most.
pub const NAME_MAX_CHARS: usize = 200;
/// Files that one transaction removes at the most.
pub const PURGE_BATCH: i64 = 10;

typed_id!(
    /// Names one file.
    FileId,
    "file"
);

/// A file that is begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// What it is called when it is fetched.
    pub name: String,
    /// What is in it.
    pub media_type: &'static str,
    /// Whose it is, as the audit names them.
    pub owner: String,
    /// When it goes.
    pub expires_at: DateTime<Utc>,
}

/// A file as stored, without what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Which.
    pub id: FileId,
    /// What it is called when it is fetched.
    pub name: String,
    /// What is in it.
    pub media_type: String,
    /// Whose it is, as the audit names them.
    pub owner: String,
    /// Its size so far.
    pub bytes: i64,
    /// When it goes.
    pub expires_at: DateTime<Utc>,
}

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where in the file it begins, in bytes.
    pub starts_at: i64,
    /// What is in it; never empty.
    pub content: Vec<u8>,
}

/// Begins an empty file.
///
/// # Errors
/// If the database refuses.
pub async fn create(conn: &mut PgConnection, ctx: &Ctx, new: &NewFile) -> sqlx::Result<FileId> {
    store::insert(conn, ctx, new).await
}

/// Writes to the end of a file; answers its size then.
///
/// # Errors
/// If there is no such file, or the database refuses.
pub async fn append(conn: &mut PgConnection, id: FileId, bytes: &[u8]) -> sqlx::Result<i64> {
    let mut size = store::lock_size(conn, id).await?;
    for content in bytes.chunks(PART_MAX_BYTES) {
        size = store::append(conn, id, size, content).await?;
    }
    Ok(size)
}

/// A file that has not expired; none if there is no such.
///
/// # Errors
/// If the database cannot be read.
pub async fn find(conn: &mut PgConnection, ctx: &Ctx, id: FileId) -> sqlx::Result<Option<File>> {
    store::find(conn, id, ctx.now()).await
}

/// What stands at a byte of a file and behind it, up to the end of its part; none behind the end.
///
/// # Errors
/// If the database cannot be read.
pub async fn read(conn: &mut PgConnection, id: FileId, from: i64) -> sqlx::Result<Option<Part>> {
    store::read(conn, id, from).await
}

/// A whole file, part by part; each is read when the one before is taken.
pub fn contents(db: Db, id: FileId) -> impl Stream<Item = sqlx::Result<Vec<u8>>> + Send {
    try_unfold((db, 0), move |(db, from): (Db, i64)| async move {
        let mut conn = db.pool().acquire().await?;
        let part = read(&mut conn, id, from).await?;
        Ok(part.map(|part| {
            let behind = from + i64::try_from(part.content.len()).unwrap_or(0);
            (part.content, (db.clone(), behind))
        }))
    })
}

/// Keeps a file until then.
///
/// # Errors
/// If the database refuses.
pub async fn keep_until(
    conn: &mut PgConnection,
    id: FileId,
    expires_at: DateTime<Utc>,
) -> sqlx::Result<()> {
    store::keep_until(conn, id, expires_at).await
}

/// Removes files that have expired, at most [`PURGE_BATCH`]; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn purge(conn: &mut PgConnection, ctx: &Ctx) -> sqlx::Result<u64> {
    store::purge(conn, ctx.now(), PURGE_BATCH).await
}
