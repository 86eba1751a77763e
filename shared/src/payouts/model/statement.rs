//! What banks say of payouts.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest, Sha256};

use super::{BatchId, PayoutId, StatementEntryId, StatementId};
use crate::kernel::money::{Currency, Money};
use crate::kernel::words;
use crate::providers::payout::files::statement::{
    About, Direction, LineOutcome, LineReason, StatementAccount, StatementFormat, StatementLine,
};

/// Characters of a correction that may be shown, at its end.
const SHOWN_CHARS: usize = 4;

words!(
    /// How a statement came here.
    StatementSource {
        /// Somebody of staff sent it.
        Upload => "upload",
        /// It was in the inbox of the drop folder.
        DropFolder => "drop_folder",
    }
);

words!(
    /// Where a statement stands.
    StatementState {
        /// Its entries are kept; they are being looked at.
        Read => "read",
        /// Each of its entries was looked at.
        Matched => "matched",
        /// It cannot be read.
        Refused => "refused",
    }
);

words!(
    /// Where an entry of a statement stands.
    EntryState {
        /// Nobody has looked at it yet.
        Waiting => "waiting",
        /// It is about a payout, and agrees with it.
        Matched => "matched",
        /// It says what another entry said before it.
        Repeated => "repeated",
        /// It is about nothing of ours: theirs only.
        Unmatched => "unmatched",
        /// It is about a payout and does not agree with it: theirs only, until somebody decides.
        Attention => "attention",
        /// Somebody set it aside.
        Dismissed => "dismissed",
    }
);

impl EntryState {
    /// Whether somebody may still decide about it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Unmatched | Self::Attention)
    }
}

words!(
    /// What an entry proves of a payout. Only one entry proves each, so that what several files say counts once.
    Fact {
        /// The bank took the order.
        SaidAccepted => "said_accepted",
        /// The bank says that it has paid.
        SaidSettled => "said_settled",
        /// The bank says that it does not pay.
        SaidRejected => "said_rejected",
        /// Money has left the account.
        BookedOut => "booked_out",
        /// Money has come back to it.
        BookedBack => "booked_back",
        /// Other data are right; may be said more than once.
        Corrected => "corrected",
    }
);

impl Fact {
    /// What an outcome proves when it is told in a format; nothing of a booking that is neither a payment nor a return.
    pub(in crate::payouts) const fn of(
        format: StatementFormat,
        outcome: LineOutcome,
    ) -> Option<Self> {
        let booked = !matches!(format, StatementFormat::Pain002);
        match outcome {
            LineOutcome::Accepted => Some(Self::SaidAccepted),
            LineOutcome::Settled if booked => Some(Self::BookedOut),
            LineOutcome::Settled => Some(Self::SaidSettled),
            LineOutcome::Rejected => Some(Self::SaidRejected),
            LineOutcome::Returned => Some(Self::BookedBack),
            LineOutcome::Corrected => Some(Self::Corrected),
            LineOutcome::Other => None,
        }
    }

    /// Whether it is about money that moved on the account.
    pub const fn is_booked(self) -> bool {
        matches!(self, Self::BookedOut | Self::BookedBack)
    }
}

/// A file of a bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankStatement {
    /// Which.
    pub id: StatementId,
    /// How it came here.
    pub source: StatementSource,
    /// How it is written; none if that could not be found out.
    pub format: Option<StatementFormat>,
    /// SHA-256 of the file: the same file is the same statement.
    pub sha256: [u8; 32],
    /// Its size.
    pub size_bytes: i64,
    /// What it was called.
    pub file_name: Option<String>,
    /// What the bank calls it.
    pub bank_id: Option<String>,
    /// Where it stands.
    pub state: StatementState,
    /// How many entries it has.
    pub entries: i32,
    /// When it was taken in.
    pub taken_at: DateTime<Utc>,
    /// By whom.
    pub taken_by: String,
    /// When each of its entries had been looked at.
    pub matched_at: Option<DateTime<Utc>>,
    /// What is wrong with it, and where.
    pub failure: Option<String>,
}

impl BankStatement {
    /// The hash in hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// Entries that stand alike, in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySum {
    /// Where they stand.
    pub state: EntryState,
    /// In what; none of those that do not say.
    pub currency: Option<Currency>,
    /// How many.
    pub entries: i64,
    /// What left the account by them, in minor units.
    pub debits: i64,
    /// What came to it.
    pub credits: i64,
}

/// A statement with what it says as a whole, and where its entries stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankStatementDetail {
    /// The statement.
    pub statement: BankStatement,
    /// The accounts that it tells of.
    pub accounts: Vec<StatementAccount>,
    /// Where its entries stand.
    pub sums: Vec<EntrySum>,
}

/// One entry of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// Which.
    pub id: StatementEntryId,
    /// Of which statement.
    pub statement: StatementId,
    /// Its place there, counted from 0.
    pub place: i32,
    /// What the bank names the payment by.
    pub about: About,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
    /// The account that it was booked on.
    pub account: Option<String>,
    /// How much, if it says so.
    pub amount: Option<Money>,
    /// Which way.
    pub direction: Option<Direction>,
    /// When it was booked or decided.
    pub booked_on: Option<NaiveDate>,
    /// What the bank says became of it.
    pub outcome: LineOutcome,
    /// Why.
    pub reason: Option<LineReason>,
    /// What may be shown of the right data, of a correction.
    pub correction_shown: Option<String>,
    /// What it proves.
    pub fact: Option<Fact>,
    /// Where it stands.
    pub state: EntryState,
    /// The payout that it is about.
    pub payout: Option<PayoutId>,
    /// The file of payouts that it is about as a whole.
    pub batch: Option<BatchId>,
    /// Why somebody has to look, or what they found.
    pub why: Option<String>,
    /// Who decided about it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Counts its changes.
    pub version: i64,
    pub(in crate::payouts) fingerprint: Option<Vec<u8>>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Of this statement.
    pub statement: Option<StatementId>,
    /// About this payout.
    pub payout: Option<PayoutId>,
    /// That stand here.
    pub state: Option<EntryState>,
    /// Only those that somebody has to decide about.
    pub theirs: bool,
    /// In this currency; those that do not say, too.
    pub currency: Option<Currency>,
    /// Booked on this day or later.
    pub from: Option<NaiveDate>,
    /// Booked on this day or before.
    pub to: Option<NaiveDate>,
}

/// Tells bookings apart that the bank gives a reference, so that one that two files have counts once. Bookings of one file
/// that are alike are different ones: they are counted.
#[derive(Debug, Default)]
pub(in crate::payouts) struct Fingerprints {
    seen: HashMap<String, u32>,
}

impl Fingerprints {
    /// That of the next line of a file; none if the bank has no reference for it, or does not say of how much it is.
    pub(in crate::payouts) fn next(&mut self, line: &StatementLine) -> Option<Vec<u8>> {
        let (reference, amount) = (line.bank_reference.as_deref()?, line.amount?);
        let (kind, about) = about_parts(&line.about);
        let account = line.account.as_deref().unwrap_or_default();
        let day = line.day.map(|day| day.to_string()).unwrap_or_default();
        let direction = line.direction.map_or("", Direction::as_str);
        let said = [
            account,
            reference,
            kind,
            about.unwrap_or_default(),
            &amount.to_string(),
            direction,
            line.outcome.as_str(),
            &day,
        ]
        .join("\n");
        let nth = self.seen.entry(said.clone()).or_default();
        *nth += 1;
        Some(Sha256::digest(format!("{said}\n{nth}")).to_vec())
    }
}

/// What is named, and by what, as it is kept.
pub(in crate::payouts) fn about_parts(about: &About) -> (&'static str, Option<&str>) {
    match about {
        About::EndToEnd(id) => ("end_to_end", Some(id)),
        About::Trace(number) => ("trace", Some(number)),
        About::Cheque(number) => ("cheque", Some(number)),
        About::Message(id) => ("message", Some(id)),
        About::Unknown => ("unknown", None),
    }
}

/// The other way round; none if the words are none of ours.
pub(in crate::payouts) fn about_of(kind: &str, reference: Option<String>) -> Option<About> {
    Some(match (kind, reference) {
        ("end_to_end", Some(id)) => About::EndToEnd(id),
        ("trace", Some(number)) => About::Trace(number),
        ("cheque", Some(number)) => About::Cheque(number),
        ("message", Some(id)) => About::Message(id),
        ("unknown", None) => About::Unknown,
        _ => return None,
    })
}

/// What may be shown of the data that a bank says are right: their end, and nothing of short ones.
pub(in crate::payouts) fn shown(correction: &str) -> String {
    let plain: Vec<char> = correction.chars().filter(|c| !c.is_whitespace()).collect();
    let from = plain.len().saturating_sub(SHOWN_CHARS);
    if from < SHOWN_CHARS {
        return "…".to_owned();
    }
    let end: String = plain[from..].iter().collect();
    format!("… {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(reference: Option<&str>, minor: i64) -> StatementLine {
        StatementLine {
            place: 0,
            about: About::Unknown,
            account: None,
            amount: Some(Money::new(Currency::EUR, minor)),
            direction: Some(Direction::Credit),
            day: None,
            outcome: LineOutcome::Other,
            reason: None,
            correction: None,
            bank_reference: reference.map(str::to_owned),
        }
    }

    #[test]
    fn a_booking_has_one_fingerprint_in_every_file_and_two_alike_have_two() {
        let (mut one, mut other) = (Fingerprints::default(), Fingerprints::default());
        let first = one.next(&line(Some("B1"), 100));
        let second = one.next(&line(Some("B1"), 100));
        assert!(first.is_some() && first != second);
        assert_ne!(other.next(&line(Some("B1"), 101)), first);
        assert_eq!(other.next(&line(Some("B1"), 100)), first);
        assert_eq!(other.next(&line(Some("B1"), 100)), second);
        assert_eq!(other.next(&line(None, 100)), None);
    }

    #[test]
    fn of_a_correction_the_end_is_shown_and_never_most_of_it() {
        assert_eq!(shown("987654321        "), "… 4321");
        assert_eq!(shown("1234567"), "…");
        assert_eq!(shown("12345678"), "… 5678");
        assert_eq!(shown(""), "…");
    }
}
