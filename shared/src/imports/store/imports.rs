//! Rows of `creator_imports`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::files::FileId;
use crate::imports::model::{Counts, Import, ImportId, ImportState, Settings};
use crate::kernel::{Ctx, TypedId, stored};

/// A file that was received.
#[derive(Debug)]
pub(in crate::imports) struct NewImport<'a> {
    pub(in crate::imports) id: ImportId,
    pub(in crate::imports) file: FileId,
    pub(in crate::imports) file_name: &'a str,
    pub(in crate::imports) file_bytes: i64,
    pub(in crate::imports) headers: &'a [String],
    pub(in crate::imports) delimiter: u8,
    pub(in crate::imports) data_at: i64,
}

/// What a step read, and what became of it.
#[derive(Debug)]
pub(in crate::imports) struct Checkpoint {
    pub(in crate::imports) bytes: i64,
    pub(in crate::imports) rows: i64,
    pub(in crate::imports) counts: Counts,
}

struct Line {
    id: Uuid,
    owner: String,
    file_name: String,
    file_id: Option<Uuid>,
    file_bytes: i64,
    headers: Vec<String>,
    delimiter: String,
    data_at: i64,
    state: String,
    pass: i32,
    settings: Option<Json<Settings>>,
    clusters: Option<Vec<String>>,
    read_bytes: i64,
    read_rows: i64,
    created: i64,
    updated: i64,
    unchanged: i64,
    skipped: i64,
    failed: i64,
    undone: i64,
    refused: i64,
    undone_row: i64,
    report_id: Option<Uuid>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Line {
    fn import(self) -> sqlx::Result<Import> {
        Ok(Import {
            id: self.id.into(),
            owner: self.owner,
            file_name: self.file_name,
            file: self.file_id.map(FileId::from),
            file_bytes: self.file_bytes,
            headers: self.headers,
            delimiter: self.delimiter.bytes().next().unwrap_or(b','),
            data_at: self.data_at,
            state: stored("state", &self.state)?,
            pass: self.pass,
            settings: self.settings.map(|Json(settings)| settings),
            clusters: self.clusters,
            read_bytes: self.read_bytes,
            read_rows: self.read_rows,
            counts: Counts {
                created: self.created,
                updated: self.updated,
                unchanged: self.unchanged,
                skipped: self.skipped,
                failed: self.failed,
                undone: self.undone,
                refused: self.refused,
            },
            undone_row: self.undone_row,
            report: self.report_id.map(FileId::from),
            error: self.error,
            created_at: self.created_at,
            finished_at: self.finished_at,
        })
    }
}

pub(in crate::imports) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewImport<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into creator_imports (id, owner, file_name, file_id, file_bytes, headers, delimiter, data_at, read_bytes,
                                      created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $9)",
        new.id.uuid(),
        ctx.actor.to_string(),
        new.file_name,
        new.file.uuid(),
        new.file_bytes,
        new.headers,
        char::from(new.delimiter).to_string(),
        new.data_at,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::imports) async fn find(
    conn: &mut PgConnection,
    id: ImportId,
    owner: &str,
) -> sqlx::Result<Option<Import>> {
    let line = sqlx::query_as!(
        Line,
        r#"select id, owner, file_name, file_id, file_bytes, headers, delimiter, data_at, state, pass,
                  settings as "settings: Json<Settings>", clusters, read_bytes, read_rows, created, updated, unchanged, skipped,
                  failed, undone, refused, undone_row, report_id, error, created_at, finished_at
           from creator_imports where id = $1 and owner = $2"#,
        id.uuid(),
        owner,
    )
    .fetch_optional(conn)
    .await?;
    line.map(Line::import).transpose()
}

/// Whoever's it is, with the row locked until the transaction ends.
pub(in crate::imports) async fn lock(
    conn: &mut PgConnection,
    id: ImportId,
) -> sqlx::Result<Option<Import>> {
    let line = sqlx::query_as!(
        Line,
        r#"select id, owner, file_name, file_id, file_bytes, headers, delimiter, data_at, state, pass,
                  settings as "settings: Json<Settings>", clusters, read_bytes, read_rows, created, updated, unchanged, skipped,
                  failed, undone, refused, undone_row, report_id, error, created_at, finished_at
           from creator_imports where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    line.map(Line::import).transpose()
}

/// Somebody's imports before `before`, the newest first.
pub(in crate::imports) async fn list(
    conn: &mut PgConnection,
    owner: &str,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Import>> {
    let lines = sqlx::query_as!(
        Line,
        r#"select id, owner, file_name, file_id, file_bytes, headers, delimiter, data_at, state, pass,
                  settings as "settings: Json<Settings>", clusters, read_bytes, read_rows, created, updated, unchanged, skipped,
                  failed, undone, refused, undone_row, report_id, error, created_at, finished_at
           from creator_imports where owner = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"#,
        owner,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    lines.into_iter().map(Line::import).collect()
}

/// Begins a pass over the rows; what the last one counted and reported is forgotten.
pub(in crate::imports) async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    state: ImportState,
    settings: &Settings,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_imports
         set state = $2, pass = pass + 1, settings = $3, clusters = $4, read_bytes = data_at, read_rows = 1, created = 0,
             updated = 0, unchanged = 0, skipped = 0, failed = 0, report_id = null, error = null, finished_at = null,
             updated_at = $5
         where id = $1",
        import.id.uuid(),
        state.as_str(),
        Json(settings) as _,
        ctx.actor.reach().clusters,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::imports) async fn begin_undo(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_imports
         set state = 'undoing', pass = pass + 1, report_id = null, error = null, finished_at = null, updated_at = $2
         where id = $1",
        id.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::imports) async fn advance(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
    to: &Checkpoint,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_imports
         set read_bytes = read_bytes + $2, read_rows = read_rows + $3, created = created + $4, updated = updated + $5,
             unchanged = unchanged + $6, skipped = skipped + $7, failed = failed + $8, updated_at = $9
         where id = $1",
        id.uuid(),
        to.bytes,
        to.rows,
        to.counts.created,
        to.counts.updated,
        to.counts.unchanged,
        to.counts.skipped,
        to.counts.failed,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends what goes on, or what was never started.
pub(in crate::imports) async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
    state: ImportState,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_imports set state = $2, error = $3, finished_at = $4, updated_at = $4
         where id = $1 and state in ('uploaded', 'checking', 'checked', 'running', 'undoing')",
        id.uuid(),
        state.as_str(),
        error,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::imports) async fn set_report(
    conn: &mut PgConnection,
    id: ImportId,
    report: FileId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_imports set report_id = $2 where id = $1",
        id.uuid(),
        report.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Removes imports that nothing was done with since `before`.
pub(in crate::imports) async fn purge(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from creator_imports where id in
            (select id from creator_imports where updated_at < $1 order by updated_at limit $2 for update skip locked)",
        before,
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
