//! Payouts against what banks say of them.

use axum::extract::State;
use chrono::{Duration, NaiveDate};
use serde::{Deserialize, Serialize};
use shared::kernel::money::{Currency, Money};
use shared::kernel::{Cursor, PageLimit, PageRequest};
use shared::payouts::{
    self, Books, Explained, Missing, Moves, PayoutMethod, Reconciliation, ReconciliationScope,
    Tally, UnderWay,
};
use utoipa::{IntoParams, ToSchema};

use super::statements::AccountView;
use super::view::PayoutsPage;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Json, Query, ReadPayouts};
use crate::fields::Fields;

/// Days that a report is about unless they are said.
const DAYS: i64 = 31;

/// What is reconciled.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ReconciliationParams {
    /// `bank_transfer` or `check`; of the others nobody sends statements, so that all of theirs is ours only.
    #[param(example = "bank_transfer")]
    method: String,
    /// ISO 4217.
    #[param(example = "EUR")]
    currency: String,
    /// The first day, in UTC; 30 days before the last one unless it is said.
    from: Option<NaiveDate>,
    /// The last day, in UTC; today unless it is said.
    to: Option<NaiveDate>,
    /// `nextCursor` of the page before, of a list.
    cursor: Option<String>,
    /// Rows wanted of a list, 50 unless given, 200 at the most.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

impl ReconciliationParams {
    fn read(self, today: NaiveDate) -> Result<(ReconciliationScope, PageRequest)> {
        let mut fields = Fields::default();
        let method: Option<PayoutMethod> = fields.parsed("method", &self.method);
        let currency: Option<Currency> = fields.parsed("currency", &self.currency);
        fields.finish()?;
        let to = self.to.unwrap_or(today);
        let scope = ReconciliationScope {
            method: method.ok_or_else(Problem::internal)?,
            currency: currency.ok_or_else(Problem::internal)?,
            from: self.from.unwrap_or(to - Duration::days(DAYS - 1)),
            to,
        };
        let page = PageRequest {
            cursor: self.cursor.map(Cursor::from),
            limit: self.limit,
        };
        Ok((scope, page))
    }
}

/// How many, and of how much in all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutTally)]
struct TallyView {
    count: i64,
    #[schema(value_type = f64)]
    amount: Money,
}

/// Writes amounts in a currency.
#[derive(Clone, Copy)]
struct In(Currency);

impl In {
    fn money(self, minor: i64) -> Money {
        Money::new(self.0, minor)
    }

    fn tally(self, tally: Tally) -> TallyView {
        TallyView {
            count: tally.count,
            amount: self.money(tally.minor),
        }
    }

    fn moves(self, moves: Moves) -> MovesView {
        MovesView {
            out: self.tally(moves.out),
            back: self.tally(moves.back),
            others: moves.others,
        }
    }
}

/// What providers have and nobody has told the end of; by what the payees get.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutsUnderWay)]
struct UnderWayView {
    opening: TallyView,
    handed_over: TallyView,
    /// To be handed over again.
    not_sent: TallyView,
    completed: TallyView,
    failed: TallyView,
    closing: TallyView,
}

/// What our books say.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutBooks)]
struct BooksView {
    completed: TallyView,
    returned: TallyView,
    reversed: TallyView,
    /// Completed less returned and reversed.
    #[schema(value_type = f64)]
    net: Money,
    /// What the ledger's `payout_clearing` has of these: to be the same as `net`.
    #[schema(value_type = f64)]
    ledger: Money,
}

/// What left the account, came to it, and what tells of no booking.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutStatementMoves)]
struct MovesView {
    out: TallyView,
    back: TallyView,
    /// Entries that tell of no booking, such as that the bank took an order.
    others: i64,
}

/// Why the books and the matched entries are not the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutDifferences)]
struct ExplainedView {
    /// Paid by our books, and on no statement.
    completed_unbooked: TallyView,
    /// Came back by our books, and on no statement.
    returned_unbooked: TallyView,
    /// In our books on these days, and booked by the bank on others.
    #[schema(value_type = f64)]
    booked_on_other_days: Money,
    /// Booked on these days, and in our books on others.
    #[schema(value_type = f64)]
    noted_on_other_days: Money,
    /// Booked, and not in our books at all.
    not_in_books: TallyView,
    /// What payouts that were matched by hand were to be more than was booked.
    #[schema(value_type = f64)]
    differing: Money,
}

/// Something that does not add up, or is missing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutMissing)]
struct MissingView {
    #[schema(value_type = String, example = "theirs_only")]
    code: &'static str,
    message: String,
}

impl From<Missing> for MissingView {
    fn from(Missing { code, message }: Missing) -> Self {
        Self { code, message }
    }
}

/// Payouts against statements.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PayoutReconciliation)]
pub(super) struct ReconciliationView {
    #[schema(value_type = String, example = "bank_transfer")]
    method: &'static str,
    #[schema(value_type = String, example = "EUR")]
    currency: &'static str,
    from: NaiveDate,
    to: NaiveDate,
    /// Whether both sides, added up by themselves, come to the same, apart from what `differences` names.
    balances: bool,
    /// What does not add up.
    faults: Vec<MissingView>,
    /// What is still to be found or decided.
    missing: Vec<MissingView>,
    under_way: UnderWayView,
    books: BooksView,
    /// Entries that are about payouts and agree with them.
    matched: MovesView,
    /// Entries that are about nothing of ours or do not agree, of all methods in the currency:
    /// `GET /api/payout-statement-entries?theirs=true`.
    theirs_only: MovesView,
    /// Payouts handed over on these days that no statement has as paid, without those that failed:
    /// `GET /api/payout-reconciliation/ours-only`.
    ours_only: TallyView,
    dismissed: MovesView,
    differences: ExplainedView,
    /// What the books would be by the statements.
    #[schema(value_type = f64)]
    expected: Money,
    /// What statements that end on these days say of accounts as a whole.
    accounts: Vec<AccountView>,
}

fn under_way(money: In, of: UnderWay) -> UnderWayView {
    UnderWayView {
        opening: money.tally(of.opening),
        handed_over: money.tally(of.handed_over),
        not_sent: money.tally(of.not_sent),
        completed: money.tally(of.completed),
        failed: money.tally(of.failed),
        closing: money.tally(of.closing),
    }
}

fn books(money: In, of: Books) -> BooksView {
    BooksView {
        completed: money.tally(of.completed),
        returned: money.tally(of.returned),
        reversed: money.tally(of.reversed),
        net: money.money(of.net()),
        ledger: money.money(of.ledger),
    }
}

fn explained(money: In, of: Explained) -> ExplainedView {
    ExplainedView {
        completed_unbooked: money.tally(of.completed_unbooked),
        returned_unbooked: money.tally(of.returned_unbooked),
        booked_on_other_days: money.money(of.booked_on_other_days),
        noted_on_other_days: money.money(of.noted_on_other_days),
        not_in_books: money.tally(of.not_in_books),
        differing: money.money(of.differing),
    }
}

impl From<Reconciliation> for ReconciliationView {
    fn from(of: Reconciliation) -> Self {
        let money = In(of.scope.currency);
        let faults: Vec<_> = of.faults().into_iter().map(MissingView::from).collect();
        Self {
            method: of.scope.method.as_str(),
            currency: of.scope.currency.code(),
            from: of.scope.from,
            to: of.scope.to,
            balances: faults.is_empty(),
            faults,
            missing: of.missing().into_iter().map(MissingView::from).collect(),
            expected: money.money(of.expected()),
            under_way: under_way(money, of.under_way),
            books: books(money, of.books),
            matched: money.moves(of.matched),
            theirs_only: money.moves(of.theirs),
            ours_only: money.tally(of.ours),
            dismissed: money.moves(of.dismissed),
            differences: explained(money, of.explained),
            accounts: of.accounts.into_iter().map(AccountView::from).collect(),
        }
    }
}

/// Reconcile payouts with what banks say of them
///
/// Of one method in one currency over some days. Both sides are added up by themselves, so that what does not agree shows:
/// what was under way and handed over against what ended, payouts against the ledger, and both against statements. Not for
/// who is limited to some clusters.
#[utoipa::path(get, path = "/api/payout-reconciliation", operation_id = "reconcilePayouts", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(ReconciliationParams),
    responses((status = 200, body = ReconciliationView),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn show(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<ReconciliationParams>,
) -> Result<Json<ReconciliationView>> {
    let (scope, _) = params.read(caller.ctx.now().date_naive())?;
    let mut tx = app.db.begin().await?;
    let report = payouts::reconcile(&mut tx, &caller.ctx, scope).await?;
    Ok(Json(report.into()))
}

/// List the payouts handed over on some days that no statement has as paid, the latest first
///
/// Without those that failed.
#[utoipa::path(get, path = "/api/payout-reconciliation/ours-only", operation_id = "listUnreconciledPayouts", tag = "payouts", security(("bearer" = ["payouts:read"])),
    params(ReconciliationParams),
    responses((status = 200, body = PayoutsPage),
              (status = 422, description = "A parameter is wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn ours_only(
    caller: Allowed<ReadPayouts>,
    State(app): State<App>,
    Query(params): Query<ReconciliationParams>,
) -> Result<Json<PayoutsPage>> {
    let (scope, page) = params.read(caller.ctx.now().date_naive())?;
    let mut tx = app.db.begin().await?;
    let page = payouts::list_ours_only(&mut tx, &caller.ctx, scope, &page).await?;
    Ok(Json(page.into()))
}
