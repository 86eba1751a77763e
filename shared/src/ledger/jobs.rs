//! The jobs of the ledger.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::queue::{Job, Policy};

/// Money has a queue of its own, so that nothing else makes it wait.
pub(crate) const QUEUE: &str = "money";

/// Checks that the ledger holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckLedger {}

impl Job for CheckLedger {
    const KIND: &'static str = "ledger.check";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Checks that debits equal credits, balances their entries, and payouts what was moved for them; a dead letter says that they do not.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(3 * 3600),
        max_attempts: 3,
        retention_days: 400,
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Releases what is held beyond its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpireHolds {}

impl Job for ExpireHolds {
    const KIND: &'static str = "ledger.expire_holds";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Releases amounts that are held beyond their time.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Makes the partitions of months to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MakePartitions {}

impl Job for MakePartitions {
    const KIND: &'static str = "ledger.make_partitions";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Makes the partitions of the ledger and of earnings for months to come.";

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
