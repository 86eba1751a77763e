//! How far a campaign is, and how fast it goes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::{
    CampaignError, CampaignId, CampaignKind, CampaignStatus, DeliveryStatus, store, within_reach,
};
use crate::kernel::{Ctx, Cursor, Page, PageRequest};

/// How far back a campaign's present rate looks.
pub const RATE_WINDOW: TimeDelta = TimeDelta::seconds(60);
/// Time left beyond this is not told: such a rate says nothing.
const TIME_LEFT_MAX: TimeDelta = TimeDelta::days(30);

/// What has become of a campaign's recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Where the campaign stands.
    pub status: CampaignStatus,
    /// The moment all figures are of.
    pub as_of: DateTime<Utc>,
    /// Recipients that have a row; grows until `audience_complete`.
    pub audience: i64,
    /// Whether every recipient has a row.
    pub audience_complete: bool,
    /// Rows by status; each status is there.
    pub rows: BTreeMap<&'static str, i64>,
    /// Skipped rows by reason; only reasons that occurred.
    pub skipped: BTreeMap<String, i64>,
    /// Rows that were handed over and ended within the last [`RATE_WINDOW`].
    pub handed_over_lately: i64,
}

impl Metrics {
    /// Rows of one status.
    pub fn count(&self, status: DeliveryStatus) -> i64 {
        self.rows.get(status.as_str()).copied().unwrap_or(0)
    }

    /// Rows that have not ended.
    pub fn open(&self) -> i64 {
        self.count(DeliveryStatus::Pending) + self.count(DeliveryStatus::Sending)
    }

    /// Mails handed over in a second, over the last [`RATE_WINDOW`].
    pub fn per_second(&self) -> f64 {
        self.handed_over_lately as f64 / RATE_WINDOW.as_seconds_f64()
    }

    /// How long the rest takes at the present rate; none if nothing goes on, or so little that it says nothing.
    pub fn time_left(&self) -> Option<TimeDelta> {
        let goes_on = self.status == CampaignStatus::Active && self.audience_complete;
        if !goes_on || self.handed_over_lately == 0 {
            return None;
        }
        let seconds = self.open() as f64 / self.per_second();
        let left = TimeDelta::milliseconds((seconds * 1000.0) as i64);
        (left <= TIME_LEFT_MAX).then_some(left)
    }
}

/// A campaign as a list shows it. Its figures are of the chunks that are closed, so while it runs they are a little
/// behind those of [`metrics`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignSummary {
    /// Its id.
    pub id: CampaignId,
    /// What people call it.
    pub name: String,
    /// What it is for.
    pub kind: CampaignKind,
    /// Where it stands.
    pub status: CampaignStatus,
    /// The clusters it addresses; empty for all.
    pub clusters: Vec<String>,
    /// Recipients that have a row.
    pub audience: i64,
    /// Whether every recipient has one.
    pub audience_complete: bool,
    /// Recipients of closed chunks.
    pub ended: i64,
    /// Those that were sent.
    pub sent: i64,
    /// Those that will never be.
    pub failed: i64,
    /// Those that were left out.
    pub skipped: i64,
    /// Those somebody has to decide about.
    pub unknown: i64,
    /// Not before this.
    pub starts_at: Option<DateTime<Utc>>,
    /// When it was launched.
    pub launched_at: Option<DateTime<Utc>>,
    /// When it was completed or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Campaigns that the caller may know of, newest first, of one status or of all.
///
/// # Errors
/// If the cursor belongs to another list or the database does not answer.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    status: Option<CampaignStatus>,
    page: &PageRequest,
) -> Result<Page<CampaignSummary>, CampaignError> {
    let before: Option<CampaignId> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let reached = ctx.actor.reach().clusters;
    let rows = store::progress::list(conn, reached, status, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |row| row.id))
}

/// What has become of a campaign's recipients, all of one moment.
///
/// # Errors
/// If there is no such campaign within the caller's reach.
pub async fn metrics(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<Metrics, CampaignError> {
    within_reach(conn, ctx, id).await?;
    store::progress::metrics(conn, id)
        .await?
        .ok_or(CampaignError::NotFound(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(status: CampaignStatus, pending: i64, lately: i64) -> Metrics {
        Metrics {
            status,
            as_of: DateTime::UNIX_EPOCH,
            audience: pending,
            audience_complete: true,
            rows: BTreeMap::from([("pending", pending)]),
            skipped: BTreeMap::new(),
            handed_over_lately: lately,
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_present_rate_says() {
        let left = metrics(CampaignStatus::Active, 1_000, 600).time_left();
        assert_eq!(left, Some(TimeDelta::seconds(100)));
    }

    #[test]
    fn nothing_is_told_of_the_rest_while_nothing_goes_on() {
        for (status, pending, lately) in [
            (CampaignStatus::Paused, 1_000, 600),
            (CampaignStatus::Active, 1_000, 0),
            (CampaignStatus::Active, i64::from(u32::MAX), 1),
        ] {
            assert_eq!(
                metrics(status, pending, lately).time_left(),
                None,
                "{status}"
            );
        }
    }
}
