//! Who asks, when, and within which trace: handed to every use case.

use std::net::IpAddr;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::{Actor, Clock, TraceContext};
use crate::queue::{Hint, JobId, Notice};

/// Where a request comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The caller's address, as far as the trusted proxies tell it.
    pub ip: Option<IpAddr>,
    /// What the caller's program calls itself, cut short.
    pub user_agent: Option<String>,
}

/// The context of one use case: who, when, which trace, and what to tell the queue and those who watch it once its
/// transaction has committed.
#[derive(Debug)]
pub struct Ctx {
    /// Who asks.
    pub actor: Actor,
    /// Identifies the request in logs and answers.
    pub request_id: String,
    /// The trace that everything done here belongs to.
    pub trace: TraceContext,
    /// Where the request comes from, if there is one.
    pub origin: Option<Origin>,
    now: DateTime<Utc>,
    hints: Mutex<Vec<Hint>>,
    notices: Mutex<Vec<Notice>>,
}

impl Ctx {
    /// A context for work that begins now.
    pub fn new(actor: Actor, clock: &Clock) -> Self {
        let trace = TraceContext::random();
        Self {
            actor,
            request_id: trace.trace_id(),
            trace,
            origin: None,
            now: clock.now(),
            hints: Mutex::default(),
            notices: Mutex::default(),
        }
    }

    /// The same, within a given trace and under a given request id.
    #[must_use]
    pub fn within(mut self, trace: TraceContext, request_id: impl Into<String>) -> Self {
        self.trace = trace;
        self.request_id = request_id.into();
        self
    }

    /// The same, for a request that comes from `origin`.
    #[must_use]
    pub fn from_origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same work, done by somebody else: by whom a login turned out to be.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// When the work began; the same moment for all of it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The job that this work is part of, if it is.
    pub fn job(&self) -> Option<JobId> {
        match &self.actor {
            Actor::Job(id) => Some(*id),
            Actor::User(_) | Actor::Key(_) | Actor::System | Actor::Anonymous => None,
        }
    }

    pub(crate) fn add_hint(&self, hint: Hint) {
        self.hints
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(hint);
    }

    /// Tells those who watch the queue, once the transaction has committed.
    pub(crate) fn tell(&self, notice: Notice) {
        self.notices
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(notice);
    }

    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(
            &mut *self
                .notices
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    pub(crate) fn take_hints(&self) -> Vec<Hint> {
        std::mem::take(
            &mut *self
                .hints
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }
}
