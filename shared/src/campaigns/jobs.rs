//! The jobs that carry a campaign out.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CampaignId;
use crate::queue::{Backoff, Job, Policy, Priority};

/// Campaigns wait in a queue of their own, so that their mass keeps nothing else waiting.
const QUEUE: &str = "campaigns";
/// How long an attempt at steering a campaign may take; it works in steps and goes on where it was.
const STEERING_TIMEOUT: Duration = Duration::from_secs(900);

/// Brings a campaign under way: takes its place, gives every recipient a row, and fans out the sending.
///
/// Goes on where it was interrupted, and finds chunks again that nobody works on: resuming is launching again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LaunchCampaign {
    /// Which.
    pub campaign_id: CampaignId,
}

impl Job for LaunchCampaign {
    const KIND: &'static str = "campaign.launch";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Gives every recipient of a campaign a row and fans out the sending.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        timeout: STEERING_TIMEOUT,
        searchable: &["campaignId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.campaign_id.to_string())
    }
}

/// Sends one chunk of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendDeliveries {
    /// Which campaign.
    pub campaign_id: CampaignId,
    /// Which of its chunks, from 0.
    pub chunk: i32,
}

impl Job for SendDeliveries {
    const KIND: &'static str = "campaign.send";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str = "Sends one chunk of a campaign's mails.";
    const POLICY: Policy = Policy {
        // a run ends itself long before, see `send::RUN_MAX`
        timeout: Duration::from_secs(600),
        backoff: Backoff {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(60),
        },
        searchable: &["campaignId"],
        ..Policy::DEFAULT
    };

    // Only over waiting jobs: one that is about to end because the campaign was paused must not
    // keep out the one that resuming enqueues. Two at once do no harm: a chunk has one holder.
    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", self.campaign_id, self.chunk))
    }

    fn group(&self) -> Option<String> {
        Some(self.campaign_id.to_string())
    }
}

/// Ends a campaign: notes that it is completed, or skips what a cancelled one has not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FinishCampaign {
    /// Which.
    pub campaign_id: CampaignId,
}

impl Job for FinishCampaign {
    const KIND: &'static str = "campaign.finish";
    const QUEUE: &'static str = QUEUE;
    const DESCRIPTION: &'static str =
        "Ends a campaign whose rows have ended, or that was cancelled, and lets the next begin.";
    const POLICY: Policy = Policy {
        priority: Priority::High,
        timeout: STEERING_TIMEOUT,
        searchable: &["campaignId"],
        ..Policy::DEFAULT
    };

    fn unique_key(&self) -> Option<String> {
        Some(self.campaign_id.to_string())
    }
}
