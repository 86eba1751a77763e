//! What stands in a timeline; pure.

use chrono::{DateTime, Utc};
use serde_json::Value;
use thiserror::Error;
use uuid::Uuid;

use crate::access::Permission;
use crate::creators::CreatorError;
use crate::kernel::{Actor, Classify, ErrorKind, FieldError, InvalidCursor, words};

words!(
    /// What an entry tells of.
    TimelineKind {
        /// A change of status.
        Status => "status",
        /// A change of tier.
        Tier => "tier",
        /// A note.
        Note => "note",
        /// A task that was added, done, reopened or reminded of.
        Task => "task",
        /// A message of a campaign.
        Message => "message",
        /// A consent or withdrawal.
        Consent => "consent",
        /// A step of the onboarding.
        Onboarding => "onboarding",
        /// A tag that came or went.
        Tag => "tag",
        /// An earning, or what was taken back of one.
        Earning => "earning",
        /// A change of what is verified, or a decision about the age.
        Verification => "verification",
        /// A step of a payout.
        Payout => "payout",
    }
);

impl TimelineKind {
    /// What somebody needs to see entries of this kind, beside seeing creators.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Status | Self::Tier | Self::Consent | Self::Tag => Permission::ReadCreators,
            Self::Note => Permission::ReadNotes,
            Self::Task => Permission::ReadTasks,
            Self::Message => Permission::ReadCampaigns,
            Self::Onboarding => Permission::ReadOnboarding,
            Self::Earning => Permission::ReadEarnings,
            Self::Verification => Permission::ReadVerifications,
            Self::Payout => Permission::ReadPayouts,
        }
    }

    /// Those of the kinds that `actor` may see; all of them if none is named.
    pub fn seen_by(actor: &Actor, wanted: &[Self]) -> Vec<Self> {
        let kinds = if wanted.is_empty() { Self::ALL } else { wanted };
        kinds
            .iter()
            .copied()
            .filter(|kind| kind.permission().granted_to(actor))
            .collect()
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which; of a note or message, its own id.
    pub id: Uuid,
    /// What it tells of.
    pub kind: TimelineKind,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who caused it.
    pub by: String,
    /// What happened, as an object of the kind's own shape.
    pub details: Value,
}

/// Why a timeline could not be read.
#[derive(Debug, Error)]
pub enum TimelineError {
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The database refused.
    #[error("the timeline could not be read")]
    Db(#[from] sqlx::Error),
}

impl Classify for TimelineError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Cursor(error) => error.kind(),
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor(error) => error.code(),
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Cursor(error) => error.fields(),
            Self::Creator(error) => error.fields(),
            Self::Db(_) => Vec::new(),
        }
    }
}
