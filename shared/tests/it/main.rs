//! The queue's promises, each against a real Postgres (and Redis, where the ready lists are concerned).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may panic, as the tests themselves may"
)]

mod batches;
mod claiming;
mod dispatching;
mod enqueuing;
mod installation;
mod janitor;
mod leading;
mod rates;
mod rescue;
mod schedules;
mod settling;
mod support;
mod uniqueness;
