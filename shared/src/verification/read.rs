//! Reading where verifications stand.

use sqlx::PgConnection;

use super::{Verification, VerificationError, VerificationKind, VerificationState, store};
use crate::creators::{self, AgeVerdict, CreatorId, Obstacle};
use crate::kernel::Ctx;

/// Every kind of a creator, as it stands today; those that nobody submitted are `unverified`.
///
/// # Errors
/// If there is no such creator.
pub async fn verifications(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<Verification>, VerificationError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    let held = store::of_creator(conn, creator.id, ctx.now().date_naive()).await?;
    let mut all = Vec::with_capacity(VerificationKind::ALL.len());
    for kind in VerificationKind::ALL.iter().copied() {
        let found = held.iter().find(|held| held.is.kind == kind);
        all.push(match (kind, found) {
            (VerificationKind::Age, _) => {
                of_age(creators::age_proof(conn, ctx, creator.person).await?)
            }
            (_, Some(held)) => held.is.clone(),
            (_, None) => Verification::absent(kind),
        });
    }
    Ok(all)
}

/// Whether it is proven today who a creator is and that they are of age: what their onboarding asks staff to decide.
///
/// # Errors
/// If there is no such creator.
pub async fn proves_who_it_is(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<bool, VerificationError> {
    let creator = creators::get(conn, creator).await?;
    let held = store::of_creator(conn, creator.id, ctx.now().date_naive()).await?;
    let identity = held.iter().any(|held| {
        held.is.kind == VerificationKind::Identity && held.is.state == VerificationState::Verified
    });
    let age = creators::age_proof(conn, ctx, creator.person).await?;
    Ok(identity && age.obstacle.is_none())
}

/// The age, told like the other kinds.
fn of_age(proof: creators::AgeProof) -> Verification {
    let absent = Verification::absent(VerificationKind::Age);
    let Some(decision) = proof.decision else {
        return absent;
    };
    let state = match (&proof.obstacle, decision.verdict) {
        (None, _) => VerificationState::Verified,
        (Some(_), AgeVerdict::Revoked) => VerificationState::Revoked,
        (Some(_), AgeVerdict::Verified) => VerificationState::Expired,
    };
    let changed = proof.obstacle == Some(Obstacle::BirthDateChanged);
    let verified = decision.verdict == AgeVerdict::Verified;
    Verification {
        state,
        lapse: changed.then_some(super::Lapse::ChangedOnFile),
        reason: proof.obstacle.map(|obstacle| obstacle.to_string()),
        verified_by: verified.then(|| decision.decided_by.clone()),
        verified_at: verified.then_some(decision.decided_at),
        evidence: Some(decision.evidence),
        updated_at: Some(decision.decided_at),
        ..absent
    }
}
