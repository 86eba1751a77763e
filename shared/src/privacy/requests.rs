//! Asking for exports and erasures, and following them.

use serde_json::json;
use sqlx::PgConnection;

use super::erase::outcome;
use super::measures::stands;
use super::store::{self, NewRequest, Subjects};
use super::{
    ErasePerson, ExportPerson, MeasureKind, PrivacyError, Request, RequestId, RequestKind,
    RequestState,
};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId, PersonId};
use crate::kernel::Ctx;
use crate::queue;

/// Asks for everything that is held about the person behind a creator; a job writes it down.
///
/// # Errors
/// If there is no such creator within reach, the person has others beyond it, the reason is not acceptable, or an export
/// is under way.
pub async fn ask_for_export(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    reason: &str,
) -> Result<Request, PrivacyError> {
    creators::check_reason("/reason", reason)?;
    let (person, _) = subjects(conn, ctx, id).await?;
    let new = NewRequest {
        id: RequestId::new(),
        person,
        kind: RequestKind::Export,
        state: RequestState::Running,
        reason,
        outcome: &[],
    };
    let request = begin(conn, ctx, id, new).await?;
    let job = ExportPerson {
        request_id: request.id,
    };
    queue::enqueue(conn, ctx, &job).await?;
    Ok(request)
}

/// Plans the erasure of the person behind a creator: says what would become of each class of data, and changes nothing.
///
/// # Errors
/// As [`ask_for_export`], and if a retention rule is missing.
pub async fn plan_erasure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    reason: &str,
) -> Result<Request, PrivacyError> {
    creators::check_reason("/reason", reason)?;
    let (person, subjects) = subjects(conn, ctx, id).await?;
    let outcome = outcome(conn, ctx, &subjects).await?;
    let new = NewRequest {
        id: RequestId::new(),
        person,
        kind: RequestKind::Erasure,
        state: RequestState::Planned,
        reason,
        outcome: &outcome,
    };
    begin(conn, ctx, id, new).await
}

/// Has a planned erasure carried out by a job. Saying it again changes nothing.
///
/// # Errors
/// If there is no such request within reach, it is over, or a legal hold stands.
pub async fn confirm_erasure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    request: RequestId,
) -> Result<Request, PrivacyError> {
    let found = find(conn, ctx, id, request, RequestKind::Erasure).await?;
    let locked = store::lock(conn, found.id).await?.unwrap_or(found);
    match locked.state {
        RequestState::Running => return Ok(locked),
        RequestState::Planned => {}
        state @ (RequestState::Completed | RequestState::Failed) => {
            return Err(PrivacyError::NotPlanned(state));
        }
    }
    let (_, subjects) = subjects(conn, ctx, id).await?;
    if stands(conn, &subjects, MeasureKind::LegalHold).await? {
        return Err(PrivacyError::Held);
    }
    store::confirm(conn, ctx, request).await?;
    let job = ErasePerson {
        request_id: request,
    };
    queue::enqueue(conn, ctx, &job).await?;
    record(conn, ctx, "privacy.confirm_erasure", id, request).await?;
    Ok(store::lock(conn, request).await?.unwrap_or(locked))
}

/// A request about the person behind a creator.
///
/// # Errors
/// If there is none of that kind within reach.
pub async fn find(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    request: RequestId,
    kind: RequestKind,
) -> Result<Request, PrivacyError> {
    let (_, subjects) = subjects(conn, ctx, id).await?;
    let found = store::find(conn, request).await?;
    found
        .filter(|found| found.kind == kind && subjects.people.contains(&found.person.into()))
        .ok_or(PrivacyError::NotFound(request))
}

/// Notes that a request could not be done; one that is over stays as it is.
///
/// # Errors
/// If the database refuses.
pub async fn fail(
    conn: &mut PgConnection,
    ctx: &Ctx,
    request: RequestId,
    why: &str,
) -> Result<(), PrivacyError> {
    Ok(store::fail(conn, ctx, request, why).await?)
}

/// Who the request is about; all of them have to be within the caller's reach, as it concerns all of them.
pub(super) async fn subjects(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<(PersonId, Subjects), PrivacyError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let subjects = store::subjects(conn, creator.person).await?;
    let reach = ctx.actor.reach();
    let own = reach.creator == Some(uuid::Uuid::from(creator.id));
    let reached = |cluster: &String| reach.covers_cluster(cluster);
    if own || subjects.clusters.iter().all(reached) {
        Ok((creator.person, subjects))
    } else {
        Err(PrivacyError::BeyondReach)
    }
}

async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    new: NewRequest<'_>,
) -> Result<Request, PrivacyError> {
    let (id, kind) = (new.id, new.kind);
    if !store::insert(conn, ctx, &new).await? {
        return Err(PrivacyError::UnderWay);
    }
    let action = match kind {
        RequestKind::Export => "privacy.ask_for_export",
        RequestKind::Erasure => "privacy.plan_erasure",
    };
    record(conn, ctx, action, creator, id).await?;
    store::find(conn, id)
        .await?
        .ok_or(PrivacyError::NotFound(id))
}

/// Writes to the audit trail; the reason stays with the request.
pub(super) async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    about: impl Into<audit::Subject>,
    request: RequestId,
) -> sqlx::Result<()> {
    let entry = Entry::new(action, about).after(json!({ "requestId": request }));
    audit::record(conn, ctx, entry).await
}

/// The person as the trail names them.
pub(super) fn person(id: PersonId) -> audit::Subject {
    id.into()
}
