//! What a creator earned, and in which currency.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

use super::model::Conversion;
use super::{EarningError, Summary, WaitReason, Waiting, store};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::fx::{self, Cross, FxError};
use crate::kernel::Ctx;
use crate::kernel::money::Currency;
use crate::ledger;
use crate::tiers;

/// What a creator earned and has, as of now.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn summary(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Summary, EarningError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let reporting = tiers::reporting_currency(conn, ctx.now().date_naive()).await?;
    let own = store::earnings::currency(conn, creator.id).await?;
    let sums = store::sums::months(conn, creator.id).await?;
    let balances = ledger::creator_balances(conn, creator.id).await?;
    let currencies = balances.iter().map(|(account, _)| account.currency);
    let conversion = conversion(conn, ctx, creator.id, reporting, currencies.collect()).await?;
    Ok(Summary::of(
        own.unwrap_or(reporting),
        &sums,
        &balances,
        conversion,
        creator.created_at,
        ctx.now(),
    ))
}

/// What is known for converting a creator's figures, who has something in `currencies`.
async fn conversion(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    reporting: Currency,
    currencies: BTreeSet<Currency>,
) -> Result<Conversion, EarningError> {
    let now = ctx.now().date_naive();
    let mut today = HashMap::new();
    for currency in currencies.into_iter().filter(|of| *of != reporting) {
        if let Some(cross) = rate(conn, currency, reporting, now).await? {
            today.insert(currency, cross);
        }
    }
    let mut waiting = Vec::new();
    for (amount, first_day) in store::conversion::waiting(conn, id, reporting, now).await? {
        let why = if first_day >= now {
            WaitReason::DayUnderWay
        } else if rate(conn, amount.currency, reporting, first_day)
            .await?
            .is_some()
        {
            WaitReason::NextRun
        } else {
            WaitReason::NoRate
        };
        waiting.push(Waiting {
            amount,
            first_day,
            why,
        });
    }
    Ok(Conversion {
        reporting,
        sums: store::conversion::months(conn, id, reporting).await?,
        waiting,
        today,
    })
}

/// The rate of a day; none if it is missing.
async fn rate(
    conn: &mut PgConnection,
    from: Currency,
    to: Currency,
    day: NaiveDate,
) -> Result<Option<Cross>, EarningError> {
    match fx::lookup(conn, from, to, day).await {
        Ok(cross) => Ok(Some(cross)),
        Err(FxError::NoRate { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Sets the currency that a creator earns in when an earning does not say. Earlier earnings stay in theirs.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn set_currency(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    currency: Currency,
) -> Result<(), EarningError> {
    let creator = creators::lock(conn, ctx, id).await?;
    let before = store::earnings::currency(conn, creator.id).await?;
    store::earnings::set_currency(conn, ctx, creator.id, currency).await?;
    let entry = Entry::new("earning.set_currency", creator.id)
        .before(json!({ "currency": before }))
        .after(json!({ "currency": currency }));
    Ok(audit::record(conn, ctx, entry).await?)
}
