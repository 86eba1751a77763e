//! What a provider's server remembers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::providers::http::test_server::Reply;
use crate::providers::payout::PayoutStatus;

/// How a server misbehaves with the next submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Refuses it for good.
    Refuse,
    /// Refuses it for the moment.
    RefuseForNow,
    /// Asks to be left alone for a while.
    TooMany,
    /// Does not know us.
    Stranger,
    /// Closes the connection and forgets it.
    HangUp,
    /// Fails and forgets it.
    ErrorBefore,
    /// Fails after it accepted it.
    ErrorAfter,
    /// Accepts it and never answers.
    SlowAfter,
    /// Never answers and forgets it.
    SlowBefore,
    /// Accepts it and breaks its answer off.
    BreakOffAfter,
    /// Accepts it and answers what nobody understands.
    NonsenseAfter,
}

impl Fault {
    /// Whether the payment is carried out all the same.
    pub const fn keeps(self) -> bool {
        matches!(
            self,
            Self::ErrorAfter | Self::SlowAfter | Self::BreakOffAfter | Self::NonsenseAfter
        )
    }

    /// The reply that a fault makes of a server's own; none if it is one of the provider's words for a refusal.
    pub(super) fn reply(self) -> Option<Reply> {
        let text = |status: u16, body: &str| Reply::With {
            status,
            headers: vec![("retry-after", "7".to_owned())],
            body: body.as_bytes().to_vec(),
        };
        match self {
            Self::Refuse | Self::RefuseForNow => None,
            Self::TooMany => Some(text(429, "slow down")),
            Self::Stranger => Some(text(401, "who are you")),
            Self::HangUp => Some(Reply::HangUp),
            Self::ErrorBefore | Self::ErrorAfter => {
                Some(text(500, "<html>Internal Server Error</html>"))
            }
            Self::SlowAfter | Self::SlowBefore => Some(Reply::Silence),
            Self::BreakOffAfter => Some(Reply::BreakOff),
            Self::NonsenseAfter => Some(text(200, "{\"maybe\":true}")),
        }
    }
}

/// A payment that a server carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// The client's id.
    pub id: String,
    /// The provider's.
    pub reference: String,
    /// As it was written.
    pub amount: String,
    /// As it was written.
    pub currency: String,
    /// As it was written.
    pub to: String,
    /// Where it stands.
    pub status: PayoutStatus,
}

/// What became of a payment that came in.
pub(super) enum Kept {
    /// It is new.
    New(Paid),
    /// It was here before.
    Before(Paid),
    /// Another one has its id.
    Other(Paid),
}

#[derive(Debug, Default)]
pub(super) struct Book {
    paid: Mutex<BTreeMap<String, Paid>>,
    faults: Mutex<VecDeque<Fault>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    pub(super) fn fault(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    pub(super) fn next_fault(&self) -> Option<Fault> {
        lock(&self.faults).pop_front()
    }

    pub(super) fn keep(&self, mut wanted: Paid) -> Kept {
        let mut paid = lock(&self.paid);
        if let Some(before) = paid.get(&wanted.id) {
            let same = |one: &Paid| (one.amount.clone(), one.currency.clone(), one.to.clone());
            return if same(before) == same(&wanted) {
                Kept::Before(before.clone())
            } else {
                Kept::Other(before.clone())
            };
        }
        wanted.reference = format!("REF{}", paid.len() + 1);
        paid.insert(wanted.id.clone(), wanted.clone());
        Kept::New(wanted)
    }

    pub(super) fn of_id(&self, id: &str) -> Option<Paid> {
        lock(&self.paid).get(id).cloned()
    }

    pub(super) fn of_reference(&self, reference: &str) -> Option<Paid> {
        lock(&self.paid)
            .values()
            .find(|paid| paid.reference == reference)
            .cloned()
    }

    pub(super) fn set_status(&self, id: &str, status: PayoutStatus) {
        if let Some(paid) = lock(&self.paid).get_mut(id) {
            paid.status = status;
        }
    }

    pub(super) fn all(&self) -> Vec<Paid> {
        lock(&self.paid).values().cloned().collect()
    }
}
