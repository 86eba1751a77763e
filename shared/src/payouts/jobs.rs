//! The jobs of payouts.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BatchFormat, Payout, PayoutId, StatementId};
use crate::queue::{Job, Policy};

/// The queue of what hands money over.
const QUEUE: &str = "payouts";

/// Hands a payout to its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubmitPayout {
    /// Which.
    pub payout_id: PayoutId,
    /// For which handing over, the first is 1.
    pub submission: i32,
}

impl SubmitPayout {
    /// The next handing over of a payout.
    pub(super) fn of(payout: &Payout) -> Self {
        Self {
            payout_id: payout.id,
            submission: payout.submissions + 1,
        }
    }
}

impl Job for SubmitPayout {
    const KIND: &'static str = "payout.submit";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Hands a payout to its provider, once.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(120),
        searchable: &["payoutId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.payout_id, self.submission))
    }
}

/// Asks a provider what became of a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AskPayout {
    /// Which.
    pub payout_id: PayoutId,
}

impl Job for AskPayout {
    const KIND: &'static str = "payout.ask";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Asks the provider what became of a payout.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(120),
        searchable: &["payoutId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.payout_id.to_string())
    }
}

/// Looks for payouts about which something is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SweepPayouts {}

impl Job for SweepPayouts {
    const KIND: &'static str = "payout.sweep";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Asks about payouts whose fate is not known, and ends those that nobody approved in time.";
    const POLICY: Policy = Policy::DEFAULT;

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Asks for the payouts that are due by creators' schedules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunPayouts {}

impl Job for RunPayouts {
    const KIND: &'static str = "payout.run";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Asks for the payouts that are due by creators' schedules.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(3600),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Puts scheduled payouts into files and hands these over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchPayouts {
    /// Of which format; of all that can be written unless given.
    #[serde(default)]
    pub format: Option<BatchFormat>,
}

impl Job for BatchPayouts {
    const KIND: &'static str = "payout.batch";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Puts scheduled bank transfers and cheques into files, and hands these over, once each.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(1800),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        let format = self.format.map_or("all", BatchFormat::as_str);
        Some(format.to_owned())
    }
}

/// Looks at the entries of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchStatement {
    /// Of which.
    pub statement_id: StatementId,
}

impl Job for MatchStatement {
    const KIND: &'static str = "payout.match_statement";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Looks at each entry of a bank's statement, and notes what it says of payouts.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(3600),
        searchable: &["statementId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.statement_id.to_string())
    }
}

/// Takes in the statements that banks put into the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadStatements {}

impl Job for ReadStatements {
    const KIND: &'static str = "payout.read_statements";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Takes in the statements that banks put into the folder.";
    const POLICY: Policy = Policy {
        timeout: Duration::from_secs(1800),
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}
