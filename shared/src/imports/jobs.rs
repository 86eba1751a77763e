//! The job of imports.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ImportId;
use crate::queue::{Job, Policy, Priority};

/// Carries an import on: checks it, runs it or undoes it, from where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportWork {
    /// Which.
    pub import_id: ImportId,
    /// Which pass over it.
    pub pass: i32,
}

impl Job for ImportWork {
    const KIND: &'static str = "creator.import";
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str =
        "Checks, runs or undoes an import of creators from where it is, in small steps.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: Duration::from_secs(3600),
        searchable: &["importId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}/{}", self.import_id, self.pass))
    }
}
