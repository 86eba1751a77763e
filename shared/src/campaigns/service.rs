//! What people do with campaigns.

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::CONTENT;
use super::{
    Audience, Campaign, CampaignError, CampaignId, CampaignStatus, Delivery, DeliveryStatus,
    FinishCampaign, LaunchCampaign, Move, NewCampaign, Transition, rooms, store,
};
use crate::audit::{self, Entry};
use crate::config::CampaignConfig;
use crate::creators::CreatorId;
use crate::custom_fields;
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest, TypedId};
use crate::messaging::{Content, MessageTemplate};
use crate::queue::{NewJob, enqueue, enqueue_one};

/// Makes a draft.
///
/// # Errors
/// If a field breaks a rule.
pub async fn create(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCampaign,
) -> Result<Campaign, CampaignError> {
    let new = &within(ctx, new);
    let mut wrong = new.check(ctx.now()).err().unwrap_or_default();
    let clusters = &new.audience.clusters;
    let unknown = store::campaigns::unknown_cluster(conn, clusters).await?;
    if let Some(at) = unknown.or_else(|| beyond_reach(ctx, clusters)) {
        let message = "there is no such cluster; GET /api/clusters lists them";
        wrong.push(FieldError::new(
            format!("/targetAudience/clusters/{at}"),
            message,
        ));
    }
    wrong.extend(unknown_fields(conn, &new.content).await?);
    if !wrong.is_empty() {
        return Err(CampaignError::Invalid(wrong));
    }
    let id = store::campaigns::insert(conn, ctx, new).await?;
    let entry = Entry::new("campaign.create", id).after(json!({
        "name": new.name,
        "type": new.kind,
        "clusters": new.audience.clusters,
        "tiers": new.audience.tiers,
        "statuses": new.audience.statuses,
    }));
    audit::record(conn, ctx, entry).await?;
    get(conn, id).await
}

/// Where the content names custom fields that there are not; nothing of a content that is wrong in itself.
async fn unknown_fields(
    conn: &mut PgConnection,
    content: &Content,
) -> Result<Vec<FieldError>, CampaignError> {
    let used = MessageTemplate::compile(content)
        .map_or_else(|_| Vec::new(), |template| template.custom_fields().to_vec());
    if used.is_empty() {
        return Ok(Vec::new());
    }
    let fields = custom_fields::definitions(conn).await?;
    let known = |key: &str| fields.iter().any(|field| field.field.key.as_str() == key);
    let unknown = used.into_iter().filter(|used| !known(&used.key));
    Ok(unknown
        .map(|used| {
            let message = format!(
                "there is no custom field `{}`; GET /api/custom-fields lists them",
                used.key
            );
            FieldError::new(format!("{CONTENT}{}", used.pointer), message)
        })
        .collect())
}

/// A campaign for all clusters is one for all that the caller reaches.
fn within(ctx: &Ctx, new: &NewCampaign) -> NewCampaign {
    let mut new = new.clone();
    if let (true, Some(reached)) = (new.audience.clusters.is_empty(), ctx.actor.reach().clusters) {
        new.audience.clusters = reached.to_vec();
    }
    new
}

/// The first of these clusters that the caller does not reach, by its place in the list.
fn beyond_reach(ctx: &Ctx, clusters: &[String]) -> Option<i64> {
    let reach = ctx.actor.reach();
    let at = clusters
        .iter()
        .position(|cluster| !reach.covers_cluster(cluster))?;
    i64::try_from(at).ok()
}

/// Whether the caller may know of a campaign: they reach all whom it addresses.
fn reaches(ctx: &Ctx, campaign: &Campaign) -> bool {
    let clusters = &campaign.audience.clusters;
    let some = !clusters.is_empty() && beyond_reach(ctx, clusters).is_none();
    ctx.actor.reach().clusters.is_none() || some
}

/// One campaign, if the caller may know of it.
///
/// # Errors
/// If there is none with this id within the caller's reach.
pub async fn within_reach(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    let campaign = get(conn, id).await?;
    if reaches(ctx, &campaign) {
        Ok(campaign)
    } else {
        Err(CampaignError::NotFound(id))
    }
}

/// One campaign.
///
/// # Errors
/// If there is none with this id.
pub(super) async fn get(
    conn: &mut PgConnection,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    store::campaigns::get(conn, id)
        .await?
        .ok_or(CampaignError::NotFound(id))
}

/// The campaign, locked until the transaction ends.
pub(super) async fn lock(
    conn: &mut PgConnection,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    store::campaigns::lock(conn, id)
        .await?
        .ok_or(CampaignError::NotFound(id))
}

/// The campaign, locked until the transaction ends, if the caller may know of it.
pub(super) async fn lock_within_reach(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    let campaign = lock(conn, id).await?;
    if reaches(ctx, &campaign) {
        Ok(campaign)
    } else {
        Err(CampaignError::NotFound(id))
    }
}

/// How many creators match an audience now.
///
/// # Errors
/// If the database cannot be read.
pub async fn preview(conn: &mut PgConnection, audience: &Audience) -> Result<i64, CampaignError> {
    Ok(store::campaigns::count_audience(conn, audience).await?)
}

/// Freezes a draft and sends it: at once if there is room, else when its time has come or another campaign ends.
///
/// # Errors
/// If it was launched before.
pub async fn launch(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    let campaign = lock_within_reach(conn, ctx, id).await?;
    if campaign.status.after(Move::Launch).is_none() {
        let (status, wanted) = (campaign.status, Move::Launch);
        return Err(CampaignError::WrongState { status, wanted });
    }
    store::campaigns::set_launched(conn, ctx, id).await?;
    let launched = CampaignStatus::Scheduled;
    record_move(conn, ctx, id, Move::Launch, (campaign.status, launched)).await?;
    enter(conn, ctx, limits, &campaign).await?;
    get(conn, id).await
}

/// Stops sending for now. What is on its way arrives; nothing else is begun.
///
/// # Errors
/// If it is not under way.
pub async fn pause(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    if let Some(_paused) = apply(conn, ctx, id, Move::Pause).await? {
        rooms::fill(conn, ctx, limits.max_concurrent).await?;
    }
    get(conn, id).await
}

/// Goes on where it was paused, in turn with others that wait for room.
///
/// # Errors
/// If it is not under way.
pub async fn resume(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    if let Some(resumed) = apply(conn, ctx, id, Move::Resume).await? {
        enter(conn, ctx, limits, &resumed).await?;
    }
    get(conn, id).await
}

/// Stops for good: what is on its way arrives, the other recipients are skipped.
///
/// # Errors
/// If it is completed.
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    id: CampaignId,
) -> Result<Campaign, CampaignError> {
    if let Some(_cancelled) = apply(conn, ctx, id, Move::Cancel).await? {
        enqueue(conn, ctx, &FinishCampaign { campaign_id: id }).await?;
        rooms::fill(conn, ctx, limits.max_concurrent).await?;
    }
    get(conn, id).await
}

/// Makes a move; answers the campaign as it was if the move changed anything.
async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
    wanted: Move,
) -> Result<Option<Campaign>, CampaignError> {
    let campaign = lock_within_reach(conn, ctx, id).await?;
    match campaign.status.after(wanted) {
        Some(Transition::Applied(status)) => {
            store::campaigns::set_status(conn, id, status, ctx.now()).await?;
            record_move(conn, ctx, id, wanted, (campaign.status, status)).await?;
            Ok(Some(campaign))
        }
        Some(Transition::AlreadyApplied) => Ok(None),
        None => Err(CampaignError::WrongState {
            status: campaign.status,
            wanted,
        }),
    }
}

/// Records that a campaign went from one status to another.
pub(super) async fn record_move(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
    made: Move,
    (before, after): (CampaignStatus, CampaignStatus),
) -> sqlx::Result<()> {
    let action = match made {
        Move::Launch => "campaign.launch",
        Move::Start => "campaign.start",
        Move::Pause => "campaign.pause",
        Move::Resume => "campaign.resume",
        Move::Cancel => "campaign.cancel",
        Move::Complete => "campaign.complete",
        Move::Reopen => "campaign.reopen",
    };
    let entry = Entry::new(action, id)
        .before(json!({ "status": before }))
        .after(json!({ "status": after }));
    audit::record(conn, ctx, entry).await
}

/// Lets a scheduled campaign, which is locked, begin now, or see to it that it will.
pub(super) async fn enter(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limits: &CampaignConfig,
    campaign: &Campaign,
) -> Result<(), CampaignError> {
    if let Some(at) = campaign.starts_at.filter(|at| *at > ctx.now()) {
        let job = NewJob::of(&LaunchCampaign {
            campaign_id: campaign.id,
        })?
        .at(at);
        enqueue_one(conn, ctx, job).await?;
    } else {
        // when there is no room, whoever ends next calls it in
        rooms::take(conn, ctx, limits.max_concurrent, campaign.id).await?;
    }
    Ok(())
}

/// Recipients' rows in the order they are worked off, of one status or of all.
///
/// # Errors
/// If there is no such campaign or the cursor belongs to another list.
pub async fn deliveries(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CampaignId,
    status: Option<DeliveryStatus>,
    page: &PageRequest,
) -> Result<Page<Delivery>, CampaignError> {
    within_reach(conn, ctx, id).await?;
    let after = page
        .cursor
        .as_ref()
        .map(Cursor::decode)
        .transpose()?
        .unwrap_or((-1, Uuid::nil()));
    let limit = page.limit();
    let rows = store::deliveries::list(conn, id, status, after, limit + 1).await?;
    Ok(Page::of(rows, limit, |row| (row.chunk, row.id.uuid())))
}

/// Sees to it that a campaign ends, if there is nothing left to do; the caller has locked it.
pub(super) async fn end_if_done(
    conn: &mut PgConnection,
    ctx: &Ctx,
    campaign: &Campaign,
) -> Result<(), CampaignError> {
    if is_done(conn, campaign).await? {
        enqueue(
            conn,
            ctx,
            &FinishCampaign {
                campaign_id: campaign.id,
            },
        )
        .await?;
    }
    Ok(())
}

/// Whether every recipient has a row and every row has ended.
pub(super) async fn is_done(
    conn: &mut PgConnection,
    campaign: &Campaign,
) -> Result<bool, CampaignError> {
    let under_way = campaign.status == CampaignStatus::Active;
    Ok(under_way
        && campaign.audience_complete_at.is_some()
        && store::chunks::open_after(conn, campaign.id, -1, 1)
            .await?
            .is_empty())
}

/// A creator turned out to be another one: what was sent to the one is shown with the other.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::deliveries::follow_merge(conn, gone, kept).await
}
