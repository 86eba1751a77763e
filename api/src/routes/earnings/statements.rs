//! Statements per month.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::creators::CreatorId;
use shared::earnings::{self, Month, Statement, StatementMonth};
use shared::words;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{self, Problem};
use crate::extract::{Json, OwnOr, PathId, PathIds, Query, ReadEarnings};
use crate::fields::Fields;

/// The months of which there are statements.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StatementMonths)]
pub(super) struct MonthsView {
    /// The latest first.
    items: Vec<MonthView>,
}

/// A month in which anything moved on the creator's accounts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatementMonth)]
struct MonthView {
    /// In UTC.
    #[schema(value_type = String, example = "2026-11")]
    month: String,
    /// In which currencies.
    #[schema(value_type = Vec<String>, example = json!(["USD"]))]
    currencies: Vec<&'static str>,
    /// Whether the month is under way, so that more may come.
    provisional: bool,
}

impl From<StatementMonth> for MonthView {
    fn from(of: StatementMonth) -> Self {
        Self {
            month: of.month.to_string(),
            currencies: of
                .currencies
                .iter()
                .map(|currency| currency.code())
                .collect(),
            provisional: of.provisional,
        }
    }
}

/// List the months of which a creator has statements, the latest first
#[utoipa::path(get, path = "/api/creators/{id}/earnings/statements", operation_id = "listStatements", tag = "earnings", security(("bearer" = ["earnings:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = MonthsView), (status = 404, description = "No such creator")))]
pub(super) async fn list(
    caller: OwnOr<ReadEarnings>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> error::Result<Json<MonthsView>> {
    let mut tx = app.db.begin().await?;
    let months = earnings::statement_months(&mut tx, &caller.ctx, id).await?;
    Ok(Json(MonthsView {
        items: months.into_iter().map(MonthView::from).collect(),
    }))
}

words!(
    /// How a statement is written.
    Format {
        /// Comma-separated values (RFC 4180).
        Csv => "csv",
        /// A document to be printed.
        Pdf => "pdf",
    }
);

impl Format {
    const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Pdf => "application/pdf",
        }
    }

    /// What is asked for: by the parameter, else by `Accept`, else CSV.
    fn asked(params: &StatementParams, headers: &HeaderMap) -> error::Result<Self> {
        if let Some(word) = &params.format {
            let mut fields = Fields::default();
            let format = fields.parsed("format", word);
            fields.finish()?;
            return format.ok_or_else(Problem::internal);
        }
        let accept = headers.get(header::ACCEPT);
        let Some(accept) = accept.and_then(|value| value.to_str().ok()) else {
            return Ok(Self::Csv);
        };
        let mut ranges = accept
            .split(',')
            .filter_map(|range| range.split(';').next());
        ranges
            .find_map(|range| match range.trim() {
                "application/pdf" | "application/*" => Some(Self::Pdf),
                "text/csv" | "text/*" | "*/*" => Some(Self::Csv),
                _ => None,
            })
            .ok_or_else(|| {
                Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable")
                    .detail("A statement is text/csv or application/pdf.")
            })
    }
}

/// How the statement is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct StatementParams {
    /// `csv` or `pdf`; else what `Accept` says, the first of the two named there.
    #[param(value_type = Option<String>, example = "csv")]
    format: Option<String>,
}

/// Fetch a creator's statement of a month
///
/// What there was, what moved and what there is then, from the ledger, for each currency: opening balance and all movements
/// make up the closing balance. The month is that of UTC in which a movement was recorded; that of a month under way is
/// provisional and says so. More than 2,000 movements of a currency come as sums by day.
#[utoipa::path(get, path = "/api/creators/{id}/earnings/statements/{month}", operation_id = "fetchStatement", tag = "earnings", security(("bearer" = ["earnings:read"]), ("bearer" = ["creator:self"])),
    params(("id" = String, Path, description = "`creator_…`"), ("month" = String, Path, description = "`2026-11`"), StatementParams),
    responses((status = 200, description = "`text/csv` or `application/pdf`", content_type = "text/csv", body = String), (status = 404, description = "No such creator, or no statement of that month"),
              (status = 406, description = "Neither of the two is accepted", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn fetch(
    caller: OwnOr<ReadEarnings>,
    State(app): State<App>,
    PathIds(id, month): PathIds<CreatorId, Month>,
    Query(params): Query<StatementParams>,
    headers: HeaderMap,
) -> error::Result<Response> {
    let format = Format::asked(&params, &headers)?;
    let mut tx = app.db.begin().await?;
    let statement = earnings::statement(&mut tx, &caller.ctx, id, month).await?;
    answer(&statement, format)
}

fn answer(statement: &Statement, format: Format) -> error::Result<Response> {
    let body = match format {
        Format::Csv => statement.csv().map_err(|error| {
            tracing::error!(%error, "a statement could not be written");
            Problem::internal()
        })?,
        Format::Pdf => statement.pdf(),
    };
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!(
                "attachment; filename=\"statement-{}.{format}\"",
                statement.month
            ),
        ),
        // it holds people's data
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::VARY, "accept".to_owned()),
    ];
    Ok((headers, body).into_response())
}
