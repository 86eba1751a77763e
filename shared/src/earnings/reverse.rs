//! Taking back: refunds and chargebacks.

use serde_json::json;
use sqlx::PgConnection;

use super::record::{Change, count};
use super::store::{self, keys::Key};
use super::{About, Due, DueKind, Earning, EarningError, EarningId, NewReversal, Reversal};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::kernel::money::Money;
use crate::kernel::{Ctx, TypedId};
use crate::ledger::{self, NewTransfer, TransferId};

/// Takes an earning back, in part or whole, and answers what was taken back and whether that is new. Each part gives back
/// its share: the platform its fee, the creator what is pending, reserved or, if it has matured, available. What was
/// paid out already makes the available balance negative, and later earnings make up for it.
///
/// # Errors
/// If a field breaks a rule, there is no such earning of the creator, more is asked for than is left, or the external id
/// stands for something else.
pub async fn reverse(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    id: EarningId,
    new: NewReversal,
) -> Result<(Reversal, bool), EarningError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    let wrong = new.check(ctx.now());
    if !wrong.is_empty() {
        return Err(EarningError::Invalid(wrong));
    }
    let own = EarningId::from(TransferId::at(ctx.now()).uuid());
    if let Some(external) = &new.external_id {
        let key = Key {
            cluster: creator.cluster.clone(),
            external: external.clone(),
            subject: own,
            hash: new.body_hash(id),
        };
        if let Some(before) = said_before(conn, &key).await? {
            return Ok((before, false));
        }
    }
    let (earning, done) = store::earnings::lock(conn, id)
        .await?
        .filter(|(earning, _)| earning.creator == creator.id)
        .ok_or(EarningError::NotFound(id))?;
    let taken = earning.parts.take(&done, amount(&earning, &new)?);
    let reversal = Reversal {
        id: own,
        earning: id,
        kind: new.kind,
        currency: earning.currency,
        parts: taken,
        occurred_at: new.occurred_at.unwrap_or(ctx.now()),
    };
    let transfer = transfer(conn, &earning, &reversal).await?;
    ledger::post(conn, ctx, &[transfer]).await?;
    store::earnings::insert_reversal(conn, ctx, creator.id, &reversal, new.reason.as_deref())
        .await?;
    let change = Change {
        creator: creator.id,
        day: reversal.occurred_at.date_naive(),
        rate_day: earning.occurred_at.date_naive(),
        currency: earning.currency,
        source: earning.source,
        gross: -taken.gross,
        share: -taken.share(),
    };
    count(conn, ctx, &[change]).await?;
    let entry = Entry::new("earning.reverse", creator.id)
        .after(json!({ "earningId": id, "reversalId": own, "kind": new.kind, "grossMinor": taken.gross, "currency": earning.currency }))
        .reason_if(new.reason.as_deref());
    audit::record(conn, ctx, entry).await?;
    Ok((reversal, true))
}

/// The reversal that an external id stands for already.
async fn said_before(conn: &mut PgConnection, key: &Key) -> Result<Option<Reversal>, EarningError> {
    let standing = store::keys::settle(conn, std::slice::from_ref(key)).await?;
    match standing.get(&(key.cluster.clone(), key.external.clone())) {
        Some((_, hash)) if hash[..] != key.hash[..] => {
            Err(EarningError::ExternalIdReused(key.external.clone()))
        }
        Some((subject, _)) if *subject != key.subject => {
            Ok(store::earnings::find_reversal(conn, *subject).await?)
        }
        Some(_) | None => Ok(None),
    }
}

/// How much of the gross amount is taken back, in minor units.
fn amount(earning: &Earning, new: &NewReversal) -> Result<i64, EarningError> {
    let left = earning.parts.gross - earning.reversed_minor;
    let asked = match &new.amount {
        Some(text) => {
            Money::parse(earning.currency, text)
                .map_err(|error| EarningError::field("/amount", error))?
                .minor
        }
        None => left,
    };
    if left == 0 {
        return Err(EarningError::field(
            "/amount",
            "all of this earning was taken back already",
        ));
    }
    if asked > left {
        let left = Money::new(earning.currency, left);
        let message = format!("must be at most {left}, which is left of this earning");
        return Err(EarningError::field("/amount", message));
    }
    Ok(asked)
}

/// The transfer that takes back, from where the money is by now; what is no longer to become available is taken from what
/// is noted for its day.
async fn transfer(
    conn: &mut PgConnection,
    earning: &Earning,
    reversal: &Reversal,
) -> Result<NewTransfer, EarningError> {
    let due = |kind, on, minor: i64| Due {
        kind,
        on,
        creator: earning.creator,
        currency: earning.currency,
        minor: -minor,
    };
    let maturing = reversal.parts.maturing();
    let pending = due(DueKind::Maturity, earning.matures_on, maturing);
    let pending = store::dues::take(conn, pending).await?;
    let reserve = reversal.parts.reserve;
    let reserved = due(DueKind::Reserve, earning.reserve_until, reserve);
    let reserved = store::dues::take(conn, reserved).await?;
    let about = About {
        creator: earning.creator,
        currency: earning.currency,
        source: earning.source,
    };
    Ok(about.taken_back(
        (reversal.id, reversal.kind),
        earning.id,
        reversal.parts,
        (pending, reserved),
        reversal.occurred_at,
    ))
}
