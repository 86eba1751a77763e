//! One earning, and what is taken back of it.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::Parts;
use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{FieldError, TypedId, typed_id, words};
use crate::ledger::{AccountCode, TransferId};

/// How long ago an earning may have happened that is reported now, in days: statements of earlier months are out.
pub const BACKDATED_MAX_DAYS: i64 = 62;
/// How far the clock of who reports may be ahead of ours, in minutes.
const AHEAD_MAX_MINUTES: i64 = 5;
/// Characters of ids and names elsewhere at the most.
const NAME_MAX_CHARS: usize = 200;
/// Characters of descriptions and reasons at the most.
pub const TEXT_MAX_CHARS: usize = 500;

typed_id!(
    /// Names one earning, or what was taken back of one; the ledger's transfer has the same number.
    EarningId,
    "earning"
);

impl EarningId {
    /// The transfer that moved the money.
    pub fn transfer(self) -> TransferId {
        TransferId::from(self.uuid())
    }
}

words!(
    /// What was paid for.
    EarningSource {
        /// A subscription.
        Subscription => "subscription",
        /// A tip.
        Tip => "tip",
        /// Content made to order.
        CustomContent => "custom_content",
        /// A live stream.
        LiveStream => "live_stream",
        /// A video call.
        VideoCall => "video_call",
        /// A message.
        Message => "message",
        /// Somebody who came through them.
        Affiliate => "affiliate",
        /// Goods.
        Merchandise => "merchandise",
        /// Given by the platform itself.
        Bonus => "bonus",
    }
);

impl EarningSource {
    /// Where the money comes from.
    pub const fn paid_from(self) -> AccountCode {
        match self {
            Self::Bonus => AccountCode::Bonuses,
            Self::Subscription
            | Self::Tip
            | Self::CustomContent
            | Self::LiveStream
            | Self::VideoCall
            | Self::Message
            | Self::Affiliate
            | Self::Merchandise => AccountCode::FanReceipts,
        }
    }
}

words!(
    /// How an earning is taken back.
    ReversalKind {
        /// The platform gives the fan back.
        Refund => "refund",
        /// The fan's bank takes it back.
        Chargeback => "chargeback",
    }
);

words!(
    /// What becomes available.
    DueKind {
        /// What was pending.
        Maturity => "maturity",
        /// What was reserved.
        Reserve => "reserve",
    }
);

/// An earning that is reported. The amount is read when its currency is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEarning {
    /// Whose.
    pub creator: CreatorId,
    /// What the fan paid, as it was written.
    pub amount: String,
    /// In which currency; none for the creator's.
    pub currency: Option<Currency>,
    /// For what.
    pub source: EarningSource,
    /// In words.
    pub description: Option<String>,
    /// Who paid, as the platform calls them.
    pub fan: Option<String>,
    /// What for, as the platform calls it.
    pub content: Option<String>,
    /// What the platform calls this earning; the same counts once.
    pub external_id: Option<String>,
    /// When; none for now.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl NewEarning {
    /// What is wrong with it, apart from the amount.
    pub(in crate::earnings) fn check(&self, now: DateTime<Utc>) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        check_name(&mut wrong, "/fanId", self.fan.as_deref());
        check_name(&mut wrong, "/contentId", self.content.as_deref());
        check_name(&mut wrong, "/externalId", self.external_id.as_deref());
        check_text(&mut wrong, "/description", self.description.as_deref());
        check_time(&mut wrong, self.occurred_at, now);
        wrong
    }

    /// SHA-256 over what is said, for telling a repetition from a mistake.
    pub(in crate::earnings) fn body_hash(&self) -> [u8; 32] {
        let said = (
            self.creator,
            &self.amount,
            self.currency,
            self.source,
            &self.description,
            &self.fan,
            &self.content,
            self.occurred_at,
        );
        hashed(&said)
    }
}

/// SHA-256 over something as it is shown for debugging, which names every field in its order.
fn hashed(said: &impl std::fmt::Debug) -> [u8; 32] {
    Sha256::digest(format!("{said:?}")).into()
}

fn check_name(wrong: &mut Vec<FieldError>, field: &'static str, text: Option<&str>) {
    let bad = |text: &str| {
        text.trim().is_empty()
            || text.chars().count() > NAME_MAX_CHARS
            || text.chars().any(char::is_control)
    };
    if text.is_some_and(bad) {
        let message = format!("use 1 to {NAME_MAX_CHARS} characters, without line breaks");
        wrong.push(FieldError::new(field, message));
    }
}

fn check_text(wrong: &mut Vec<FieldError>, field: &'static str, text: Option<&str>) {
    let bad = |text: &str| text.chars().count() > TEXT_MAX_CHARS || text.contains('\0');
    if text.is_some_and(bad) {
        let message = format!("use at most {TEXT_MAX_CHARS} characters");
        wrong.push(FieldError::new(field, message));
    }
}

fn check_time(wrong: &mut Vec<FieldError>, at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
    let oldest = now - Duration::days(BACKDATED_MAX_DAYS);
    let newest = now + Duration::minutes(AHEAD_MAX_MINUTES);
    if at.is_some_and(|at| at < oldest || at > newest) {
        let message = format!(
            "must not be in the future, nor more than {BACKDATED_MAX_DAYS} days ago: those months are closed"
        );
        wrong.push(FieldError::new("/occurredAt", message));
    }
}

/// Something to take back of an earning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReversal {
    /// How.
    pub kind: ReversalKind,
    /// How much of the gross amount, as it was written; none for all that is left.
    pub amount: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What the platform calls it; the same counts once.
    pub external_id: Option<String>,
    /// When; none for now.
    pub occurred_at: Option<DateTime<Utc>>,
}

impl NewReversal {
    /// What is wrong with it, apart from the amount.
    pub(in crate::earnings) fn check(&self, now: DateTime<Utc>) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        check_name(&mut wrong, "/externalId", self.external_id.as_deref());
        check_text(&mut wrong, "/reason", self.reason.as_deref());
        check_time(&mut wrong, self.occurred_at, now);
        wrong
    }

    /// As [`NewEarning::body_hash`].
    pub(in crate::earnings) fn body_hash(&self, of: EarningId) -> [u8; 32] {
        hashed(&(of, self.kind, &self.amount, &self.reason, self.occurred_at))
    }
}

/// An earning as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earning {
    /// Which.
    pub id: EarningId,
    /// Whose.
    pub creator: CreatorId,
    /// In which currency all of its amounts are.
    pub currency: Currency,
    /// For what.
    pub source: EarningSource,
    /// What the fan paid, and what became of it.
    pub parts: Parts,
    /// Of the gross amount, what was taken back.
    pub reversed_minor: i64,
    /// When the fan paid.
    pub occurred_at: DateTime<Utc>,
    /// When we learned of it.
    pub recorded_at: DateTime<Utc>,
    /// When what is not reserved becomes available.
    pub matures_on: NaiveDate,
    /// When the reserve is released.
    pub reserve_until: NaiveDate,
    /// In words.
    pub description: Option<String>,
    /// Who paid, as the platform calls them.
    pub fan: Option<String>,
    /// What for, as the platform calls it.
    pub content: Option<String>,
    /// What the platform calls it.
    pub external_id: Option<String>,
}

/// What was taken back of an earning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// Which.
    pub id: EarningId,
    /// Of which earning.
    pub earning: EarningId,
    /// How.
    pub kind: ReversalKind,
    /// In which currency.
    pub currency: Currency,
    /// Of what the fan paid, and of its parts.
    pub parts: Parts,
    /// When.
    pub occurred_at: DateTime<Utc>,
}

/// What of a creator's money becomes available on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// What.
    pub kind: DueKind,
    /// When.
    pub on: NaiveDate,
    /// Whose.
    pub creator: CreatorId,
    /// In which currency.
    pub currency: Currency,
    /// How much; negative to take away from what is noted.
    pub minor: i64,
}
