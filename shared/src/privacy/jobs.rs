//! The jobs about people's data.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RequestId;
use crate::queue::{Job, Policy, Priority};

/// Writes the document of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportPerson {
    /// Which request.
    pub request_id: RequestId,
}

impl Job for ExportPerson {
    const KIND: &'static str = "privacy.export";
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str =
        "Writes everything that is held about a person into a document.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(600),
        searchable: &["requestId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.request_id.to_string())
    }
}

/// Erases a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErasePerson {
    /// Which request.
    pub request_id: RequestId,
}

impl Job for ErasePerson {
    const KIND: &'static str = "privacy.erase";
    const QUEUE: &'static str = "creators";
    const DESCRIPTION: &'static str =
        "Erases what is held about a person, but for what has to be kept; all of it or nothing.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(600),
        searchable: &["requestId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.request_id.to_string())
    }
}

/// Removes what was retained after erasures and whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveRetained {}

impl Job for RemoveRetained {
    const KIND: &'static str = "privacy.remove_retained";
    const QUEUE: &'static str = "housekeeping";
    const DESCRIPTION: &'static str = "Removes what was retained after erasures and whose time is over; goes on with a run that was interrupted.";
    const POLICY: Policy = Policy {
        priority: Priority::Low,
        timeout: Duration::from_secs(1800),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
