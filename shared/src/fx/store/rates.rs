//! The stored rates.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::fx::{CurrencyCode, FxError, FxImport, Rate, RateFilter, RateSource};
use crate::kernel::{Ctx, Cursor, Page, PageRequest, TypedId, stored};

/// Whoever changes rates waits for whoever else does, until the transaction ends: two imports of one document must not
/// both find its rates missing.
pub(in crate::fx) async fn lock(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('fx_rates', 0))")
        .execute(conn)
        .await
        .map(drop)
}

/// Takes in rates of an import; answers how many were new, and how many took another one's place.
pub(in crate::fx) async fn take_in(
    conn: &mut PgConnection,
    import: &FxImport,
    rates: &[(NaiveDate, &CurrencyCode, Decimal)],
) -> sqlx::Result<(u64, u64)> {
    let days: Vec<NaiveDate> = rates.iter().map(|(day, _, _)| *day).collect();
    let codes: Vec<String> = rates.iter().map(|(_, code, _)| code.to_string()).collect();
    let numbers: Vec<String> = rates.iter().map(|(_, _, rate)| rate.to_string()).collect();
    let corrected = sqlx::query!(
        "update fx_rates r set superseded_at = $5
         from unnest($1::date[], $2::text[], $3::text[]) as g (day, currency, per_eur)
         where r.currency = g.currency and r.day = g.day and r.source = $4 and r.superseded_at is null
           and r.per_eur <> g.per_eur::numeric",
        &days,
        &codes,
        &numbers,
        import.source.as_str(),
        import.imported_at,
    )
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let written = sqlx::query!(
        "insert into fx_rates (day, currency, source, per_eur, import_id, recorded_by, recorded_at)
         select g.day, g.currency, $4, g.per_eur::numeric, $5, $6, $7
         from unnest($1::date[], $2::text[], $3::text[]) as g (day, currency, per_eur)
         on conflict (currency, day, source) where superseded_at is null do nothing",
        &days,
        &codes,
        &numbers,
        import.source.as_str(),
        import.id.uuid(),
        import.imported_by,
        import.imported_at,
    )
    .execute(conn)
    .await?
    .rows_affected();
    Ok((written - corrected, corrected))
}

/// The last rate of a currency from one day to another, one put by hand before the bank's of the same day.
pub(in crate::fx) async fn last(
    conn: &mut PgConnection,
    currency: &str,
    oldest: NaiveDate,
    day: NaiveDate,
) -> sqlx::Result<Option<Rate>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, day, currency, source, trim_scale(per_eur)::text as "per_eur!", reason, recorded_by, recorded_at
           from fx_rates where currency = $1 and day between $2 and $3 and superseded_at is null
           order by day desc, source = 'manual' desc limit 1"#,
        currency,
        oldest,
        day,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::rate).transpose()
}

/// The rate of a day by one source.
pub(in crate::fx) async fn current(
    conn: &mut PgConnection,
    currency: &CurrencyCode,
    day: NaiveDate,
    source: RateSource,
) -> sqlx::Result<Option<Rate>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, day, currency, source, trim_scale(per_eur)::text as "per_eur!", reason, recorded_by, recorded_at
           from fx_rates where currency = $1 and day = $2 and source = $3 and superseded_at is null"#,
        currency.as_str(),
        day,
        source.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::rate).transpose()
}

/// Puts a rate by hand in the place of the one before.
pub(in crate::fx) async fn put(
    conn: &mut PgConnection,
    ctx: &Ctx,
    currency: &CurrencyCode,
    day: NaiveDate,
    per_eur: Decimal,
    reason: &str,
) -> sqlx::Result<Rate> {
    let source = RateSource::Manual;
    sqlx::query!(
        "update fx_rates set superseded_at = $4 where currency = $1 and day = $2 and source = $3 and superseded_at is null",
        currency.as_str(),
        day,
        source.as_str(),
        ctx.now(),
    )
    .execute(&mut *conn)
    .await?;
    let recorded_by = ctx.actor.to_string();
    let id = sqlx::query_scalar!(
        "insert into fx_rates (day, currency, source, per_eur, reason, recorded_by, recorded_at)
         values ($1, $2, $3, $4::text::numeric, $5, $6, $7) returning id",
        day,
        currency.as_str(),
        source.as_str(),
        per_eur.to_string(),
        reason,
        recorded_by,
        ctx.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(Rate {
        id,
        day,
        currency: currency.clone(),
        source,
        per_eur,
        reason: Some(reason.to_owned()),
        recorded_by,
        recorded_at: ctx.now(),
    })
}

/// The rates that match, the newest day first, then by currency and source.
pub(in crate::fx) async fn list(
    conn: &mut PgConnection,
    filter: &RateFilter,
    page: &PageRequest,
) -> Result<Page<Rate>, FxError> {
    let after: Option<(NaiveDate, String, String)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let mut query = QueryBuilder::<Postgres>::new(
        "select id, day, currency, source, trim_scale(per_eur)::text as per_eur, reason, recorded_by, recorded_at
         from fx_rates where superseded_at is null",
    );
    if let Some(currency) = &filter.currency {
        query
            .push(" and currency = ")
            .push_bind(currency.as_str().to_owned());
    }
    if let Some(source) = filter.source {
        query.push(" and source = ").push_bind(source.as_str());
    }
    if let Some(from) = filter.from {
        query.push(" and day >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        query.push(" and day <= ").push_bind(until);
    }
    if let Some((day, currency, source)) = after {
        // the day falls and the others rise; the first condition alone leads into the index
        query.push(" and day <= ").push_bind(day);
        query.push(" and (day < ").push_bind(day);
        query.push(" or (currency, source) > (").push_bind(currency);
        query.push(", ").push_bind(source).push("))");
    }
    let limit = page.limit();
    query
        .push(" order by day desc, currency, source limit ")
        .push_bind(limit + 1);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    let rates: Vec<Rate> = rows
        .into_iter()
        .map(Row::rate)
        .collect::<sqlx::Result<_>>()?;
    Ok(Page::of(rates, limit, |rate| {
        (rate.day, rate.currency.to_string(), rate.source.as_str())
    }))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    day: NaiveDate,
    currency: String,
    source: String,
    per_eur: String,
    reason: Option<String>,
    recorded_by: String,
    recorded_at: DateTime<Utc>,
}

impl Row {
    fn rate(self) -> sqlx::Result<Rate> {
        Ok(Rate {
            id: self.id,
            day: self.day,
            currency: stored("currency", &self.currency)?,
            source: stored("source", &self.source)?,
            per_eur: stored("per_eur", &self.per_eur)?,
            reason: self.reason,
            recorded_by: self.recorded_by,
            recorded_at: self.recorded_at,
        })
    }
}
