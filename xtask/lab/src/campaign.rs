//! A campaign to everybody, made and launched as the API does it.

use shared::campaigns::{self, Audience, CampaignId, CampaignKind, NewCampaign};
use shared::config::CampaignConfig;
use shared::creators::CreatorStatus;
use shared::kernel::{Actor, Clock, Ctx, Db};
use shared::messaging::{Action, Content};

/// Makes a campaign to all active creators and launches it.
///
/// # Errors
/// If the database refuses.
pub async fn launch(db: &Db, clock: &Clock, limits: &CampaignConfig) -> anyhow::Result<CampaignId> {
    let new = NewCampaign {
        name: "We miss you".to_owned(),
        kind: CampaignKind::Retention,
        audience: Audience {
            clusters: Vec::new(),
            tiers: Vec::new(),
            statuses: vec![CreatorStatus::Active],
        },
        content: Content {
            subject: "We miss you, {firstName}!".to_owned(),
            message: "Hi {firstName},\n\nit has been a while. Your fans ask about you.".to_owned(),
            action: Some(Action {
                text: "Get back to creating".to_owned(),
                url: "https://fanz.example/".to_owned(),
            }),
        },
        starts_at: None,
    };
    let ctx = Ctx::new(Actor::System, clock);
    let mut tx = db.begin().await?;
    let campaign = campaigns::create(&mut tx, &ctx, &new).await?;
    db.commit(tx, &ctx).await?;
    let ctx = Ctx::new(Actor::System, clock);
    let mut tx = db.begin().await?;
    campaigns::launch(&mut tx, &ctx, limits, campaign.id).await?;
    db.commit(tx, &ctx).await?;
    Ok(campaign.id)
}
