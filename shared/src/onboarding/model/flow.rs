//! Flows: which steps creators of a cluster go through, in which order, and what shows that each is done.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::kernel::{FieldError, words};

/// Characters of a step's title at the most.
const TITLE_MAX_CHARS: usize = 100;
/// A step's JSON Schema at the most, in bytes.
const SCHEMA_MAX_BYTES: usize = 16 * 1024;
/// A span of time in a flow at the most, in minutes: a year.
const SPAN_MAX_MINUTES: i32 = 366 * 24 * 60;

words!(
    /// The steps there are.
    StepKey {
        /// Has seen what awaits them.
        Welcome => "welcome",
        /// Has filled in the profile.
        ProfileSetup => "profile_setup",
        /// Has proven identity and age.
        Verification => "verification",
        /// Has chosen categories and types of content.
        ContentSetup => "content_setup",
        /// Has set prices.
        PricingSetup => "pricing_setup",
        /// Can be paid.
        PayoutSetup => "payout_setup",
        /// Has published something.
        FirstContent => "first_content",
        /// Has said yes or no to marketing.
        MarketingSetup => "marketing_setup",
        /// Has learnt the rules.
        ComplianceTraining => "compliance_training",
        /// The end: done when every other required step is.
        Completed => "completed",
    }
);

words!(
    /// What shows that a step is done.
    Proof {
        /// The creator says so, with data that fit the step's schema.
        Word => "word",
        /// Display name, first name and time zone are filled in.
        Profile => "profile",
        /// A consent or withdrawal for e-mail is on record.
        ConsentChoice => "consent_choice",
        /// Staff decides.
        Staff => "staff",
        /// All other required steps are done; only for [`StepKey::Completed`].
        OtherSteps => "other_steps",
    }
);

impl StepKey {
    /// Proofs that a flow may ask for at this step. What law or money hang on is never the creator's word: as long as
    /// the parts of the product that verify, pay, publish and train do not prove it, staff decides.
    pub const fn allowed_proofs(self) -> &'static [Proof] {
        match self {
            Self::Welcome | Self::ContentSetup | Self::PricingSetup => &[Proof::Word, Proof::Staff],
            Self::ProfileSetup => &[Proof::Profile, Proof::Staff],
            Self::MarketingSetup => &[Proof::ConsentChoice, Proof::Staff],
            Self::Verification
            | Self::PayoutSetup
            | Self::FirstContent
            | Self::ComplianceTraining => &[Proof::Staff],
            Self::Completed => &[Proof::OtherSteps],
        }
    }
}

/// One step of a flow.
#[derive(Debug, Clone, PartialEq)]
pub struct FlowStep {
    /// Which.
    pub key: StepKey,
    /// What it is called.
    pub title: String,
    /// What must have ended before; all of them stand before this step.
    pub prerequisites: Vec<StepKey>,
    /// Whether the run waits for it; the others can be skipped.
    pub required: bool,
    /// JSON Schema of the data that complete it.
    pub data_schema: Value,
    /// What shows that it is done.
    pub proof: Proof,
    /// How long it takes, in minutes.
    pub expected_minutes: i32,
    /// When it should be done, in minutes from when it could be begun.
    pub due_minutes: i32,
}

/// A flow about to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFlow {
    /// For which cluster.
    pub cluster: String,
    /// In their order.
    pub steps: Vec<FlowStep>,
    /// Silence after which a run is stalled, in minutes.
    pub stall_minutes: i32,
    /// Silence after which a run is given up, in minutes.
    pub abandon_minutes: i32,
}

/// A published flow.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// For which cluster.
    pub cluster: String,
    /// Counted from 1 in the cluster; new runs take the highest.
    pub version: i32,
    /// In their order.
    pub steps: Vec<FlowStep>,
    /// Silence after which a run is stalled, in minutes.
    pub stall_minutes: i32,
    /// Silence after which a run is given up, in minutes.
    pub abandon_minutes: i32,
    /// Who published it.
    pub published_by: String,
    /// When.
    pub published_at: DateTime<Utc>,
}

impl FlowStep {
    /// Checks the data that are to complete the step; none counts as `{}`.
    ///
    /// # Errors
    /// With every violation, as pointers below `/data`.
    pub fn check_data(&self, data: &Value) -> Result<(), Vec<FieldError>> {
        let validator = jsonschema::validator_for(&self.data_schema)
            .map_err(|_| vec![FieldError::new("/data", "the step's own schema cannot be used; publish a version of the flow with a valid one")])?;
        let wrong: Vec<FieldError> = validator
            .iter_errors(data)
            .map(|error| {
                FieldError::new(format!("/data{}", error.instance_path()), error.to_string())
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

impl NewFlow {
    /// Checks that whoever goes through the flow can come to its end, and cannot without the proofs that matter.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut before = BTreeSet::new();
        for (at, step) in self.steps.iter().enumerate() {
            check_step(at, step, &before, &mut wrong);
            before.insert(step.key);
        }
        let ends = self
            .steps
            .last()
            .is_some_and(|last| last.key == StepKey::Completed && last.required);
        if !ends {
            wrong.push(FieldError::new(
                "/steps",
                "the last step must be `completed`, and required",
            ));
        }
        if !self
            .steps
            .iter()
            .any(|step| step.required && step.key != StepKey::Completed)
        {
            wrong.push(FieldError::new(
                "/steps",
                "at least one other step must be required",
            ));
        }
        for (field, minutes, least) in [
            ("/stallMinutes", self.stall_minutes, 1),
            (
                "/abandonMinutes",
                self.abandon_minutes,
                self.stall_minutes.saturating_add(1),
            ),
        ] {
            if !(least..=SPAN_MAX_MINUTES).contains(&minutes) {
                wrong.push(FieldError::new(
                    field,
                    format!(
                        "use {least} to {SPAN_MAX_MINUTES} minutes; giving up comes after stalling"
                    ),
                ));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

fn check_step(at: usize, step: &FlowStep, before: &BTreeSet<StepKey>, wrong: &mut Vec<FieldError>) {
    let mut note = |field: &str, message: String| {
        wrong.push(FieldError::new(format!("/steps/{at}/{field}"), message));
    };
    if before.contains(&step.key) {
        note("stepId", format!("`{}` stands in the flow twice", step.key));
    }
    let title = step.title.trim();
    if title.is_empty()
        || title.chars().count() > TITLE_MAX_CHARS
        || title.chars().any(char::is_control)
    {
        note(
            "title",
            format!("use 1 to {TITLE_MAX_CHARS} characters, without line breaks"),
        );
    }
    // what stands before cannot wait for what stands after, so there are no circles
    for missing in step
        .prerequisites
        .iter()
        .filter(|key| !before.contains(key))
    {
        note(
            "prerequisites",
            format!("`{missing}` must stand before `{}`", step.key),
        );
    }
    let distinct: BTreeSet<_> = step.prerequisites.iter().collect();
    if distinct.len() != step.prerequisites.len() {
        note("prerequisites", "name each step once".to_owned());
    }
    if step.key == StepKey::Completed && !step.prerequisites.is_empty() {
        note(
            "prerequisites",
            "`completed` waits for every required step by itself; leave them out".to_owned(),
        );
    }
    let allowed = step.key.allowed_proofs();
    if !allowed.contains(&step.proof) {
        let words: Vec<&str> = allowed.iter().map(|proof| proof.as_str()).collect();
        note(
            "proof",
            format!("`{}` can be proven by: {}", step.key, words.join(", ")),
        );
    }
    if !step.data_schema.is_object() || jsonschema::validator_for(&step.data_schema).is_err() {
        note(
            "dataSchema",
            "this is no JSON Schema (2020-12) object that stands alone".to_owned(),
        );
    } else if step.data_schema.to_string().len() > SCHEMA_MAX_BYTES {
        note(
            "dataSchema",
            format!("use at most {SCHEMA_MAX_BYTES} bytes"),
        );
    }
    if !(0..=SPAN_MAX_MINUTES).contains(&step.expected_minutes) {
        note(
            "expectedMinutes",
            format!("use 0 to {SPAN_MAX_MINUTES} minutes"),
        );
    }
    if !(1..=SPAN_MAX_MINUTES).contains(&step.due_minutes) {
        note("dueMinutes", format!("use 1 to {SPAN_MAX_MINUTES} minutes"));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    /// A step that asks for the least.
    pub(crate) fn step(key: StepKey, prerequisites: &[StepKey], required: bool) -> FlowStep {
        FlowStep {
            key,
            title: key.to_string(),
            prerequisites: prerequisites.to_vec(),
            required,
            data_schema: json!({ "type": "object" }),
            proof: key.allowed_proofs()[0],
            expected_minutes: 10,
            due_minutes: 1_440,
        }
    }

    pub(crate) fn flow(steps: Vec<FlowStep>) -> NewFlow {
        NewFlow {
            cluster: "girlfanz".into(),
            steps,
            stall_minutes: 60,
            abandon_minutes: 600,
        }
    }

    fn wrong(flow: &NewFlow) -> Vec<String> {
        flow.check()
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|error| error.field.into_owned())
            .collect()
    }

    #[test]
    fn a_flow_without_circles_that_ends_is_accepted() {
        let welcome = step(StepKey::Welcome, &[], true);
        let end = step(StepKey::Completed, &[], true);
        assert_eq!(wrong(&flow(vec![welcome, end])), Vec::<String>::new());
    }

    #[test]
    fn each_mistake_in_a_flow_is_named_by_its_field() {
        let mut verification = step(StepKey::Verification, &[StepKey::PayoutSetup], true);
        verification.proof = Proof::Word;
        verification.title = "\n".into();
        verification.data_schema = json!({ "type": "no such type" });
        verification.due_minutes = 0;
        verification.expected_minutes = -1;
        let mut bad = flow(vec![verification, step(StepKey::Verification, &[], false)]);
        bad.abandon_minutes = bad.stall_minutes;
        assert_eq!(
            wrong(&bad),
            [
                "/steps/0/title",
                "/steps/0/prerequisites",
                "/steps/0/proof",
                "/steps/0/dataSchema",
                "/steps/0/expectedMinutes",
                "/steps/0/dueMinutes",
                "/steps/1/stepId",
                "/steps",
                "/abandonMinutes"
            ]
        );
        assert_eq!(
            wrong(&flow(vec![step(StepKey::Completed, &[], true)])),
            ["/steps"]
        );
        assert_eq!(wrong(&flow(Vec::new())), ["/steps", "/steps"]);
    }

    #[test]
    fn what_law_or_money_hang_on_is_never_the_creators_word() {
        for key in [
            StepKey::Verification,
            StepKey::PayoutSetup,
            StepKey::FirstContent,
            StepKey::ComplianceTraining,
        ] {
            assert_eq!(key.allowed_proofs(), [Proof::Staff]);
        }
    }

    #[test]
    fn data_that_do_not_fit_are_named_by_their_place() {
        let mut content = step(StepKey::ContentSetup, &[], true);
        content.data_schema = json!({ "type": "object", "properties": { "categories": { "items": { "enum": ["art"] } } } });
        content
            .check_data(&json!({ "categories": ["art"] }))
            .expect("fits");
        let wrong = content
            .check_data(&json!({ "categories": ["art", "war"] }))
            .expect_err("does not fit");
        assert_eq!(wrong[0].field, "/data/categories/1");
    }
}
