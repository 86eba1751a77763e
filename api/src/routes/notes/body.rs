//! What is said of notes.

use chrono::NaiveDate;
use serde::Deserialize;
use shared::notes::{NewNote, NoteChanges, NotePriority, NoteType, Visibility};
use utoipa::ToSchema;

use crate::error::Result;
use crate::extract::told;
use crate::fields::Fields;

/// A note to write.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewNote)]
pub(super) struct NoteBody {
    /// Markdown, 1 to 10,000 characters.
    text: String,
    /// `general` (if left out), `support`, `compliance`, `marketing`, `financial` or `performance`.
    #[schema(example = "support")]
    r#type: Option<String>,
    /// `low`, `medium` (if left out) or `high`.
    #[schema(example = "medium")]
    priority: Option<String>,
    /// Who may read it: `private` (its author), `team` (if left out) or `compliance`.
    #[schema(example = "team")]
    visibility: Option<String>,
    #[serde(default)]
    pinned: bool,
    /// When to come back to it.
    follow_up_on: Option<NaiveDate>,
}

impl NoteBody {
    pub(super) fn note(self) -> Result<NewNote> {
        let mut fields = Fields::default();
        let note = NewNote {
            note_type: fields
                .parsed_if("/type", self.r#type.as_deref())
                .unwrap_or(NoteType::General),
            priority: fields
                .parsed_if("/priority", self.priority.as_deref())
                .unwrap_or(NotePriority::Medium),
            text: self.text,
            visibility: fields
                .parsed_if("/visibility", self.visibility.as_deref())
                .unwrap_or(Visibility::Team),
            pinned: self.pinned,
            follow_up_on: self.follow_up_on,
        };
        fields.finish()?;
        Ok(note)
    }
}

/// What is to be different; fields that are left out stay.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = NoteChanges)]
pub(super) struct ChangesBody {
    text: Option<String>,
    r#type: Option<String>,
    priority: Option<String>,
    visibility: Option<String>,
    pinned: Option<bool>,
    /// `null` for none.
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<NaiveDate>)]
    follow_up_on: Option<Option<NaiveDate>>,
}

impl ChangesBody {
    pub(super) fn changes(self) -> Result<NoteChanges> {
        let mut fields = Fields::default();
        let changes = NoteChanges {
            note_type: fields.parsed_if("/type", self.r#type.as_deref()),
            priority: fields.parsed_if("/priority", self.priority.as_deref()),
            text: self.text,
            visibility: fields.parsed_if("/visibility", self.visibility.as_deref()),
            pinned: self.pinned,
            follow_up_on: self.follow_up_on,
        };
        fields.finish()?;
        Ok(changes)
    }
}
