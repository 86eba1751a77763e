//! Offers to convert, each used once or never.

use chrono::Duration;
use serde_json::json;
use sqlx::PgConnection;

use super::{FxError, Quote, QuoteId, lookup, policy, store};
use crate::audit::{self, Entry};
use crate::kernel::Ctx;
use crate::kernel::money::{Currency, Money};

/// What a quote may be used for is named by this many characters at the most.
const PURPOSE_MAX_CHARS: usize = 100;
/// Quotes that nobody used are kept this long after they expired, to answer for them.
const UNUSED_KEPT: Duration = Duration::days(30);
/// Quotes removed by one call at the most.
const PURGE_MAX: i64 = 10_000;

/// Offers to convert an amount now, by today's rate and rules. The offer is stored with both amounts, the spread, the rate
/// and what it was made of, and holds until it expires.
///
/// # Errors
/// If there is no rate, both currencies are the same, or nothing would be left.
pub async fn quote(
    conn: &mut PgConnection,
    ctx: &Ctx,
    amount: Money,
    to: Currency,
) -> Result<Quote, FxError> {
    let today = ctx.now().date_naive();
    let cross = lookup(conn, amount.currency, to, today).await?;
    let policy = policy(conn, today).await?;
    let quote = Quote::offer(QuoteId::new(), amount, &cross, &policy, ctx.now())?;
    store::quotes::insert(conn, ctx, &quote, &cross).await?;
    Ok(quote)
}

/// Uses an offer for one thing, named by its id: from now on the conversion stands. The same again answers the same.
///
/// # Errors
/// If there is no such offer, it has expired, it is used for something else, or the thing has another one.
pub async fn lock_quote(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: QuoteId,
    purpose: &str,
) -> Result<Quote, FxError> {
    debug_assert!(purpose.chars().count() <= PURPOSE_MAX_CHARS);
    let quote = store::quotes::lock(conn, id)
        .await?
        .ok_or(FxError::NoQuote(id))?;
    match &quote.locked {
        Some((used_for, _)) if used_for == purpose => return Ok(quote),
        Some(_) => return Err(FxError::Used(id)),
        None => {}
    }
    if ctx.now() >= quote.expires_at {
        return Err(FxError::Expired(id));
    }
    if !store::quotes::use_for(conn, ctx, id, purpose).await? {
        return Err(FxError::Converted(purpose.to_owned()));
    }
    let entry = Entry::new("fx.lock_quote", id).after(json!({
        "for": purpose,
        "from": quote.from.to_string(),
        "to": quote.to.to_string(),
        "spread": quote.spread.to_string(),
        "rate": quote.rate.to_string(),
    }));
    audit::record(conn, ctx, entry).await?;
    Ok(Quote {
        locked: Some((purpose.to_owned(), ctx.now())),
        ..quote
    })
}

/// Removes offers that nobody used, some time after they expired; answers how many, 0 when there are no more.
///
/// # Errors
/// If the database refuses.
pub async fn purge_quotes(conn: &mut PgConnection, ctx: &Ctx) -> Result<u64, FxError> {
    Ok(store::quotes::purge(conn, ctx.now() - UNUSED_KEPT, PURGE_MAX).await?)
}
