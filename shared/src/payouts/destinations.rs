//! Where creators are paid: entering, verifying, taking away.

use serde_json::json;
use sqlx::PgConnection;

use super::store::destinations::NewRow;
use super::{
    Carriers, Destination, DestinationId, DestinationNotice, DestinationState, Payee, PayoutError,
    REASON_MAX_CHARS, store,
};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::kernel::{Ctx, FieldError, words};

/// What the same account is found by.
const FINGERPRINT: &str = "destination";

words!(
    /// What staff says of a destination.
    Verdict {
        /// There is proof that it is the creator's.
        Verified => "verified",
        /// It is not, or cannot be paid to.
        Rejected => "rejected",
    }
);

/// A destination as it was entered, and what banks say is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revealed {
    /// Who is paid, and where.
    pub payee: Payee,
    /// The data that banks gave for it, with their codes, the latest first.
    pub corrections: Vec<(String, String)>,
}

/// What banks gave other data for, of all of a creator's destinations, the latest first.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn destination_notices(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<DestinationNotice>, PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    Ok(store::entries::notices(conn, creator.id).await?)
}

/// A creator's destinations, the latest first, without those that were taken away.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn destinations(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<Destination>, PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    Ok(store::destinations::of_creator(conn, creator.id, false).await?)
}

/// Enters where a creator wants to be paid. It is kept encrypted, shown in part, and paid to once staff has verified it and
/// it has had its time to cool. The same account again is the one that is there.
///
/// # Errors
/// If there is no such creator within the caller's reach, or a field breaks a rule.
pub async fn add_destination(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
    creator: CreatorId,
    payee: Payee,
) -> Result<(Destination, bool), PayoutError> {
    let payee = payee.checked().map_err(PayoutError::Invalid)?;
    let creator = creators::lock(conn, ctx, creator).await?;
    let id = DestinationId::new();
    let plain = serde_json::to_vec(&payee).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let fingerprint = carriers
        .sealer
        .counter(FINGERPRINT, &payee.account.identity());
    let new = NewRow {
        id,
        creator: creator.id,
        method: payee.account.method().as_str(),
        kind: payee.account.kind(),
        sealed: &carriers.sealer.seal(&id.to_string(), &plain),
        fingerprint: &fingerprint,
        masked: &payee.account.masked(),
        holder: &payee.holder,
    };
    let is_new = store::destinations::insert(conn, ctx, &new).await?;
    let all = store::destinations::of_creator(conn, creator.id, false).await?;
    let kept = all
        .into_iter()
        .find(|one| one.fingerprint == fingerprint)
        .ok_or(PayoutError::NoDestination(id))?;
    if is_new {
        let entry = Entry::new("payout.add_destination", creator.id).after(json!({
            "destinationId": kept.id,
            "method": kept.method,
            "shown": kept.masked,
        }));
        audit::record(conn, ctx, entry).await?;
    }
    Ok((kept, is_new))
}

/// Notes what staff found out about a destination.
///
/// # Errors
/// If there is no such destination within the caller's reach, it was decided about already, the caller entered it, or a
/// reason is missing: a holder of another name, and an account that somebody else is paid to, need one.
pub async fn decide_destination(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    id: DestinationId,
    verdict: Verdict,
    reason: Option<&str>,
) -> Result<Destination, PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    let found = store::destinations::lock(conn, creator.id, id).await?;
    let mut one = found.ok_or(PayoutError::NoDestination(id))?;
    let may = match one.state {
        DestinationState::Unverified => true,
        // what was verified by mistake can still be refused
        DestinationState::Verified => verdict == Verdict::Rejected,
        DestinationState::Rejected | DestinationState::Retired => false,
    };
    if !may {
        return Err(PayoutError::Decided(one.state));
    }
    if ctx.actor.to_string() == one.entered_by {
        return Err(PayoutError::OwnDestination);
    }
    let state = match verdict {
        Verdict::Verified => DestinationState::Verified,
        Verdict::Rejected => DestinationState::Rejected,
    };
    let elsewhere = store::destinations::is_elsewhere(conn, &one).await?;
    check_reason(&one, state, elsewhere, reason)?;
    store::destinations::decide(conn, ctx, id, state, reason).await?;
    let entry = Entry::new("payout.decide_destination", creator.id)
        .before(json!({ "destinationId": id, "state": one.state }))
        .after(json!({
            "destinationId": id,
            "state": state,
            "holderMatches": one.holder_matches,
            "usedElsewhere": elsewhere,
        }))
        .reason_if(reason);
    audit::record(conn, ctx, entry).await?;
    one.state = state;
    one.decided_by = Some(ctx.actor.to_string());
    one.decided_at = Some(ctx.now());
    one.reason = reason.map(str::to_owned);
    Ok(one)
}

fn check_reason(
    one: &Destination,
    state: DestinationState,
    elsewhere: bool,
    reason: Option<&str>,
) -> Result<(), PayoutError> {
    let given = reason.is_some_and(|reason| !reason.trim().is_empty());
    let long = reason
        .is_some_and(|reason| reason.chars().count() > REASON_MAX_CHARS || reason.contains('\0'));
    let wanted = if long {
        Some("the reason is too long")
    } else if given {
        None
    } else if state == DestinationState::Rejected {
        Some("say why it is refused")
    } else if !one.holder_matches {
        Some("the holder has another name than the creator; say why it is right all the same")
    } else if elsewhere {
        Some("somebody else is paid to the same account; say why it is right all the same")
    } else {
        None
    };
    match wanted {
        None => Ok(()),
        Some(wanted) => Err(PayoutError::Invalid(vec![FieldError::new(
            "/reason",
            format!("{wanted}, in 1 to {REASON_MAX_CHARS} characters"),
        )])),
    }
}

/// Takes a destination away: nothing new is paid to it. What is on its way goes there still.
///
/// # Errors
/// If there is no such destination within the caller's reach.
pub async fn retire_destination(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    id: DestinationId,
) -> Result<(), PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    let found = store::destinations::lock(conn, creator.id, id).await?;
    let one = found.ok_or(PayoutError::NoDestination(id))?;
    if one.state == DestinationState::Retired {
        return Ok(());
    }
    store::destinations::retire(conn, ctx, id).await?;
    let entry = Entry::new("payout.retire_destination", creator.id)
        .before(json!({ "destinationId": id, "state": one.state }))
        .after(json!({ "destinationId": id, "state": DestinationState::Retired }));
    Ok(audit::record(conn, ctx, entry).await?)
}

/// A destination as it was entered, and what banks say is right; that somebody saw it is recorded.
///
/// # Errors
/// If there is no such destination within the caller's reach, the reason is missing, or it cannot be opened.
pub async fn reveal_destination(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
    creator: CreatorId,
    id: DestinationId,
    reason: &str,
) -> Result<Revealed, PayoutError> {
    creators::check_reason("/reason", reason)?;
    let creator = creators::within_reach(conn, ctx, creator).await?;
    let found = store::destinations::lock(conn, creator.id, id).await?;
    found.ok_or(PayoutError::NoDestination(id))?;
    let sealed = store::destinations::sealed(conn, id).await?;
    let sealed = sealed.ok_or(PayoutError::NoDestination(id))?;
    let plain = carriers.sealer.open(&id.to_string(), &sealed)?;
    let payee = serde_json::from_slice(&plain)
        .map_err(|error| sqlx::Error::Decode(format!("{id}: {error}").into()))?;
    let entry = Entry::new("payout.reveal_destination", creator.id)
        .after(json!({ "destinationId": id }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    let mut corrections = Vec::new();
    for (entry, code, sealed) in store::entries::corrections(conn, id).await? {
        let plain = carriers.sealer.open(&entry.to_string(), &sealed)?;
        corrections.push((code, String::from_utf8_lossy(&plain).into_owned()));
    }
    Ok(Revealed { payee, corrections })
}
