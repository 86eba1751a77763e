//! Campaigns, recipients, and which states may follow which; pure.

use chrono::{DateTime, Duration, Utc};

use crate::creators::{CreatorId, CreatorStatus, Tier};
use crate::kernel::{FieldError, typed_id, words};
use crate::messaging::{Content, MessageTemplate};

typed_id!(
    /// Names one campaign.
    CampaignId,
    "campaign"
);
typed_id!(
    /// Names one recipient's row of a campaign.
    DeliveryId,
    "delivery"
);

words!(
    /// What a campaign is for.
    CampaignKind {
        /// Helps to begin.
        Onboarding => "onboarding",
        /// Keeps those who may leave.
        Retention => "retention",
        /// Brings back those who left.
        Reactivation => "reactivation",
        /// Offers more.
        Upsell => "upsell",
        /// Offers something for a while.
        Promotion => "promotion",
        /// Celebrates.
        Milestone => "milestone",
        /// Goes with the calendar.
        Seasonal => "seasonal",
        /// Brings creators together.
        CrossPromotion => "cross_promotion",
    }
);

words!(
    /// Where a campaign stands.
    CampaignStatus {
        /// Being written.
        Draft => "draft",
        /// Launched; waits for its time, or for another campaign to end.
        Scheduled => "scheduled",
        /// Sending.
        Active => "active",
        /// Stopped for now.
        Paused => "paused",
        /// Every recipient's row has ended.
        Completed => "completed",
        /// Stopped for good.
        Cancelled => "cancelled",
    }
);

words!(
    /// What can be done with a campaign.
    Move {
        /// Freeze it and send it when its time has come.
        Launch => "launch",
        /// Begin to send.
        Start => "start",
        /// Stop for now.
        Pause => "pause",
        /// Go on.
        Resume => "resume",
        /// Stop for good.
        Cancel => "cancel",
        /// Note that every row has ended.
        Complete => "complete",
        /// Go on after the end, because somebody decided to send to a recipient again.
        Reopen => "reopen",
    }
);

/// What a move does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// The campaign is in this state from now on.
    Applied(CampaignStatus),
    /// It was done before.
    AlreadyApplied,
}

impl CampaignStatus {
    /// What `with` does to a campaign in this state; none if it cannot be done.
    pub fn after(self, with: Move) -> Option<Transition> {
        use CampaignStatus::{Active, Cancelled, Completed, Draft, Paused, Scheduled};
        use Transition::{AlreadyApplied, Applied};
        match (with, self) {
            (Move::Launch, Draft) | (Move::Resume, Paused) | (Move::Reopen, Completed) => {
                Some(Applied(Scheduled))
            }
            (Move::Start, Scheduled) => Some(Applied(Active)),
            (Move::Pause, Scheduled | Active) => Some(Applied(Paused)),
            (Move::Cancel, Draft | Scheduled | Active | Paused) => Some(Applied(Cancelled)),
            (Move::Complete, Active) => Some(Applied(Completed)),

            (Move::Start, Active)
            | (Move::Pause, Paused)
            | (Move::Resume | Move::Reopen, Scheduled | Active)
            | (Move::Reopen, Paused)
            | (Move::Cancel, Cancelled)
            | (Move::Complete, Completed) => Some(AlreadyApplied),

            (Move::Launch, Scheduled | Active | Paused | Completed | Cancelled)
            | (Move::Start, Draft | Paused | Completed | Cancelled)
            | (Move::Pause | Move::Resume, Draft | Completed | Cancelled)
            | (Move::Cancel, Completed)
            | (Move::Complete, Draft | Scheduled | Paused | Cancelled)
            | (Move::Reopen, Draft | Cancelled) => None,
        }
    }
}

words!(
    /// Where one recipient's row stands.
    DeliveryStatus {
        /// Not sent yet.
        Pending => "pending",
        /// A worker has a session in hand for it.
        Sending => "sending",
        /// The receiving server took responsibility for it.
        Sent => "sent",
        /// It will never be taken.
        Failed => "failed",
        /// It was not to be sent; the reason says why.
        Skipped => "skipped",
        /// It may have been sent: the answer never came. Somebody has to decide.
        Unknown => "unknown",
    }
);

words!(
    /// Why a recipient was left out.
    SkipReason {
        /// Another creator of the same campaign has the same address.
        DuplicateAddress => "duplicate_address",
        /// They did not agree to e-mail, or no longer do.
        NoConsent => "no_consent",
        /// The address is not to be written to.
        Suppressed => "suppressed",
        /// Their status is no longer one that the campaign addresses.
        CreatorStatus => "creator_status",
        /// Somebody blocked mail to them.
        Blocked => "blocked",
        /// The campaign was cancelled first.
        Cancelled => "cancelled",
    }
);

words!(
    /// What an operator makes of a row that is `unknown`.
    Decision {
        /// It did arrive.
        MarkSent => "mark_sent",
        /// It did not arrive, and is not to be sent again.
        MarkFailed => "mark_failed",
        /// Send it again, at the risk that it arrives twice; both have the same Message-ID.
        SendAgain => "send_again",
    }
);

impl Decision {
    /// What the row becomes; only `unknown` rows can be decided about.
    pub const fn outcome(self) -> DeliveryStatus {
        match self {
            Self::MarkSent => DeliveryStatus::Sent,
            Self::MarkFailed => DeliveryStatus::Failed,
            Self::SendAgain => DeliveryStatus::Pending,
        }
    }
}

/// Whom a campaign addresses: creators that match every list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// Their clusters; empty for all.
    pub clusters: Vec<String>,
    /// Their tiers; empty for all.
    pub tiers: Vec<Tier>,
    /// Their statuses, at least one.
    pub statuses: Vec<CreatorStatus>,
}

/// What is needed for a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCampaign {
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub kind: CampaignKind,
    /// Whom it addresses.
    pub audience: Audience,
    /// What it says.
    pub content: Content,
    /// Not before this; none for as soon as it is launched.
    pub starts_at: Option<DateTime<Utc>>,
}

/// Where the content stands in what is asked for.
pub(super) const CONTENT: &str = "/content";
/// Characters in a name at the most.
const NAME_MAX_CHARS: usize = 200;
/// How far in the future a start may be.
const START_MAX_AHEAD: Duration = Duration::days(366);

impl NewCampaign {
    /// Checks everything that can be checked without a database.
    ///
    /// # Errors
    /// With each wrong field, as a JSON pointer into the request.
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        if !is_name(&self.name) {
            let message = format!("use 1 to {NAME_MAX_CHARS} characters, without line breaks");
            wrong.push(FieldError::new("/name", message));
        }
        if self.audience.statuses.is_empty() {
            let message = "name at least one status, or leave the field out";
            wrong.push(FieldError::new("/targetAudience/statuses", message));
        }
        for (at, status) in self.audience.statuses.iter().enumerate() {
            if !status.may_be_addressed() {
                let pointer = format!("/targetAudience/statuses/{at}");
                let message = format!("creators who are {status} are not written to");
                wrong.push(FieldError::new(pointer, message));
            }
        }
        if self
            .starts_at
            .is_some_and(|at| at <= now || at > now + START_MAX_AHEAD)
        {
            let message = "use a time in the future, at most a year ahead";
            wrong.push(FieldError::new("/schedule/at", message));
        }
        if let Err(fields) = MessageTemplate::compile(&self.content) {
            let under = |field: FieldError| {
                FieldError::new(format!("{CONTENT}{}", field.field), field.message)
            };
            wrong.extend(fields.into_iter().map(under));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

fn is_name(text: &str) -> bool {
    let fits = !text.trim().is_empty() && text.chars().count() <= NAME_MAX_CHARS;
    fits && !text.chars().any(char::is_control)
}

/// A campaign as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub kind: CampaignKind,
    /// Where it stands.
    pub status: CampaignStatus,
    /// Whom it addresses.
    pub audience: Audience,
    /// What it says; frozen by the launch.
    pub content: Content,
    /// Not before this.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it was launched.
    pub launched_at: Option<DateTime<Utc>>,
    /// When every recipient had a row.
    pub audience_complete_at: Option<DateTime<Utc>>,
    /// When it was completed or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// One recipient's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id; also the first part of the mail's Message-ID.
    pub id: DeliveryId,
    /// Who.
    pub creator: CreatorId,
    /// The chunk it is worked off in; the list's first sort key.
    pub chunk: i32,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Why it is not simply on its way or sent.
    pub reason: Option<String>,
    /// How often it was handed over.
    pub attempts: u16,
    /// Not again before this.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When the last hand-over began.
    pub begun_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who decided about it, when it was unknown.
    pub decided_by: Option<String>,
    /// When they did.
    pub decided_at: Option<DateTime<Utc>>,
    /// What they decided, and why.
    pub decision: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        prop::collection::vec(prop::sample::select(Move::ALL), 0..40)
    }

    /// Where a draft is after each of these moves, leaving out those that cannot be done.
    fn walk(moves: &[Move]) -> Vec<CampaignStatus> {
        let step = |status: &mut CampaignStatus, with: &Move| {
            if let Some(Transition::Applied(next)) = status.after(*with) {
                *status = next;
            }
            Some(*status)
        };
        let first = std::iter::once(CampaignStatus::Draft);
        first
            .chain(moves.iter().scan(CampaignStatus::Draft, step))
            .collect()
    }

    proptest! {
        #[test]
        fn what_is_cancelled_stays_cancelled(moves in moves()) {
            let states = walk(&moves);
            let mut after = states.iter().skip_while(|s| **s != CampaignStatus::Cancelled);
            prop_assert!(after.all(|s| *s == CampaignStatus::Cancelled), "{states:?}");
        }

        #[test]
        fn nothing_is_launched_twice(moves in moves()) {
            let states = walk(&moves);
            let drafts = states.iter().take_while(|s| **s == CampaignStatus::Draft).count();
            prop_assert!(states[drafts..].iter().all(|s| s.after(Move::Launch).is_none()));
        }

        #[test]
        fn sending_begins_only_from_a_place_in_the_queue(moves in moves()) {
            for pair in walk(&moves).windows(2) {
                let begins = pair[1] == CampaignStatus::Active && pair[0] != pair[1];
                prop_assert!(!begins || pair[0] == CampaignStatus::Scheduled, "{pair:?}");
            }
        }

        #[test]
        fn saying_it_twice_is_saying_it_once(
            moves in moves(),
            with in prop::sample::select(Move::ALL),
        ) {
            let status = *walk(&moves).last().expect("a draft at least");
            if let Some(Transition::Applied(next)) = status.after(with) && with != Move::Launch {
                prop_assert_eq!(next.after(with), Some(Transition::AlreadyApplied));
            }
        }
    }

    fn new_campaign() -> NewCampaign {
        let statuses = vec![CreatorStatus::Active];
        NewCampaign {
            name: "Q1".into(),
            kind: CampaignKind::Retention,
            audience: Audience {
                clusters: Vec::new(),
                tiers: Vec::new(),
                statuses,
            },
            content: Content {
                subject: "Hi {firstName}".into(),
                message: "Hello".into(),
                action: None,
            },
            starts_at: None,
        }
    }

    #[test]
    fn every_wrong_field_is_told_by_its_pointer() {
        let now = DateTime::UNIX_EPOCH;
        assert_eq!(new_campaign().check(now), Ok(()));
        let statuses = vec![CreatorStatus::Active, CreatorStatus::Banned];
        let wrong = NewCampaign {
            name: " ".into(),
            audience: Audience {
                statuses,
                ..new_campaign().audience
            },
            content: Content {
                subject: "{nope}".into(),
                ..new_campaign().content
            },
            starts_at: Some(now),
            ..new_campaign()
        };
        let fields = wrong.check(now).expect_err("four wrong fields");
        let fields: Vec<_> = fields.iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(
            fields,
            [
                "/name",
                "/targetAudience/statuses/1",
                "/schedule/at",
                "/content/subject"
            ]
        );
    }
}
