//! Campaigns: one message to many creators, each of whom gets it once or is told why not.
//!
//! Promises: every recipient has exactly one row; a row that is `sent` has exactly one mail, one that is `unknown` at
//! most one, any other none; a campaign is `completed` only when every row has ended. See docs/campaigns.md.
//! Owns: `campaigns`, `campaign_chunks`, `campaign_deliveries`. Emits: `campaign.launch`, `campaign.send`,
//! `campaign.finish`. Calls: `messaging`, `creators`, `queue`.

mod decide;
mod error;
mod finish;
mod jobs;
mod launch;
mod model;
mod progress;
mod rooms;
mod send;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use decide::{Decided, decide};
pub use error::CampaignError;
pub use finish::{Finished, finish};
pub use jobs::{FinishCampaign, LaunchCampaign, SendDeliveries};
pub use launch::{LaunchPlace, Launched, launch_step};
pub use model::{
    Audience, Campaign, CampaignId, CampaignKind, CampaignStatus, Decision, Delivery, DeliveryId,
    DeliveryStatus, Move, NewCampaign, SkipReason, Transition,
};
pub use progress::{CampaignSummary, Metrics, RATE_WINDOW, list, metrics};
pub use send::{ChunkEnd, GoOn, SendPolicy, Sender};
pub use service::{
    cancel, create, deliveries, follow_merge, launch, pause, preview, resume, within_reach,
};
