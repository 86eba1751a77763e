//! Many creators at once, for imports and exports: by the same rules and with the same history and trail as one by one,
//! but a few statements for all of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::search::too_broad;
use super::store::search::{self, Wanted};
use super::{
    Creator, CreatorChanges, CreatorError, CreatorFilter, CreatorId, CreatorStatus, NewCreator,
    Sort, Tier, store, trail,
};
use crate::audit;
use crate::kernel::{Ctx, FieldError, Reach, TypedId};
use crate::reactions;

/// What a creator may be known by; what is none says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    /// Its id.
    pub id: Option<CreatorId>,
    /// The cluster that the address and the name are in.
    pub cluster: Option<String>,
    /// Its address, normalised.
    pub email_key: Option<String>,
    /// Its name, normalised.
    pub username_key: Option<String>,
}

/// A creator with what is known of the person behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The creator.
    pub creator: Creator,
    /// The creator that it turned out to be.
    pub merged_into: Option<CreatorId>,
    /// The person's name in documents; for those only who may see it.
    pub legal_name: Option<String>,
    /// When the person was born; for those only who may see it.
    pub birth_date: Option<NaiveDate>,
}

/// A creator about to be registered among many: with a new person, without consents.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// Who it will be.
    pub id: CreatorId,
    /// What every registration says. Its person and its consents are not looked at.
    pub new: NewCreator,
    /// What can only be said of creators that are there: other names, handles, an owner.
    pub more: CreatorChanges,
}

impl Registration {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self, today: NaiveDate) -> Result<(), Vec<FieldError>> {
        let mut wrong = self.new.check(today).err().unwrap_or_default();
        wrong.extend(self.more.check().err().unwrap_or_default());
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The creator as it will be.
    pub fn stored(&self, now: DateTime<Utc>) -> Creator {
        let new = &self.new;
        let plain = Creator {
            id: self.id,
            person: Uuid::nil().into(),
            cluster: new.cluster.clone(),
            email: new.email.as_str().to_owned(),
            username: new.username.as_str().to_owned(),
            phone: new.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            display_name: new.display_name.clone(),
            first_name: new.first_name.clone(),
            aliases: Vec::new(),
            handles: BTreeMap::new(),
            status: CreatorStatus::PendingVerification,
            status_since: now,
            tier: Tier::Newcomer,
            tier_since: now,
            time_zone: new.time_zone.map(|zone| zone.name().to_owned()),
            owner: None,
            version: 1,
            last_active_at: None,
            archived_at: None,
            created_at: now,
            updated_at: now,
        };
        self.more.clone().apply(&plain)
    }
}

/// Every creator that a key names, within reach or not, those that were merged too; they stay as they are until the
/// transaction ends. The id of one that was merged names the one it was merged into.
///
/// # Errors
/// If the database refuses.
pub async fn lock_named(conn: &mut PgConnection, keys: &[Key]) -> sqlx::Result<Vec<Known>> {
    let ids = store::many::named(conn, keys).await?;
    store::many::lock(conn, &ids).await?;
    store::many::rows(conn, &ids).await
}

/// As [`lock_named`], without keeping anybody as they are.
///
/// # Errors
/// If the database cannot be read.
pub async fn named(conn: &mut PgConnection, keys: &[Key]) -> sqlx::Result<Vec<Known>> {
    let ids = store::many::named(conn, keys).await?;
    store::many::rows(conn, &ids).await
}

/// Creators by their ids, in the order of the ids; those that are not there are left out.
///
/// # Errors
/// If the database cannot be read.
pub async fn known(conn: &mut PgConnection, ids: &[CreatorId]) -> sqlx::Result<Vec<Known>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    store::many::rows(conn, &ids).await
}

/// Registers creators that were checked, and begins their onboarding; answers those whose address and name were free.
///
/// # Errors
/// If the database refuses.
pub async fn register_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &[Registration],
) -> Result<BTreeSet<CreatorId>, CreatorError> {
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let made = store::many::insert(conn, ctx, new, super::service::REGISTERED).await?;
    let made: BTreeSet<CreatorId> = made.into_iter().map(CreatorId::from).collect();
    let stored: Vec<Creator> = new
        .iter()
        .filter(|registration| made.contains(&registration.id))
        .map(|registration| registration.stored(ctx.now()))
        .collect();
    let entries = stored.iter().map(trail::creator_made).collect();
    audit::record_all(conn, ctx, entries).await?;
    let registered: Vec<(CreatorId, &str)> = stored
        .iter()
        .map(|creator| (creator.id, creator.cluster.as_str()))
        .collect();
    reactions::creators_registered(conn, ctx, &registered)
        .await
        .map_err(|error| CreatorError::Reaction(Box::new(error)))?;
    Ok(made)
}

/// Stores changed profiles of locked creators that were checked; also whether they are archived. Each pair is a creator as
/// it is and as it is to be.
///
/// # Errors
/// If an address or name is taken in its cluster, or the database refuses.
pub async fn change_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    pairs: &[(Creator, Creator)],
) -> Result<(), CreatorError> {
    if pairs.is_empty() {
        return Ok(());
    }
    let wanted: Vec<&Creator> = pairs.iter().map(|(_, after)| after).collect();
    store::many::update(conn, ctx, &wanted).await?;
    let entries = pairs.iter().map(|(before, after)| {
        let after = Creator {
            version: before.version + 1,
            ..after.clone()
        };
        let action = match (before.archived_at, after.archived_at) {
            (None, Some(_)) => "creator.archive",
            (Some(_), None) => "creator.unarchive",
            (None, None) | (Some(_), Some(_)) => "creator.change",
        };
        trail::creator_changed(action, before, &after)
    });
    Ok(audit::record_all(conn, ctx, entries.collect()).await?)
}

/// The filter with nothing in it that is beyond the caller's reach: for work that a job does later on, which reaches
/// everybody.
///
/// # Errors
/// If a field of the filter is wrong, it asks for a legal name, or it names no cluster within reach.
pub fn within_callers_reach(
    ctx: &Ctx,
    filter: &CreatorFilter,
) -> Result<CreatorFilter, Vec<FieldError>> {
    let mut wrong = filter.check().err().unwrap_or_default();
    for field in &mut wrong {
        field.field = format!("/filter/{}", field.field).into();
    }
    if filter.legal_name.is_some() {
        let message = "legal names are not stored in a filter; leave it out";
        wrong.push(FieldError::new("/filter/legalName", message));
    }
    let mut filter = filter.clone();
    let reach = ctx.actor.reach();
    if let Some(reached) = reach.clusters {
        if filter.clusters.is_empty() {
            filter.clusters = reached.to_vec();
        }
        filter
            .clusters
            .retain(|cluster| reach.covers_cluster(cluster));
        if filter.clusters.is_empty() {
            let message = "names no cluster that you reach";
            wrong.push(FieldError::new("/filter/clusters", message));
        }
    }
    if wrong.is_empty() {
        Ok(filter)
    } else {
        Err(wrong)
    }
}

/// How many creators match, up to `most`; e-mail addresses are looked at if `by_email`.
///
/// # Errors
/// If counting takes too long.
pub async fn count_matching(
    conn: &mut PgConnection,
    filter: &CreatorFilter,
    by_email: bool,
    most: i64,
) -> Result<i64, CreatorError> {
    search::bound(conn).await?;
    search::count(conn, wanted(filter, by_email), most)
        .await
        .map_err(too_broad)
}

/// The next creators behind `after`, by id, that match and were there at `asked_at`.
///
/// # Errors
/// If the database cannot be read.
pub async fn next_matching(
    conn: &mut PgConnection,
    filter: &CreatorFilter,
    by_email: bool,
    asked_at: DateTime<Utc>,
    after: Option<CreatorId>,
    most: i64,
) -> sqlx::Result<Vec<CreatorId>> {
    let after = after.map_or(Uuid::nil(), TypedId::uuid);
    let ids = search::ids(conn, wanted(filter, by_email), asked_at, after, most).await?;
    Ok(ids.into_iter().map(CreatorId::from).collect())
}

fn wanted(filter: &CreatorFilter, by_email: bool) -> Wanted<'_> {
    Wanted {
        filter,
        sort: Sort::default(),
        reach: Reach::ALL,
        by_email,
    }
}
