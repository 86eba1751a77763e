//! The job that removes what has expired.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{Job, Policy, Priority};

/// Removes files that have expired, and what imports remembered for being undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeFiles {}

impl Job for PurgeFiles {
    const KIND: &'static str = "files.purge";
    const QUEUE: &'static str = "housekeeping";
    const DESCRIPTION: &'static str =
        "Removes files that have expired, and what imports remembered for being undone.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: Duration::from_secs(600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
