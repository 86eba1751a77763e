//! The jobs of verification.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{Job, Policy};

/// Notes which verifications are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpireVerifications {}

impl Job for ExpireVerifications {
    const KIND: &'static str = "verification.expire";
    // with the other work on creators
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str = "Notes which verifications are over since yesterday.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(1800),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
