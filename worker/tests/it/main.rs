//! Worker processes, started within the test, against a real Postgres and a real Redis.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests may panic, as the tests themselves may"
)]

mod cancelling;
mod draining;
mod limits;
mod losing;
mod mailing;
mod moving;
mod noting;
mod order;
mod outcomes;
mod paying;
mod stage;
mod ticking;
