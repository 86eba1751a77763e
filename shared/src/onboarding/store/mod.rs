//! The SQL of onboarding, a file a subject.

mod figures;
mod flows;
mod many;
mod runs;
mod sweep;

pub(super) use figures::{run_figures, step_figures};
pub(super) use flows::{current_flow, flows, insert_flow};
pub(super) use many::insert_many;
pub(super) use runs::{follow_merge, get, history, insert, lock, save};
pub(super) use sweep::{abandon, stall};
