//! How notes are shown.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared::creators::CreatorId;
use shared::kernel::Page;
use shared::notes::{Note, NoteId, Revision};
use utoipa::ToSchema;

/// A note.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Note)]
pub(super) struct NoteView {
    #[schema(value_type = String, example = "note_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: NoteId,
    #[schema(value_type = String, example = "creator_0192f0c1a2b37c4d8e5f60718293a4b5")]
    creator_id: CreatorId,
    #[schema(example = "support")]
    r#type: &'static str,
    #[schema(example = "medium")]
    priority: &'static str,
    /// Markdown as it was written; whoever shows it must not let it run scripts.
    text: String,
    /// `private`, `team` or `compliance`.
    #[schema(example = "team")]
    visibility: &'static str,
    pinned: bool,
    follow_up_on: Option<NaiveDate>,
    #[schema(example = "user:ada")]
    author: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl From<Note> for NoteView {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            creator_id: note.creator,
            r#type: note.note.note_type.as_str(),
            priority: note.note.priority.as_str(),
            text: note.note.text,
            visibility: note.note.visibility.as_str(),
            pinned: note.note.pinned,
            follow_up_on: note.note.follow_up_on,
            author: note.author,
            created_at: note.created_at,
            updated_at: note.updated_at,
            version: note.version,
        }
    }
}

/// Notes, a page at a time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NotePage {
    items: Vec<NoteView>,
    next_cursor: Option<String>,
}

impl NotePage {
    pub(super) fn of(page: Page<Note>) -> Self {
        Self {
            items: page.items.into_iter().map(NoteView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// Earlier wordings of a note.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NoteRevisions)]
pub(super) struct RevisionsView {
    /// The latest first.
    items: Vec<RevisionView>,
}

/// One earlier wording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NoteRevision)]
struct RevisionView {
    version: i64,
    r#type: &'static str,
    priority: &'static str,
    text: String,
    visibility: &'static str,
    follow_up_on: Option<NaiveDate>,
    replaced_by: String,
    replaced_at: DateTime<Utc>,
}

impl RevisionsView {
    pub(super) fn of(revisions: Vec<Revision>) -> Self {
        let items = revisions.into_iter().map(|revision| RevisionView {
            version: revision.version,
            r#type: revision.note_type.as_str(),
            priority: revision.priority.as_str(),
            text: revision.text,
            visibility: revision.visibility.as_str(),
            follow_up_on: revision.follow_up_on,
            replaced_by: revision.replaced_by,
            replaced_at: revision.replaced_at,
        });
        Self {
            items: items.collect(),
        }
    }
}
