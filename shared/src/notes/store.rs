//! The SQL of notes.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{NewNote, Note, NoteError, NoteFilter, NoteId, Reader, Revision};
use crate::creators::CreatorId;
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId, stored};

struct Row {
    id: Uuid,
    creator_id: Uuid,
    r#type: String,
    priority: String,
    text: String,
    visibility: String,
    pinned: bool,
    follow_up_on: Option<NaiveDate>,
    author: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl Row {
    fn note(self) -> sqlx::Result<Note> {
        Ok(Note {
            id: self.id.into(),
            creator: self.creator_id.into(),
            note: NewNote {
                note_type: stored("type", &self.r#type)?,
                priority: stored("priority", &self.priority)?,
                text: self.text,
                visibility: stored("visibility", &self.visibility)?,
                pinned: self.pinned,
                follow_up_on: self.follow_up_on,
            },
            author: self.author,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

fn notes(rows: Vec<Row>) -> sqlx::Result<Vec<Note>> {
    rows.into_iter().map(Row::note).collect()
}

pub(super) async fn insert(conn: &mut PgConnection, note: &Note) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into notes (id, creator_id, type, priority, text, visibility, pinned, follow_up_on, author, created_at,
                            updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        note.id.uuid(),
        note.creator.uuid(),
        note.note.note_type.as_str(),
        note.note.priority.as_str(),
        note.note.text,
        note.note.visibility.as_str(),
        note.note.pinned,
        note.note.follow_up_on,
        note.author,
        note.created_at,
        note.updated_at,
        note.version,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// One note that is not deleted; `lock` keeps others from changing it until the transaction ends.
pub(super) async fn get(
    conn: &mut PgConnection,
    id: NoteId,
    lock: bool,
) -> sqlx::Result<Option<Note>> {
    if lock {
        sqlx::query_scalar!("select id from notes where id = $1 for update", id.uuid())
            .fetch_optional(&mut *conn)
            .await?;
    }
    let row = sqlx::query_as!(
        Row,
        "select id, creator_id, type, priority, text, visibility, pinned, follow_up_on, author, created_at, updated_at, version
         from notes where id = $1 and deleted_at is null",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::note).transpose()
}

pub(super) async fn list(
    conn: &mut PgConnection,
    reader: &Reader,
    creator: CreatorId,
    filter: &NoteFilter,
    page: &PageRequest,
) -> Result<Page<Note>, NoteError> {
    let after: Option<(DateTime<Utc>, Uuid)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (at, id) = after.unzip();
    let limit = page.limit();
    let rows = sqlx::query_as!(
        Row,
        "select id, creator_id, type, priority, text, visibility, pinned, follow_up_on, author, created_at, updated_at, version
         from notes
         where creator_id = $1 and deleted_at is null
           and (visibility = 'team' or author = $2 or (visibility = 'compliance' and $3))
           and ($4::text is null or type = $4) and ($5::bool is null or pinned = $5)
           and ($6::timestamptz is null or (created_at, id) < ($6, $7::uuid))
         order by created_at desc, id desc limit $8",
        creator.uuid(),
        reader.name,
        reader.compliance,
        filter.note_type.map(|note_type| note_type.as_str()),
        filter.pinned,
        at,
        id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(notes(rows)?, limit, |note| {
        (note.created_at, note.id.uuid())
    }))
}

pub(super) async fn follow_ups(
    conn: &mut PgConnection,
    reader: &Reader,
    until: NaiveDate,
    page: &PageRequest,
) -> Result<Page<Note>, NoteError> {
    let after: Option<(NaiveDate, Uuid)> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (on, id) = after.unzip();
    let limit = page.limit();
    let rows = sqlx::query_as!(
        Row,
        "select id, creator_id, type, priority, text, visibility, pinned, follow_up_on, author, created_at, updated_at, version
         from notes
         where follow_up_on <= $1 and deleted_at is null
           and (visibility = 'team' or author = $2 or (visibility = 'compliance' and $3))
           and ($4::date is null or (follow_up_on, id) > ($4, $5::uuid))
           and ($6::text[] is null
                or exists (select 1 from creators c where c.id = creator_id and c.cluster_id = any($6)))
         order by follow_up_on, id limit $7",
        until,
        reader.name,
        reader.compliance,
        on,
        id,
        reader.clusters.as_deref(),
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    Ok(Page::of(notes(rows)?, limit, |note| {
        (note.note.follow_up_on, note.id.uuid())
    }))
}

pub(super) async fn keep_revision(
    conn: &mut PgConnection,
    ctx: &Ctx,
    before: &Note,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into note_revisions (note_id, version, type, priority, text, visibility, follow_up_on, replaced_by, replaced_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        before.id.uuid(),
        before.version,
        before.note.note_type.as_str(),
        before.note.priority.as_str(),
        before.note.text,
        before.note.visibility.as_str(),
        before.note.follow_up_on,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn update(conn: &mut PgConnection, note: &Note) -> sqlx::Result<()> {
    sqlx::query!(
        "update notes set type = $2, priority = $3, text = $4, visibility = $5, pinned = $6, follow_up_on = $7,
                          updated_at = $8, version = $9
         where id = $1",
        note.id.uuid(),
        note.note.note_type.as_str(),
        note.note.priority.as_str(),
        note.note.text,
        note.note.visibility.as_str(),
        note.note.pinned,
        note.note.follow_up_on,
        note.updated_at,
        note.version,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn delete(conn: &mut PgConnection, ctx: &Ctx, id: NoteId) -> sqlx::Result<()> {
    sqlx::query!(
        "update notes set deleted_at = $2, deleted_by = $3, version = version + 1 where id = $1",
        id.uuid(),
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Earlier wordings that are shown at the most, the latest.
const REVISIONS_SHOWN_MAX: i64 = 200;

pub(super) async fn revisions(conn: &mut PgConnection, id: NoteId) -> sqlx::Result<Vec<Revision>> {
    let rows = sqlx::query!(
        "select version, type, priority, text, visibility, follow_up_on, replaced_by, replaced_at
         from note_revisions where note_id = $1 order by version desc limit $2",
        id.uuid(),
        REVISIONS_SHOWN_MAX,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Revision {
                version: row.version,
                note_type: stored("type", &row.r#type)?,
                priority: stored("priority", &row.priority)?,
                text: row.text,
                visibility: stored("visibility", &row.visibility)?,
                follow_up_on: row.follow_up_on,
                replaced_by: row.replaced_by,
                replaced_at: row.replaced_at,
            })
        })
        .collect()
}

/// The notes about `gone` are about `kept` from now on.
pub(super) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notes set creator_id = $2 where creator_id = $1",
        gone.uuid(),
        kept.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}
