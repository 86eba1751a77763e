//! Making a file of credits: one batch for people and one for companies.

use chrono::{DateTime, NaiveDate, Utc};

use super::field::{number, padded, text};
use super::{BLOCK_RECORDS, HASH_MODULUS, RECORD_CHARS, RoutingNumber};
use crate::kernel::money::{Currency, Money};
use crate::providers::payout::files::{FileError, counted};

/// Service class of a batch that only credits.
const CREDITS_ONLY: &str = "220";
/// The largest amount of one entry: ten digits of cents.
const AMOUNT_MAX_MINOR: i64 = 9_999_999_999;
/// The largest number of an entry within a file: seven digits.
const SEQUENCE_MAX: u32 = 9_999_999;

/// Between whom a file goes.
#[derive(Debug, Clone)]
pub struct NachaOrigin {
    /// The bank, or the operator, that the file goes to.
    pub destination: RoutingNumber,
    /// Its name, up to 23 characters.
    pub destination_name: String,
    /// What the bank calls whoever sends the file: ten characters.
    pub origin: String,
    /// Their name, up to 23 characters.
    pub origin_name: String,
    /// The bank that brings the entries into the network; trace numbers begin with it.
    pub originating_bank: RoutingNumber,
    /// The company as payees read it, up to 16 characters.
    pub company_name: String,
    /// What the bank calls the company: ten characters.
    pub company_id: String,
}

/// Whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryClass {
    /// A person's.
    Ppd,
    /// A company's.
    Ccd,
}

impl EntryClass {
    const fn code(self) -> &'static str {
        match self {
            Self::Ppd => "PPD",
            Self::Ccd => "CCD",
        }
    }
}

/// What kind of account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// For daily use.
    Checking,
    /// For savings.
    Savings,
}

impl AccountKind {
    /// The code of a credit to such an account.
    const fn credit(self) -> &'static str {
        match self {
            Self::Checking => "22",
            Self::Savings => "32",
        }
    }
}

/// One credit.
#[derive(Clone)]
pub struct NachaEntry {
    /// The payee's bank.
    pub bank: RoutingNumber,
    /// The account there, up to 17 characters.
    pub account: String,
    /// Of which kind.
    pub kind: AccountKind,
    /// Whose.
    pub class: EntryClass,
    /// How much, in US dollars.
    pub amount: Money,
    /// What we call the payee, up to 15 characters.
    pub payee_id: String,
    /// The payee's name, up to 22 characters.
    pub name: String,
}

impl std::fmt::Debug for NachaEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // people and their accounts are not for logs
        f.debug_struct("NachaEntry")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A file to be made.
#[derive(Debug, Clone)]
pub struct NachaFile {
    /// Between whom it goes.
    pub origin: NachaOrigin,
    /// When it is made; the bank reads it in its own time zone, to be given as such.
    pub created_at: DateTime<Utc>,
    /// Tells files of one day apart: `A` to `Z` or `0` to `9`.
    pub modifier: char,
    /// When the payees are to have the money: a day on which banks work.
    pub effective: NaiveDate,
    /// What payees read, up to 10 characters.
    pub description: String,
    /// The first entry's number; those of one day must not meet.
    pub first_sequence: u32,
    /// The credits.
    pub entries: Vec<NachaEntry>,
}

/// A file and what its entries are known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// The trace number of each entry, in their order: what returns name.
    pub traces: Vec<String>,
}

/// The sums of some entries.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    entries: u64,
    hash: u64,
    credits: u64,
}

impl Sums {
    fn add(&mut self, entry: &NachaEntry) {
        self.entries += 1;
        self.hash = (self.hash + entry.bank.hash()) % HASH_MODULUS;
        self.credits += entry.amount.minor.unsigned_abs();
    }

    fn join(&mut self, other: Self) {
        self.entries += other.entries;
        self.hash = (self.hash + other.hash) % HASH_MODULUS;
        self.credits += other.credits;
    }
}

impl NachaFile {
    /// The file's bytes and its trace numbers.
    ///
    /// # Errors
    /// If something cannot be in it; then there is no file.
    pub fn write(&self) -> Result<Written, FileError> {
        counted(&self.entries)?;
        let last = u64::from(self.first_sequence) + self.entries.len() as u64 - 1;
        if self.first_sequence == 0 || last > u64::from(SEQUENCE_MAX) {
            let why = format!("entries are numbered from 1 to {SEQUENCE_MAX}");
            return Err(FileError::Whole(why));
        }
        let mut records = vec![self.header().map_err(FileError::Whole)?];
        let mut traces = vec![String::new(); self.entries.len()];
        let (mut total, mut batches, mut sequence) = (Sums::default(), 0, self.first_sequence);
        for class in [EntryClass::Ppd, EntryClass::Ccd] {
            let ours = self
                .entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.class == class);
            let ours: Vec<(usize, &NachaEntry)> = ours.collect();
            if ours.is_empty() {
                continue;
            }
            batches += 1;
            records.push(
                self.batch_header(class, batches)
                    .map_err(FileError::Whole)?,
            );
            let mut sums = Sums::default();
            for (at, entry) in ours {
                let trace = format!("{}{sequence:07}", self.origin.originating_bank.bank());
                records.push(
                    entry
                        .record(&trace)
                        .map_err(|why| FileError::Payment { at, why })?,
                );
                traces[at] = trace;
                sums.add(entry);
                sequence += 1;
            }
            records.push(
                self.batch_control(sums, batches)
                    .map_err(FileError::Whole)?,
            );
            total.join(sums);
        }
        records.push(control(total, batches, records.len() + 1).map_err(FileError::Whole)?);
        let filler = "9".repeat(RECORD_CHARS);
        records.resize(records.len().next_multiple_of(BLOCK_RECORDS), filler);
        debug_assert!(records.iter().all(|record| record.len() == RECORD_CHARS));
        let mut bytes = records.join("\n").into_bytes();
        bytes.push(b'\n');
        Ok(Written { bytes, traces })
    }

    fn header(&self) -> Result<String, String> {
        if !self.modifier.is_ascii_uppercase() && !self.modifier.is_ascii_digit() {
            return Err("the modifier is A to Z or 0 to 9".into());
        }
        let origin = &self.origin;
        Ok([
            "101".to_owned(),
            format!(" {}", origin.destination),
            padded("origin", &origin.origin, 10)?,
            self.created_at.format("%y%m%d%H%M").to_string(),
            self.modifier.to_string(),
            "094101".to_owned(),
            text("destination's name", &origin.destination_name, 23)?,
            text("origin's name", &origin.origin_name, 23)?,
            " ".repeat(8),
        ]
        .concat())
    }

    fn batch_header(&self, class: EntryClass, batch: u64) -> Result<String, String> {
        Ok([
            "5".to_owned(),
            CREDITS_ONLY.to_owned(),
            text("company's name", &self.origin.company_name, 16)?,
            " ".repeat(20),
            padded("company's id", &self.origin.company_id, 10)?,
            class.code().to_owned(),
            text("description", &self.description, 10)?,
            " ".repeat(6),
            self.effective.format("%y%m%d").to_string(),
            // when it is settled: the operator fills it in
            " ".repeat(3),
            "1".to_owned(),
            self.origin.originating_bank.bank().to_owned(),
            number(batch, 7)?,
        ]
        .concat())
    }

    fn batch_control(&self, sums: Sums, batch: u64) -> Result<String, String> {
        Ok([
            "8".to_owned(),
            CREDITS_ONLY.to_owned(),
            number(sums.entries, 6)?,
            number(sums.hash, 10)?,
            number(0, 12)?,
            number(sums.credits, 12)?,
            padded("company's id", &self.origin.company_id, 10)?,
            " ".repeat(19 + 6),
            self.origin.originating_bank.bank().to_owned(),
            number(batch, 7)?,
        ]
        .concat())
    }
}

impl NachaEntry {
    fn record(&self, trace: &str) -> Result<String, String> {
        if self.amount.currency != Currency::USD {
            return Err(format!(
                "ACH entries are in USD, not in {}",
                self.amount.currency
            ));
        }
        if !(1..=AMOUNT_MAX_MINOR).contains(&self.amount.minor) {
            return Err(format!(
                "an ACH entry is from 0.01 to {}",
                Money::new(Currency::USD, AMOUNT_MAX_MINOR)
            ));
        }
        Ok([
            "6".to_owned(),
            self.kind.credit().to_owned(),
            self.bank.bank().to_owned(),
            self.bank.check_digit().to_owned(),
            padded("account", &self.account, 17)?,
            number(self.amount.minor.unsigned_abs(), 10)?,
            padded("payee's id", &self.payee_id, 15)?,
            text("payee's name", &self.name, 22)?,
            // nothing that the bank is asked for, and no addenda
            "  0".to_owned(),
            trace.to_owned(),
        ]
        .concat())
    }
}

fn control(total: Sums, batches: u64, records: usize) -> Result<String, String> {
    let blocks = records.div_ceil(BLOCK_RECORDS);
    Ok([
        "9".to_owned(),
        number(batches, 6)?,
        number(blocks as u64, 6)?,
        number(total.entries, 8)?,
        number(total.hash, 10)?,
        number(0, 12)?,
        number(total.credits, 12)?,
        " ".repeat(39),
    ]
    .concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rs_ach::AchFile;

    use super::*;

    fn routing(text: &str) -> RoutingNumber {
        text.parse().expect("a routing number")
    }

    fn file(entries: Vec<NachaEntry>) -> NachaFile {
        NachaFile {
            origin: NachaOrigin {
                destination: routing("021000021"),
                destination_name: "First Bank".into(),
                origin: "1234567890".into(),
                origin_name: "Platform Inc".into(),
                originating_bank: routing("011401533"),
                company_name: "Platform Inc".into(),
                company_id: "1234567890".into(),
            },
            created_at: DateTime::from_timestamp(1_772_712_000, 0).expect("a time"),
            modifier: 'A',
            effective: NaiveDate::from_ymd_opt(2026, 3, 9).expect("a day"),
            description: "Payout".into(),
            first_sequence: 1,
            entries,
        }
    }

    fn entry(minor: i64, class: EntryClass) -> NachaEntry {
        NachaEntry {
            bank: routing("091000019"),
            account: "123456789".into(),
            kind: AccountKind::Checking,
            class,
            amount: Money::new(Currency::USD, minor),
            payee_id: "PAYOUT1".into(),
            name: "Zoë Doe".into(),
        }
    }

    #[test]
    fn a_file_is_read_back_by_another_reader() {
        let written = file(vec![
            entry(245_000, EntryClass::Ppd),
            entry(1, EntryClass::Ccd),
            entry(2, EntryClass::Ppd),
        ]);
        let written = written.write().expect("a file");
        let text = String::from_utf8(written.bytes).expect("ASCII");
        let read = AchFile::parse(&text).expect("readable");
        assert_eq!(read.batches.len(), 2);
        let people = &read.batches[0];
        assert_eq!(people.header.standard_entry_class_code, "PPD");
        let amounts: Vec<_> = people.entries.iter().map(|entry| entry.amount).collect();
        assert_eq!(amounts, [245_000, 2]);
        assert_eq!(people.entries[0].individual_name.trim(), "ZOE DOE");
        assert_eq!(read.file_control.total_credit_amount, 245_003);
        assert_eq!(
            written.traces,
            ["011401530000001", "011401530000003", "011401530000002"]
        );
        assert_eq!(people.entries[0].trace_number, written.traces[0]);
    }

    #[test]
    fn what_cannot_be_in_a_file_is_refused_with_its_place() {
        let with = |change: fn(&mut NachaEntry)| {
            let mut wrong = entry(1, EntryClass::Ppd);
            change(&mut wrong);
            file(vec![entry(1, EntryClass::Ppd), wrong]).write()
        };
        let cases: [(Result<Written, FileError>, &str); 9] = [
            (
                with(|entry| entry.amount = Money::new(Currency::EUR, 1)),
                "in USD, not in EUR",
            ),
            (with(|entry| entry.amount.minor = 0), "from 0.01"),
            (with(|entry| entry.amount.minor = -1), "from 0.01"),
            (
                with(|entry| entry.amount.minor = 10_000_000_000),
                "from 0.01 to",
            ),
            (with(|entry| entry.account = "1".repeat(18)), "1 to 17 fit"),
            (
                with(|entry| entry.account = "1\n2".into()),
                "cannot be written",
            ),
            (
                with(|entry| entry.name = "山田".into()),
                "no letters that can be written",
            ),
            (with(|entry| entry.name = "x".repeat(23)), "1 to 22 fit"),
            (with(|entry| entry.payee_id = String::new()), "1 to 15 fit"),
        ];
        for (refused, words) in cases {
            let refused = refused.expect_err(words);
            assert!(
                matches!(refused, FileError::Payment { at: 1, .. }),
                "{refused:?}"
            );
            assert!(refused.to_string().contains(words), "{refused}");
        }
        let late = NachaFile {
            first_sequence: SEQUENCE_MAX,
            ..file(vec![entry(1, EntryClass::Ppd), entry(1, EntryClass::Ppd)])
        };
        assert!(matches!(late.write(), Err(FileError::Whole(_))));
        assert_eq!(file(Vec::new()).write(), Err(FileError::Empty));
    }

    proptest! {
        #[test]
        fn records_blocks_sums_and_hash_are_right(
            entries in proptest::collection::vec((1_i64..=AMOUNT_MAX_MINOR, 0_usize..3, any::<bool>()), 1..60),
        ) {
            const BANKS: [&str; 3] = ["091000019", "021000021", "011401533"];
            let made: Vec<NachaEntry> = entries.iter().map(|(minor, bank, company)| NachaEntry {
                bank: routing(BANKS[*bank]),
                ..entry(*minor, if *company { EntryClass::Ccd } else { EntryClass::Ppd })
            }).collect();
            let written = file(made).write();
            // twelve digits of cents hold a hundred of the largest entries
            let written = written.expect("a file");
            let text = String::from_utf8(written.bytes).expect("ASCII");
            let lines: Vec<&str> = text.lines().collect();
            prop_assert_eq!(lines.len() % BLOCK_RECORDS, 0);
            prop_assert!(lines.iter().all(|line| line.len() == RECORD_CHARS && line.is_ascii() && *line == line.to_ascii_uppercase()));
            let control = lines.iter().rfind(|line| line.starts_with('9') && line.contains(' ')).expect("a control");
            let hash: u64 = entries.iter().map(|(_, bank, _)| BANKS[*bank][..8].parse::<u64>().expect("digits")).sum();
            prop_assert_eq!(control[21..31].parse::<u64>().expect("digits"), hash % 10_000_000_000);
            let total: i64 = entries.iter().map(|(minor, _, _)| minor).sum();
            prop_assert_eq!(control[43..55].parse::<i64>().expect("digits"), total);
            prop_assert_eq!(control[13..21].parse::<usize>().expect("digits"), entries.len());
            prop_assert_eq!(control[7..13].parse::<usize>().expect("digits"), lines.len() / BLOCK_RECORDS);
            prop_assert!(AchFile::parse(&text).is_ok());
            let distinct: std::collections::BTreeSet<_> = written.traces.iter().collect();
            prop_assert_eq!(distinct.len(), entries.len());
        }
    }
}
