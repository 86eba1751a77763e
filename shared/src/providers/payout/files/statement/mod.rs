//! What banks say became of payments, in one form whatever they write: pain.002, camt.053 and camt.054 of ISO 20022, and
//! returns and changes of Nacha.
//!
//! A statement is read whole or refused whole. What it says is what the bank says: nothing is matched, guessed or closed in
//! here.

mod details;
mod iso;
mod nacha;
#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use thiserror::Error;

use crate::kernel::money::{Currency, Money};
use crate::kernel::words;

/// Size of a statement at the most, in bytes.
pub const STATEMENT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Lines of a statement at the most.
pub const STATEMENT_LINES_MAX: usize = 200_000;
/// Characters that are kept of what a bank writes beside a line.
const TEXT_MAX_CHARS: usize = 300;

words!(
    /// How a statement is written.
    StatementFormat {
        /// Whether payments were accepted: ISO 20022 `pain.002`.
        Pain002 => "pain.002",
        /// What was booked on a day: `camt.053`.
        Camt053 => "camt.053",
        /// What was booked just now: `camt.054`.
        Camt054 => "camt.054",
        /// Returns and changes of the ACH network.
        Nacha => "nacha",
    }
);

words!(
    /// What a line says became of what it is about.
    LineOutcome {
        /// The bank took it, and has not paid yet.
        Accepted => "accepted",
        /// It was paid: money has left the account.
        Settled => "settled",
        /// It will not be paid.
        Rejected => "rejected",
        /// It was paid and came back.
        Returned => "returned",
        /// It was paid, to other data than ours, which are to be corrected.
        Corrected => "corrected",
        /// Something else was booked: not a payment of ours that we could know.
        Other => "other",
    }
);

words!(
    /// Which way money went, as seen from the account.
    Direction {
        /// Out of it.
        Debit => "debit",
        /// Into it.
        Credit => "credit",
    }
);

/// What a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The payment of this end-to-end id.
    EndToEnd(String),
    /// The entry of this trace number.
    Trace(String),
    /// The cheque of this number.
    Cheque(String),
    /// Every payment of a file, of which the bank repeats the message's id.
    Message(String),
    /// The bank does not say.
    Unknown,
}

/// Why, in the bank's code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineReason {
    /// Such as `AC04` of ISO 20022 or `R03` of Nacha.
    pub code: String,
    /// What it wrote beside it; bounded.
    pub text: String,
}

/// One thing that a bank says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementLine {
    /// Its place in the statement, counted from 0: with the statement's id what it is known by.
    pub place: u32,
    /// What it is about.
    pub about: About,
    /// The account that it was booked on, as the bank writes it.
    pub account: Option<String>,
    /// How much, if it says so; always positive.
    pub amount: Option<Money>,
    /// Which way it went, if it was booked or is going to be.
    pub direction: Option<Direction>,
    /// The day it was booked or decided.
    pub day: Option<NaiveDate>,
    /// What became of it.
    pub outcome: LineOutcome,
    /// Why.
    pub reason: Option<LineReason>,
    /// The right data, of a [`LineOutcome::Corrected`] one, as the bank writes them.
    pub correction: Option<String>,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
}

/// What a statement says of an account as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementAccount {
    /// Which, as the bank writes it: an IBAN or a number of its own.
    pub account: Option<String>,
    /// The currency of the balances, else of the account.
    pub currency: Option<Currency>,
    /// The first day that it tells of.
    pub from: Option<NaiveDate>,
    /// And the last.
    pub to: Option<NaiveDate>,
    /// What was on it at first, in minor units; negative if it was overdrawn.
    pub opening: Option<i64>,
    /// What was on it at last.
    pub closing: Option<i64>,
    /// Everything that was booked, debits negative; none if an entry does not say of how much.
    pub moved: Option<i64>,
}

impl StatementAccount {
    /// Whether its balances are what its entries make of each other; none if it does not have all of them.
    pub fn adds_up(&self) -> Option<bool> {
        let expected = self.opening?.checked_add(self.moved?)?;
        Some(expected == self.closing?)
    }
}

/// Everything that a bank says at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// How it is written.
    pub format: StatementFormat,
    /// What the bank calls it; the same again is a repetition.
    pub id: String,
    /// The accounts that it tells of, where the format has them.
    pub accounts: Vec<StatementAccount>,
    /// Its lines, in its order.
    pub lines: Vec<StatementLine>,
}

/// Why a statement cannot be read. Nothing of such a statement is taken in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StatementError {
    /// It is larger than anything that is read here.
    #[error(
        "it is larger than {STATEMENT_MAX_BYTES} bytes, or has more than {STATEMENT_LINES_MAX} lines"
    )]
    TooLarge,
    /// It is in none of the known formats.
    #[error("it is neither pain.002, camt.053, camt.054 nor a file of Nacha")]
    UnknownFormat,
    /// It is in one of them, and broken.
    #[error("the {format} cannot be read: {why}")]
    Broken {
        /// In which format it seems to be.
        format: StatementFormat,
        /// What is wrong, and where.
        why: String,
    },
}

/// Reads a statement in whichever of the formats it is.
///
/// # Errors
/// If it is in none of them, broken or too large.
pub fn read(bytes: &[u8]) -> Result<Statement, StatementError> {
    if bytes.len() > STATEMENT_MAX_BYTES {
        return Err(StatementError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| StatementError::UnknownFormat)?;
    let text = text.trim_start_matches('\u{feff}');
    let statement = match iso::format(text) {
        Some(format) => iso::read(format, text)?,
        None if text.starts_with("101") => nacha::read(text)?,
        None => return Err(StatementError::UnknownFormat),
    };
    if statement.lines.len() > STATEMENT_LINES_MAX {
        return Err(StatementError::TooLarge);
    }
    Ok(statement)
}

/// A text of a bank, bounded and of one line.
fn said(text: &str) -> String {
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(TEXT_MAX_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Gives each line its place.
fn placed(lines: Vec<StatementLine>) -> Vec<StatementLine> {
    let places = 0_u32..;
    lines
        .into_iter()
        .zip(places)
        .map(|(line, place)| StatementLine { place, ..line })
        .collect()
}
