//! Registering creators, and looking at them.

use serde_json::json;
use sqlx::PgConnection;

use super::store::{self, history::Place};
use super::{
    Cluster, Consent, Creator, CreatorError, CreatorId, CreatorStatus, NewConsent, NewCreator,
    Profile, Sibling, StatusEntry, Tier, TierEntry, people, trail,
};
use crate::access::{self, PersonalField};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId};
use crate::reactions;

/// What the first lines of a creator's histories say.
pub(super) const REGISTERED: &str = "registered";

/// Registers a creator with its first consents and begins its onboarding; a person who is not known yet comes into being
/// with it.
///
/// # Errors
/// If a field breaks a rule, the cluster or person is unknown, or the address or name is taken there.
pub async fn register(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreator,
) -> Result<Creator, CreatorError> {
    new.check(ctx.now().date_naive())
        .map_err(CreatorError::Invalid)?;
    let reached = ctx.actor.reach().covers_cluster(&new.cluster);
    if !reached || !store::creators::cluster_exists(conn, &new.cluster).await? {
        return Err(CreatorError::UnknownCluster(new.cluster.clone()));
    }
    let new = &people::of_new_creator(conn, ctx, new).await?;
    let Some(id) = store::creators::insert(conn, ctx, new).await? else {
        let email = new.email.normalised();
        let taken = store::creators::email_taken(conn, &new.cluster, &email).await?;
        return Err(if taken {
            CreatorError::EmailTaken
        } else {
            CreatorError::UsernameTaken
        });
    };
    let status = CreatorStatus::PendingVerification;
    store::history::add_status(conn, ctx, id, None, status, REGISTERED, ctx.now()).await?;
    store::history::add_first_tier(conn, ctx, id, Tier::Newcomer, REGISTERED).await?;
    store::consents::insert_consents(conn, ctx, id, &new.consents).await?;
    let made = get(conn, id).await?;
    let consents = new.consents.iter().map(|consent| consented(id, consent));
    let entries = std::iter::once(trail::creator_made(&made)).chain(consents);
    audit::record_all(conn, ctx, entries.collect()).await?;
    reactions::creator_registered(conn, ctx, id, &new.cluster)
        .await
        .map_err(|error| CreatorError::Reaction(Box::new(error)))?;
    Ok(made)
}

/// One creator; the id of one that was merged into another leads to that one.
///
/// # Errors
/// If there is none with this id.
pub async fn get(conn: &mut PgConnection, id: CreatorId) -> Result<Creator, CreatorError> {
    store::creators::get(conn, id)
        .await?
        .ok_or(CreatorError::NotFound(id))
}

/// One creator, if the caller may know of it.
///
/// # Errors
/// If there is none with this id within the caller's reach.
pub async fn within_reach(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Creator, CreatorError> {
    let creator = get(conn, id).await?;
    if reaches(ctx, &creator) {
        Ok(creator)
    } else {
        Err(CreatorError::NotFound(id))
    }
}

/// Whether the caller may know of a creator.
pub(super) fn reaches(ctx: &Ctx, creator: &Creator) -> bool {
    ctx.actor
        .reach()
        .covers(&creator.cluster, creator.id.uuid())
}

/// One creator with what the screen about them begins with.
///
/// # Errors
/// If there is none with this id.
pub async fn profile(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Profile, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    Ok(Profile {
        consents: store::consents::latest_consents(conn, creator.id).await?,
        siblings: siblings(conn, ctx, &creator).await?,
        age: store::people::latest_age_decision(conn, creator.person).await?,
        creator,
    })
}

/// The person's other creators, as far as the caller reaches.
async fn siblings(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
) -> Result<Vec<Sibling>, CreatorError> {
    let mut all = store::creators::siblings(conn, creator.person, creator.id).await?;
    // a creator may know of its own other profiles, whatever else it reaches
    let own = ctx.actor.reach().creator == Some(creator.id.uuid());
    all.retain(|sibling| own || ctx.actor.reach().covers_cluster(&sibling.cluster));
    Ok(all)
}

/// What the creator said last about each channel; channels never spoken of are absent.
///
/// # Errors
/// If the database cannot be read.
pub async fn consents(
    conn: &mut PgConnection,
    id: CreatorId,
) -> Result<Vec<Consent>, CreatorError> {
    Ok(store::consents::latest_consents(conn, id).await?)
}

/// Records a consent or withdrawal. Saying the same again is kept as well: each has its own proof.
///
/// # Errors
/// If there is no such creator.
pub async fn record_consent(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    consent: NewConsent,
) -> Result<(), CreatorError> {
    let creator = get(conn, id).await?;
    audit::record(conn, ctx, consented(creator.id, &consent)).await?;
    Ok(store::consents::insert_consents(conn, ctx, creator.id, &[consent]).await?)
}

fn consented(id: CreatorId, consent: &NewConsent) -> Entry {
    Entry::new("creator.consent", id).after(json!({
        "channel": consent.channel,
        "state": consent.state,
        "source": consent.source,
    }))
}

/// All clusters, by id.
///
/// # Errors
/// If the database cannot be read.
pub async fn clusters(conn: &mut PgConnection) -> Result<Vec<Cluster>, CreatorError> {
    Ok(store::creators::clusters(conn).await?)
}

/// Every status a creator had, the newest first.
///
/// # Errors
/// If there is no such creator or the cursor is not ours.
pub async fn status_history(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    page: &PageRequest,
) -> Result<Page<StatusEntry>, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    let before: Option<Place> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::history::statuses(conn, creator.id, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |line| (line.effective_from, line.id)))
}

/// Every tier a creator had, the newest first.
///
/// # Errors
/// As [`status_history`].
pub async fn tier_history(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    page: &PageRequest,
) -> Result<Page<TierEntry>, CreatorError> {
    let creator = within_reach(conn, ctx, id).await?;
    let before: Option<Place> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::history::tiers(conn, creator.id, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |line| (line.effective_from, line.id)))
}

/// A creator's address and number in clear: why and by whom is recorded.
///
/// # Errors
/// If there is none with this id, or the caller may not see it or gives no reason.
pub async fn reveal_contact(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    reason: &str,
) -> Result<Creator, CreatorError> {
    let seen = within_reach(conn, ctx, id).await?;
    let fields = [PersonalField::Email, PersonalField::Phone];
    access::record_reveal(conn, ctx, seen.id, &fields, reason).await?;
    Ok(seen)
}
