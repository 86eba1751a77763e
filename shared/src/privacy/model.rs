//! Requests about a person's data.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::creators::PersonId;
use crate::files::FileId;
use crate::kernel::{typed_id, words};

typed_id!(
    /// Names one request about a person's data.
    RequestId,
    "privacy"
);

typed_id!(
    /// Names one measure about a person's data.
    MeasureId,
    "measure"
);

typed_id!(
    /// Names one removal of what was retained.
    RetentionRunId,
    "retentionrun"
);

words!(
    /// What a measure does.
    MeasureKind {
        /// The data is kept and not used: no campaign writes to the person (GDPR Art. 18).
        Restriction => "restriction",
        /// The data is evidence: it is neither erased nor removed while the hold stands (GDPR Art. 17(3)(e)).
        LegalHold => "legal_hold",
    }
);

words!(
    /// What is asked for.
    RequestKind {
        /// Everything that is held about them, as a document (GDPR Art. 15 and 20).
        Export => "export",
        /// That it goes (GDPR Art. 17).
        Erasure => "erasure",
    }
);

words!(
    /// Where a request stands.
    RequestState {
        /// An erasure that nobody has confirmed yet; its outcome is what would become of the data.
        Planned => "planned",
        /// A job is at it.
        Running => "running",
        /// Done.
        Completed => "completed",
        /// It could not be done; nothing was changed.
        Failed => "failed",
    }
);

words!(
    /// What becomes of a class of data.
    Fate {
        /// It goes.
        Erased => "erased",
        /// What tells who it was goes.
        Pseudonymised => "pseudonymised",
        /// It stays as it is.
        Retained => "retained",
    }
);

/// What becomes of the rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The table.
    pub table: String,
    /// What its rows are.
    pub about: String,
    /// How many there are.
    pub rows: u64,
    /// What becomes of them.
    pub fate: Fate,
    /// Why something of them is kept; none if nothing is.
    pub basis: Option<String>,
    /// Until when.
    pub until: Option<NaiveDate>,
}

/// A measure about a person, standing or lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// Which.
    pub id: MeasureId,
    /// Whose data.
    pub person: PersonId,
    /// What it does.
    pub kind: MeasureKind,
    /// Why it was taken.
    pub reason: String,
    /// By whom.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Who lifted it; none while it stands.
    pub lifted_by: Option<String>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
    /// Why.
    pub lift_reason: Option<String>,
}

/// A request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which.
    pub id: RequestId,
    /// Whose data.
    pub person: PersonId,
    /// What is asked for.
    pub kind: RequestKind,
    /// Where it stands.
    pub state: RequestState,
    /// Why it is asked for.
    pub reason: String,
    /// By whom.
    pub asked_by: String,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// Who confirmed an erasure.
    pub confirmed_by: Option<String>,
    /// When it was completed, or failed.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it could not be done.
    pub error: Option<String>,
    /// Of an erasure: class by class.
    pub outcome: Vec<Outcome>,
    /// Of a completed export: the document; none once it has expired.
    pub file: Option<FileId>,
}
