//! Measures about a person: restrictions of processing and legal holds.

use serde_json::json;
use sqlx::PgConnection;

use super::requests::subjects;
use super::store::{self, Subjects};
use super::{Measure, MeasureId, MeasureKind, PrivacyError};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::kernel::Ctx;

/// Measures of one person that are listed, the last ones.
const MEASURES_SHOWN_MAX: i64 = 200;

/// Every measure about the person behind a creator, the newest first; lifted ones too.
///
/// # Errors
/// If there is no such creator within reach, or the person has others beyond it.
pub async fn measures(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Vec<Measure>, PrivacyError> {
    let (_, subjects) = subjects(conn, ctx, id).await?;
    Ok(store::measures::list(conn, &subjects.people, MEASURES_SHOWN_MAX).await?)
}

/// Takes a measure about the person behind a creator. A restriction keeps campaigns from writing to any of their
/// profiles; a legal hold keeps their data from being erased, and from being removed when its time is over.
///
/// # Errors
/// If there is no such creator within reach, the reason is not acceptable, the person is restricted already, or erased.
pub async fn take_measure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    kind: MeasureKind,
    reason: &str,
) -> Result<Measure, PrivacyError> {
    creators::check_reason("/reason", reason)?;
    let (person, subjects) = subjects(conn, ctx, id).await?;
    // an erasure that is at it has to be seen, and has to see this
    if store::measures::lock_people(conn, &subjects.people).await? {
        return Err(PrivacyError::Erased);
    }
    if kind == MeasureKind::Restriction && stands(conn, &subjects, kind).await? {
        return Err(PrivacyError::Restricted);
    }
    let measure = MeasureId::new();
    store::measures::insert(conn, ctx, measure, person, kind, reason).await?;
    if kind == MeasureKind::Restriction {
        creators::restrict_person(conn, ctx, &subjects.people, true).await?;
    }
    let entry = Entry::new("privacy.take_measure", id)
        .after(json!({ "measureId": measure, "kind": kind }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    found(conn, measure).await
}

/// Lifts a measure; what it kept from happening may happen from now on.
///
/// # Errors
/// If there is no such measure about this person, it is lifted already, or the reason is not acceptable.
pub async fn lift_measure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    measure: MeasureId,
    reason: &str,
) -> Result<Measure, PrivacyError> {
    creators::check_reason("/reason", reason)?;
    let standing = find_measure(conn, ctx, id, measure).await?;
    let (_, subjects) = subjects(conn, ctx, id).await?;
    store::measures::lock_people(conn, &subjects.people).await?;
    if !store::measures::lift(conn, ctx, measure, reason).await? {
        return Err(PrivacyError::Lifted);
    }
    // people who were merged may each have had one
    if standing.kind == MeasureKind::Restriction && !stands(conn, &subjects, standing.kind).await? {
        creators::restrict_person(conn, ctx, &subjects.people, false).await?;
    }
    let entry = Entry::new("privacy.lift_measure", id)
        .after(json!({ "measureId": measure, "kind": standing.kind }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    found(conn, measure).await
}

/// A measure about the person behind a creator.
///
/// # Errors
/// If there is none within reach.
pub async fn find_measure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    measure: MeasureId,
) -> Result<Measure, PrivacyError> {
    let (_, subjects) = subjects(conn, ctx, id).await?;
    let known = store::measures::find(conn, measure).await?;
    known
        .filter(|known| subjects.people.contains(&known.person.into()))
        .ok_or(PrivacyError::NoMeasure(measure))
}

/// Whether a measure of this kind stands about a person.
pub(super) async fn stands(
    conn: &mut PgConnection,
    subjects: &Subjects,
    kind: MeasureKind,
) -> sqlx::Result<bool> {
    store::measures::stands(conn, &subjects.people, kind).await
}

async fn found(conn: &mut PgConnection, id: MeasureId) -> Result<Measure, PrivacyError> {
    let known = store::measures::find(conn, id).await?;
    known.ok_or(PrivacyError::NoMeasure(id))
}
