//! SEPA credit transfers: ISO 20022, `pain.001.001.09`, by the rules of the EPC's implementation guidelines.

use std::collections::HashSet;

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use sepa::{
    Bic, BuildError, CharsetPolicy, CreditTransferEntry, CreditTransferGroup, CreditTransferSchema,
    Iban, IsoDate, IsoDateTime, Pain001Builder, Transliteration, validate_bic, validate_iban,
};
use thiserror::Error;

use super::{FileError, counted};
use crate::kernel::money::{Currency, Money};
use crate::providers::payout::InstructionId;

/// An account in the SEPA area whose check digits are right.
#[derive(Clone, PartialEq, Eq)]
pub struct SepaAccount {
    iban: Iban,
    bic: Option<Bic>,
}

/// Why there can be no such account.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidSepaAccount {
    /// The IBAN is wrong.
    #[error("this is no IBAN: {0}")]
    Iban(String),
    /// Its country is not in the area.
    #[error("SEPA credit transfers do not reach {0}")]
    Country(String),
    /// The BIC is wrong.
    #[error("this is no BIC: {0}")]
    Bic(String),
}

impl std::fmt::Debug for SepaAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // an account is not for logs
        write!(f, "SepaAccount({}…)", self.iban.country_code())
    }
}

impl SepaAccount {
    /// An account by its IBAN and, where the other bank wants it, its BIC.
    ///
    /// # Errors
    /// If check digits, form or country are wrong.
    pub fn parse(iban: &str, bic: Option<&str>) -> Result<Self, InvalidSepaAccount> {
        let iban =
            validate_iban(iban).map_err(|error| InvalidSepaAccount::Iban(error.to_string()))?;
        if !iban.is_sepa() {
            return Err(InvalidSepaAccount::Country(iban.country_code().to_owned()));
        }
        let bic = bic
            .map(validate_bic)
            .transpose()
            .map_err(|error| InvalidSepaAccount::Bic(error.to_string()))?;
        Ok(Self { iban, bic })
    }

    /// The IBAN without spaces.
    pub fn iban(&self) -> &str {
        self.iban.as_str()
    }
}

/// Who pays.
#[derive(Debug, Clone)]
pub struct SepaDebtor {
    /// The name the account is held in.
    pub name: String,
    /// From where.
    pub account: SepaAccount,
}

/// One transfer.
#[derive(Clone)]
pub struct SepaTransfer {
    /// Its end-to-end id, which comes back in every statement.
    pub id: InstructionId,
    /// The name the account is held in, up to 70 characters.
    pub name: String,
    /// Where to.
    pub account: SepaAccount,
    /// How much, in euro.
    pub amount: Money,
    /// What the payee reads, up to 140 characters.
    pub text: String,
}

impl std::fmt::Debug for SepaTransfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // people are not for logs
        f.debug_struct("SepaTransfer")
            .field("id", &self.id)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// A file to be made.
#[derive(Debug, Clone)]
pub struct SepaFile {
    /// Names the file; the bank takes no two of one name.
    pub message_id: InstructionId,
    /// When it is made.
    pub created_at: DateTime<Utc>,
    /// When the bank is to pay: a day on which banks work.
    pub execution: NaiveDate,
    /// Who pays.
    pub debtor: SepaDebtor,
    /// Whom.
    pub transfers: Vec<SepaTransfer>,
}

impl SepaFile {
    /// The file's bytes. Letters outside of the SEPA set are written as those nearest to them, as banks do.
    ///
    /// # Errors
    /// If something cannot be in it; then there is no file.
    pub fn write(&self) -> Result<Vec<u8>, FileError> {
        counted(&self.transfers)?;
        let mut group = CreditTransferGroup::new(
            &self.debtor.name,
            &self.debtor.account.iban,
            day(self.execution)?,
        );
        if let Some(bic) = &self.debtor.account.bic {
            group = group.debtor_bic(bic.clone());
        }
        let mut entries = Vec::with_capacity(self.transfers.len());
        let mut ids = HashSet::with_capacity(self.transfers.len());
        for (at, transfer) in self.transfers.iter().enumerate() {
            // the schema allows it; statements would then tell of either
            if !ids.insert(&transfer.id) {
                let why = "another payment of the file has its id".to_owned();
                return Err(FileError::Payment { at, why });
            }
            let entry = transfer.entry();
            entries.push(entry.map_err(|why| FileError::Payment { at, why })?);
        }
        let message = Pain001Builder::new(&self.debtor.name, self.message_id.as_str())
            .created_at(moment(self.created_at)?)
            .schema(CreditTransferSchema::IsoV9)
            .charset(CharsetPolicy::Transliterate(Transliteration::Epc))
            .add_group(group.add_entries(entries));
        message.build().map(String::into_bytes).map_err(refusal)
    }
}

impl SepaTransfer {
    fn entry(&self) -> Result<CreditTransferEntry, String> {
        if self.amount.currency != Currency::EUR {
            return Err(format!(
                "SEPA credit transfers are in EUR, not in {}",
                self.amount.currency
            ));
        }
        let entry = CreditTransferEntry::new(
            &self.name,
            self.account.iban.clone(),
            self.amount.minor,
            self.id.as_str(),
        )
        .with_description(&self.text);
        Ok(match &self.account.bic {
            Some(bic) => entry.with_bic(bic.clone()),
            None => entry,
        })
    }
}

/// The refusal of a file as ours. The library's words name fields; the values it repeats are ours to withhold.
fn refusal(error: BuildError) -> FileError {
    let why = error.kind.to_string();
    match error.location.transaction {
        Some(at) => FileError::Payment { at, why },
        None => FileError::Whole(why),
    }
}

fn day(day: NaiveDate) -> Result<IsoDate, FileError> {
    let part = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    let year = u16::try_from(day.year()).unwrap_or(u16::MAX);
    IsoDate::new(year, part(day.month()), part(day.day()))
        .map_err(|error| FileError::Whole(error.to_string()))
}

fn moment(at: DateTime<Utc>) -> Result<IsoDateTime, FileError> {
    let part = |number: u32| u8::try_from(number).unwrap_or(u8::MAX);
    let time = IsoDateTime::new(
        day(at.date_naive())?,
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    );
    time.map(IsoDateTime::in_utc)
        .map_err(|error| FileError::Whole(error.to_string()))
}

#[cfg(test)]
pub(in crate::providers::payout) mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;

    use super::*;

    const PAYEE: &str = "NL91ABNA0417164300";

    pub(in crate::providers::payout) fn file(transfers: Vec<SepaTransfer>) -> SepaFile {
        SepaFile {
            message_id: "MSG-2026-03-05-1".parse().expect("an id"),
            created_at: DateTime::from_timestamp(1_772_712_000, 0).expect("a time"),
            execution: NaiveDate::from_ymd_opt(2026, 3, 9).expect("a day"),
            debtor: SepaDebtor {
                name: "Platform GmbH".into(),
                account: SepaAccount::parse("DE89 3704 0044 0532 0130 00", Some("COBADEFFXXX"))
                    .expect("an account"),
            },
            transfers,
        }
    }

    pub(in crate::providers::payout) fn transfer(id: &str, minor: i64, name: &str) -> SepaTransfer {
        SepaTransfer {
            id: id.parse().expect("an id"),
            name: name.into(),
            account: SepaAccount::parse(PAYEE, None).expect("an account"),
            amount: Money::new(Currency::EUR, minor),
            text: "Payout".into(),
        }
    }

    /// The text of every element of a name, read by a plain XML reader.
    fn texts(xml: &[u8], wanted: &str) -> Vec<String> {
        let text = std::str::from_utf8(xml).expect("UTF-8");
        let mut reader = Reader::from_str(text);
        let (mut inside, mut found) = (false, Vec::new());
        loop {
            let event = reader.read_event().expect("well-formed");
            if let Event::Start(element) = &event {
                inside = element.local_name().as_ref() == wanted.as_bytes();
                if inside {
                    found.push(String::new());
                }
            } else if let Event::Text(text) = &event
                && inside
            {
                found
                    .last_mut()
                    .expect("begun")
                    .push_str(&text.decode().expect("text"));
            } else if let Event::End(_) = &event {
                inside = false;
            } else if let Event::Eof = &event {
                return found;
            }
        }
    }

    fn cents(text: &str) -> i64 {
        Money::parse(Currency::EUR, text).expect("an amount").minor
    }

    #[test]
    fn a_file_says_what_it_was_told() {
        let written = file(vec![
            transfer("e2e-1", 222_094, "Zoë Müller"),
            transfer("e2e-2", 1, "Ada & Co <x>"),
        ])
        .write();
        let xml = written.expect("a file");
        assert!(
            String::from_utf8_lossy(&xml)
                .contains("urn:iso:std:iso:20022:tech:xsd:pain.001.001.09")
        );
        assert_eq!(texts(&xml, "EndToEndId"), ["e2e-1", "e2e-2"]);
        assert_eq!(texts(&xml, "CtrlSum"), ["2220.95", "2220.95"]);
        assert_eq!(texts(&xml, "NbOfTxs"), ["2", "2"]);
        assert_eq!(texts(&xml, "ChrgBr"), ["SLEV"]);
        assert_eq!(texts(&xml, "Dt"), ["2026-03-09"]);
        let names = texts(&xml, "Nm");
        assert!(names.contains(&"Zoe Muller".to_owned()), "{names:?}");
        assert!(!String::from_utf8_lossy(&xml).contains("<x>"));
        assert_eq!(
            xml,
            file(vec![
                transfer("e2e-1", 222_094, "Zoë Müller"),
                transfer("e2e-2", 1, "Ada & Co <x>")
            ])
            .write()
            .expect("a file")
        );
    }

    #[test]
    fn what_cannot_be_in_a_file_is_refused_with_its_place() {
        let usd = SepaTransfer {
            amount: Money::new(Currency::USD, 1),
            ..transfer("e2e-2", 1, "Ada")
        };
        let cases = [
            (usd, "in EUR, not in USD"),
            (transfer("e2e-2", 0, "Ada"), ""),
            (transfer("e2e-2", -5, "Ada"), ""),
            (transfer("e2e-2", 100_000_000_000, "Ada"), ""),
            (transfer("e2e-2", 1, ""), ""),
            (transfer("e2e-2", 1, &"x".repeat(71)), ""),
            (transfer("e2e-1", 1, "Ada"), "has its id"),
        ];
        for (wrong, words) in cases {
            let shown = format!("{wrong:?}");
            let refused = file(vec![transfer("e2e-1", 1, "Ada"), wrong])
                .write()
                .expect_err(&shown);
            assert!(
                matches!(refused, FileError::Payment { at: 1, .. }),
                "{shown}: {refused:?}"
            );
            assert!(refused.to_string().contains(words), "{refused}");
        }
        assert_eq!(file(Vec::new()).write(), Err(FileError::Empty));
        let many = vec![transfer("e2e-1", 1, "Ada"); super::super::FILE_PAYMENTS_MAX + 1];
        assert_eq!(file(many).write(), Err(FileError::TooMany));
    }

    #[test]
    fn accounts_are_checked() {
        for (iban, bic) in [
            ("NL91ABNA0417164301", None),
            ("US00", None),
            ("", None),
            (PAYEE, Some("XX")),
            ("BR1500000000000010932840814P2", None),
        ] {
            assert!(SepaAccount::parse(iban, bic).is_err(), "{iban} {bic:?}");
        }
        let shown = format!("{:?}", SepaAccount::parse(PAYEE, None).expect("an account"));
        assert!(!shown.contains("0417164300"), "{shown}");
    }

    proptest! {
        #[test]
        fn sums_counts_and_characters_are_right(
            amounts in proptest::collection::vec(1_i64..=99_999_999_999, 1..40),
            name in "\\PC{0,30}",
            text in "\\PC{0,60}",
        ) {
            let transfers: Vec<SepaTransfer> = amounts.iter().enumerate().map(|(at, minor)| SepaTransfer {
                text: text.clone(),
                ..transfer(&format!("e2e-{at}"), *minor, &format!("A{name}"))
            }).collect();
            // what is written is right; a text that cannot be written is refused, never a file that is wrong
            let Ok(xml) = file(transfers).write() else { return Ok(()); };
            let total: i64 = amounts.iter().sum();
            for sum in texts(&xml, "CtrlSum") {
                prop_assert_eq!(cents_of_total(&sum), total);
            }
            for count in texts(&xml, "NbOfTxs") {
                prop_assert_eq!(count, amounts.len().to_string());
            }
            let written: Vec<i64> = texts(&xml, "InstdAmt").iter().map(|text| cents(text)).collect();
            prop_assert_eq!(written, amounts);
            for text in texts(&xml, "Nm").into_iter().chain(texts(&xml, "Ustrd")) {
                prop_assert!(sepa::is_sepa_text(&text), "{}", text);
            }
        }
    }

    /// A sum may be larger than an amount.
    fn cents_of_total(text: &str) -> i64 {
        let (whole, cents) = text.split_once('.').expect("cents");
        whole.parse::<i64>().expect("a number") * 100 + cents.parse::<i64>().expect("a number")
    }
}
