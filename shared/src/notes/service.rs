//! What can be done with notes.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

use super::{NewNote, Note, NoteChanges, NoteError, NoteFilter, NoteId, Reader, Revision, store};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorError, CreatorId};
use crate::kernel::{Ctx, Page, PageRequest};

/// Writes a note about a creator.
///
/// # Errors
/// If a field breaks a rule or there is no such creator.
pub async fn write(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    new: NewNote,
) -> Result<Note, NoteError> {
    new.check().map_err(NoteError::Invalid)?;
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    let note = Note {
        id: NoteId::new(),
        creator,
        note: new,
        author: ctx.actor.to_string(),
        created_at: ctx.now(),
        updated_at: ctx.now(),
        version: 1,
    };
    store::insert(conn, &note).await?;
    record(conn, ctx, "note.write", &note).await?;
    Ok(note)
}

/// One note, if the caller may read it.
///
/// # Errors
/// If there is none for this caller.
pub async fn get(conn: &mut PgConnection, ctx: &Ctx, id: NoteId) -> Result<Note, NoteError> {
    let note = store::get(conn, id, false).await?;
    readable(conn, ctx, id, note).await
}

/// The note, if there is one that the caller may read.
async fn readable(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: NoteId,
    note: Option<Note>,
) -> Result<Note, NoteError> {
    let reader = Reader::of(&ctx.actor);
    let note = note
        .filter(|note| reader.may_read(note.note.visibility, &note.author))
        .ok_or(NoteError::NotFound(id))?;
    match creators::within_reach(conn, ctx, note.creator).await {
        Ok(_) => Ok(note),
        Err(CreatorError::NotFound(_)) => Err(NoteError::NotFound(id)),
        Err(error) => Err(error.into()),
    }
}

/// The notes about a creator that the caller may read, the latest first.
///
/// # Errors
/// If there is no such creator or the cursor is not ours.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    filter: &NoteFilter,
    page: &PageRequest,
) -> Result<Page<Note>, NoteError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    store::list(conn, &Reader::of(&ctx.actor), creator, filter, page).await
}

/// The notes that somebody wanted to come back to by `until`, the most urgent first, as far as the caller may read them.
///
/// # Errors
/// If the cursor is not ours.
pub async fn follow_ups(
    conn: &mut PgConnection,
    ctx: &Ctx,
    until: NaiveDate,
    page: &PageRequest,
) -> Result<Page<Note>, NoteError> {
    store::follow_ups(conn, &Reader::of(&ctx.actor), until, page).await
}

/// Changes a note; its former wording is kept. With `expected`, only if it is still at that version.
///
/// # Errors
/// If there is none for this actor, somebody else wrote it, it is at another version, or a field breaks a rule.
pub async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: NoteId,
    changes: NoteChanges,
    expected: Option<i64>,
) -> Result<Note, NoteError> {
    let before = lock(conn, ctx, id, expected).await?;
    let changed = before.note.clone().with(changes);
    changed.check().map_err(NoteError::Invalid)?;
    if changed == before.note {
        return Ok(before);
    }
    let rewritten = before.note.says_otherwise(&changed);
    if rewritten && before.author != ctx.actor.to_string() {
        return Err(NoteError::NotAuthor);
    }
    if rewritten {
        store::keep_revision(conn, ctx, &before).await?;
    }
    let note = Note {
        note: changed,
        updated_at: ctx.now(),
        version: before.version + 1,
        ..before
    };
    store::update(conn, &note).await?;
    record(conn, ctx, "note.change", &note).await?;
    Ok(note)
}

/// Deletes a note: nobody is shown it any more. With `expected`, only if it is still at that version.
///
/// # Errors
/// If there is none for this actor, somebody else wrote it, or it is at another version.
pub async fn delete(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: NoteId,
    expected: Option<i64>,
) -> Result<(), NoteError> {
    let note = lock(conn, ctx, id, expected).await?;
    if note.author != ctx.actor.to_string() {
        return Err(NoteError::NotAuthor);
    }
    store::delete(conn, ctx, id).await?;
    Ok(record(conn, ctx, "note.delete", &note).await?)
}

/// The earlier wordings of a note, the latest first.
///
/// # Errors
/// If there is no such note for this caller.
pub async fn revisions(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: NoteId,
) -> Result<Vec<Revision>, NoteError> {
    let author = get(conn, ctx, id).await?.author;
    let reader = Reader::of(&ctx.actor);
    let all = store::revisions(conn, id).await?;
    // what was private once is not shown because the note was opened later
    Ok(all
        .into_iter()
        .filter(|revision| reader.may_read(revision.visibility, &author))
        .collect())
}

async fn lock(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: NoteId,
    expected: Option<i64>,
) -> Result<Note, NoteError> {
    let note = store::get(conn, id, true).await?;
    let note = readable(conn, ctx, id, note).await?;
    match expected {
        Some(version) if version != note.version => Err(NoteError::Stale(note.version)),
        Some(_) | None => Ok(note),
    }
}

/// Leaves a trail, without the text: it is about people, and stands in the note and its revisions.
async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    note: &Note,
) -> sqlx::Result<()> {
    let after = json!({
        "creator": note.creator, "type": note.note.note_type, "priority": note.note.priority,
        "visibility": note.note.visibility, "pinned": note.note.pinned, "followUpOn": note.note.follow_up_on,
        "version": note.version,
    });
    audit::record(conn, ctx, Entry::new(action, note.id).after(after)).await
}

/// A creator turned out to be another one: the notes about the one are about the other from now on.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::follow_merge(conn, gone, kept).await
}
