//! Onboarding: the way from registering to being ready, step by step.
//!
//! Promises: a run keeps the version of the flow it began with; a step ends only after its prerequisites and with the
//! proof its flow asks for; a run is completed exactly when its last required step is; all that happens is kept.
//! Owns: `onboarding_flows`, `onboarding_flow_steps`, `onboarding_runs`, `onboarding_steps`, `onboarding_events`.
//! Emits: nothing; `onboarding.sweep` runs by schedule. Calls: `verification`, `creators`,
//! `audit`, `reactions`.

mod error;
mod figures;
mod flows;
mod jobs;
mod model;
mod service;
mod store;
mod sweep;
#[cfg(test)]
mod tests;

pub use error::OnboardingError;
pub use figures::{Figures, FiguresFilter, StepFigures, figures};
pub use flows::{current, list, publish};
pub use jobs::SweepOnboarding;
pub use model::{
    Blocker, Event, EventKind, Flow, FlowStep, NewFlow, Proof, Run, RunId, RunState, Step, StepKey,
    StepState,
};
pub use service::{
    CompleteStep, StaffDecision, complete, decide, follow_merge, get, history, prove, reopen, skip,
    start, start_many,
};
pub use sweep::{SWEEP_BATCH, Swept, sweep};
