//! The jobs of earnings.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{Job, Policy};

/// Makes available what has matured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatureEarnings {}

impl Job for MatureEarnings {
    const KIND: &'static str = "earning.mature";
    const QUEUE: &'static str = crate::ledger::QUEUE;
    const DESCRIPTION: &'static str =
        "Makes earnings available that have matured, and releases reserves whose time is over.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(3600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Converts earnings in other currencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConvertEarnings {}

impl Job for ConvertEarnings {
    const KIND: &'static str = "earning.convert";
    const QUEUE: &'static str = crate::ledger::QUEUE;
    const DESCRIPTION: &'static str = "Converts earnings in other currencies into the reporting one, by the rate of their day; \
         those without a rate go on waiting.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(3600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
