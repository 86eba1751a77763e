//! Two creators, or two people, turned out to be one.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::store::merge::{self, Candidate};
use super::{VerificationError, VerificationKind, VerificationState};
use crate::creators::{CreatorId, PersonId};
use crate::kernel::Ctx;

/// Lets the verifications of a creator follow: of two of a kind the better one stays, and the history of both.
///
/// # Errors
/// If it would hide that one of them was revoked, or the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> Result<(), VerificationError> {
    let all = merge::of_creators(conn, gone, kept, ctx.now().date_naive()).await?;
    let out = outdone(all)?;
    Ok(merge::to_creator(conn, gone, kept, &out).await?)
}

/// As [`follow_merge`], of a person.
///
/// # Errors
/// As [`follow_merge`].
pub async fn follow_people_merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: PersonId,
    kept: PersonId,
) -> Result<(), VerificationError> {
    let all = merge::of_people(conn, gone, kept, ctx.now().date_naive()).await?;
    let out = outdone(all)?;
    Ok(merge::to_person(conn, gone, kept, &out).await?)
}

/// Those that another one of their kind is better than.
fn outdone(all: Vec<Candidate>) -> Result<Vec<uuid::Uuid>, VerificationError> {
    let mut kinds: BTreeMap<VerificationKind, Vec<Candidate>> = BTreeMap::new();
    for one in all {
        kinds.entry(one.kind).or_default().push(one);
    }
    let mut out = Vec::new();
    for (kind, mut of_kind) in kinds {
        let is = |state| of_kind.iter().any(|one| one.state == state);
        if is(VerificationState::Revoked) && is(VerificationState::Verified) {
            return Err(VerificationError::MergeHides(kind));
        }
        of_kind.sort_by_key(Candidate::worth);
        of_kind.pop();
        out.extend(of_kind.into_iter().map(|one| one.id));
    }
    Ok(out)
}
