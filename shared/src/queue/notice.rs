//! What a use case tells those who watch, once its transaction has committed.

use super::{Events, JobId, WorkerId};

/// Something changed in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A job entered a state.
    Job {
        /// Which.
        id: JobId,
        /// Its kind.
        kind: String,
        /// Its queue.
        queue: String,
        /// As in [`super::JobChange::state`].
        state: &'static str,
    },
    /// A queue's settings changed.
    Queue(String),
    /// A worker was asked to drain.
    Worker(WorkerId),
}

impl Notice {
    /// A job entered a state.
    pub const fn job(id: JobId, kind: String, queue: String, state: &'static str) -> Self {
        Self::Job {
            id,
            kind,
            queue,
            state,
        }
    }

    /// Puts it to the events that are sent next.
    pub(super) fn gather(&self, events: &Events) {
        match self {
            Self::Job {
                id,
                kind,
                queue,
                state,
            } => events.job(*id, kind, queue, state),
            Self::Queue(name) => events.queue(name),
            Self::Worker(id) => events.worker(*id),
        }
    }
}
