//! The job of exports.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ExportId;
use crate::queue::{Job, Policy, Priority};

/// Carries an export on, from where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportWork {
    /// Which.
    pub export_id: ExportId,
}

impl Job for ExportWork {
    const KIND: &'static str = "creator.export";
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str =
        "Writes the creators of an export into its file from where it is, in small steps.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: Duration::from_secs(3600),
        searchable: &["exportId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.export_id.to_string())
    }
}
