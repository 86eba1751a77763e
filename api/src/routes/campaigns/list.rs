//! Listing campaigns.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::campaigns::{self, CampaignId, CampaignStatus, CampaignSummary};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, Query, ReadCampaigns};
use crate::fields::Fields;

/// Which campaigns are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    /// `draft`, `scheduled`, `active`, `paused`, `completed` or `cancelled`.
    status: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A campaign in a list. Its figures are of the chunks of recipients that are done: while it runs, those of
/// `GET /api/campaigns/{id}/metrics` are a little ahead.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignSummary)]
struct SummaryView {
    #[schema(value_type = String, example = "campaign_0192f0c1a2b37c4d8e5f60718293a4b5")]
    id: CampaignId,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// `draft`, `scheduled`, `active`, `paused`, `completed` or `cancelled`.
    status: &'static str,
    /// Empty for all.
    clusters: Vec<String>,
    /// Recipients that have a row.
    audience: i64,
    /// Whether every recipient has one.
    audience_complete: bool,
    sent: i64,
    failed: i64,
    skipped: i64,
    unknown: i64,
    starts_at: Option<DateTime<Utc>>,
    launched_at: Option<DateTime<Utc>>,
    /// When it was completed or cancelled.
    ended_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl From<CampaignSummary> for SummaryView {
    fn from(campaign: CampaignSummary) -> Self {
        Self {
            id: campaign.id,
            name: campaign.name,
            kind: campaign.kind.as_str(),
            status: campaign.status.as_str(),
            clusters: campaign.clusters,
            audience: campaign.audience,
            audience_complete: campaign.audience_complete,
            sent: campaign.sent,
            failed: campaign.failed,
            skipped: campaign.skipped,
            unknown: campaign.unknown,
            starts_at: campaign.starts_at,
            launched_at: campaign.launched_at,
            ended_at: campaign.ended_at,
            created_by: campaign.created_by,
            created_at: campaign.created_at,
        }
    }
}

/// A page of campaigns.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CampaignPage {
    /// Newest first.
    items: Vec<SummaryView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// List campaigns
///
/// Newest first. Who is limited to clusters sees the campaigns that address no others.
#[utoipa::path(get, path = "/api/campaigns", operation_id = "listCampaigns", tag = "campaigns", security(("bearer" = ["campaigns:read"])),
    params(ListParams), responses((status = 200, body = CampaignPage)))]
pub(super) async fn list(
    caller: Allowed<ReadCampaigns>,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Json<CampaignPage>> {
    let mut fields = Fields::default();
    let status: Option<CampaignStatus> = fields.parsed_if("status", params.status.as_deref());
    fields.finish()?;
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut conn = app.db.pool().acquire().await?;
    let found = campaigns::list(&mut conn, &caller.ctx, status, &page).await?;
    Ok(Json(CampaignPage {
        items: found.items.into_iter().map(SummaryView::from).collect(),
        next_cursor: found.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}
