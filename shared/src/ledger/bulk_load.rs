//! The way into the ledger for very many transfers at once: made-up populations and measurements.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use sqlx::PgConnection;

use super::model::Move;
use super::{Account, Balance, Check, LedgerError, NewTransfer, Side, Step, check, store};
use crate::kernel::{Ctx, TypedId};

/// Accounts whose balances one statement writes at the most.
const BALANCES_CHUNK: usize = 10_000;

/// Begins a bulk load in the caller's transaction, which ends with [`Loader::finish`]. Until that transaction ends nobody
/// else posts, and the database does not look at each transfer by itself.
///
/// # Errors
/// If the database refuses.
pub async fn bulk_load(conn: &mut PgConnection) -> Result<Loader, LedgerError> {
    store::load::begin(conn).await?;
    Ok(Loader::default())
}

/// A bulk load that is under way.
#[derive(Debug, Default)]
pub struct Loader {
    ids: HashMap<Account, i64>,
    sums: HashMap<i64, Balance>,
    months: HashSet<NaiveDate>,
}

impl Loader {
    /// Adds transfers that were posted at once, in any number: no holds, reversals only of what is there, and whoever asks
    /// sees to it that no limited account is overdrawn, which the check at the end finds. Each is recorded as of when its id
    /// was made.
    ///
    /// # Errors
    /// If a transfer is not well formed or of another sort, or the database refuses.
    pub async fn add(
        &mut self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        transfers: &[NewTransfer],
    ) -> Result<(), LedgerError> {
        for new in transfers {
            new.check_legs()?;
            if !matches!(new.step, Step::Post | Step::Reverse(_)) {
                let why = "a bulk load takes posted transfers only";
                return Err(LedgerError::Malformed { id: new.id, why });
            }
        }
        self.make_months(conn, transfers).await?;
        self.open(conn, transfers).await?;
        let (headers, entries) = self.written(ctx, transfers);
        store::load::copy(conn, store::load::TRANSFERS, &headers).await?;
        Ok(store::load::copy(conn, store::load::ENTRIES, &entries).await?)
    }

    async fn make_months(
        &mut self,
        conn: &mut PgConnection,
        transfers: &[NewTransfer],
    ) -> sqlx::Result<()> {
        for new in transfers {
            let Some(day) = made_at(new)
                .map(|at| at.date_naive())
                .and_then(first_of_month)
            else {
                continue;
            };
            if self.months.insert(day) {
                store::load::make_partitions(conn, day, 1).await?;
            }
        }
        Ok(())
    }

    async fn open(
        &mut self,
        conn: &mut PgConnection,
        transfers: &[NewTransfer],
    ) -> sqlx::Result<()> {
        let legs = transfers.iter().flat_map(|new| &new.legs);
        let mut missing: Vec<Account> = legs
            .map(|leg| leg.account)
            .filter(|account| !self.ids.contains_key(account))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        for part in missing.chunks(BALANCES_CHUNK) {
            store::balances::open(conn, part).await?;
            let locked = store::balances::lock(conn, part).await?;
            self.ids
                .extend(locked.into_iter().map(|(account, row)| (account, row.id)));
        }
        Ok(())
    }

    /// The rows of transfers and of entries in the text format of `COPY`; balances are added up on the way.
    fn written(&mut self, ctx: &Ctx, transfers: &[NewTransfer]) -> (String, String) {
        let (mut headers, mut entries) = (String::new(), String::new());
        let by = ctx.actor.to_string();
        for new in transfers {
            let id = new.id.uuid();
            let recorded = time(made_at(new).unwrap_or(ctx.now()));
            let reverses = new.step.reverses();
            let reverses = reverses.map_or("\\N".to_owned(), |of| of.uuid().to_string());
            let _infallible = writeln!(
                headers,
                "{id}\t{}\tposted\t{}\t{reverses}\t{}\t{recorded}\t{by}\t\\\\x{}",
                new.kind,
                new.legs.len(),
                time(new.effective_at),
                hex::encode(new.body_hash()),
            );
            for (place, leg) in new.legs.iter().enumerate() {
                let account = self.ids.get(&leg.account).copied().unwrap_or_default();
                let debit = leg.side == Side::Debit;
                let _infallible = writeln!(
                    entries,
                    "{id}\t{account}\t{}\t{}\t{debit}\tfalse",
                    leg.amount,
                    place + 1
                );
                let by = Move {
                    side: leg.side,
                    pending: false,
                    amount: leg.amount,
                };
                let sum = self.sums.entry(account).or_default();
                *sum = sum.after(by);
            }
        }
        (headers, entries)
    }

    /// Writes the balances, has the database look again, and checks the whole ledger.
    ///
    /// # Errors
    /// If it does not hold: then roll back; or the database refuses.
    pub async fn finish(self, conn: &mut PgConnection, ctx: &Ctx) -> Result<Check, LedgerError> {
        let sums: Vec<(i64, Balance)> = self.sums.into_iter().collect();
        for part in sums.chunks(BALANCES_CHUNK) {
            store::load::add_balances(conn, part).await?;
        }
        store::load::end(conn).await?;
        check::check_here(conn, ctx).await
    }
}

/// When a transfer's id was made.
fn made_at(new: &NewTransfer) -> Option<DateTime<Utc>> {
    let millis = i64::try_from(new.id.uuid().as_u128() >> 80).ok()?;
    DateTime::from_timestamp_millis(millis)
}

fn first_of_month(day: NaiveDate) -> Option<NaiveDate> {
    use chrono::Datelike;
    day.with_day(1)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
