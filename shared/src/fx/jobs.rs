//! The job of exchange rates.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::providers::fx::Span;
use crate::queue::{Job, Policy};

/// Imports the reference rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRates {
    /// Of which time; unless given the last weeks, so that days that were missed come in, too.
    #[serde(default)]
    pub span: Span,
}

impl Job for ImportRates {
    const KIND: &'static str = "fx.import";
    const QUEUE: &'static str = "housekeeping";
    const DESCRIPTION: &'static str =
        "Imports the reference exchange rates; rates that are known already are left as they are.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(300),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.span.as_str().to_owned())
    }
}
