//! The jobs of tiers.

use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::creators::CreatorId;
use crate::queue::{Job, Policy, Priority};

/// Tiers wait with the other work on creators.
const QUEUE: &str = "creators";

/// Evaluates the tiers of all creators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecalculateTiers {}

impl Job for RecalculateTiers {
    const KIND: &'static str = "tier.recalculate";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Evaluates the tiers of all creators; goes on with a run that was interrupted.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(1800),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Looks at one creator's tier after a day of large earnings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EvaluateTier {
    /// Whose.
    pub creator_id: CreatorId,
}

impl Job for EvaluateTier {
    const KIND: &'static str = "tier.evaluate";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Promotes one creator at once if large earnings allow it.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.creator_id.to_string())
    }

    fn creator(&self) -> Option<String> {
        Some(self.creator_id.to_string())
    }
}

/// Takes back a tier that was set by hand, when its time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndTierOverride {
    /// Whose.
    pub creator_id: CreatorId,
    /// When its time is over.
    pub ends_at: DateTime<Utc>,
}

impl Job for EndTierOverride {
    const KIND: &'static str = "tier.end_override";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Takes back a tier that was set by hand when its time is over, unless another one was set since.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        let millis = self.ends_at.timestamp_millis();
        Some(format!("{}@{millis}", self.creator_id))
    }

    fn creator(&self) -> Option<String> {
        Some(self.creator_id.to_string())
    }
}
