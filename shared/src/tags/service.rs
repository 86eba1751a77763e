//! What can be done with tags.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::PgConnection;

use super::{SET_MAX, TAGS_MAX, Tag, TagCount, TagError, Tagged, store};
use crate::audit::{self, Entry, Subject};
use crate::creators::{self, CreatorId};
use crate::kernel::{Ctx, content_version};

/// Tags that are counted at the most, by name.
const COUNTED_MAX: i64 = 1_000;

/// Gives a tag to many creators at once. Those who would have more than [`TAGS_MAX`] make the whole call fail.
///
/// # Errors
/// If there are too many creators or tags.
pub async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    tag: &Tag,
    creators: &[CreatorId],
) -> Result<Tagged, TagError> {
    let creators = distinct(creators)?;
    let known = store::known(conn, ctx.actor.reach(), &creators).await?;
    let changed = store::add(conn, ctx, tag, &known).await?;
    if store::any_has_more_than(conn, &known, TAGS_MAX).await? {
        return Err(TagError::Full);
    }
    let told = tagged(&creators, &known, changed);
    record(conn, ctx, "tag.add", tag, &told).await?;
    Ok(told)
}

/// Takes a tag from many creators at once.
///
/// # Errors
/// If there are too many creators.
pub async fn remove(
    conn: &mut PgConnection,
    ctx: &Ctx,
    tag: &Tag,
    creators: &[CreatorId],
) -> Result<Tagged, TagError> {
    let creators = distinct(creators)?;
    let known = store::known(conn, ctx.actor.reach(), &creators).await?;
    let changed = store::remove(conn, ctx, tag, &known).await?;
    let told = tagged(&creators, &known, changed);
    record(conn, ctx, "tag.remove", tag, &told).await?;
    Ok(told)
}

/// The version of a creator's tags.
pub fn version(tags: &[String]) -> i64 {
    content_version(tags)
}

/// Gives a creator exactly these tags, if those they have are at the given version ([`version`]) or none is given;
/// answers them, in order.
///
/// # Errors
/// If there is no such creator, its tags are at another version, or there are too many.
pub async fn set(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    expected: Option<i64>,
    tags: &BTreeSet<Tag>,
) -> Result<Vec<String>, TagError> {
    if tags.len() > TAGS_MAX {
        return Err(TagError::Full);
    }
    // two who set at once take turns
    let creator = creators::lock(conn, ctx, creator).await?.id;
    let before = store::of_creator(conn, creator).await?;
    if expected.is_some_and(|expected| expected != version(&before)) {
        return Err(TagError::Stale);
    }
    store::set(conn, ctx, creator, tags).await?;
    let after = store::of_creator(conn, creator).await?;
    if before != after {
        let entry = Entry::new("tag.set", creator)
            .before(json!(before))
            .after(json!(after));
        audit::record(conn, ctx, entry).await?;
    }
    Ok(after)
}

/// A creator's tags, in order.
///
/// # Errors
/// If there is no such creator.
pub async fn of_creator(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<String>, TagError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    Ok(store::of_creator(conn, creator).await?)
}

/// The tags there are with how many creators within the caller's reach have each, by name.
///
/// # Errors
/// If the database cannot be read.
pub async fn counts(conn: &mut PgConnection, ctx: &Ctx) -> Result<Vec<TagCount>, TagError> {
    Ok(store::counts(conn, ctx.actor.reach(), COUNTED_MAX).await?)
}

fn distinct(creators: &[CreatorId]) -> Result<Vec<CreatorId>, TagError> {
    // in the order of ids, so that two calls over the same creators wait for each other instead of dead-locking
    let distinct: BTreeSet<CreatorId> = creators.iter().copied().collect();
    if (1..=SET_MAX).contains(&distinct.len()) {
        Ok(distinct.into_iter().collect())
    } else {
        Err(TagError::TooMany)
    }
}

fn tagged(creators: &[CreatorId], known: &[CreatorId], changed: i64) -> Tagged {
    let there: BTreeSet<&CreatorId> = known.iter().collect();
    Tagged {
        changed,
        unchanged: i64::try_from(known.len()).unwrap_or(i64::MAX) - changed,
        unknown: creators
            .iter()
            .filter(|id| !there.contains(id))
            .copied()
            .collect(),
    }
}

/// One entry for the whole set; what happened to each creator is in `creator_tag_events`.
async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    tag: &Tag,
    told: &Tagged,
) -> sqlx::Result<()> {
    if told.changed == 0 {
        return Ok(());
    }
    let entry = Entry::new(action, Subject::named("tag", tag.as_str()))
        .after(json!({ "creators": told.changed }));
    audit::record(conn, ctx, entry).await
}

/// A creator turned out to be another one: the tags of the one are the other's too.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::follow_merge(conn, gone, kept).await
}

/// The tags of many creators in one statement; those without any are absent. For exports.
///
/// # Errors
/// If the database cannot be read.
pub async fn of_many(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> Result<BTreeMap<CreatorId, Vec<String>>, TagError> {
    Ok(store::of_many(conn, creators).await?)
}
