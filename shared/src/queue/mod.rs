//! The job queue: Postgres owns the truth, Redis carries ids.
//!
//! Promises: a job exists once the transaction that enqueued it has committed, and never otherwise; it is run until it
//! is done, dead or cancelled, perhaps twice, never lost; what it did is remembered.
//! Owns: `jobs`, `job_history`, `job_attempts`, `job_terms`, `queues`, `batches`, `workers`, `schedules`,
//! `schedule_runs`, `queue_pace`, `installation`, and all keys in Redis. Calls: nobody.

pub mod batch;
pub mod bulk;
mod catalog;
pub mod claim;
mod connection;
pub mod control;
pub mod dead_letters;
pub mod depth;
pub mod dispatch;
mod enqueue;
mod error;
mod events;
pub mod feed;
pub mod gauges;
pub mod inspect;
pub mod installation;
pub mod janitor;
mod job;
pub mod leadership;
pub mod metrics;
mod notice;
mod outcome;
pub mod pace;
pub mod rate;
pub mod ready_list;
pub mod sample;
pub mod schedule;
pub mod search;
pub mod settings;
pub mod settle;
mod signals;
pub mod steer;
pub mod submit;
pub mod watch;
pub mod workers;

pub use catalog::{Catalog, Keys, Kind, KindSpec};
pub use connection::by_keys;
pub use enqueue::{ENQUEUE_CHUNK, Enqueued, enqueue, enqueue_many, enqueue_one};
pub use error::EnqueueError;
pub use events::{
    Count, EVENT_JOBS_MAX, EVENTS_KEY, EVENTS_MAX_ENTRIES, EventBatch, Events, JobChange,
};
pub use job::{
    ARGS_MAX_BYTES, Backoff, BatchId, Job, JobId, KEY_MAX_CHARS, Lease, NewJob, Policy, Priority,
    TAGS_MAX, WorkerId,
};
pub use notice::Notice;
pub use outcome::{Done, Failure, Next, Outcome, fail, retry, snooze};
pub use ready_list::{Hint, ReadyLists};
pub use signals::Signals;
