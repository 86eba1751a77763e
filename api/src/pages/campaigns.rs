//! Pages on campaigns. Who is limited to clusters sees only those that address no others.

use axum::extract::{Path, Query, State};
use dashboard::{CampaignPage, CampaignsPage, Section};
use serde::Deserialize;
use shared::access::Permission;
use shared::campaigns::{self, CampaignId, CampaignStatus, DeliveryStatus, Metrics};

use super::queue::ListQuery;
use super::screen::{Refusal, Screen};
use super::viewer::Seen;
use crate::app::App;
use crate::error::Problem;
use crate::extract::ReadCampaigns;

/// What may be asked of the list; a status that there is not is as good as none.
#[derive(Debug, Deserialize)]
pub(super) struct CampaignsQuery {
    status: Option<String>,
    cursor: Option<String>,
}

/// `GET /campaigns`
pub(super) async fn list(
    seen: Seen<ReadCampaigns>,
    State(app): State<App>,
    Query(asked): Query<CampaignsQuery>,
) -> Result<Screen, Refusal> {
    let status: Option<CampaignStatus> = asked.status.and_then(|word| word.parse().ok());
    let page = ListQuery {
        cursor: asked.cursor,
    }
    .page();
    let mut conn = app.db.pool().acquire().await?;
    let found = campaigns::list(&mut conn, &seen.ctx, status, &page).await?;
    let page = CampaignsPage {
        campaigns: found.items,
        status,
        next: found.next.map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::campaigns(&seen.frame(Section::Campaigns), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// What may be asked of one campaign.
#[derive(Debug, Deserialize)]
pub(super) struct CampaignQuery {
    /// The status whose rows are shown.
    rows: Option<String>,
    cursor: Option<String>,
}

/// `GET /campaigns/{id}`
pub(super) async fn show(
    seen: Seen<ReadCampaigns>,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<CampaignQuery>,
) -> Result<Screen, Refusal> {
    let id: CampaignId = id.parse().map_err(|_| Problem::not_found())?;
    let mut conn = app.db.pool().acquire().await?;
    let campaign = campaigns::within_reach(&mut conn, &seen.ctx, id).await?;
    // a look that is shared takes a connection of its own: who held one while waiting for it could starve it
    drop(conn);
    let metrics = app.looks.campaign(&app.db, &seen.ctx, id).await?;
    let rows = asked.rows.and_then(|word| word.parse().ok());
    let rows = rows.unwrap_or_else(|| worth_a_look(&metrics));
    let page = ListQuery {
        cursor: asked.cursor,
    }
    .page();
    let found = if seen.viewer.may(Permission::ReadDeliveries) {
        let mut conn = app.db.pool().acquire().await?;
        Some(campaigns::deliveries(&mut conn, &seen.ctx, id, Some(rows), &page).await?)
    } else {
        None
    };
    let (deliveries, next) = found.map(|page| (page.items, page.next)).unzip();
    let page = CampaignPage {
        campaign,
        metrics: Metrics::clone(&metrics),
        rows,
        deliveries,
        next: next.flatten().map(|cursor| cursor.as_str().to_owned()),
    };
    let markup = dashboard::campaign(&seen.frame(Section::Campaigns), &page);
    Ok(Screen::new(markup, &seen.nonce))
}

/// The rows that somebody would look at first: those to decide about, then those that failed.
fn worth_a_look(metrics: &Metrics) -> DeliveryStatus {
    [
        DeliveryStatus::Unknown,
        DeliveryStatus::Failed,
        DeliveryStatus::Skipped,
    ]
    .into_iter()
    .find(|status| metrics.count(*status) > 0)
    .unwrap_or(DeliveryStatus::Sent)
}
