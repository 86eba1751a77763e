//! What onboarding is made of; pure.

mod flow;
mod run;

pub use flow::{Flow, FlowStep, NewFlow, Proof, StepKey};
pub(in crate::onboarding) use run::Refusal;
pub use run::{Blocker, Event, EventKind, Run, RunId, RunState, Step, StepState};
