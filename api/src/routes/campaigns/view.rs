//! Campaigns and their recipients as they are shown.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::campaigns::{Campaign, CampaignId, Decided, Delivery, DeliveryId, Metrics};
use shared::creators::CreatorId;
use shared::kernel::{EmailAddress, Page};
use utoipa::ToSchema;

/// A campaign.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Campaign)]
pub(super) struct CampaignView {
    #[schema(value_type = String, example = "campaign_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: CampaignId,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `draft`, `scheduled`, `active`, `paused`, `completed` or `cancelled`.
    status: &'static str,
    target_audience: AudienceView,
    content: ContentView,
    schedule: ScheduleView,
    /// Creators that match now; only in the answer that makes the draft.
    #[serde(skip_serializing_if = "Option::is_none")]
    audience_preview: Option<i64>,
    launched_at: Option<DateTime<Utc>>,
    /// When it was completed or cancelled.
    ended_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignAudience)]
struct AudienceView {
    clusters: Vec<String>,
    tiers: Vec<&'static str>,
    statuses: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignContent)]
struct ContentView {
    subject: String,
    message: String,
    call_to_action: Option<ActionView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignAction)]
struct ActionView {
    text: String,
    url: String,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignSchedule)]
struct ScheduleView {
    /// `immediate` or `scheduled`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
}

impl From<Campaign> for CampaignView {
    fn from(campaign: Campaign) -> Self {
        let (audience, content) = (campaign.audience, campaign.content);
        Self {
            id: campaign.id,
            name: campaign.name,
            kind: campaign.kind.as_str(),
            status: campaign.status.as_str(),
            target_audience: AudienceView {
                clusters: audience.clusters,
                tiers: audience
                    .tiers
                    .into_iter()
                    .map(|tier| tier.as_str())
                    .collect(),
                statuses: audience
                    .statuses
                    .into_iter()
                    .map(|status| status.as_str())
                    .collect(),
            },
            content: ContentView {
                subject: content.subject,
                message: content.message,
                call_to_action: content.action.map(|action| ActionView {
                    text: action.text,
                    url: action.url,
                    kind: "button",
                }),
            },
            schedule: ScheduleView {
                kind: campaign.starts_at.map_or("immediate", |_| "scheduled"),
                at: campaign.starts_at,
            },
            audience_preview: None,
            launched_at: campaign.launched_at,
            ended_at: campaign.ended_at,
            created_by: campaign.created_by,
            created_at: campaign.created_at,
        }
    }
}

impl CampaignView {
    /// A draft that was just made, with how many creators match.
    pub(super) fn draft(campaign: Campaign, preview: i64) -> Self {
        Self {
            audience_preview: Some(preview),
            ..Self::from(campaign)
        }
    }
}

/// What became of a campaign's recipients. `audience` is the sum of `pending`, `sending`, `sent`, `failed`, `skipped` and
/// `unknown`. What is not measured yet is null.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignMetrics)]
pub(super) struct MetricsView {
    #[schema(value_type = String)]
    campaign_id: CampaignId,
    status: &'static str,
    /// The moment that all figures are of.
    as_of: DateTime<Utc>,
    /// Recipients that have a row.
    audience: i64,
    /// Whether every recipient has one.
    audience_complete: bool,
    pending: i64,
    sending: i64,
    /// Accepted by the receiving server.
    sent: i64,
    failed: i64,
    skipped: i64,
    /// Why they were skipped.
    skipped_by_reason: BTreeMap<String, i64>,
    /// Perhaps sent: somebody has to decide.
    unknown: i64,
    /// Mails handed over in a second, over the last minute.
    rate_per_second: f64,
    /// Seconds that the rest takes at this rate; null if nothing goes on.
    seconds_left: Option<i64>,
    delivered: Option<i64>,
    opened: Option<i64>,
    clicked: Option<i64>,
    converted: Option<i64>,
    #[schema(value_type = Option<f64>)]
    revenue: Option<String>,
    spend: Option<String>,
    roi: Option<f64>,
    revenue_to_budget: Option<f64>,
}

impl MetricsView {
    pub(super) fn of(id: CampaignId, metrics: Metrics) -> Self {
        let count = |status: &str| metrics.rows.get(status).copied().unwrap_or(0);
        Self {
            campaign_id: id,
            status: metrics.status.as_str(),
            as_of: metrics.as_of,
            audience: metrics.audience,
            audience_complete: metrics.audience_complete,
            pending: count("pending"),
            sending: count("sending"),
            sent: count("sent"),
            failed: count("failed"),
            skipped: count("skipped"),
            unknown: count("unknown"),
            rate_per_second: metrics.per_second(),
            seconds_left: metrics.time_left().map(|left| left.num_seconds()),
            skipped_by_reason: metrics.skipped,
            delivered: None,
            opened: None,
            clicked: None,
            converted: None,
            revenue: None,
            spend: None,
            roi: None,
            revenue_to_budget: None,
        }
    }
}

/// One recipient's row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(super) struct DeliveryView {
    #[schema(value_type = String, example = "delivery_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: DeliveryId,
    #[schema(value_type = String)]
    creator_id: CreatorId,
    /// `pending`, `sending`, `sent`, `failed`, `skipped` or `unknown`.
    status: &'static str,
    /// Why it is not simply on its way or sent.
    reason: Option<String>,
    /// How often it was handed over.
    attempts: u16,
    next_attempt_at: Option<DateTime<Utc>>,
    begun_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    /// The mail's Message-ID, to look for it in a mailbox or a server's log.
    message_id: String,
    /// Who decided about it when it was unknown.
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    decision: Option<String>,
}

impl DeliveryView {
    fn of(row: Delivery, from: &EmailAddress) -> Self {
        let domain = from.as_str().rsplit('@').next().unwrap_or_default();
        Self {
            message_id: format!("{}@{domain}", row.id),
            id: row.id,
            creator_id: row.creator,
            status: row.status.as_str(),
            reason: row.reason,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            begun_at: row.begun_at,
            ended_at: row.ended_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            decision: row.decision,
        }
    }
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeliveryPage {
    items: Vec<DeliveryView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl DeliveryPage {
    pub(super) fn of(page: Page<Delivery>, from: &EmailAddress) -> Self {
        Self {
            items: page
                .items
                .into_iter()
                .map(|row| DeliveryView::of(row, from))
                .collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// A row that was decided about, and where its campaign stands now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DecidedDelivery)]
pub(super) struct DecidedView {
    delivery: DeliveryView,
    campaign_status: &'static str,
}

impl DecidedView {
    pub(super) fn of(decided: Decided, from: &EmailAddress) -> Self {
        Self {
            delivery: DeliveryView::of(decided.delivery, from),
            campaign_status: decided.status.as_str(),
        }
    }
}
