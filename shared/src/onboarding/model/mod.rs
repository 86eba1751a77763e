//! What onboarding is made of; pure.

mod flow;
mod run;
mod step;
#[cfg(test)]
mod tests;

pub use flow::{Flow, FlowStep, NewFlow, Proof, StepKey};
pub use run::Run;
pub(crate) use step::Refusal;
pub use step::{Blocker, Event, EventKind, RunId, RunState, Step, StepState};
