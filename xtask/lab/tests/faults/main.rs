//! What the queue must survive: real worker processes over a private Postgres and Redis, while one thing after another
//! is killed, stopped, emptied or cut off. Nothing is lost, and no effect inside the database happens twice.
//!
//! These are the short forms; `cargo xtask chaos` is the long one. One runs at a time, since each wants the machine.

mod api;
mod campaigns;
mod clocks;
mod copies;
mod mixed_fleets;
mod postgres;
mod queues;
mod redis;
mod support;
mod workers;
