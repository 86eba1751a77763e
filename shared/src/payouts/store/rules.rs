//! Rows of `payout_methods` and `payout_limits`.

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{TypedId, stored};
use crate::payouts::{FeeSchedule, Limits, MethodTerms};

/// The rules in force on a day for creators who live in a country, as far as the methods are offered then: a rule for the
/// country goes before that for all. Without a country, those for all.
pub(in crate::payouts) async fn methods(
    conn: &mut PgConnection,
    day: NaiveDate,
    country: Option<&str>,
) -> sqlx::Result<Vec<MethodTerms>> {
    let rows = sqlx::query!(
        r#"
        select method as "method!", currency as "currency!", nullif(country, '*') as country,
               effective_from as "effective_from!", min_minor as "min_minor!", fee_bps as "fee_bps!",
               fee_fixed_minor as "fee_fixed_minor!", fee_cap_minor, return_fee_minor as "return_fee_minor!",
               eta_min_days as "eta_min_days!", eta_max_days as "eta_max_days!"
        from (select distinct on (method, currency) * from payout_methods
              where effective_from <= $1 and country in ('*', coalesce($2, '*'))
              order by method, currency, country = '*', effective_from desc) m
        where offered order by method, currency
        "#,
        day,
        country,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MethodTerms {
                method: stored("method", &row.method)?,
                currency: stored("currency", &row.currency)?,
                country: row.country,
                effective_from: row.effective_from,
                min_minor: row.min_minor,
                fee: FeeSchedule {
                    percent_bps: row.fee_bps,
                    fixed_minor: row.fee_fixed_minor,
                    cap_minor: row.fee_cap_minor,
                },
                return_fee_minor: row.return_fee_minor,
                eta_min_days: row.eta_min_days,
                eta_max_days: row.eta_max_days,
            })
        })
        .collect()
}

/// The limits in force on a day for a currency.
pub(in crate::payouts) async fn limits(
    conn: &mut PgConnection,
    day: NaiveDate,
    currency: Currency,
) -> sqlx::Result<Option<Limits>> {
    sqlx::query_as!(
        Limits,
        "select one_from_minor, two_from_minor, day_max_count, day_max_minor, cooling_hours, approval_hours
         from payout_limits where currency = $1 and effective_from <= $2 order by effective_from desc limit 1",
        currency.code(),
        day,
    )
    .fetch_optional(conn)
    .await
}

/// Where a creator lives, if it is known.
pub(in crate::payouts) async fn country(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Option<String>> {
    let row = sqlx::query_scalar!(
        "select residence_country from creator_payees where id = $1",
        creator.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.flatten())
}
