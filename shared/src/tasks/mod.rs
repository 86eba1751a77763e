//! Tasks: what somebody has to do, by when.
//!
//! Promises: a reminder comes once, at its time, also after crashes, and not for a task that is done; a task that recurs
//! has its next one from the moment it is done. Owns: `tasks`, `task_events`, the view `timeline_tasks`.
//! Emits: `task.remind`. Calls: `creators`, `audit`, `queue`.

mod error;
mod jobs;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use error::TaskError;
pub use jobs::RemindTask;
pub use model::{NewTask, Task, TaskChanges, TaskFilter, TaskId, TaskState};
pub use service::{add, change, done, follow_merge, get, list, remind, reopen};
