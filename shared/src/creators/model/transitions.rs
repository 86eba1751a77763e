//! Which status may follow which.

use chrono::{DateTime, Utc};

use super::{CreatorStatus, Tier};

impl CreatorStatus {
    /// The status that may follow this one, by a decision of staff. Whether the facts allow it as well is asked apart:
    /// see [`super::obstacles`].
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::PendingVerification => &[
                Self::PendingReview,
                Self::Active,
                Self::Suspended,
                Self::Banned,
                Self::Churned,
            ],
            Self::PendingReview => &[
                Self::PendingVerification,
                Self::Active,
                Self::Suspended,
                Self::Banned,
                Self::Churned,
            ],
            Self::Active => &[
                Self::PendingReview,
                Self::Inactive,
                Self::Suspended,
                Self::Banned,
                Self::Churned,
            ],
            Self::Inactive => &[
                Self::PendingReview,
                Self::Active,
                Self::Suspended,
                Self::Banned,
                Self::Churned,
            ],
            Self::Suspended => &[
                Self::PendingReview,
                Self::Active,
                Self::Inactive,
                Self::Banned,
                Self::Churned,
            ],
            // for good: whoever was banned by mistake is registered anew by hand
            Self::Banned => &[],
            Self::Churned => &[Self::PendingReview, Self::Active, Self::Banned],
        }
    }

    /// Whether `next` may follow.
    pub fn may_become(self, next: Self) -> bool {
        self.successors().contains(&next)
    }

    /// Whether reactivating is the way on from here.
    pub const fn may_be_reactivated(self) -> bool {
        match self {
            Self::Suspended | Self::Inactive => true,
            Self::PendingVerification
            | Self::PendingReview
            | Self::Active
            | Self::Banned
            | Self::Churned => false,
        }
    }
}

/// A status that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// The status to be.
    pub status: CreatorStatus,
    /// Why.
    pub reason: String,
    /// Since when it holds, if not since now; never in the future, and never before the present one began.
    pub effective_from: Option<DateTime<Utc>>,
}

/// One line of a creator's status history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// Which.
    pub id: uuid::Uuid,
    /// What was before; none for the first.
    pub from: Option<CreatorStatus>,
    /// What came.
    pub to: CreatorStatus,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub actor: String,
    /// Since when it held.
    pub effective_from: DateTime<Utc>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
}

/// One line of a creator's tier history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierEntry {
    /// Which.
    pub id: uuid::Uuid,
    /// What was before; none for the first.
    pub from: Option<Tier>,
    /// What came.
    pub to: Tier,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub actor: String,
    /// Since when it held.
    pub effective_from: DateTime<Utc>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_becomes_what_they_are_and_a_ban_is_for_good() {
        for status in CreatorStatus::ALL {
            assert!(!status.may_become(*status), "{status}");
            assert_eq!(
                status.may_become(CreatorStatus::Banned),
                *status != CreatorStatus::Banned
            );
        }
        assert!(CreatorStatus::Banned.successors().is_empty());
    }

    #[test]
    fn whoever_can_be_reactivated_can_become_active() {
        for status in CreatorStatus::ALL
            .iter()
            .filter(|status| status.may_be_reactivated())
        {
            assert!(status.may_become(CreatorStatus::Active), "{status}");
        }
    }

    #[test]
    fn every_status_can_be_reached_from_the_first_one() {
        let mut reached = vec![CreatorStatus::PendingVerification];
        let mut at = 0;
        while at < reached.len() {
            for next in reached[at].successors() {
                if !reached.contains(next) {
                    reached.push(*next);
                }
            }
            at += 1;
        }
        assert_eq!(reached.len(), CreatorStatus::ALL.len());
    }
}
