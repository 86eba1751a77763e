//! The worker: takes jobs from the queue and runs their handlers. A thin door into `shared`.
//!
//! A process has, for each queue it serves, a fetcher that claims jobs and an apalis worker that runs them; and, once,
//! a completer that writes what became of them, a heart on a thread of its own, and a leader on another, of which only
//! one in the fleet leads.

pub mod app;
pub mod backend;
pub mod completer;
pub mod execute;
pub mod fetcher;
pub mod handlers;
pub mod heart;
pub mod job_cx;
pub mod job_log;
pub mod leader;
pub mod lifecycle;
pub mod pace;
pub mod probe;
pub mod registry;
pub mod running;
pub mod schedules;
