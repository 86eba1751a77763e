//! When creators are paid by themselves: setting it, and taking it away.

use serde_json::json;
use sqlx::PgConnection;

use super::model::takes;
use super::{
    DestinationId, DestinationState, Frequency, PayoutError, PayoutMethod, PayoutSchedule, store,
};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Ctx, FieldError};

/// How somebody wants a creator to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// Of which balance.
    pub currency: Currency,
    /// How.
    pub method: PayoutMethod,
    /// Where to; none for the only destination of the method that is ready.
    pub destination: Option<DestinationId>,
    /// How often.
    pub frequency: Frequency,
    /// Nothing is paid below this, as it was written; the method's minimum if it is left out.
    pub threshold: Option<String>,
}

/// A creator's schedules, one a currency at the most.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn schedules(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<PayoutSchedule>, PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    Ok(store::schedules::of_creator(conn, creator.id).await?)
}

/// Sets how often a creator is paid what they have in a currency; what was set before for it goes.
///
/// # Errors
/// If there is no such creator within the caller's reach, or a field breaks a rule.
pub async fn set_schedule(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    new: &NewSchedule,
) -> Result<PayoutSchedule, PayoutError> {
    let creator = creators::lock(conn, ctx, creator).await?;
    let threshold = checked(conn, ctx, creator.id, new).await?;
    let before = store::schedules::of_creator(conn, creator.id).await?;
    let before = before.iter().find(|one| one.currency == new.currency);
    let schedule = PayoutSchedule {
        creator: creator.id,
        currency: new.currency,
        method: new.method,
        destination: new.destination,
        frequency: new.frequency,
        threshold_minor: threshold,
        next_on: new.frequency.next_after(ctx.now().date_naive()),
        set_by: ctx.actor.to_string(),
        set_at: ctx.now(),
        last_on: before.and_then(|one| one.last_on),
        last_result: before.and_then(|one| one.last_result.clone()),
    };
    store::schedules::set(conn, &schedule).await?;
    let said = |one: &PayoutSchedule| {
        json!({
            "currency": one.currency,
            "method": one.method,
            "destinationId": one.destination,
            "frequency": one.frequency,
            "thresholdMinor": one.threshold_minor,
        })
    };
    let mut entry = Entry::new("payout.set_schedule", creator.id).after(said(&schedule));
    if let Some(before) = before {
        entry = entry.before(said(before));
    }
    audit::record(conn, ctx, entry).await?;
    Ok(schedule)
}

/// The threshold in minor units, if everything is as it must be.
async fn checked(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    new: &NewSchedule,
) -> Result<i64, PayoutError> {
    let mut wrong = Vec::new();
    let today = ctx.now().date_naive();
    let country = store::rules::country(conn, creator).await?;
    let offered = store::rules::methods(conn, today, country.as_deref()).await?;
    let terms = offered
        .iter()
        .find(|terms| terms.method == new.method && terms.currency == new.currency);
    let least = terms.map_or(1, |terms| terms.min_minor);
    if terms.is_none() {
        let message = format!(
            "{} is not offered to this creator in {}",
            new.method, new.currency
        );
        wrong.push(FieldError::new("/method", message));
    }
    let threshold = match new.threshold.as_deref() {
        None => least,
        Some(text) => match Money::parse(new.currency, text) {
            Ok(money) if money.minor >= least => money.minor,
            Ok(_) => {
                let money = Money::new(new.currency, least);
                let message = format!("{} pays {money} or more", new.method);
                wrong.push(FieldError::new("/threshold", message));
                least
            }
            Err(error) => {
                wrong.push(FieldError::new("/threshold", error.to_string()));
                least
            }
        },
    };
    if let Some(id) = new.destination {
        let found = store::destinations::lock(conn, creator, id).await?;
        let fits = found.is_some_and(|one| {
            one.method == new.method
                && takes(&one.kind, new.currency)
                && one.state != DestinationState::Retired
        });
        if !fits {
            let message =
                "must be a destination of the creator that takes this method and currency";
            wrong.push(FieldError::new("/destinationId", message));
        }
    }
    if wrong.is_empty() {
        Ok(threshold)
    } else {
        Err(PayoutError::Invalid(wrong))
    }
}

/// Ends that a creator is paid by themselves what they have in a currency.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn remove_schedule(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    currency: Currency,
) -> Result<(), PayoutError> {
    let creator = creators::within_reach(conn, ctx, creator).await?;
    if store::schedules::remove(conn, creator.id, currency).await? {
        let entry = Entry::new("payout.remove_schedule", creator.id)
            .before(json!({ "currency": currency }));
        audit::record(conn, ctx, entry).await?;
    }
    Ok(())
}
