//! The platform's accounts, and whether the ledger holds.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::kernel::money::Money;
use shared::ledger::{self, Account, Balance, Check};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, ReadLedger};

/// The platform's accounts and the latest check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Ledger)]
pub(super) struct LedgerView {
    accounts: Vec<AccountView>,
    /// The latest check of all entries; null if there was none yet.
    latest_check: Option<CheckView>,
}

/// What is on an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LedgerAccount)]
struct AccountView {
    /// Such as `platform_fee`.
    account: &'static str,
    currency: &'static str,
    #[schema(value_type = f64)]
    debits: Money,
    #[schema(value_type = f64)]
    credits: Money,
    #[schema(value_type = f64)]
    held_debits: Money,
    #[schema(value_type = f64)]
    held_credits: Money,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LedgerCheck)]
struct CheckView {
    at: DateTime<Utc>,
    took_ms: i64,
    /// Entries that were added up.
    entries: i64,
    holds: bool,
    /// What does not hold.
    findings: Vec<String>,
}

impl From<(Account, Balance)> for AccountView {
    fn from((account, balance): (Account, Balance)) -> Self {
        let money = |minor| Money::new(account.currency, minor);
        Self {
            account: account.code.as_str(),
            currency: account.currency.code(),
            debits: money(balance.debits_posted),
            credits: money(balance.credits_posted),
            held_debits: money(balance.debits_pending),
            held_credits: money(balance.credits_pending),
        }
    }
}

impl From<Check> for CheckView {
    fn from(check: Check) -> Self {
        let told = check
            .findings
            .iter()
            .map(|finding| format!("{}: {}", finding.what, finding.why));
        Self {
            at: check.at,
            took_ms: check.took_ms,
            entries: check.entries,
            holds: check.holds(),
            findings: told.collect(),
        }
    }
}

/// Show the platform's accounts, and whether the ledger holds
#[utoipa::path(get, path = "/api/ledger", operation_id = "showLedger", tag = "earnings", security(("bearer" = ["ledger:read"])),
    responses((status = 200, body = LedgerView)))]
pub(super) async fn show(
    _: Allowed<ReadLedger>,
    State(app): State<App>,
) -> Result<Json<LedgerView>> {
    let mut tx = app.db.begin().await?;
    let accounts = ledger::platform_balances(&mut tx).await?;
    let latest = ledger::latest_check(&mut tx).await?;
    Ok(Json(LedgerView {
        accounts: accounts.into_iter().map(AccountView::from).collect(),
        latest_check: latest.map(CheckView::from),
    }))
}
