//! Notes and who may read them; pure.

use chrono::{DateTime, NaiveDate, Utc};

use crate::access::Permission;
use crate::creators::CreatorId;
use crate::kernel::{Actor, FieldError, typed_id, words};

/// Characters of a note at the most.
pub const TEXT_MAX_CHARS: usize = 10_000;

typed_id!(
    /// Names one note.
    NoteId,
    "note"
);

words!(
    /// What a note is about.
    NoteType {
        /// Anything.
        General => "general",
        /// A request for help.
        Support => "support",
        /// Rules and their breaches.
        Compliance => "compliance",
        /// Campaigns and offers.
        Marketing => "marketing",
        /// Money.
        Financial => "financial",
        /// How a creator does.
        Performance => "performance",
    }
);

words!(
    /// How much a note matters.
    NotePriority {
        /// Good to know.
        Low => "low",
        /// The usual.
        Medium => "medium",
        /// Read it first.
        High => "high",
    }
);

words!(
    /// Who may read a note.
    Visibility {
        /// Its author only.
        Private => "private",
        /// Everybody who may read notes.
        Team => "team",
        /// Those who may read the notes of compliance.
        Compliance => "compliance",
    }
);

/// Who reads: what decides which notes there are for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Who, as notes name their author.
    pub name: String,
    /// Whether they may read the notes of compliance.
    pub compliance: bool,
    /// The only clusters whose creators they may know of; none for all.
    pub clusters: Option<Vec<String>>,
}

impl Reader {
    /// What `actor` may read.
    pub fn of(actor: &Actor) -> Self {
        Self {
            name: actor.to_string(),
            compliance: Permission::ReadComplianceNotes.granted_to(actor),
            clusters: actor.reach().clusters.map(<[String]>::to_vec),
        }
    }

    /// Whether a note of `visibility` by `author` is there for this reader.
    pub fn may_read(&self, visibility: Visibility, author: &str) -> bool {
        match visibility {
            Visibility::Private => self.name == author,
            Visibility::Team => true,
            Visibility::Compliance => self.compliance || self.name == author,
        }
    }
}

/// A note about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNote {
    /// About what.
    pub note_type: NoteType,
    /// How much it matters.
    pub priority: NotePriority,
    /// Markdown, kept as written; whoever shows it must not let it run scripts.
    pub text: String,
    /// Who may read it.
    pub visibility: Visibility,
    /// Whether it stands above the others.
    pub pinned: bool,
    /// When to come back to it.
    pub follow_up_on: Option<NaiveDate>,
}

/// What is to be different; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteChanges {
    /// About something else.
    pub note_type: Option<NoteType>,
    /// Another priority.
    pub priority: Option<NotePriority>,
    /// Another text.
    pub text: Option<String>,
    /// Other readers.
    pub visibility: Option<Visibility>,
    /// Above the others, or not; everybody who reads the note may say.
    pub pinned: Option<bool>,
    /// Another date to come back to it, or none.
    pub follow_up_on: Option<Option<NaiveDate>>,
}

/// A note as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Which.
    pub id: NoteId,
    /// About whom.
    pub creator: CreatorId,
    /// What it says.
    pub note: NewNote,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// Grows with each change.
    pub version: i64,
}

/// An earlier wording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The version that said this.
    pub version: i64,
    /// About what.
    pub note_type: NoteType,
    /// How much it mattered.
    pub priority: NotePriority,
    /// What it said.
    pub text: String,
    /// Who could read it.
    pub visibility: Visibility,
    /// When to come back to it.
    pub follow_up_on: Option<NaiveDate>,
    /// Who replaced it.
    pub replaced_by: String,
    /// When.
    pub replaced_at: DateTime<Utc>,
}

/// Which notes are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteFilter {
    /// Only those about this.
    pub note_type: Option<NoteType>,
    /// Only those that are pinned, or are not.
    pub pinned: Option<bool>,
}

impl NewNote {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let fits = (1..=TEXT_MAX_CHARS).contains(&self.text.chars().count());
        if fits && !self.text.trim().is_empty() && !self.text.contains('\0') {
            return Ok(());
        }
        let remedy = format!("write 1 to {TEXT_MAX_CHARS} characters, without NUL");
        Err(vec![FieldError::new("/text", remedy)])
    }

    /// The same with the changes.
    pub fn with(mut self, changes: NoteChanges) -> Self {
        self.note_type = changes.note_type.unwrap_or(self.note_type);
        self.priority = changes.priority.unwrap_or(self.priority);
        self.text = changes.text.unwrap_or(self.text);
        self.visibility = changes.visibility.unwrap_or(self.visibility);
        self.pinned = changes.pinned.unwrap_or(self.pinned);
        self.follow_up_on = changes.follow_up_on.unwrap_or(self.follow_up_on);
        self
    }

    /// Whether only the author may make `other` of it: anything but the pin.
    pub fn says_otherwise(&self, other: &Self) -> bool {
        let same_pin = Self {
            pinned: self.pinned,
            ..other.clone()
        };
        *self != same_pin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_by_those_its_visibility_names() {
        let reader = |name: &str, compliance| Reader {
            name: name.into(),
            compliance,
            clusters: None,
        };
        let (ada, bea, cleo) = (
            reader("ada", false),
            reader("bea", false),
            reader("cleo", true),
        );
        for (visibility, readers) in [
            (Visibility::Private, [true, false, false]),
            (Visibility::Team, [true, true, true]),
            (Visibility::Compliance, [true, false, true]),
        ] {
            let may = [&ada, &bea, &cleo].map(|reader| reader.may_read(visibility, "ada"));
            assert_eq!(may, readers, "{visibility}");
        }
    }

    #[test]
    fn a_pin_is_not_a_change_of_what_is_said() {
        let note = NewNote {
            note_type: NoteType::General,
            priority: NotePriority::Low,
            text: "a".into(),
            visibility: Visibility::Team,
            pinned: false,
            follow_up_on: None,
        };
        let pinned = note.clone().with(NoteChanges {
            pinned: Some(true),
            ..NoteChanges::default()
        });
        assert!(!note.says_otherwise(&pinned));
        let other = note.clone().with(NoteChanges {
            text: Some("b".into()),
            ..NoteChanges::default()
        });
        assert!(note.says_otherwise(&other));
    }
}
