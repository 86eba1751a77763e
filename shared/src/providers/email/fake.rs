//! A provider without a network: keeps what it accepts and fails as it is told.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use super::{EmailProvider, Handover, OutgoingMail};

/// Keeps what it accepts; see [`FakeEmail::answer`] and [`FakeEmail::hold`].
#[derive(Debug)]
pub struct FakeEmail {
    sessions: usize,
    accepted: Mutex<Vec<OutgoingMail>>,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    /// Answers are given as long as there are permits; none are taken away.
    gate: Semaphore,
    waiting: AtomicUsize,
}

#[derive(Debug, Clone)]
struct Answer {
    handover: Handover,
    keeps: bool,
}

impl FakeEmail {
    /// A provider that takes `sessions` messages at once and accepts them all.
    pub fn new(sessions: usize) -> Self {
        Self {
            sessions,
            accepted: Mutex::default(),
            answers: Mutex::default(),
            gate: Semaphore::new(1),
            waiting: AtomicUsize::new(0),
        }
    }

    /// The next message to `recipient` ends with `handover`; an [`Handover::Unknown`] one is not kept.
    pub fn answer(&self, recipient: &str, handover: Handover) {
        self.push(
            recipient,
            Answer {
                keeps: handover == Handover::Accepted,
                handover,
            },
        );
    }

    /// The next message to `recipient` is kept, but whoever sends it gets no answer.
    pub fn accept_in_silence(&self, recipient: &str) {
        self.push(
            recipient,
            Answer {
                handover: Handover::Unknown {
                    why: "cut after the content".into(),
                },
                keeps: true,
            },
        );
    }

    fn push(&self, recipient: &str, answer: Answer) {
        lock(&self.answers)
            .entry(recipient.to_owned())
            .or_default()
            .push_back(answer);
    }

    /// From now on messages are kept, and the answers wait for [`FakeEmail::release`].
    ///
    /// # Panics
    /// If it holds already.
    pub fn hold(&self) {
        self.gate.try_acquire().expect("not held yet").forget();
    }

    /// Gives the answers that wait, and no longer holds any.
    pub fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Messages that were taken and whose answers are held.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// What was accepted, in order.
    pub fn accepted(&self) -> Vec<OutgoingMail> {
        lock(&self.accepted).clone()
    }

    async fn take(&self, mail: &OutgoingMail) -> Handover {
        let scripted = lock(&self.answers)
            .get_mut(mail.to.as_str())
            .and_then(VecDeque::pop_front);
        let answer = scripted.unwrap_or(Answer {
            handover: Handover::Accepted,
            keeps: true,
        });
        if answer.keeps {
            lock(&self.accepted).push(mail.clone());
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let held = self.gate.acquire().await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        drop(held);
        answer.handover
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EmailProvider for FakeEmail {
    fn sessions(&self) -> usize {
        self.sessions
    }

    fn hand_over<'a>(&'a self, mail: &'a OutgoingMail) -> BoxFuture<'a, Handover> {
        Box::pin(self.take(mail))
    }
}
