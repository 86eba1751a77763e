//! An import, and how it is to be done.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Target;
use crate::files::FileId;
use crate::kernel::{FieldError, typed_id, words};

/// Days for which an import can be undone.
pub const UNDO_DAYS: i64 = 30;

typed_id!(
    /// Names one import.
    ImportId,
    "import"
);

words!(
    /// Where an import stands.
    ImportState {
        /// Its file is there.
        Uploaded => "uploaded",
        /// Every row is looked at and nothing is written.
        Checking => "checking",
        /// Every row was looked at.
        Checked => "checked",
        /// Rows are written.
        Running => "running",
        /// Every row was written or refused.
        Completed => "completed",
        /// It was ended before; what was written stays.
        Cancelled => "cancelled",
        /// It could not go on; what was written stays.
        Failed => "failed",
        /// What was written is taken back.
        Undoing => "undoing",
        /// What was written is taken back, except what somebody changed since.
        Undone => "undone",
    }
);

impl ImportState {
    /// Whether a job works on it.
    pub const fn goes_on(self) -> bool {
        match self {
            Self::Checking | Self::Running | Self::Undoing => true,
            Self::Uploaded
            | Self::Checked
            | Self::Completed
            | Self::Cancelled
            | Self::Failed
            | Self::Undone => false,
        }
    }
}

words!(
    /// What tells which creator a row is about.
    MatchBy {
        /// The creator's id.
        Id => "id",
        /// The e-mail address within the cluster.
        Email => "email",
        /// The username within the cluster.
        Username => "username",
    }
);

words!(
    /// What is done with a row whose creator is there already.
    Existing {
        /// The creator is changed.
        Update => "update",
        /// The creator stays as it is.
        Skip => "skip",
    }
);

/// How an import is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStart {
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// What each header of the file is; none takes headers for what they are called. Those left out are not read.
    pub mapping: Option<BTreeMap<String, Option<Target>>>,
    /// The cluster of rows that name none.
    pub cluster: Option<String>,
    /// What tells which creator a row is about; none takes the first that is mapped.
    pub match_by: Option<MatchBy>,
    /// What is done with a row whose creator is there already.
    pub existing: Existing,
    /// Whether an empty cell forgets what is there; else it says nothing.
    pub clear_empty: bool,
}

/// How an import is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Of each column in their order, what it is; none is not read.
    pub columns: Vec<Option<Target>>,
    /// The cluster of rows that name none.
    pub cluster: Option<String>,
    /// What tells which creator a row is about.
    pub match_by: MatchBy,
    /// What is done with a row whose creator is there already.
    pub existing: Existing,
    /// Whether an empty cell forgets what is there.
    pub clear_empty: bool,
}

impl NewStart {
    /// The settings for a file with these headers.
    ///
    /// # Errors
    /// With each field that does not fit.
    pub(in crate::imports) fn settings(
        self,
        headers: &[String],
        fields: &BTreeSet<String>,
    ) -> Result<Settings, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let columns = match self.mapping {
            Some(mapping) => mapped(headers, &mapping, &mut wrong),
            None => super::suggested(headers),
        };
        let mut seen = BTreeSet::new();
        for target in columns.iter().flatten() {
            if !seen.insert(target) {
                let message = format!("two columns are `{target}`");
                wrong.push(FieldError::new("/mapping", message));
            }
            if let Target::Custom(key) = target
                && !fields.contains(key)
            {
                let message = format!("there is no custom field `{key}` that can be set");
                wrong.push(FieldError::new("/mapping", message));
            }
        }
        let is_mapped = |by: &MatchBy| seen.contains(&by.target());
        let match_by = match self.match_by {
            Some(by) if !is_mapped(&by) => {
                let message = "no column is mapped to it";
                wrong.push(FieldError::new("/matchBy", message));
                by
            }
            Some(by) => by,
            None => MatchBy::ALL.iter().copied().find(is_mapped).unwrap_or_else(|| {
                let message = "map a column to `email`, `username` or `id`: one has to tell whom a row is about";
                wrong.push(FieldError::new("/mapping", message));
                MatchBy::Email
            }),
        };
        if match_by != MatchBy::Id && self.cluster.is_none() && !seen.contains(&Target::ClusterId) {
            let message = "name the cluster of all rows, or map a column to `clusterId`";
            wrong.push(FieldError::new("/clusterId", message));
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Settings {
            columns,
            cluster: self.cluster,
            match_by,
            existing: self.existing,
            clear_empty: self.clear_empty,
        })
    }
}

impl MatchBy {
    fn target(self) -> Target {
        match self {
            Self::Id => Target::Id,
            Self::Email => Target::Email,
            Self::Username => Target::Username,
        }
    }
}

fn mapped(
    headers: &[String],
    mapping: &BTreeMap<String, Option<Target>>,
    wrong: &mut Vec<FieldError>,
) -> Vec<Option<Target>> {
    for header in mapping.keys().filter(|header| !headers.contains(header)) {
        let pointer = header.replace('~', "~0").replace('/', "~1");
        let message = "the file has no such header";
        wrong.push(FieldError::new(format!("/mapping/{pointer}"), message));
    }
    headers
        .iter()
        .map(|header| mapping.get(header).cloned().flatten())
        .collect()
}

/// What became of rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Creators that are new, or would be.
    pub created: i64,
    /// Creators that are changed, or would be.
    pub updated: i64,
    /// Rows that say what is there already.
    pub unchanged: i64,
    /// Rows about creators who were to be left alone.
    pub skipped: i64,
    /// Rows that were refused; the report says why.
    pub failed: i64,
    /// Rows that were taken back.
    pub undone: i64,
    /// Rows that were not, because somebody changed the creator since; the report says which.
    pub refused: i64,
}

/// An import and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Which.
    pub id: ImportId,
    /// Whose, as the audit names them.
    pub owner: String,
    /// What the file is called.
    pub file_name: String,
    /// The file; none once it has expired.
    pub file: Option<FileId>,
    /// Its size.
    pub file_bytes: i64,
    /// What its columns are called.
    pub headers: Vec<String>,
    /// What stands between its cells.
    pub delimiter: u8,
    /// Where the rows begin, in bytes.
    pub data_at: i64,
    /// Where it stands.
    pub state: ImportState,
    /// Grows each time it is checked, run or undone.
    pub pass: i32,
    /// How it is done; none until it is started.
    pub settings: Option<Settings>,
    /// The only clusters that its owner reached; none for all.
    pub clusters: Option<Vec<String>>,
    /// Bytes that were read.
    pub read_bytes: i64,
    /// Rows that were read; the header is the first.
    pub read_rows: i64,
    /// What became of them.
    pub counts: Counts,
    /// The row up to which it is undone.
    pub undone_row: i64,
    /// The refused rows, each with why.
    pub report: Option<FileId>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Import {
    /// How much of the present pass is done, from 0 to 1; none when nothing goes on.
    pub fn progress(&self) -> Option<f64> {
        let counts = &self.counts;
        let (done, all) = match self.state {
            ImportState::Checking | ImportState::Running => (self.read_bytes, self.file_bytes),
            ImportState::Undoing => (
                counts.undone + counts.refused,
                counts.created + counts.updated,
            ),
            ImportState::Completed | ImportState::Checked | ImportState::Undone => (1, 1),
            ImportState::Uploaded | ImportState::Cancelled | ImportState::Failed => return None,
        };
        (all > 0).then(|| (done as f64 / all as f64).min(1.0))
    }
}
