//! What a provider's server remembers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::providers::http::test_server::Reply;
use crate::providers::payout::{InstructionId, PayoutStatus};

/// How long an answer takes that comes late, and in time all the same.
const LATE: Duration = Duration::from_millis(700);

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
    /// Accepts it at once and takes its time to say so.
    LateAfter,
}

impl Fault {
    /// Whether the payment is carried out all the same.
    pub const fn keeps(self) -> bool {
        matches!(
            self,
            Self::ErrorAfter
                | Self::SlowAfter
                | Self::BreakOffAfter
                | Self::NonsenseAfter
                | Self::LateAfter
        )
    }

    /// The reply that a fault makes of a server's own; none if it says what the provider would, in its words.
    pub(super) fn reply(self) -> Option<Reply> {
        let text = |status: u16, body: &str| Reply::With {
            status,
            headers: vec![("retry-after", "7".to_owned())],
            body: body.as_bytes().to_vec(),
        };
        match self {
            Self::Refuse | Self::RefuseForNow | Self::LateAfter => None,
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

/// Draws what a submission is met with.
type Draw = Box<dyn FnMut() -> Option<Fault> + Send>;

/// What a server keeps, and how it misbehaves.
#[derive(Default)]
pub struct Book {
    paid: Mutex<BTreeMap<String, Paid>>,
    faults: Mutex<VecDeque<Fault>>,
    weather: Mutex<Option<Draw>>,
    silent: AtomicBool,
}

impl std::fmt::Debug for Book {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Book")
            .field("paid", &self.paid)
            .field("faults", &self.faults)
            .field("silent", &self.silent)
            .finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    /// The next submission is met with this.
    pub fn fault(&self, fault: Fault) {
        lock(&self.faults).push_back(fault);
    }

    /// From now on every submission that no [`Book::fault`] is set for is met with what this draws.
    pub fn weather(&self, draw: impl FnMut() -> Option<Fault> + Send + 'static) {
        *lock(&self.weather) = Some(Box::new(draw));
    }

    /// Whether nobody answers questions from now on.
    pub fn be_silent(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    pub(super) fn next_fault(&self) -> Option<Fault> {
        let set = lock(&self.faults).pop_front();
        set.or_else(|| lock(&self.weather).as_mut().and_then(|draw| draw()))
    }

    /// What is answered to a submission that met a fault.
    pub(super) fn paced(fault: Option<Fault>, reply: Reply) -> Reply {
        if fault == Some(Fault::LateAfter) {
            return Reply::Late {
                after: LATE,
                then: Box::new(reply),
            };
        }
        reply
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

    /// From now on a payment stands here.
    pub fn set_status(&self, id: &InstructionId, status: PayoutStatus) {
        if let Some(paid) = lock(&self.paid).get_mut(id.as_str()) {
            paid.status = status;
        }
    }

    /// What was really paid, each once.
    pub fn paid(&self) -> Vec<Paid> {
        lock(&self.paid).values().cloned().collect()
    }
}
