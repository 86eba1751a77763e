//! Returns (addenda 99) and notifications of change (addenda 98) of Nacha.

use chrono::NaiveDate;

use super::{
    About, Direction, LineOutcome, LineReason, Statement, StatementError, StatementFormat,
    StatementLine, placed, said,
};
use crate::kernel::money::{Currency, Money};
use crate::providers::payout::files::nacha::{HASH_MODULUS, RECORD_CHARS};

/// Sums of what was read, to be compared with what the file says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    /// Entries and addenda.
    count: u64,
    hash: u64,
    amount: u64,
}

impl Sums {
    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.hash = (self.hash + other.hash) % HASH_MODULUS;
        self.amount += other.amount;
    }
}

/// How far a file was read.
#[derive(Default)]
struct Reading {
    id: String,
    day: Option<NaiveDate>,
    total: Sums,
    batches: u64,
    /// The sums of the batch that is open.
    batch: Option<Sums>,
    /// The amount of the entry whose addenda is to come.
    entry: Option<i64>,
    closed: bool,
    lines: Vec<StatementLine>,
}

pub(super) fn read(text: &str) -> Result<Statement, StatementError> {
    let mut reading = Reading::default();
    for (at, record) in text.lines().enumerate() {
        let why = |why: String| StatementError::Broken {
            format: StatementFormat::Nacha,
            why: format!("record {}: {why}", at + 1),
        };
        if !record.is_ascii() {
            return Err(why("it has characters that are not of ASCII".into()));
        }
        if record.len() != RECORD_CHARS {
            return Err(why(format!(
                "it has {} characters instead of {RECORD_CHARS}",
                record.len()
            )));
        }
        reading.record(record).map_err(why)?;
    }
    if !reading.closed {
        return Err(StatementError::Broken {
            format: StatementFormat::Nacha,
            why: "it is broken off: there is no file control".into(),
        });
    }
    Ok(Statement {
        format: StatementFormat::Nacha,
        id: reading.id,
        accounts: Vec::new(),
        lines: placed(reading.lines),
    })
}

impl Reading {
    fn record(&mut self, record: &str) -> Result<(), String> {
        if self.closed {
            let filler = record.bytes().all(|byte| byte == b'9');
            return if filler {
                Ok(())
            } else {
                Err("there is something after the file control".into())
            };
        }
        if self.entry.is_some() && !record.starts_with('7') {
            return Err("an entry before it has no return or change".into());
        }
        match &record[..1] {
            "1" if self.id.is_empty() => self.header(record),
            "5" if !self.id.is_empty() && self.batch.is_none() => {
                self.batch = Some(Sums::default());
                Ok(())
            }
            "6" => self.entry(record),
            "7" => self.addenda(record),
            "8" => self.batch_control(record),
            "9" if self.batch.is_none() => self.control(record),
            other => Err(format!("a record of type `{other}` cannot be here")),
        }
    }

    fn header(&mut self, record: &str) -> Result<(), String> {
        let day = NaiveDate::parse_from_str(&record[23..29], "%y%m%d");
        self.day = Some(day.map_err(|_| "the day of the file is none".to_owned())?);
        // who sent it to whom, when, and which of that day
        self.id = said(&record[3..34]);
        Ok(())
    }

    fn entry(&mut self, record: &str) -> Result<(), String> {
        let amount = number(&record[29..39])?;
        let bank = number(&record[3..11])?;
        let batch = self.batch.as_mut().ok_or("an entry outside of a batch")?;
        batch.join(Sums {
            count: 1,
            hash: bank,
            amount,
        });
        self.entry = Some(i64::try_from(amount).map_err(|_| "the amount is too large".to_owned())?);
        Ok(())
    }

    fn addenda(&mut self, record: &str) -> Result<(), String> {
        let amount = self.entry.take().ok_or("an addenda without its entry")?;
        self.batch
            .as_mut()
            .ok_or("an addenda outside of a batch")?
            .count += 1;
        let code = &record[3..6];
        let trace = record[6..21].trim();
        if trace.len() != 15 || !trace.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the original trace number is none".into());
        }
        let (outcome, letter, text, correction) = match &record[1..3] {
            "99" => (LineOutcome::Returned, b'R', said(&record[35..79]), None),
            "98" => (
                LineOutcome::Corrected,
                b'C',
                String::new(),
                Some(said(&record[35..64])),
            ),
            other => {
                return Err(format!(
                    "an addenda of type `{other}` is neither a return nor a change"
                ));
            }
        };
        let digits = code.as_bytes()[1..].iter().all(u8::is_ascii_digit);
        if code.as_bytes()[0] != letter || !digits {
            return Err(format!("`{}` is no code of it", said(code)));
        }
        self.lines.push(StatementLine {
            place: 0,
            about: About::Trace(trace.to_owned()),
            account: None,
            direction: (outcome == LineOutcome::Returned).then_some(Direction::Credit),
            // changes come with an amount of zero
            amount: (amount > 0).then(|| Money::new(Currency::USD, amount)),
            day: self.day,
            outcome,
            reason: Some(LineReason {
                code: code.to_owned(),
                text,
            }),
            correction,
            bank_reference: Some(record[79..94].trim().to_owned()).filter(|text| !text.is_empty()),
        });
        Ok(())
    }

    fn batch_control(&mut self, record: &str) -> Result<(), String> {
        let batch = self.batch.take().ok_or("a batch control without a batch")?;
        agrees(
            batch,
            &record[4..10],
            &record[10..20],
            &record[20..32],
            &record[32..44],
        )?;
        self.total.join(batch);
        self.batches += 1;
        Ok(())
    }

    fn control(&mut self, record: &str) -> Result<(), String> {
        if number(&record[1..7])? != self.batches {
            return Err("it says another number of batches".into());
        }
        agrees(
            self.total,
            &record[13..21],
            &record[21..31],
            &record[31..43],
            &record[43..55],
        )?;
        self.closed = true;
        Ok(())
    }
}

/// # Errors
/// If what a control record says is not what was read.
fn agrees(read: Sums, count: &str, hash: &str, debits: &str, credits: &str) -> Result<(), String> {
    if number(count)? != read.count {
        return Err("it says another number of entries and addenda".into());
    }
    if number(hash)? != read.hash {
        return Err("it says another entry hash".into());
    }
    if number(debits)?.saturating_add(number(credits)?) != read.amount {
        return Err("it says another sum".into());
    }
    Ok(())
}

fn number(digits: &str) -> Result<u64, String> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    plain
        .then(|| digits.parse().ok())
        .flatten()
        .ok_or_else(|| format!("`{}` is no number", said(digits)))
}
