//! Bringing a campaign under way, in steps that each commit.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    Campaign, CampaignError, CampaignId, CampaignStatus, SendDeliveries, rooms, service, store,
};
use crate::config::CampaignConfig;
use crate::kernel::Ctx;
use crate::queue::{NewJob, enqueue_many};

/// Recipients of one chunk, which is one job: a second or two of sending, so that campaigns take turns and a lost
/// worker's work is soon taken over.
const CHUNK_RECIPIENTS: i32 = 500;
/// Recipients that get a row in one transaction.
const STEP_RECIPIENTS: i64 = 4 * CHUNK_RECIPIENTS as i64;
/// Chunks whose jobs are enqueued in one transaction.
const STEP_CHUNKS: i64 = 1_000;

/// Where a launch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchPlace {
    /// Chunks behind this one that are open may have no job: after a pause, or a crash of this one.
    FanOut(i32),
    /// Recipients that have no row yet.
    Audience,
}

impl LaunchPlace {
    /// Where every run begins.
    pub const START: Self = Self::FanOut(-1);
}

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Launched {
    /// There is more to do.
    GoOn(LaunchPlace),
    /// Every recipient has a row, and every open chunk a job.
    Done,
    /// As many campaigns are active as may be; whichever ends next lets this one begin.
    WaitsForRoom,
    /// Its time has not come.
    WaitsUntil(DateTime<Utc>),
    /// It was paused, cancelled or completed; then there is nothing to launch.
    NotUnderWay(CampaignStatus),
}

/// One step of launching a campaign; joins the caller's transaction, which should be short.
///
/// # Errors
/// If there is no such campaign or the database refuses.
pub async fn launch_step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
    place: LaunchPlace,
) -> Result<Launched, CampaignError> {
    let campaign = service::lock(conn, id).await?;
    match campaign.status {
        CampaignStatus::Active => {}
        CampaignStatus::Scheduled => return begin(conn, ctx, limits, &campaign).await,
        CampaignStatus::Draft
        | CampaignStatus::Paused
        | CampaignStatus::Completed
        | CampaignStatus::Cancelled => return Ok(Launched::NotUnderWay(campaign.status)),
    }
    match place {
        LaunchPlace::FanOut(after) => fan_out(conn, ctx, id, after).await,
        LaunchPlace::Audience => add_recipients(conn, ctx, &campaign).await,
    }
}

/// Takes a room for a campaign whose time has come. Beginning enqueues the launch anew.
async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    campaign: &Campaign,
) -> Result<Launched, CampaignError> {
    if let Some(at) = campaign.starts_at.filter(|at| *at > ctx.now()) {
        return Ok(Launched::WaitsUntil(at));
    }
    if rooms::take(conn, ctx, limits.max_concurrent, campaign.id).await? {
        return Ok(Launched::GoOn(LaunchPlace::START));
    }
    Ok(Launched::WaitsForRoom)
}

async fn fan_out(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
    after: i32,
) -> Result<Launched, CampaignError> {
    let chunks = store::chunks::open_after(conn, id, after, STEP_CHUNKS).await?;
    enqueue_chunks(conn, ctx, id, chunks.iter().copied()).await?;
    Ok(Launched::GoOn(match chunks.last() {
        Some(last) => LaunchPlace::FanOut(*last),
        None => LaunchPlace::Audience,
    }))
}

async fn add_recipients(
    conn: &mut PgConnection,
    ctx: &Ctx,
    campaign: &Campaign,
) -> Result<Launched, CampaignError> {
    if campaign.audience_complete_at.is_some() {
        service::end_if_done(conn, ctx, campaign).await?;
        return Ok(Launched::Done);
    }
    let made =
        store::campaigns::materialise(conn, campaign, STEP_RECIPIENTS, CHUNK_RECIPIENTS, ctx.now())
            .await?;
    let chunks = made.first_chunk..made.first_chunk + made.chunks;
    enqueue_chunks(conn, ctx, campaign.id, chunks).await?;
    // the step that finds fewer than it looked for notes that the audience is complete; the next one sees that
    Ok(Launched::GoOn(LaunchPlace::Audience))
}

async fn enqueue_chunks(
    conn: &mut PgConnection,
    ctx: &Ctx,
    campaign_id: CampaignId,
    chunks: impl Iterator<Item = i32>,
) -> Result<(), CampaignError> {
    let jobs = chunks.map(|chunk| NewJob::of(&SendDeliveries { campaign_id, chunk }));
    let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
    enqueue_many(conn, ctx, jobs).await?;
    Ok(())
}
