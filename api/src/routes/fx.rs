//! Exchange rates: which there are, what they make of each other, putting one by hand, importing the bank's.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::fx::{self, Cross, CurrencyCode, Rate, RateFilter};
use shared::kernel::money::Currency;
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::providers::fx::Span;
use shared::queue::JobId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, MaybeJson, Query, ReadRates, WriteRates};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put))
        .routes(routes!(lookup))
        .routes(routes!(import))
}

/// A decimal number, digit for digit.
fn number(decimal: impl std::fmt::Display) -> Result<Box<RawValue>> {
    RawValue::from_string(decimal.to_string()).map_err(|_| Problem::internal())
}

/// Which rates.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RateParams {
    /// Only those of this currency, such as `USD`.
    currency: Option<String>,
    /// Only those of this source: `ecb` or `manual`.
    source: Option<String>,
    /// Not before this day.
    from: Option<NaiveDate>,
    /// Not after this day.
    until: Option<NaiveDate>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of rates.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RatePage {
    /// The newest day first, then by currency.
    items: Vec<RateView>,
    next_cursor: Option<String>,
}

/// What a euro was worth on a day.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExchangeRate)]
struct RateView {
    day: NaiveDate,
    #[schema(example = "USD")]
    currency: String,
    /// `ecb` or `manual`; of one day, the manual one counts.
    source: &'static str,
    /// Units of the currency for one euro.
    #[schema(value_type = f64, example = 1.0921)]
    rate: Box<RawValue>,
    /// Why, for a manual one.
    reason: Option<String>,
    recorded_by: String,
    recorded_at: DateTime<Utc>,
}

impl TryFrom<Rate> for RateView {
    type Error = Problem;
    fn try_from(rate: Rate) -> Result<Self> {
        Ok(Self {
            day: rate.day,
            currency: rate.currency.to_string(),
            source: rate.source.as_str(),
            rate: number(rate.per_eur)?,
            reason: rate.reason,
            recorded_by: rate.recorded_by,
            recorded_at: rate.recorded_at,
        })
    }
}

/// List exchange rates
#[utoipa::path(get, path = "/api/fx/rates", operation_id = "listExchangeRates", tag = "exchange rates", security(("bearer" = ["fx:read"])),
    params(RateParams), responses((status = 200, body = RatePage)))]
async fn list(
    _: Allowed<ReadRates>,
    State(app): State<App>,
    Query(params): Query<RateParams>,
) -> Result<Json<RatePage>> {
    let mut fields = Fields::default();
    let filter = RateFilter {
        currency: fields.parsed_if("currency", params.currency.as_deref()),
        source: fields.parsed_if("source", params.source.as_deref()),
        from: params.from,
        until: params.until,
    };
    fields.finish()?;
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    let rates = fx::list(&mut tx, &filter, &page).await?;
    let items = rates.items.into_iter().map(RateView::try_from);
    Ok(Json(RatePage {
        items: items.collect::<Result<_>>()?,
        next_cursor: rates.next.map(|cursor| cursor.as_str().to_owned()),
    }))
}

/// A rate put by hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewExchangeRate)]
struct RateBody {
    /// Units of the currency for one euro, as a number or a text: positive, with at most 8 digits after the point.
    #[schema(value_type = f64, example = 1.0921)]
    rate: Box<RawValue>,
    /// Why, in up to 500 characters.
    reason: String,
}

impl RateBody {
    /// The number as it was written.
    fn digits(&self) -> String {
        let raw = self.rate.get().trim();
        serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned())
    }
}

/// Put the exchange rate of a day by hand
///
/// It goes before the bank's of the same day. The one before stays in the records.
#[utoipa::path(put, path = "/api/fx/rates/{currency}/{day}", operation_id = "putExchangeRate", tag = "exchange rates", security(("bearer" = ["fx:write"])),
    params(("currency" = String, Path, description = "ISO 4217, not EUR", example = "USD"), ("day" = NaiveDate, Path, description = "Not in the future (UTC)")),
    request_body = RateBody, responses((status = 200, body = RateView)))]
async fn put(
    caller: Allowed<WriteRates>,
    State(app): State<App>,
    Path((currency, day)): Path<(String, String)>,
    Json(body): Json<RateBody>,
) -> Result<Json<RateView>> {
    let mut fields = Fields::default();
    let currency: Option<CurrencyCode> = fields.parsed("currency", &currency);
    let day: Option<NaiveDate> = fields.parsed("day", &day);
    fields.finish()?;
    let (currency, day) = currency.zip(day).ok_or_else(Problem::internal)?;
    let mut tx = app.db.begin().await?;
    let rate = fx::put_rate(
        &mut tx,
        &caller.ctx,
        &currency,
        day,
        &body.digits(),
        &body.reason,
    )
    .await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(Json(rate.try_into()?))
}

/// Which two currencies, on which day.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LookupParams {
    /// The one, such as `USD`.
    from: String,
    /// The other, such as `GBP`.
    to: String,
    /// On which day; today (UTC) unless given.
    day: Option<NaiveDate>,
}

/// What one unit of a currency is worth in another.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CrossRate)]
struct CrossView {
    from: &'static str,
    to: &'static str,
    /// Units of `to` for one unit of `from`, to 12 digits.
    #[schema(value_type = f64, example = 0.781818181818)]
    rate: Box<RawValue>,
    /// The day of the older of the rates it was made of.
    day: NaiveDate,
    /// What it was made of.
    made_of: Vec<RateView>,
}

impl TryFrom<Cross> for CrossView {
    type Error = Problem;
    fn try_from(cross: Cross) -> Result<Self> {
        let made_of = [cross.from_rate, cross.to_rate].into_iter().flatten();
        Ok(Self {
            from: cross.from.code(),
            to: cross.to.code(),
            rate: number(cross.rate)?,
            day: cross.day,
            made_of: made_of.map(RateView::try_from).collect::<Result<_>>()?,
        })
    }
}

/// Show what one unit of a currency is worth in another
///
/// By the last rate on or before the day, not older than the rules allow, through the euro. A missing rate is an error.
#[utoipa::path(get, path = "/api/fx/lookup", operation_id = "lookUpExchangeRate", tag = "exchange rates", security(("bearer" = ["fx:read"])),
    params(LookupParams), responses((status = 200, body = CrossView), (status = 409, description = "There is no rate that counts")))]
async fn lookup(
    caller: Allowed<ReadRates>,
    State(app): State<App>,
    Query(params): Query<LookupParams>,
) -> Result<Json<CrossView>> {
    let mut fields = Fields::default();
    let from: Option<Currency> = fields.parsed("from", &params.from);
    let to: Option<Currency> = fields.parsed("to", &params.to);
    fields.finish()?;
    let (from, to) = from.zip(to).ok_or_else(Problem::internal)?;
    let day = params.day.unwrap_or_else(|| caller.ctx.now().date_naive());
    let mut tx = app.db.begin().await?;
    Ok(Json(fx::lookup(&mut tx, from, to, day).await?.try_into()?))
}

/// Which rates to import.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewExchangeRateImport)]
struct ImportBody {
    /// `daily`, `recent` (the last weeks, unless given) or `history`.
    #[serde(default)]
    #[schema(example = "recent")]
    span: Option<String>,
}

/// The job that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExchangeRateImport)]
struct ImportView {
    #[schema(value_type = String)]
    job_id: JobId,
}

/// Import the reference rates of the European Central Bank now
///
/// A job does it; one that waits already will do. What is known already stays as it is.
#[utoipa::path(post, path = "/api/fx/import", operation_id = "importExchangeRates", tag = "exchange rates", security(("bearer" = ["fx:write"])),
    request_body = Option<ImportBody>, responses((status = 202, body = ImportView)))]
async fn import(
    caller: Allowed<WriteRates>,
    State(app): State<App>,
    MaybeJson(body): MaybeJson<ImportBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let span: Option<Span> = fields.parsed_if("/span", body.span.as_deref());
    fields.finish()?;
    let mut tx = app.db.begin().await?;
    let job_id = fx::start_import(&mut tx, &caller.ctx, span.unwrap_or_default()).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok((StatusCode::ACCEPTED, Json(ImportView { job_id })).into_response())
}
