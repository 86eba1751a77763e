//! What a creator earned, and in which currency.

use serde_json::json;
use sqlx::PgConnection;

use super::{EarningError, Summary, store};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
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
    Ok(Summary::of(
        own.unwrap_or(reporting),
        reporting,
        &sums,
        &balances,
        creator.created_at,
        ctx.now(),
    ))
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
