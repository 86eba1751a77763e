//! Looking rates up, and putting them by hand.

use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

use super::model::parse_per_eur;
use super::{Cross, CurrencyCode, FxError, FxPolicy, Rate, RateFilter, RateSource, store};
use crate::audit::{self, Entry, Subject};
use crate::kernel::money::Currency;
use crate::kernel::{Ctx, FieldError, Page, PageRequest};
use crate::reactions;

/// Characters of a reason at the most.
const REASON_MAX_CHARS: usize = 500;
/// The first day that the euro had rates.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1999, 1, 1).expect("a day");

/// The rules in force on a day.
///
/// # Errors
/// If there are none.
pub async fn policy(conn: &mut PgConnection, day: NaiveDate) -> Result<FxPolicy, FxError> {
    store::policy::in_force(conn, day)
        .await?
        .ok_or(FxError::NoPolicy(day))
}

/// What one unit of `from` is worth in `to` on a day. For each of the two that is not the euro it is the rate of the last
/// day on or before `day` that has one, not older than the rules of `day` allow; on the same day one put by hand goes
/// before the bank's. Rates of other currencies than the euro cross through it.
///
/// # Errors
/// [`FxError::NoRate`] if one is missing or too old. There is never a rate that nobody gave.
pub async fn lookup(
    conn: &mut PgConnection,
    from: Currency,
    to: Currency,
    day: NaiveDate,
) -> Result<Cross, FxError> {
    if from == to {
        return Err(FxError::SameCurrency);
    }
    // before the euro there is nothing to look for, and days that the database does not know
    if day < FIRST_DAY {
        return Err(FxError::NoRate {
            currency: from.code().to_owned(),
            day,
            oldest: FIRST_DAY,
        });
    }
    let oldest = policy(conn, day).await?.oldest(day);
    let from_rate = last(conn, from, oldest, day).await?;
    let to_rate = last(conn, to, oldest, day).await?;
    Cross::of(from, to, from_rate, to_rate)
}

/// The rate of a currency that counts on a day; none for the euro.
async fn last(
    conn: &mut PgConnection,
    currency: Currency,
    oldest: NaiveDate,
    day: NaiveDate,
) -> Result<Option<Rate>, FxError> {
    if currency == Currency::EUR {
        return Ok(None);
    }
    let rate = store::rates::last(conn, currency.code(), oldest, day).await?;
    rate.map(Some).ok_or_else(|| FxError::NoRate {
        currency: currency.code().to_owned(),
        day,
        oldest,
    })
}

/// The rates that match and count today, the newest day first.
///
/// # Errors
/// If the cursor is not ours.
pub async fn list(
    conn: &mut PgConnection,
    filter: &RateFilter,
    page: &PageRequest,
) -> Result<Page<Rate>, FxError> {
    let mut filter = filter.clone();
    // as in `lookup`
    filter.from = filter.from.map(|day| day.max(FIRST_DAY));
    filter.until = filter.until.map(|day| day.max(FIRST_DAY));
    store::rates::list(conn, &filter, page).await
}

/// Puts the rate of a day by hand: `per_eur` units of the currency for one euro, with the reason. It goes before the
/// bank's of the same day and takes the place of one put earlier, which stays in the records. The same again changes
/// nothing.
///
/// # Errors
/// If the number is no rate, the day is in the future, or the reason is missing.
pub async fn put_rate(
    conn: &mut PgConnection,
    ctx: &Ctx,
    currency: &CurrencyCode,
    day: NaiveDate,
    per_eur: &str,
    reason: &str,
) -> Result<Rate, FxError> {
    let per_eur = checked(ctx, day, per_eur, reason)?;
    store::rates::lock(conn).await?;
    let before = store::rates::current(conn, currency, day, RateSource::Manual).await?;
    if let Some(same) = before
        .as_ref()
        .filter(|rate| rate.per_eur == per_eur && rate.reason.as_deref() == Some(reason))
    {
        return Ok(same.clone());
    }
    let rate = store::rates::put(conn, ctx, currency, day, per_eur, reason).await?;
    let subject = Subject::named("fx_rate", format!("{currency}@{day}"));
    let mut entry = Entry::new("fx.put_rate", subject)
        .after(json!({ "perEur": per_eur.to_string() }))
        .reason(reason);
    if let Some(before) = before {
        entry = entry.before(json!({ "perEur": before.per_eur.to_string() }));
    }
    audit::record(conn, ctx, entry).await?;
    reactions::rates_known(conn, ctx).await?;
    Ok(rate)
}

/// The number, if everything is as it must be.
fn checked(
    ctx: &Ctx,
    day: NaiveDate,
    per_eur: &str,
    reason: &str,
) -> Result<rust_decimal::Decimal, FxError> {
    let mut wrong = Vec::new();
    let per_eur = parse_per_eur(per_eur)
        .map_err(|error| wrong.push(FieldError::new("/rate", error.to_string())))
        .ok();
    if !(FIRST_DAY..=ctx.now().date_naive()).contains(&day) {
        let message = format!("must be a day from {FIRST_DAY} to today (UTC)");
        wrong.push(FieldError::new("day", message));
    }
    let chars = reason.chars().count();
    if reason.trim().is_empty() || chars > REASON_MAX_CHARS || reason.chars().any(char::is_control)
    {
        let message = format!("say why, in 1 to {REASON_MAX_CHARS} characters without line breaks");
        wrong.push(FieldError::new("/reason", message));
    }
    match per_eur {
        Some(per_eur) if wrong.is_empty() => Ok(per_eur),
        Some(_) | None => Err(FxError::Invalid(wrong)),
    }
}
