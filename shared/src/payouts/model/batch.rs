//! Files with many payouts.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};

use schemars::JsonSchema;

use super::{BatchId, PayoutMethod, PayoutState};
use crate::kernel::TypedId;
use crate::kernel::money::{Currency, Money};
use crate::kernel::words;

/// Payouts in one file at the most.
pub const BATCH_MAX: usize = 5_000;
/// Numbers of entries and cheques begin again after this many; with a file's more they have seven digits.
const NUMBERS: i64 = 9_990_000;

words!(
    /// What a file is written in.
    BatchFormat {
        /// SEPA credit transfers.
        Pain001 => "pain001",
        /// Credits of the ACH network.
        Nacha => "nacha",
        /// Cheques to be printed.
        ChequePdf => "cheque_pdf",
    }
);

words!(
    /// Where a file stands.
    BatchState {
        /// Its payouts are settled and it is made; it may be handed over already, or not.
        Written => "written",
        /// The bank can take it.
        HandedOver => "handed_over",
        /// It was refused.
        Failed => "failed",
    }
);

impl JsonSchema for BatchFormat {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BatchFormat".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|format| format.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": names })
    }
}

impl BatchFormat {
    /// What a method's payouts in a currency are written in, if they can be.
    pub fn of(method: PayoutMethod, currency: Currency) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|format| format.pays() == (method, currency))
    }

    /// The method and the currency that it pays.
    pub const fn pays(self) -> (PayoutMethod, Currency) {
        match self {
            Self::Pain001 => (PayoutMethod::BankTransfer, Currency::EUR),
            Self::Nacha => (PayoutMethod::BankTransfer, Currency::USD),
            Self::ChequePdf => (PayoutMethod::Check, Currency::USD),
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Pain001 => "xml",
            Self::Nacha => "ach",
            Self::ChequePdf => "pdf",
        }
    }
}

/// A file with payouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Which; the bank is told it as the message's id.
    pub id: BatchId,
    /// How its payouts are paid.
    pub method: PayoutMethod,
    /// In what.
    pub currency: Currency,
    /// What it is written in.
    pub format: BatchFormat,
    /// Where it stands.
    pub state: BatchState,
    /// The file's name, which no other has.
    pub file_name: String,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Its size.
    pub size_bytes: i64,
    /// How many payouts it has.
    pub payouts: i32,
    /// What the payees get of it in all, in minor units.
    pub total_minor: i64,
    /// Payouts that went out in this format before.
    pub counted_before: i64,
    /// Files of this format before it on its day.
    pub nth_of_day: i32,
    /// How often it was put into the folder, or nearly.
    pub attempts: i32,
    /// The time that stands in the file.
    pub created_at: DateTime<Utc>,
    /// Who had it made.
    pub created_by: String,
    /// When it was handed over.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// When it failed.
    pub failed_at: Option<DateTime<Utc>>,
    /// Why.
    pub failure: Option<String>,
}

impl Batch {
    /// What the payees get of it in all.
    pub const fn total(&self) -> Money {
        Money::new(self.currency, self.total_minor)
    }

    /// The hash in hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        hex::encode(self.sha256)
    }
}

/// A file with where its payouts stand by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchDetail {
    /// The file.
    pub batch: Batch,
    /// How many of its payouts stand where.
    pub states: BTreeMap<PayoutState, i64>,
}

/// What tells a file from all others, before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::payouts) struct BatchHead {
    pub(in crate::payouts) id: BatchId,
    pub(in crate::payouts) format: BatchFormat,
    pub(in crate::payouts) created_at: DateTime<Utc>,
    pub(in crate::payouts) counted_before: i64,
    pub(in crate::payouts) nth_of_day: i32,
}

impl BatchHead {
    pub(in crate::payouts) fn of(batch: &Batch) -> Self {
        Self {
            id: batch.id,
            format: batch.format,
            created_at: batch.created_at,
            counted_before: batch.counted_before,
            nth_of_day: batch.nth_of_day,
        }
    }

    /// The file's name.
    pub(in crate::payouts) fn file_name(&self) -> String {
        format!(
            "{}-{}-{}.{}",
            self.format,
            self.created_at.format("%Y%m%d"),
            self.id.uuid().simple(),
            self.format.extension()
        )
    }

    /// The first entry's or cheque's number: they go on from file to file.
    pub(in crate::payouts) fn first_number(&self) -> u32 {
        u32::try_from(self.counted_before % NUMBERS + 1).unwrap_or(1)
    }

    /// What tells files of one day apart, if there are not too many.
    pub(in crate::payouts) fn modifier(&self) -> Option<char> {
        let nth = usize::try_from(self.nth_of_day).ok()?;
        ('A'..='Z').chain('0'..='9').nth(nth)
    }

    /// The day on which the bank is to pay: the next one that is no Saturday or Sunday. On a bank holiday banks take the
    /// day after it.
    pub(in crate::payouts) fn pay_on(&self) -> NaiveDate {
        let mut day = self.created_at.date_naive();
        loop {
            day = day.checked_add_days(Days::new(1)).unwrap_or(day);
            if !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) {
                return day;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn head(at: &str, counted_before: i64, nth_of_day: i32) -> BatchHead {
        BatchHead {
            id: BatchId::from(Uuid::from_u128(7)),
            format: BatchFormat::Nacha,
            created_at: at.parse().expect("a time"),
            counted_before,
            nth_of_day,
        }
    }

    #[test]
    fn banks_pay_on_the_next_day_of_the_week() {
        for (made, paid) in [
            ("2026-03-05T07:30:00Z", "2026-03-06"),
            ("2026-03-06T07:30:00Z", "2026-03-09"),
            ("2026-03-07T07:30:00Z", "2026-03-09"),
            ("2026-03-08T23:59:59Z", "2026-03-09"),
        ] {
            assert_eq!(head(made, 0, 0).pay_on().to_string(), paid, "{made}");
        }
    }

    #[test]
    fn numbers_go_on_from_file_to_file_and_have_seven_digits() {
        const AT: &str = "2026-03-05T07:30:00Z";
        assert_eq!(head(AT, 0, 0).first_number(), 1);
        assert_eq!(head(AT, 5_000, 1).first_number(), 5_001);
        let last = head(AT, NUMBERS - 1, 0).first_number();
        assert!(i64::from(last) + i64::try_from(BATCH_MAX).unwrap_or(i64::MAX) <= 9_999_999);
        assert_eq!(head(AT, NUMBERS, 0).first_number(), 1);
        let letters: Vec<_> = [0, 25, 26, 35, 36]
            .map(|nth| head(AT, 0, nth).modifier())
            .into();
        assert_eq!(letters, [Some('A'), Some('Z'), Some('0'), Some('9'), None]);
    }

    #[test]
    fn a_name_says_what_and_when() {
        let name = head("2026-03-05T07:30:00Z", 0, 0).file_name();
        assert_eq!(name, "nacha-20260305-00000000000000000000000000000007.ach");
    }
}
