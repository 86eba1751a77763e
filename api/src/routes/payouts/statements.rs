//! Files of banks that tell of payouts.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use shared::files::NAME_MAX_CHARS;
use shared::kernel::money::Money;
use shared::kernel::{Page, PageRequest};
use shared::payouts::{
    self, BankStatement, BankStatementDetail, EntrySum, StatementFile, StatementId, StatementSource,
};
use shared::providers::payout::files::statement::{STATEMENT_MAX_BYTES, StatementAccount};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, ApprovePayouts, Json, PageParams, PathId, Query, ReadPayouts};
use crate::fields::Fields;

/// What is sent.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StatementParams {
    /// What the file is called, in up to 200 characters.
    file_name: Option<String>,
}

/// A file of a bank.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatement)]
pub(super) struct StatementView {
    #[schema(value_type = String)]
    id: StatementId,
    /// `upload` or `drop_folder`.
    #[schema(value_type = String, example = "upload")]
    source: &'static str,
    /// `pain.002`, `camt.053`, `camt.054` or `nacha`; null of a file that could not be read.
    #[schema(value_type = Option<String>, example = "camt.053")]
    format: Option<&'static str>,
    /// SHA-256 of the file, in hexadecimal digits.
    sha256: String,
    size_bytes: i64,
    file_name: Option<String>,
    /// What the bank calls it.
    bank_id: Option<String>,
    /// `read`: a job looks at its entries; `matched`: it has looked at all of them; `refused`: it cannot be read.
    #[schema(value_type = String, example = "matched")]
    status: &'static str,
    /// How many entries it has.
    entries: i32,
    taken_at: DateTime<Utc>,
    taken_by: String,
    matched_at: Option<DateTime<Utc>>,
    /// What is wrong with it, and where.
    failure: Option<String>,
}

impl From<BankStatement> for StatementView {
    fn from(one: BankStatement) -> Self {
        Self {
            id: one.id,
            source: one.source.as_str(),
            format: one.format.map(|format| format.as_str()),
            sha256: one.sha256_hex(),
            size_bytes: one.size_bytes,
            file_name: one.file_name,
            bank_id: one.bank_id,
            status: one.state.as_str(),
            entries: one.entries,
            taken_at: one.taken_at,
            taken_by: one.taken_by,
            matched_at: one.matched_at,
            failure: one.failure,
        }
    }
}

/// A page of files of banks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatements)]
pub(super) struct StatementsPage {
    statements: Vec<StatementView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Page<BankStatement>> for StatementsPage {
    fn from(page: Page<BankStatement>) -> Self {
        Self {
            statements: page.items.into_iter().map(StatementView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// What a statement says of an account as a whole; null where it does not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatementAccount)]
pub(super) struct AccountView {
    account: Option<String>,
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<&'static str>,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    /// Negative if it was overdrawn.
    #[schema(value_type = Option<f64>)]
    opening: Option<Money>,
    #[schema(value_type = Option<f64>)]
    closing: Option<Money>,
    /// Everything that was booked, debits negative.
    #[schema(value_type = Option<f64>)]
    moved: Option<Money>,
    /// Whether the opening balance and what was booked make the closing one.
    adds_up: Option<bool>,
}

impl From<StatementAccount> for AccountView {
    fn from(one: StatementAccount) -> Self {
        let adds_up = one.adds_up();
        let money = |minor: Option<i64>| Some(Money::new(one.currency?, minor?));
        Self {
            opening: money(one.opening),
            closing: money(one.closing),
            moved: money(one.moved),
            currency: one.currency.map(|currency| currency.code()),
            account: one.account,
            from: one.from,
            to: one.to,
            adds_up,
        }
    }
}

/// Entries that stand alike, in one currency.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatementSum)]
struct SumView {
    /// `waiting`, `matched`, `repeated`, `unmatched`, `attention` or `dismissed`.
    #[schema(value_type = String, example = "matched")]
    status: &'static str,
    /// Null of those that do not say.
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<&'static str>,
    entries: i64,
    /// What left the account by them; null without a currency.
    #[schema(value_type = Option<f64>)]
    debits: Option<Money>,
    /// What came to it.
    #[schema(value_type = Option<f64>)]
    credits: Option<Money>,
}

impl From<EntrySum> for SumView {
    fn from(sum: EntrySum) -> Self {
        let money = |minor| sum.currency.map(|currency| Money::new(currency, minor));
        Self {
            status: sum.state.as_str(),
            currency: sum.currency.map(|currency| currency.code()),
            entries: sum.entries,
            debits: money(sum.debits),
            credits: money(sum.credits),
        }
    }
}

/// A file of a bank with what it says as a whole, and where its entries stand.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatementDetail)]
pub(super) struct StatementDetailView {
    #[serde(flatten)]
    statement: StatementView,
    accounts: Vec<AccountView>,
    sums: Vec<SumView>,
}

impl From<BankStatementDetail> for StatementDetailView {
    fn from(detail: BankStatementDetail) -> Self {
        Self {
            statement: detail.statement.into(),
            accounts: detail.accounts.into_iter().map(AccountView::from).collect(),
            sums: detail.sums.into_iter().map(SumView::from).collect(),
        }
    }
}

/// List the files of banks, the latest first
///
/// Not for who is limited to some clusters: a file has payouts of all.
#[utoipa::path(get, path = "/api/payout-statements", operation_id = "listPayoutStatements", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(PageParams),
    responses((status = 200, body = StatementsPage),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn list(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<PageParams>,
) -> Result<Json<StatementsPage>> {
    let page: PageRequest = params.page();
    let mut tx = app.db.begin().await?;
    let page = payouts::list_statements(&mut tx, &caller.ctx, &page).await?;
    Ok(Json(page.into()))
}

/// Show a file of a bank with where its entries stand
#[utoipa::path(get, path = "/api/payout-statements/{id}", operation_id = "showPayoutStatement", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(("id" = String, Path, description = "`payoutstatement_…`")),
    responses((status = 200, body = StatementDetailView), (status = 404, description = "No such statement")))]
pub(super) async fn show(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    PathId(id): PathId<StatementId>,
) -> Result<Json<StatementDetailView>> {
    let mut tx = app.db.begin().await?;
    let detail = payouts::show_statement(&mut tx, &caller.ctx, id).await?;
    Ok(Json(detail.into()))
}

/// Send a file of a bank
///
/// pain.002, camt.053, camt.054, or returns and changes of the ACH network: the file itself, of up to 32 MiB. It is read
/// whole or refused whole; a job then looks at its entries. The same file again is answered with 200 and the statement that
/// is there. The file is not kept, only what it says.
#[utoipa::path(post, path = "/api/payout-statements", operation_id = "sendPayoutStatement", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(StatementParams), request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 201, body = StatementView, headers(("Location" = String, description = "The statement"))),
              (status = 200, body = StatementView, description = "It is there already"),
              (status = 413, description = "The file is too large"),
              (status = 422, description = "It is none of these, or broken: what is wrong, and where", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn send(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    Query(params): Query<StatementParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response> {
    let name = file_name(params.file_name)?;
    let file = StatementFile {
        source: StatementSource::Upload,
        name,
        content: received(&headers, body).await?,
    };
    let taken = payouts::take_statement(&app.db, &caller.ctx, &app.carriers, file).await?;
    let (statement, is_new) = taken;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let place = [(
        header::LOCATION,
        format!("/api/payout-statements/{}", statement.id),
    )];
    Ok((status, place, Json(StatementView::from(statement))).into_response())
}

fn file_name(name: Option<String>) -> Result<Option<String>> {
    let fits = |name: &String| {
        let chars = name.chars().count();
        (1..=NAME_MAX_CHARS).contains(&chars) && !name.chars().any(char::is_control)
    };
    let mut fields = Fields::default();
    if name.as_ref().is_some_and(|name| !fits(name)) {
        let remedy = format!("use 1 to {NAME_MAX_CHARS} characters, without control characters");
        fields.wrong("fileName", remedy);
    }
    fields.finish()?;
    Ok(name)
}

/// The whole body, which is bounded; one that says itself that it is too large is not read.
async fn received(headers: &HeaderMap, body: Body) -> Result<Vec<u8>> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > STATEMENT_MAX_BYTES) {
        return Err(too_large());
    }
    let mut content = Vec::new();
    let mut stream = body.into_data_stream();
    while let Some(bytes) = stream.next().await {
        let bytes = bytes.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "body-unreadable")
                .detail("The body could not be received whole.")
        })?;
        if content.len() + bytes.len() > STATEMENT_MAX_BYTES {
            return Err(too_large());
        }
        content.extend_from_slice(&bytes);
    }
    Ok(content)
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "file-too-large").detail(format!(
        "A statement has at most {STATEMENT_MAX_BYTES} bytes."
    ))
}
