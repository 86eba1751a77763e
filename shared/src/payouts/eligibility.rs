//! What stands against paying somebody, and how they can be paid.

use chrono::Duration;
use sqlx::PgConnection;

use super::model::takes;
use super::{
    Carriers, Destination, DestinationId, DestinationState, Limits, MethodTerms, PayoutError,
    PayoutMethod, store,
};
use crate::compliance;
use crate::creators::{self, Creator, CreatorId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::{Ctx, FieldError};

/// One thing that stands against a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Its stable name, such as `destination_not_verified`.
    pub code: &'static str,
    /// What stands against it, and what helps.
    pub message: String,
}

impl Reason {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// A method as it is offered, and what stands against a creator's using it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodOffer {
    /// Its terms.
    pub terms: MethodTerms,
    /// What stands against it; empty if nothing does. None if nobody was asked about.
    pub reasons: Option<Vec<Reason>>,
}

/// What a payout is made of, once nothing stands against it.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) terms: MethodTerms,
    pub(super) limits: Limits,
    pub(super) destination: Destination,
}

/// The methods that are offered today and whose provider is connected; for a creator those of where they live, each with
/// what stands against it.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn methods(
    conn: &mut PgConnection,
    ctx: &Ctx,
    carriers: &Carriers,
    creator: Option<CreatorId>,
) -> Result<Vec<MethodOffer>, PayoutError> {
    let today = ctx.now().date_naive();
    let Some(id) = creator else {
        let all = store::rules::methods(conn, today, None).await?;
        let connected = all
            .into_iter()
            .filter(|terms| carriers.carries(terms.method, terms.currency));
        return Ok(connected
            .map(|terms| MethodOffer {
                terms,
                reasons: None,
            })
            .collect());
    };
    let creator = creators::within_reach(conn, ctx, id).await?;
    let country = store::rules::country(conn, creator.id).await?;
    let all = store::rules::methods(conn, today, country.as_deref()).await?;
    let general = standing(conn, ctx, creator.id).await?;
    let destinations = store::destinations::of_creator(conn, creator.id, false).await?;
    let mut offers = Vec::new();
    for terms in all
        .into_iter()
        .filter(|terms| carriers.carries(terms.method, terms.currency))
    {
        let limits = limits(conn, ctx, terms.currency).await?;
        let mut reasons = general.clone();
        let choice = choose(ctx, &terms, &limits, &destinations, None);
        reasons.extend(choice.err().unwrap_or_default());
        offers.push(MethodOffer {
            terms,
            reasons: Some(reasons),
        });
    }
    Ok(offers)
}

/// What compliance has against paying a creator.
///
/// # Errors
/// If the database cannot be read.
pub(super) async fn standing(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<Vec<Reason>, PayoutError> {
    let mut asked = compliance::payable_many(conn, ctx, &[creator]).await?;
    let reasons = asked.remove(&creator).unwrap_or_default();
    Ok(reasons
        .iter()
        .map(|reason| Reason::new(reason.code(), reason.to_string()))
        .collect())
}

pub(super) async fn limits(
    conn: &mut PgConnection,
    ctx: &Ctx,
    currency: Currency,
) -> Result<Limits, PayoutError> {
    let today = ctx.now().date_naive();
    store::rules::limits(conn, today, currency)
        .await?
        .ok_or(PayoutError::NoLimits(currency))
}

/// Judges a payout of a creator, who is locked. What is wrong with the amount or the method is said first; then everything
/// else that stands against it, all at once.
///
/// # Errors
/// With what stands against it.
pub(super) async fn judge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    amount: Money,
    method: PayoutMethod,
    destination: Option<DestinationId>,
) -> Result<Case, PayoutError> {
    let today = ctx.now().date_naive();
    let country = store::rules::country(conn, creator.id).await?;
    let offered = store::rules::methods(conn, today, country.as_deref()).await?;
    let terms = offered
        .iter()
        .find(|terms| terms.method == method && terms.currency == amount.currency)
        .ok_or_else(|| not_offered(method, amount, &offered))?
        .clone();
    let limits = limits(conn, ctx, amount.currency).await?;
    let fee = terms.fee.of(amount.minor);
    if amount.minor < terms.min_minor || fee >= amount.minor {
        let least = Money::new(amount.currency, terms.min_minor);
        let message = format!("{method} pays {least} or more");
        return Err(PayoutError::Invalid(vec![FieldError::new(
            "/amount", message,
        )]));
    }
    let destinations = store::destinations::of_creator(conn, creator.id, false).await?;
    let mut reasons = standing(conn, ctx, creator.id).await?;
    let choice = choose(ctx, &terms, &limits, &destinations, destination);
    reasons.extend(velocity(conn, ctx, creator.id, amount, &limits).await?);
    match choice {
        Ok(chosen) if reasons.is_empty() => Ok(Case {
            destination: chosen.clone(),
            terms,
            limits,
        }),
        Ok(_) => Err(PayoutError::NotEligible(reasons)),
        Err(more) => {
            reasons.extend(more);
            Err(PayoutError::NotEligible(reasons))
        }
    }
}

fn not_offered(method: PayoutMethod, amount: Money, offered: &[MethodTerms]) -> PayoutError {
    let in_currency = offered
        .iter()
        .filter(|terms| terms.currency == amount.currency);
    let others: Vec<&str> = in_currency.map(|terms| terms.method.as_str()).collect();
    let others = if others.is_empty() {
        "there is none".to_owned()
    } else {
        others.join(", ")
    };
    let currency = amount.currency;
    let message =
        format!("{method} is not offered to this creator in {currency}; offered: {others}");
    PayoutError::Invalid(vec![FieldError::new("/method", message)])
}

/// The destination that is paid to: the one that is named, else the only one that can be.
pub(super) fn choose<'a>(
    ctx: &Ctx,
    terms: &MethodTerms,
    limits: &Limits,
    all: &'a [Destination],
    named: Option<DestinationId>,
) -> Result<&'a Destination, Vec<Reason>> {
    let fitting =
        |one: &&Destination| one.method == terms.method && takes(&one.kind, terms.currency);
    let candidates: Vec<&Destination> = match named {
        Some(id) => all.iter().filter(|one| one.id == id).collect(),
        None => all.iter().filter(fitting).collect(),
    };
    if named.is_some() && !candidates.iter().all(fitting) {
        let message = format!(
            "the destination cannot be paid by {} in {}",
            terms.method, terms.currency
        );
        return Err(vec![Reason::new("destination_does_not_fit", message)]);
    }
    let ready: Vec<&Destination> = candidates
        .iter()
        .filter(|one| {
            one.state == DestinationState::Verified && one.usable_from(limits) <= ctx.now()
        })
        .copied()
        .collect();
    match ready.as_slice() {
        [one] => Ok(one),
        [] => Err(vec![why_none(ctx, limits, &candidates)]),
        [_, _, ..] => Err(vec![Reason::new(
            "destination_ambiguous",
            "there are several destinations for this; name one as `destinationId`",
        )]),
    }
}

/// Why none of the destinations can be paid to: of those that come closest.
fn why_none(ctx: &Ctx, limits: &Limits, candidates: &[&Destination]) -> Reason {
    let cooling = candidates
        .iter()
        .filter(|one| one.state == DestinationState::Verified)
        .map(|one| one.usable_from(limits))
        .filter(|from| *from > ctx.now())
        .min();
    if let Some(from) = cooling {
        let from = from.format("%Y-%m-%d %H:%M UTC");
        return Reason::new(
            "destination_cooling",
            format!("the destination is new and is paid to from {from} on"),
        );
    }
    if candidates.is_empty() {
        return Reason::new(
            "no_destination",
            "there is no destination for this; add one and have it verified",
        );
    }
    Reason::new(
        "destination_not_verified",
        "the destination is not verified; staff has to see proof that it is the creator's",
    )
}

/// Whether more would leave within a day than may.
async fn velocity(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    amount: Money,
    limits: &Limits,
) -> Result<Vec<Reason>, PayoutError> {
    let since = ctx.now() - Duration::hours(24);
    let asked = store::payouts::since(conn, &[creator], amount.currency, since).await?;
    let (count, minor) = asked.get(&creator).copied().unwrap_or_default();
    let mut reasons = Vec::new();
    if count >= i64::from(limits.day_max_count) {
        let message = format!("at most {} payouts within 24 hours", limits.day_max_count);
        reasons.push(Reason::new("too_many_payouts", message));
    }
    if minor.saturating_add(amount.minor) > limits.day_max_minor {
        let most = Money::new(amount.currency, limits.day_max_minor);
        let message = format!("at most {most} within 24 hours");
        reasons.push(Reason::new("too_much_within_a_day", message));
    }
    Ok(reasons)
}
