//! Payouts against what banks say of them, over some days.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};

use super::PayoutMethod;
use crate::kernel::money::Currency;
use crate::providers::payout::files::statement::StatementAccount;

/// Days that one report is about at the most.
pub const RECONCILED_DAYS_MAX: i64 = 366;

/// What is reconciled: payouts of one method in one currency, over days in UTC, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconciliationScope {
    /// How they are paid.
    pub method: PayoutMethod,
    /// In what.
    pub currency: Currency,
    /// The first day.
    pub from: NaiveDate,
    /// The last one.
    pub to: NaiveDate,
}

impl ReconciliationScope {
    /// When the first day begins.
    pub(in crate::payouts) fn begins(&self) -> DateTime<Utc> {
        self.from.and_time(NaiveTime::MIN).and_utc()
    }

    /// When the last day is over.
    pub(in crate::payouts) fn ends(&self) -> DateTime<Utc> {
        let after = self.to.checked_add_days(Days::new(1)).unwrap_or(self.to);
        after.and_time(NaiveTime::MIN).and_utc()
    }
}

/// How many, and of how much in all, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: i64,
    /// Of how much.
    pub minor: i64,
}

/// Payouts that providers have and nobody has told the end of; by what the payees get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// When the first day began.
    pub opening: Tally,
    /// Handed over since.
    pub handed_over: Tally,
    /// Not sent after all: to be handed over again.
    pub not_sent: Tally,
    /// Paid.
    pub completed: Tally,
    /// Not paid.
    pub failed: Tally,
    /// When the last day was over.
    pub closing: Tally,
}

impl UnderWay {
    /// Whether what was there and what came is what left and what is there.
    pub const fn adds_up(&self) -> bool {
        let count = self.opening.count + self.handed_over.count
            == self.not_sent.count + self.completed.count + self.failed.count + self.closing.count;
        let minor = self.opening.minor + self.handed_over.minor
            == self.not_sent.minor + self.completed.minor + self.failed.minor + self.closing.minor;
        count && minor
    }
}

/// What payouts say was paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Books {
    /// Paid.
    pub completed: Tally,
    /// Came back.
    pub returned: Tally,
    /// Called back by us.
    pub reversed: Tally,
    /// What the ledger's `payout_clearing` has of these, in minor units: to be the first less the other two.
    pub ledger: i64,
}

impl Books {
    /// What was paid and stayed so.
    pub const fn net(&self) -> i64 {
        self.completed.minor - self.returned.minor - self.reversed.minor
    }
}

/// What statements say left the account and came back to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moves {
    /// Left it.
    pub out: Tally,
    /// Came to it.
    pub back: Tally,
    /// Entries that tell of no booking, or not of how much.
    pub others: i64,
}

impl Moves {
    /// What left it and stayed away.
    pub const fn net(&self) -> i64 {
        self.out.minor - self.back.minor
    }
}

/// What of the books is on no statement of these days, and the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explained {
    /// Paid by our books, and on no statement.
    pub completed_unbooked: Tally,
    /// Came back by our books, and on no statement.
    pub returned_unbooked: Tally,
    /// In our books on these days, less what came back, and booked by the bank on others.
    pub booked_on_other_days: i64,
    /// Booked on these days, less what came back, and in our books on others.
    pub noted_on_other_days: i64,
    /// Booked on these days, less what came back, and not in our books at all.
    pub not_in_books: Tally,
    /// What matched payouts were to be more than the bank booked for them.
    pub differing: i64,
}

/// Something that does not add up, or is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What, for programs.
    pub code: &'static str,
    /// What, for people.
    pub message: String,
}

/// Payouts against statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Of what.
    pub scope: ReconciliationScope,
    /// What is under way.
    pub under_way: UnderWay,
    /// What our books say.
    pub books: Books,
    /// Entries that are about payouts and agree with them.
    pub matched: Moves,
    /// Entries that are about nothing of ours, or do not agree: of all methods in the currency.
    pub theirs: Moves,
    /// Entries that somebody set aside.
    pub dismissed: Moves,
    /// Payouts handed over on these days that no statement has as paid, without those that failed.
    pub ours: Tally,
    /// Why the books and the matched entries are not the same.
    pub explained: Explained,
    /// What statements of these days say of accounts as a whole.
    pub accounts: Vec<StatementAccount>,
}

impl Reconciliation {
    /// What the books would be by the statements: to be what they are.
    pub const fn expected(&self) -> i64 {
        let told = &self.explained;
        self.matched.net() + told.completed_unbooked.minor - told.returned_unbooked.minor
            + told.booked_on_other_days
            - told.noted_on_other_days
            - told.not_in_books.minor
            + told.differing
    }

    /// What does not add up: a fault in the books, or in a statement.
    pub fn faults(&self) -> Vec<Missing> {
        let money = |minor| crate::kernel::money::Money::new(self.scope.currency, minor);
        let mut faults = Vec::new();
        let mut fault = |code, message| faults.push(Missing { code, message });
        if !self.under_way.adds_up() {
            let message = "what was under way and what was handed over is not what ended and what is under way";
            fault("under_way_does_not_add_up", message.to_owned());
        }
        if self.books.ledger != self.books.net() {
            let (ledger, net) = (money(self.books.ledger), money(self.books.net()));
            fault(
                "ledger_differs",
                format!("the ledger has {ledger} of what was paid, and the payouts are {net}"),
            );
        }
        if self.expected() != self.books.net() {
            let (expected, net) = (money(self.expected()), money(self.books.net()));
            fault(
                "books_and_statements_differ",
                format!("by the statements it is {expected}, and by the payouts {net}"),
            );
        }
        for account in self
            .accounts
            .iter()
            .filter(|one| one.adds_up() == Some(false))
        {
            let name = account.account.as_deref().unwrap_or("an account");
            fault(
                "statement_does_not_add_up",
                format!("the entries of {name} do not make its closing balance of its opening one"),
            );
        }
        faults
    }

    /// What is still to be found or decided.
    pub fn missing(&self) -> Vec<Missing> {
        let money = |minor| crate::kernel::money::Money::new(self.scope.currency, minor);
        let told = &self.explained;
        let entries = self.theirs.out.count + self.theirs.back.count + self.theirs.others;
        let rows = [
            (
                "theirs_only",
                entries,
                format!(
                    "{entries} entries are about nothing of ours or do not agree: {} out, {} back",
                    money(self.theirs.out.minor),
                    money(self.theirs.back.minor)
                ),
            ),
            (
                "ours_only",
                self.ours.count,
                format!(
                    "{} payouts of {} were handed over and are on no statement",
                    self.ours.count,
                    money(self.ours.minor)
                ),
            ),
            (
                "returned_unbooked",
                told.returned_unbooked.count,
                format!(
                    "{} payouts of {} came back and are on no statement",
                    told.returned_unbooked.count,
                    money(told.returned_unbooked.minor)
                ),
            ),
            (
                "not_in_books",
                told.not_in_books.count,
                format!(
                    "{} bookings of payouts, {} in all, are not in our books",
                    told.not_in_books.count,
                    money(told.not_in_books.minor)
                ),
            ),
            (
                "amounts_differ",
                i64::from(told.differing != 0),
                format!(
                    "payouts that were matched by hand were to be {} more than was booked",
                    money(told.differing)
                ),
            ),
        ];
        let rows = rows.into_iter().filter(|(_, count, _)| *count != 0);
        rows.map(|(code, _, message)| Missing { code, message })
            .collect()
    }
}
