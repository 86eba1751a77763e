//! The states of a payout, and what may follow what.

use crate::kernel::words;

words!(
    /// Where a payout stands. From `requested` to `in_transit` the amount is held in the ledger; `completed` has posted it,
    /// and all endings before that have released it.
    PayoutState {
        /// Asked for.
        Requested => "requested",
        /// Something stands against paying the creator; staff releases it once that is cleared up.
        ComplianceHold => "compliance_hold",
        /// Somebody has to approve it.
        AwaitingApproval => "awaiting_approval",
        /// Everybody who has to has approved it.
        Approved => "approved",
        /// It goes out at its time.
        Scheduled => "scheduled",
        /// It is in a file that is to be handed over.
        Batched => "batched",
        /// It is being handed to the provider.
        Submitted => "submitted",
        /// The provider has it.
        InTransit => "in_transit",
        /// The payee has it.
        Completed => "completed",
        /// An approver said no.
        Rejected => "rejected",
        /// It was taken back before it was handed over.
        Cancelled => "cancelled",
        /// The provider does not carry it out.
        Failed => "failed",
        /// The payee had it, and it came back.
        Returned => "returned",
        /// The payee had it, and it was called back.
        Reversed => "reversed",
        /// Nobody approved it in time.
        Expired => "expired",
        /// It was handed over and no answer came: it may be carried out, or not. It is asked about, not repeated.
        Unknown => "unknown",
    }
);

impl PayoutState {
    /// What may follow.
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Requested => &[
                Self::ComplianceHold,
                Self::AwaitingApproval,
                Self::Approved,
                Self::Rejected,
                Self::Cancelled,
                Self::Expired,
            ],
            Self::ComplianceHold => &[
                Self::AwaitingApproval,
                Self::Approved,
                Self::Rejected,
                Self::Cancelled,
                Self::Expired,
            ],
            Self::AwaitingApproval => &[
                Self::Approved,
                Self::ComplianceHold,
                Self::Rejected,
                Self::Cancelled,
                Self::Expired,
            ],
            Self::Approved => &[Self::Scheduled, Self::ComplianceHold, Self::Cancelled],
            Self::Scheduled => &[
                Self::Batched,
                Self::Submitted,
                Self::ComplianceHold,
                Self::Cancelled,
            ],
            Self::Batched => &[Self::Submitted, Self::Scheduled],
            // back to its place in the queue if nothing was handed over
            Self::Submitted => &[
                Self::InTransit,
                Self::Completed,
                Self::Failed,
                Self::Unknown,
                Self::Scheduled,
            ],
            Self::Unknown => &[
                Self::InTransit,
                Self::Completed,
                Self::Failed,
                Self::Submitted,
            ],
            Self::InTransit => &[Self::Completed, Self::Failed],
            Self::Completed => &[Self::Returned, Self::Reversed],
            Self::Rejected
            | Self::Cancelled
            | Self::Failed
            | Self::Returned
            | Self::Reversed
            | Self::Expired => &[],
        }
    }

    /// Whether `next` may follow.
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }

    /// Whether the amount is held.
    pub const fn is_held(self) -> bool {
        match self {
            Self::Requested
            | Self::ComplianceHold
            | Self::AwaitingApproval
            | Self::Approved
            | Self::Scheduled
            | Self::Batched
            | Self::Submitted
            | Self::InTransit
            | Self::Unknown => true,
            Self::Completed
            | Self::Rejected
            | Self::Cancelled
            | Self::Failed
            | Self::Returned
            | Self::Reversed
            | Self::Expired => false,
        }
    }

    /// Whether a provider may have it: from then on only the provider's word ends it.
    pub const fn is_handed_over(self) -> bool {
        matches!(
            self,
            Self::Batched | Self::Submitted | Self::Unknown | Self::InTransit
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_state_is_reached_and_every_way_ends() {
        let mut reached = BTreeSet::from([PayoutState::Requested]);
        let mut open = vec![PayoutState::Requested];
        while let Some(state) = open.pop() {
            for next in state.next() {
                if reached.insert(*next) {
                    open.push(*next);
                }
            }
        }
        assert_eq!(reached.len(), PayoutState::ALL.len());
        // from each state some ending can be reached
        let mut ends: BTreeSet<_> = PayoutState::ALL
            .iter()
            .copied()
            .filter(|state| state.next().is_empty())
            .collect();
        loop {
            let before = ends.len();
            for state in PayoutState::ALL {
                if state.next().iter().any(|next| ends.contains(next)) {
                    ends.insert(*state);
                }
            }
            if ends.len() == before {
                break;
            }
        }
        assert_eq!(ends.len(), PayoutState::ALL.len());
    }

    #[test]
    fn money_that_a_provider_may_have_is_never_cancelled_rejected_or_expired() {
        for state in PayoutState::ALL
            .iter()
            .filter(|state| state.is_handed_over())
        {
            for end in [
                PayoutState::Cancelled,
                PayoutState::Rejected,
                PayoutState::Expired,
                PayoutState::ComplianceHold,
            ] {
                assert!(!state.may_become(end), "{state} → {end}");
            }
        }
    }

    #[test]
    fn what_is_not_held_any_more_is_never_held_again() {
        for state in PayoutState::ALL.iter().filter(|state| !state.is_held()) {
            assert!(state.next().iter().all(|next| !next.is_held()), "{state}");
        }
    }
}
