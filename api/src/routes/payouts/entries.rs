//! Entries of banks' files, and deciding about them.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::kernel::money::{Currency, Money};
use shared::kernel::{Cursor, Page, PageLimit, PageRequest};
use shared::payouts::{
    self, BatchId, EntryFilter, EntryState, Finding, MatchByHand, PayoutId, StatementEntry,
    StatementEntryId, StatementId,
};
use shared::providers::payout::files::statement::About;
use utoipa::{IntoParams, ToSchema};

use super::body::ReasonBody;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, ApprovePayouts, IfMatch, Json, PathId, Query, ReadPayouts, etag};
use crate::fields::Fields;

/// Which entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntryParams {
    /// Of this statement.
    statement_id: Option<String>,
    /// About this payout.
    payout_id: Option<String>,
    /// `waiting`, `matched`, `repeated`, `unmatched`, `attention` or `dismissed`.
    #[param(example = "attention")]
    status: Option<String>,
    /// Only those that somebody has to decide about: `unmatched` and `attention`.
    #[serde(default)]
    theirs: bool,
    /// In this currency; those that do not say, too.
    #[param(example = "EUR")]
    currency: Option<String>,
    /// Booked on this day or later.
    from: Option<NaiveDate>,
    /// Booked on this day or before.
    to: Option<NaiveDate>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Rows wanted, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// What a bank says of one payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatementEntry)]
pub(super) struct EntryView {
    #[schema(value_type = String)]
    id: StatementEntryId,
    #[schema(value_type = String)]
    statement_id: StatementId,
    /// Its place in the file, counted from 0.
    place: i32,
    /// What the bank names the payment by: `end_to_end`, `trace`, `cheque`, `message` (a whole file) or `unknown`.
    #[schema(value_type = String, example = "end_to_end")]
    about: &'static str,
    reference: Option<String>,
    /// The bank's own.
    bank_reference: Option<String>,
    account: Option<String>,
    #[schema(value_type = Option<f64>)]
    amount: Option<Money>,
    #[schema(value_type = Option<String>, example = "EUR")]
    currency: Option<&'static str>,
    /// `debit` or `credit`, as seen from the account.
    #[schema(value_type = Option<String>, example = "debit")]
    direction: Option<&'static str>,
    booked_on: Option<NaiveDate>,
    /// `accepted`, `settled`, `rejected`, `returned`, `corrected` or `other`.
    #[schema(value_type = String, example = "settled")]
    outcome: &'static str,
    reason_code: Option<String>,
    reason: Option<String>,
    /// What may be shown of the right data, of `corrected`.
    correction: Option<String>,
    /// `waiting`, `matched`, `repeated`, `unmatched`, `attention` or `dismissed`.
    #[schema(value_type = String, example = "matched")]
    status: &'static str,
    #[schema(value_type = Option<String>)]
    payout_id: Option<PayoutId>,
    /// The file of payouts that it is about as a whole.
    #[schema(value_type = Option<String>)]
    payout_batch_id: Option<BatchId>,
    /// Why somebody has to look, or what they found.
    why: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    version: i64,
}

impl From<StatementEntry> for EntryView {
    fn from(one: StatementEntry) -> Self {
        let (about, reference) = match one.about {
            About::EndToEnd(id) => ("end_to_end", Some(id)),
            About::Trace(number) => ("trace", Some(number)),
            About::Cheque(number) => ("cheque", Some(number)),
            About::Message(id) => ("message", Some(id)),
            About::Unknown => ("unknown", None),
        };
        let (reason_code, reason) = one.reason.map(|why| (why.code, why.text)).unzip();
        Self {
            id: one.id,
            statement_id: one.statement,
            place: one.place,
            about,
            reference,
            bank_reference: one.bank_reference,
            account: one.account,
            amount: one.amount,
            currency: one.amount.map(|amount| amount.currency.code()),
            direction: one.direction.map(|way| way.as_str()),
            booked_on: one.booked_on,
            outcome: one.outcome.as_str(),
            reason_code,
            reason: reason.filter(|text| !text.is_empty()),
            correction: one.correction_shown,
            status: one.state.as_str(),
            payout_id: one.payout,
            payout_batch_id: one.batch,
            why: one.why,
            decided_by: one.decided_by,
            decided_at: one.decided_at,
            version: one.version,
        }
    }
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutStatementEntries)]
pub(super) struct EntriesPage {
    entries: Vec<EntryView>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

impl From<Page<StatementEntry>> for EntriesPage {
    fn from(page: Page<StatementEntry>) -> Self {
        Self {
            entries: page.items.into_iter().map(EntryView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// List entries of banks' files, the latest taken in first
#[utoipa::path(get, path = "/api/payout-statement-entries", operation_id = "listPayoutStatementEntries", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(EntryParams),
    responses((status = 200, body = EntriesPage),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn list(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<EntryParams>,
) -> Result<Json<EntriesPage>> {
    let mut fields = Fields::default();
    let filter = EntryFilter {
        statement: fields.parsed_if("statementId", params.statement_id.as_deref()),
        payout: fields.parsed_if("payoutId", params.payout_id.as_deref()),
        state: fields.parsed_if::<EntryState>("status", params.status.as_deref()),
        theirs: params.theirs,
        currency: fields.parsed_if::<Currency>("currency", params.currency.as_deref()),
        from: params.from,
        to: params.to,
    };
    fields.finish()?;
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut tx = app.db.begin().await?;
    let page = payouts::list_entries(&mut tx, &caller.ctx, &filter, &page).await?;
    Ok(Json(page.into()))
}

/// That an entry is about a payout.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = PayoutStatementMatch)]
pub(super) struct MatchBody {
    /// `payout_…`
    payout_id: String,
    /// 1 to 500 characters.
    #[schema(example = "The bank confirmed it on the telephone")]
    reason: String,
    /// `completed`, `failed`, `returned` or `reversed`: what became of the payout, where the entry does not say, or says
    /// it of another amount. Without it amounts have to be the same.
    #[schema(example = json!(null))]
    outcome: Option<String>,
}

impl MatchBody {
    fn read(self) -> Result<MatchByHand> {
        let mut fields = Fields::default();
        let payout: Option<PayoutId> = fields.parsed("/payoutId", &self.payout_id);
        let finding: Option<Finding> = fields.parsed_if("/outcome", self.outcome.as_deref());
        fields.finish()?;
        Ok(MatchByHand {
            payout: payout.ok_or_else(Problem::internal)?,
            reason: self.reason,
            finding,
        })
    }
}

/// Say that an entry is about a payout
///
/// What the entry says becomes of the payout. Of another amount it is refused (409), unless you say the `outcome`: then that
/// becomes of it. Whoever asked for the payout or entered where it goes does not decide about it (403).
#[utoipa::path(post, path = "/api/payout-statement-entries/{id}/match", operation_id = "matchPayoutStatementEntry", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`statemententry_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is decided about")),
    request_body = MatchBody,
    responses((status = 200, body = EntryView), (status = 404, description = "No such entry or payout"),
              (status = 409, description = "It was decided about, the amounts differ, or it does not fit the payout"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn match_by_hand(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<StatementEntryId>,
    IfMatch(version): IfMatch,
    Json(body): Json<MatchBody>,
) -> Result<Response> {
    let by_hand = body.read()?;
    let mut tx = app.db.begin().await?;
    let entry = payouts::match_entry(&mut tx, &caller.ctx, id, version, &by_hand).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(entry))
}

/// Set an entry aside
///
/// It is about no payout of ours: a fee of the bank, or money of somebody else.
#[utoipa::path(post, path = "/api/payout-statement-entries/{id}/dismiss", operation_id = "dismissPayoutStatementEntry", tag = "payouts", security(("bearer" = ["payouts:approve"])),
    params(("id" = String, Path, description = "`statemententry_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is decided about")),
    request_body = ReasonBody,
    responses((status = 200, body = EntryView), (status = 404, description = "No such entry"),
              (status = 409, description = "It was decided about"), (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "The reason is missing", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn dismiss(
    caller: Allowed<ApprovePayouts>,
    State(app): State<App>,
    PathId(id): PathId<StatementEntryId>,
    IfMatch(version): IfMatch,
    Json(body): Json<ReasonBody>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let entry = payouts::dismiss_entry(&mut tx, &caller.ctx, id, version, &body.reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(entry))
}

fn tagged(entry: StatementEntry) -> Response {
    let version = etag(entry.version);
    ([(header::ETAG, version)], Json(EntryView::from(entry))).into_response()
}
