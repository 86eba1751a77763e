//! What providers answer.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::InstructionId;
use crate::kernel::money::Money;
use crate::kernel::words;

/// Why an instruction is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The provider's own word or code.
    pub code: String,
    /// What it said, for people; bounded, and of one line.
    pub message: String,
}

impl Refusal {
    /// Characters that are kept of what a provider says.
    const SAID_MAX_CHARS: usize = 300;

    /// A refusal in the provider's words.
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            code: one_line(code, 60),
            message: one_line(message, Self::SAID_MAX_CHARS),
        }
    }
}

/// A text from outside, bounded and without control characters.
pub(super) fn one_line(text: &str, max_chars: usize) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(max_chars).collect::<String>().trim().to_owned()
}

/// How handing one instruction over ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// The provider took responsibility for it, now or before.
    Accepted {
        /// What the provider calls it.
        reference: String,
    },
    /// The provider does not carry it out: no money moves under this id because of this submission.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Whether the same instruction will always be refused; else it may be handed over again later.
        is_final: bool,
    },
    /// Nothing was handed over: the provider could not be reached, or refuses us and not this instruction. It may be
    /// handed over again.
    NotSent {
        /// What went wrong.
        why: String,
        /// When the provider wants to be called again.
        retry_after: Option<Duration>,
    },
    /// It was handed over and no answer came: it may be carried out, or not.
    Unknown {
        /// What went wrong.
        why: String,
    },
}

words!(
    /// Where a payout stands at a provider.
    PayoutStatus {
        /// On its way.
        Pending => "pending",
        /// The payee has it.
        Completed => "completed",
        /// It will not be carried out; no money has left, or it is back.
        Failed => "failed",
        /// It was carried out and came back.
        Returned => "returned",
    }
);

/// What a provider says about one instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Of which event this tells; the same event may be told again.
    pub event_id: String,
    /// The instruction's own id.
    pub id: InstructionId,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// Where it stands.
    pub status: PayoutStatus,
    /// The amount, as the provider has it: to be compared, never to be believed.
    pub amount: Option<Money>,
    /// Why, if it failed or came back.
    pub refusal: Option<Refusal>,
    /// When it happened, as far as the provider says.
    pub at: Option<DateTime<Utc>>,
}

/// What a provider says when it is asked about an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// This.
    Known(Report),
    /// It has never seen the id. If it was handed over a moment ago it may still come in, so the instruction may be handed
    /// over again only under the same id.
    NeverSeen,
    /// No answer came, or none that can be understood; ask again later.
    NoAnswer {
        /// What went wrong.
        why: String,
    },
}

/// What clears up a submission whose fate is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnknown {
    /// Asking by the instruction's own id.
    Ask,
    /// The provider cannot be asked by our id, but refuses an id that it has seen and then says what it has: hand the same
    /// instruction over again under the same id, within this time after the first submission. After that, people decide.
    SubmitAgainWithSameId {
        /// How long the provider remembers ids.
        within: Duration,
    },
}
