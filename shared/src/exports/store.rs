//! The SQL of exports.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{Column, Export, ExportId, ExportState};
use crate::creators::{CreatorFilter, CreatorId};
use crate::files::FileId;
use crate::kernel::{Ctx, TypedId, stored};

/// An export that begins.
#[derive(Debug)]
pub(super) struct NewRow<'a> {
    pub(super) id: ExportId,
    pub(super) filter: &'a CreatorFilter,
    pub(super) by_email: bool,
    pub(super) columns: &'a [Column],
    pub(super) matched: i64,
    pub(super) file: FileId,
}

struct Row {
    id: Uuid,
    owner: String,
    filter: Json<CreatorFilter>,
    by_email: bool,
    columns: Vec<String>,
    state: String,
    matched: i64,
    rows: i64,
    last_id: Option<Uuid>,
    file_id: Option<Uuid>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    fn export(self) -> sqlx::Result<Export> {
        let columns = self.columns.iter().map(|name| stored("columns", name));
        Ok(Export {
            id: self.id.into(),
            owner: self.owner,
            filter: self.filter.0,
            by_email: self.by_email,
            columns: columns.collect::<sqlx::Result<_>>()?,
            state: stored("state", &self.state)?,
            matched: self.matched,
            rows: self.rows,
            last: self.last_id.map(CreatorId::from),
            file: self.file_id.map(FileId::from),
            error: self.error,
            created_at: self.created_at,
            finished_at: self.finished_at,
        })
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewRow<'_>,
) -> sqlx::Result<()> {
    let columns: Vec<String> = new.columns.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into creator_exports (id, owner, filter, by_email, columns, matched, file_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        new.id.uuid(),
        ctx.actor.to_string(),
        Json(new.filter) as _,
        new.by_email,
        &columns,
        new.matched,
        new.file.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn find(
    conn: &mut PgConnection,
    id: ExportId,
    owner: &str,
) -> sqlx::Result<Option<Export>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, owner, filter as "filter: Json<CreatorFilter>", by_email, columns, state, matched, rows, last_id, file_id,
                  error, created_at, finished_at
           from creator_exports where id = $1 and owner = $2"#,
        id.uuid(),
        owner,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::export).transpose()
}

/// Whoever's it is, with the row locked until the transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: ExportId) -> sqlx::Result<Option<Export>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, owner, filter as "filter: Json<CreatorFilter>", by_email, columns, state, matched, rows, last_id, file_id,
                  error, created_at, finished_at
           from creator_exports where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::export).transpose()
}

/// Somebody's exports before `before`, the newest first.
pub(super) async fn list(
    conn: &mut PgConnection,
    owner: &str,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<Export>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, owner, filter as "filter: Json<CreatorFilter>", by_email, columns, state, matched, rows, last_id, file_id,
                  error, created_at, finished_at
           from creator_exports where owner = $1 and ($2::uuid is null or id < $2) order by id desc limit $3"#,
        owner,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::export).collect()
}

pub(super) async fn advance(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ExportId,
    last: CreatorId,
    rows: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_exports set last_id = $2, rows = rows + $3, updated_at = $4 where id = $1",
        id.uuid(),
        last.uuid(),
        rows,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends one that goes on.
pub(super) async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ExportId,
    state: ExportState,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_exports set state = $2, error = $3, finished_at = $4, updated_at = $4
         where id = $1 and state = 'running'",
        id.uuid(),
        state.as_str(),
        error,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn purge(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from creator_exports where id in
            (select id from creator_exports where updated_at < $1 order by updated_at limit $2 for update skip locked)",
        before,
        most,
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
