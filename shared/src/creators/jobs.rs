//! The jobs about creators.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BlockId, CreatorId};
use crate::queue::{Job, Policy, Priority};

/// The queue of work on creators.
const QUEUE: &str = "creators";

/// Ends a suspension when its time has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiftSuspension {
    /// Whose.
    pub creator_id: CreatorId,
    /// Which of their blocks.
    pub block_id: BlockId,
}

impl Job for LiftSuspension {
    const KIND: &'static str = "creator.lift_suspension";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Ends a suspension whose time has come, unless another one stands.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.block_id.to_string())
    }

    fn creator(&self) -> Option<String> {
        Some(self.creator_id.to_string())
    }
}

/// Tells a creator that they are suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NotifySuspension {
    /// Whom.
    pub creator_id: CreatorId,
    /// Of which of their blocks.
    pub block_id: BlockId,
}

impl Job for NotifySuspension {
    const KIND: &'static str = "creator.notify_suspension";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Mails a creator that they are suspended and until when, unless that is over already.";
    const POLICY: Policy = Policy {
        max_attempts: 5,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.block_id.to_string())
    }

    fn creator(&self) -> Option<String> {
        Some(self.creator_id.to_string())
    }
}
