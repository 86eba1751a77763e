//! Why somebody may not be paid; pure.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;

use crate::creators::{AgeVerdict, CreatorStatus, Obstacle, age_obstacle};
use crate::verification::{Lapse, VerificationState};

/// Something that stands against paying somebody.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PayBlock {
    /// The slice that set it.
    pub source: String,
    /// Why.
    pub reason: String,
    /// Until when; none until somebody lifts it.
    pub until: Option<DateTime<Utc>>,
}

/// What paying somebody depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayFacts {
    /// Where the creator stands.
    pub status: CreatorStatus,
    /// What stands against paying them now.
    pub blocks: Vec<PayBlock>,
    /// When the person was born, as it is on file.
    pub birth_date: Option<NaiveDate>,
    /// What was decided last about their age, and about which birth date.
    pub age: Option<(AgeVerdict, NaiveDate)>,
    /// Where the verification of their identity stands today, and why, if it lapsed.
    pub identity: (VerificationState, Option<Lapse>),
    /// The last day of that verification.
    pub identity_until: Option<NaiveDate>,
}

/// One reason why somebody may not be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// Nobody knows of such a creator.
    CreatorUnknown,
    /// The creator is not active.
    CreatorNotActive(CreatorStatus),
    /// Something stands against paying them.
    Blocked(PayBlock),
    /// The age is not proven today.
    Age(Obstacle),
    /// The identity is not proven.
    IdentityNotVerified(VerificationState),
    /// The proof of the identity is over.
    IdentityExpired(Option<NaiveDate>),
    /// The legal name or the birth date is not what was proven.
    IdentityChanged,
}

impl Reason {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::CreatorUnknown => "creator_unknown",
            Self::CreatorNotActive(_) => "creator_not_active",
            Self::Blocked(_) => "blocked",
            Self::Age(obstacle) => obstacle.code(),
            Self::IdentityNotVerified(_) => "identity_not_verified",
            Self::IdentityExpired(_) => "identity_expired",
            Self::IdentityChanged => "identity_changed",
        }
    }

    /// The slice that set what stands against paying, of a block.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::Blocked(block) => Some(&block.source),
            Self::CreatorUnknown
            | Self::CreatorNotActive(_)
            | Self::Age(_)
            | Self::IdentityNotVerified(_)
            | Self::IdentityExpired(_)
            | Self::IdentityChanged => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreatorUnknown => f.write_str("there is no such creator"),
            Self::CreatorNotActive(status) => write!(f, "the creator is {status}, not active"),
            Self::Blocked(block) => {
                write!(f, "blocked by {}: {}", block.source, block.reason)?;
                match block.until {
                    Some(end) => write!(f, " (until {})", end.format("%Y-%m-%dT%H:%M:%SZ")),
                    None => Ok(()),
                }
            }
            Self::Age(obstacle) => obstacle.fmt(f),
            Self::IdentityNotVerified(state) => {
                write!(f, "the identity is {state}, not verified")
            }
            Self::IdentityExpired(Some(last)) => {
                write!(
                    f,
                    "the verification of the identity was valid until {last} only"
                )
            }
            Self::IdentityExpired(None) => f.write_str("the verification of the identity is over"),
            Self::IdentityChanged => f.write_str(
                "the legal name or the birth date was changed after the identity was verified",
            ),
        }
    }
}

/// Everything that keeps somebody from being paid today; empty if they may be.
pub fn reasons(facts: &PayFacts, today: NaiveDate) -> Vec<Reason> {
    let status = facts.status;
    let status = (!may_be_paid(status)).then_some(Reason::CreatorNotActive(status));
    let blocks = facts.blocks.iter().cloned().map(Reason::Blocked);
    let age = age_obstacle(facts.age, facts.birth_date, today).map(Reason::Age);
    let identity = match facts.identity {
        (VerificationState::Verified, _) => None,
        (VerificationState::Expired, Some(Lapse::ChangedOnFile)) => Some(Reason::IdentityChanged),
        (VerificationState::Expired, Some(Lapse::Time) | None) => {
            Some(Reason::IdentityExpired(facts.identity_until))
        }
        (
            state @ (VerificationState::Unverified
            | VerificationState::Pending
            | VerificationState::InReview
            | VerificationState::Rejected
            | VerificationState::Revoked),
            _,
        ) => Some(Reason::IdentityNotVerified(state)),
    };
    let mut all: Vec<Reason> = status.into_iter().collect();
    all.extend(blocks);
    all.extend(age);
    all.extend(identity);
    all
}

const fn may_be_paid(status: CreatorStatus) -> bool {
    match status {
        CreatorStatus::Active => true,
        CreatorStatus::PendingVerification
        | CreatorStatus::PendingReview
        | CreatorStatus::Inactive
        | CreatorStatus::Suspended
        | CreatorStatus::Banned
        | CreatorStatus::Churned => false,
    }
}
