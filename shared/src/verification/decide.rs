//! Handing something in, and deciding about it.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::model::{Change, Step};
use super::store::{self, Holding};
use super::{Holder, NewVerdict, Verification, VerificationError, VerificationKind};
use crate::audit::{self, Entry, Subject};
use crate::creators::{self, Creator, CreatorId};
use crate::kernel::Ctx;
use crate::reactions;

/// Hands in a reference to what shall prove a kind. Until somebody looks at it, a later one takes its place.
///
/// # Errors
/// If the evidence is not acceptable, there is no such creator, the kind is decided elsewhere, or its state does not allow
/// it.
pub async fn submit(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    kind: VerificationKind,
    evidence: &str,
) -> Result<Verification, VerificationError> {
    let change = Change::submission(evidence).map_err(VerificationError::Invalid)?;
    carry_out(conn, ctx, creator, kind, None, change).await
}

/// Decides as staff does; only about the given version, if one is given. Deciding the same again changes nothing. What is
/// verified is renewed by verifying it with its version: it goes on counting meanwhile.
///
/// # Errors
/// If a field breaks a rule, there is no such creator, the version is another one, the kind is decided elsewhere, or its
/// state does not allow it.
pub async fn decide(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    kind: VerificationKind,
    version: Option<i64>,
    verdict: NewVerdict,
) -> Result<Verification, VerificationError> {
    let today = ctx.now().date_naive();
    let change = verdict.change(today).map_err(VerificationError::Invalid)?;
    carry_out(conn, ctx, creator, kind, version, change).await
}

async fn carry_out(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    kind: VerificationKind,
    version: Option<i64>,
    change: Change,
) -> Result<Verification, VerificationError> {
    // held, so that of two who change it at once the second sees what the first did
    let (creator, profiles) = creators::lock_with_person(conn, ctx, creator).await?;
    if kind == VerificationKind::Age {
        return Err(VerificationError::AgeIsElsewhere);
    }
    let today = ctx.now().date_naive();
    let held = store::of_creator(conn, creator.id, today).await?;
    let held = held.into_iter().find(|held| held.is.kind == kind);
    let before = match &held {
        Some(held) => held.is.clone(),
        None => Verification::absent(kind),
    };
    if version.is_some_and(|version| version != before.version) {
        return Err(VerificationError::Stale(before.version));
    }
    let by = ctx.actor.to_string();
    let changed = before.changed(&change, version.is_some(), &by, ctx.now())?;
    let Some(after) = changed else {
        return Ok(before);
    };
    let proven = proven(conn, &creator, held.as_ref(), &change, kind).await?;
    store::save(conn, ctx, &creator, &after, proven.as_deref()).await?;
    store::add_event(conn, ctx, &creator, before.state, &after).await?;
    audit::record(conn, ctx, entry(&creator, &before, &after, change.step)).await?;
    if change.step == Step::Verify && kind == VerificationKind::Identity {
        reactions::person_proven(conn, ctx, &profiles)
            .await
            .map_err(|error| VerificationError::Reaction(Box::new(error)))?;
    }
    Ok(after)
}

/// What the verification rests on from now on: what is on file when it is verified, and what it was before otherwise.
async fn proven(
    conn: &mut PgConnection,
    creator: &Creator,
    held: Option<&Holding>,
    change: &Change,
    kind: VerificationKind,
) -> Result<Option<String>, VerificationError> {
    match change.step {
        Step::Verify => {
            let on_file = store::on_file(conn, creator.id, kind).await?;
            match kind.needs_on_file() {
                Some(missing) if on_file.is_none() => {
                    Err(VerificationError::NothingOnFile { kind, missing })
                }
                Some(_) | None => Ok(on_file),
            }
        }
        Step::Submit => Ok(None),
        Step::Review | Step::Reject | Step::Revoke | Step::Expire => {
            Ok(held.and_then(|held| held.proven.clone()))
        }
    }
}

/// Whose verification it is, for the audit trail.
fn subject(creator: &Creator, kind: VerificationKind) -> Subject {
    match kind.holder() {
        Holder::Person => creator.person.into(),
        Holder::Creator => creator.id.into(),
    }
}

fn entry(creator: &Creator, before: &Verification, after: &Verification, step: Step) -> Entry {
    let action = match step {
        Step::Submit => "verification.submit",
        Step::Review => "verification.review",
        Step::Verify => "verification.verify",
        Step::Reject => "verification.reject",
        Step::Revoke => "verification.revoke",
        Step::Expire => "verification.expire",
    };
    let entry = Entry::new(action, subject(creator, after.kind))
        .before(state(before))
        .after(state(after))
        .reason_if(after.reason.as_deref());
    if before.evidence == after.evidence {
        entry
    } else {
        let evidence = json!({ "before": before.evidence, "after": after.evidence });
        entry.personal(json!({ "evidence": evidence }))
    }
}

fn state(of: &Verification) -> Value {
    json!({
        "kind": of.kind,
        "state": of.state,
        "method": of.method,
        "validUntil": of.valid_until,
        "resubmittable": of.resubmittable,
        "version": of.version,
    })
}
