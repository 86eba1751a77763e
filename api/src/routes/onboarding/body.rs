//! What is asked of onboarding.

use serde::Deserialize;
use serde_json::Value;
use shared::onboarding::{CompleteStep, FlowStep, NewFlow, StaffDecision, StepKey};
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::fields::Fields;

/// Steps in a flow at the most: each there is, once.
const STEPS_MAX: usize = StepKey::ALL.len();

/// A step that is said to be done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CompleteBody {
    #[schema(example = "profile_setup")]
    step_id: String,
    /// What the step's `dataSchema` asks for; `{}` if left out.
    #[schema(value_type = Option<Object>, example = json!({ "profileComplete": true }))]
    data: Option<Value>,
}

/// A step to leave out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SkipBody {
    #[schema(example = "marketing_setup")]
    pub(super) step_id: String,
    /// Why, in at most 500 characters.
    pub(super) reason: Option<String>,
}

/// A step to do again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ReopenBody {
    #[schema(example = "verification")]
    pub(super) step_id: String,
    /// Why, in 1 to 500 characters.
    pub(super) reason: String,
}

/// What staff says of a step.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = OnboardingDecision)]
pub(super) struct DecisionBody {
    #[schema(example = "verification")]
    step_id: String,
    /// `approve` or `reject`.
    #[schema(example = "approve")]
    decision: String,
    /// Why, in 1 to 500 characters; kept in the history.
    reason: String,
    /// Of an approval: what the step's `dataSchema` asks for; `{}` if left out.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
}

/// The next version of a cluster's flow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOnboardingFlow)]
pub(super) struct FlowBody {
    #[schema(example = "girlfanz")]
    cluster_id: String,
    /// In their order; the last is `completed`.
    steps: Vec<FlowStepBody>,
    /// Silence after which a run is stalled, in minutes.
    #[schema(example = 4320)]
    stall_minutes: i32,
    /// Silence after which a run is given up, in minutes.
    #[schema(example = 43200)]
    abandon_minutes: i32,
}

/// One step of a flow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewOnboardingFlowStep)]
struct FlowStepBody {
    #[schema(example = "profile_setup")]
    step_id: String,
    title: String,
    /// Steps before this one that must have ended.
    #[serde(default)]
    prerequisites: Vec<String>,
    required: bool,
    /// JSON Schema (2020-12) of the data that complete it.
    #[schema(value_type = Object)]
    data_schema: Value,
    /// `word`, `profile`, `consent_choice`, `staff` or `other_steps`; which are possible depends on the step.
    #[schema(example = "profile")]
    proof: String,
    expected_minutes: i32,
    /// When it should be done, in minutes from when it could be begun.
    due_minutes: i32,
}

/// The step of that name.
pub(super) fn step(text: &str) -> Result<StepKey> {
    let mut fields = Fields::default();
    let step = fields.parsed("/stepId", text);
    fields.finish()?;
    step.ok_or_else(Problem::internal)
}

impl CompleteBody {
    pub(super) fn command(self) -> Result<CompleteStep> {
        Ok(CompleteStep {
            step: step(&self.step_id)?,
            data: self.data,
        })
    }
}

impl DecisionBody {
    pub(super) fn command(self) -> Result<StaffDecision> {
        let mut fields = Fields::default();
        let step = fields.parsed("/stepId", &self.step_id);
        let approved = match self.decision.as_str() {
            "approve" => true,
            "reject" => false,
            _ => {
                fields.wrong("/decision", "use `approve` or `reject`");
                false
            }
        };
        fields.finish()?;
        Ok(StaffDecision {
            step: step.ok_or_else(Problem::internal)?,
            approved,
            reason: self.reason,
            data: self.data,
        })
    }
}

impl FlowBody {
    pub(super) fn flow(self) -> Result<NewFlow> {
        let mut fields = Fields::default();
        if self.steps.len() > STEPS_MAX {
            fields.wrong("/steps", format!("at most {STEPS_MAX} steps"));
            fields.finish()?;
            return Err(Problem::internal());
        }
        let steps = self.steps.into_iter().enumerate();
        let steps: Vec<FlowStep> = steps
            .filter_map(|(at, step)| step.step(at, &mut fields))
            .collect();
        fields.finish()?;
        Ok(NewFlow {
            cluster: self.cluster_id,
            steps,
            stall_minutes: self.stall_minutes,
            abandon_minutes: self.abandon_minutes,
        })
    }
}

impl FlowStepBody {
    fn step(self, at: usize, fields: &mut Fields) -> Option<FlowStep> {
        let pointer = |name: &str| format!("/steps/{at}/{name}");
        let key = fields.parsed(pointer("stepId"), &self.step_id);
        let proof = fields.parsed(pointer("proof"), &self.proof);
        let prerequisites = fields.parsed_all(&pointer("prerequisites"), &self.prerequisites);
        Some(FlowStep {
            key: key?,
            title: self.title,
            prerequisites,
            required: self.required,
            data_schema: self.data_schema,
            proof: proof?,
            expected_minutes: self.expected_minutes,
            due_minutes: self.due_minutes,
        })
    }
}
