//! Statements of a month: what there was, what moved, what there is then; from the ledger's entries, to the minor unit.
//!
//! A month begins and ends in UTC, and what counts is when a movement was recorded: so a month that is over never changes,
//! and what was reported late stands in the month in which it became known.

mod csv;
mod model;
mod month;
mod pdf;
mod print;

use std::collections::BTreeSet;

use sqlx::PgConnection;

pub use model::{Line, Section, Statement};
pub use month::{InvalidMonth, Month};

use super::{EarningError, store};
use crate::creators::{self, CreatorId};
use crate::kernel::Ctx;
use crate::kernel::money::Currency;
use crate::ledger;

/// Lines of a currency in a statement at the most; more become sums by day and kind.
pub const STATEMENT_LINES_MAX: i64 = 2_000;

/// A month of which there is a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementMonth {
    /// Which.
    pub month: Month,
    /// In which currencies anything moved.
    pub currencies: Vec<Currency>,
    /// Whether it is under way.
    pub provisional: bool,
}

/// The months in which anything moved on a creator's accounts, the latest first.
///
/// # Errors
/// If there is no such creator within the caller's reach.
pub async fn statement_months(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
) -> Result<Vec<StatementMonth>, EarningError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let now = Month::of(ctx.now().date_naive());
    let mut months: Vec<StatementMonth> = Vec::new();
    for (day, currency) in ledger::creator_months(conn, creator.id).await? {
        let month = Month::of(day);
        match months.last_mut().filter(|last| last.month == month) {
            Some(last) => last.currencies.push(currency),
            None => months.push(StatementMonth {
                month,
                currencies: vec![currency],
                provisional: month == now,
            }),
        }
    }
    Ok(months)
}

/// A creator's statement of a month, with a section for each currency in which there was or moved anything. That of a month
/// under way is provisional.
///
/// # Errors
/// If there is no such creator within the caller's reach, or there was nothing yet in that month.
pub async fn statement(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    month: Month,
) -> Result<Statement, EarningError> {
    let creator = creators::within_reach(conn, ctx, id).await?;
    let known = ledger::creator_months(conn, creator.id).await?;
    let before = known.iter().filter(|(day, _)| Month::of(*day) <= month);
    let currencies: BTreeSet<Currency> = before.map(|(_, currency)| *currency).collect();
    let this_month = Month::of(ctx.now().date_naive());
    if currencies.is_empty() || month > this_month {
        return Err(EarningError::NoStatement(month));
    }
    let mut sections = Vec::new();
    for currency in currencies {
        let (from, until) = month.bounds();
        let moved =
            ledger::creator_movements(conn, creator.id, currency, from, until, STATEMENT_LINES_MAX)
                .await?;
        let transfers = moved.moved.iter().filter_map(|one| one.transfer).collect();
        let sources = store::earnings::sources(conn, transfers).await?;
        sections.push(Section::of(currency, moved, &sources));
    }
    Ok(Statement {
        creator: creator.id,
        month,
        made_at: ctx.now(),
        provisional: month == this_month,
        sections,
    })
}
