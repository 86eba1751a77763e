//! Changing a creator's profile, and taking creators out of the way.

use sqlx::PgConnection;

use super::service::reaches;
use super::{Creator, CreatorChanges, CreatorError, CreatorId, get, store, trail};
use crate::access::Permission;
use crate::audit;
use crate::kernel::Ctx;

/// Changes a profile; only the given version, if one is given. Changes that change nothing leave the version as it is.
/// Creators themselves change what they are called and where they are, and nothing that they are found or owned by.
///
/// # Errors
/// If a field breaks a rule or is not the caller's to change, there is no such creator or it is archived, the version is another one, or the address or
/// name is taken in the cluster.
pub async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    changes: CreatorChanges,
) -> Result<Creator, CreatorError> {
    changes.check().map_err(CreatorError::Invalid)?;
    if !changes.are_own() && !Permission::WriteCreators.granted_to(&ctx.actor) {
        return Err(CreatorError::Lacking(Permission::WriteCreators));
    }
    let before = locked(conn, ctx, id, version).await?;
    if before.archived_at.is_some() {
        return Err(CreatorError::Archived(before.id));
    }
    let after = changes.apply(&before);
    if after == before {
        return Ok(before);
    }
    store::creators::update(conn, ctx, &after).await?;
    let after = get(conn, before.id).await?;
    audit::record(
        conn,
        ctx,
        trail::creator_changed("creator.change", &before, &after),
    )
    .await?;
    Ok(after)
}

/// Takes a creator out of lists, mails and tiers; nothing is deleted. Saying it twice is allowed.
///
/// # Errors
/// If there is no such creator, or the version is another one.
pub async fn archive(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
) -> Result<Creator, CreatorError> {
    set_archived(conn, ctx, id, version, true).await
}

/// Brings an archived creator back. Saying it twice is allowed.
///
/// # Errors
/// As [`archive`].
pub async fn unarchive(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
) -> Result<Creator, CreatorError> {
    set_archived(conn, ctx, id, version, false).await
}

async fn set_archived(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
    archived: bool,
) -> Result<Creator, CreatorError> {
    let before = locked(conn, ctx, id, version).await?;
    if before.archived_at.is_some() == archived {
        return Ok(before);
    }
    store::creators::set_archived(conn, ctx, before.id, archived).await?;
    let after = get(conn, before.id).await?;
    let action = if archived {
        "creator.archive"
    } else {
        "creator.unarchive"
    };
    audit::record(conn, ctx, trail::creator_changed(action, &before, &after)).await?;
    Ok(after)
}

/// The creator, locked until the transaction ends.
///
/// # Errors
/// If there is no such creator within the caller's reach, or the version is another one.
pub(super) async fn locked(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    version: Option<i64>,
) -> Result<Creator, CreatorError> {
    let creator = store::creators::lock(conn, id)
        .await?
        .filter(|creator| reaches(ctx, creator))
        .ok_or(CreatorError::NotFound(id))?;
    match version {
        Some(version) if version != creator.version => Err(CreatorError::Stale(creator.version)),
        Some(_) | None => Ok(creator),
    }
}

/// The creator, locked until the transaction ends: for slices that change what is theirs of it.
///
/// # Errors
/// If there is no such creator.
pub async fn lock(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Creator, CreatorError> {
    locked(conn, ctx, id, None).await
}
