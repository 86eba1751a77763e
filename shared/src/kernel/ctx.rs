//! Who asks, when, and within which trace: handed to every use case.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Mutex;

use chrono::{DateTime, Utc};

use super::{Clock, TraceContext};
use crate::queue::{Hint, JobId, Notice};

/// What a person or a program may do, in the coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    Admin,
    /// Steers queues, jobs and schedules.
    Ops,
    /// Looks after creators.
    Support,
    /// Runs campaigns.
    Marketing,
    /// Approves payouts.
    Finance,
    /// Decides verifications and violations.
    Compliance,
    /// Reads figures, no personal data.
    Analyst,
    /// A creator: sees only itself.
    Creator,
    /// Another service.
    Service,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 9] = [
        Self::Admin,
        Self::Ops,
        Self::Support,
        Self::Marketing,
        Self::Finance,
        Self::Compliance,
        Self::Analyst,
        Self::Creator,
        Self::Service,
    ];

    /// The role's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Ops => "ops",
            Self::Support => "support",
            Self::Marketing => "marketing",
            Self::Finance => "finance",
            Self::Compliance => "compliance",
            Self::Analyst => "analyst",
            Self::Creator => "creator",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role `{0}`: use admin, ops, support, marketing, finance, compliance, analyst, creator or service"
)]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Who causes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who proved who they are.
    User {
        /// The subject of their token.
        subject: String,
        /// Their roles, at least one.
        roles: Vec<Role>,
    },
    /// A job, on behalf of whoever enqueued it.
    Job(JobId),
    /// The system itself: schedules, the leader, the command line.
    System,
    /// Nobody known: a recipient who follows a link in a mail.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { subject, .. } => write!(f, "user:{subject}"),
            Self::Job(id) => write!(f, "{id}"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

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

    /// When the work began; the same moment for all of it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The job that this work is part of, if it is.
    pub fn job(&self) -> Option<JobId> {
        match &self.actor {
            Actor::Job(id) => Some(*id),
            Actor::User { .. } | Actor::System | Actor::Anonymous => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_known_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
    }
}
