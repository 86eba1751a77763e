//! The jobs of onboarding.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{Job, Policy, Priority};

/// Notes runs that have fallen silent, and gives up those that were silent for too long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepOnboarding {}

impl Job for SweepOnboarding {
    const KIND: &'static str = "onboarding.sweep";
    const QUEUE: &'static str = "housekeeping";
    const DESCRIPTION: &'static str = "Notes onboarding runs that have fallen silent, and gives up those that were silent for too long.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: Duration::from_secs(600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
