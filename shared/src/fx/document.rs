//! The documents of rates that the European Central Bank publishes, daily and for the past:
//! `<Cube time="2026-03-02"><Cube currency="USD" rate="1.0921"/>…`, in the name space of its reference rates. See
//! "Euro foreign exchange reference rates" on the bank's site.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use rust_decimal::Decimal;
use thiserror::Error;

use super::model::parse_per_eur;
use super::{CurrencyCode, InvalidRate};

/// Size of a document at the most, in bytes; that of the whole past has less than 10 MiB.
pub(crate) const DOCUMENT_MAX_BYTES: usize = 32 * 1024 * 1024;
/// Rates in a document at the most; the whole past has less than 300,000.
const RATES_MAX: usize = 1_000_000;
/// Elements within each other at the most; the documents have four.
const DEPTH_MAX: usize = 16;
/// The name space of rates.
const NAMESPACE: &[u8] = b"http://www.ecb.int/vocabulary/2002-08-01/eurofxref";
/// Characters of a value that a refusal repeats.
const SHOWN_MAX_CHARS: usize = 40;

/// Why a document cannot be used. Nothing of such a document is taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It is larger than any of the bank's.
    #[error(
        "it is larger than {DOCUMENT_MAX_BYTES} bytes, has more than {RATES_MAX} rates, or too many levels"
    )]
    TooLarge,
    /// It is no XML, or broken off.
    #[error("it is not well-formed XML, or it is broken off: {0}")]
    Malformed(String),
    /// It declares entities, which the bank's never do.
    #[error("it has a document type, which rates never have")]
    DocumentType,
    /// There are no rates in it.
    #[error("it has no rates in the name space of the ECB's reference rates")]
    Empty,
    /// A day cannot be one.
    #[error("`{0}` is no day, or one in the future")]
    Day(String),
    /// A day or a rate is said twice.
    #[error("{0} is there twice")]
    Twice(String),
    /// A rate stands outside of a day, or lacks its currency or number.
    #[error("a rate lacks its day, currency or number")]
    Incomplete,
    /// A currency's code is none.
    #[error("`{0}` is no currency code")]
    Currency(String),
    /// A number is no rate.
    #[error("`{rate}` is no rate of {currency}: {why}")]
    Rate {
        /// What it says.
        rate: String,
        /// Of which currency.
        currency: String,
        /// What a rate is.
        why: InvalidRate,
    },
}

/// The rates of a document: by day, what each currency's units for one euro were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcbDocument {
    /// At least one day with at least one rate.
    days: BTreeMap<NaiveDate, BTreeMap<CurrencyCode, Decimal>>,
}

impl EcbDocument {
    /// Reads a document that was published by `today` (in UTC) or the day after. All of it is read before any of it can be
    /// used, so what is broken off is refused whole. No entity is ever expanded, nothing is fetched.
    ///
    /// # Errors
    /// If it is not such a document, in one word why not.
    pub fn read(bytes: &[u8], today: NaiveDate) -> Result<Self, DocumentError> {
        if bytes.len() > DOCUMENT_MAX_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| DocumentError::Malformed(error.to_string()))?;
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
        let mut reading = Reading::new(today);
        loop {
            let malformed = |error: quick_xml::Error| DocumentError::Malformed(error.to_string());
            let (namespace, event) = reader.read_resolved_event().map_err(malformed)?;
            let ours = matches!(namespace, ResolveResult::Bound(Namespace(NAMESPACE)));
            match event {
                Event::Start(element) => reading.begin(&element, ours, false)?,
                Event::Empty(element) => reading.begin(&element, ours, true)?,
                Event::End(_) => reading.end(),
                Event::DocType(_) => return Err(DocumentError::DocumentType),
                Event::Eof => return reading.finish(),
                // words beside the rates, such as who sends them
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::GeneralRef(_) => {}
            }
        }
    }

    /// The oldest and the newest day.
    pub fn span(&self) -> (NaiveDate, NaiveDate) {
        let first = self.days.first_key_value().map(|(day, _)| *day);
        let last = self.days.last_key_value().map(|(day, _)| *day);
        (first.unwrap_or_default(), last.unwrap_or_default())
    }

    /// Every rate, the oldest day first.
    pub fn rates(&self) -> impl Iterator<Item = (NaiveDate, &CurrencyCode, Decimal)> {
        self.days
            .iter()
            .flat_map(|(day, rates)| rates.iter().map(move |(code, rate)| (*day, code, *rate)))
    }
}

/// How far a document was read.
struct Reading {
    /// The last day that rates may be of.
    latest: NaiveDate,
    depth: usize,
    /// The day whose rates are read, and how deep it stands.
    day: Option<(NaiveDate, usize)>,
    days: BTreeMap<NaiveDate, BTreeMap<CurrencyCode, Decimal>>,
    seen: BTreeSet<NaiveDate>,
    count: usize,
}

impl Reading {
    fn new(today: NaiveDate) -> Self {
        Self {
            // east of Greenwich it may be tomorrow already
            latest: today.succ_opt().unwrap_or(today),
            depth: 0,
            day: None,
            days: BTreeMap::new(),
            seen: BTreeSet::new(),
            count: 0,
        }
    }

    fn begin(
        &mut self,
        element: &BytesStart<'_>,
        ours: bool,
        empty: bool,
    ) -> Result<(), DocumentError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(DocumentError::TooLarge);
        }
        if ours && element.local_name().as_ref() == b"Cube" {
            self.cube(element)?;
        }
        if empty {
            self.end();
        }
        Ok(())
    }

    fn end(&mut self) {
        if self.day.is_some_and(|(_, depth)| depth == self.depth) {
            self.day = None;
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// The outermost cube has neither day nor rate, those within it have a day, and those within these a rate.
    fn cube(&mut self, element: &BytesStart<'_>) -> Result<(), DocumentError> {
        let (mut time, mut currency, mut rate) = (None, None, None);
        for attribute in element.attributes() {
            let attribute =
                attribute.map_err(|error| DocumentError::Malformed(error.to_string()))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| DocumentError::Malformed(error.to_string()))?
                .into_owned();
            match attribute.key.as_ref() {
                b"time" => time = Some(value),
                b"currency" => currency = Some(value),
                b"rate" => rate = Some(value),
                _ => {}
            }
        }
        match (time, currency, rate) {
            (None, None, None) => Ok(()),
            (Some(time), None, None) => self.begin_day(&time),
            (None, Some(currency), Some(rate)) => self.rate(&currency, &rate),
            (_, _, _) => Err(DocumentError::Incomplete),
        }
    }

    fn begin_day(&mut self, text: &str) -> Result<(), DocumentError> {
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|day| *day <= self.latest && day.format("%Y-%m-%d").to_string() == text)
            .ok_or_else(|| DocumentError::Day(shown(text)))?;
        if self.day.is_some() {
            return Err(DocumentError::Incomplete);
        }
        if !self.seen.insert(day) {
            return Err(DocumentError::Twice(day.to_string()));
        }
        self.day = Some((day, self.depth));
        Ok(())
    }

    fn rate(&mut self, currency: &str, rate: &str) -> Result<(), DocumentError> {
        let (day, _) = self.day.ok_or(DocumentError::Incomplete)?;
        let code: CurrencyCode = currency
            .parse()
            .map_err(|_| DocumentError::Currency(shown(currency)))?;
        let per_eur = parse_per_eur(rate).map_err(|why| DocumentError::Rate {
            rate: shown(rate),
            currency: code.to_string(),
            why,
        })?;
        self.count += 1;
        if self.count > RATES_MAX {
            return Err(DocumentError::TooLarge);
        }
        match self
            .days
            .entry(day)
            .or_default()
            .insert(code.clone(), per_eur)
        {
            None => Ok(()),
            Some(_) => Err(DocumentError::Twice(format!("{code} on {day}"))),
        }
    }

    fn finish(self) -> Result<EcbDocument, DocumentError> {
        if self.depth > 0 {
            return Err(DocumentError::Malformed("it ends within an element".into()));
        }
        if self.days.is_empty() {
            return Err(DocumentError::Empty);
        }
        Ok(EcbDocument { days: self.days })
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX_CHARS).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A document as the bank writes it, with these days.
    pub(in crate::fx) fn document(days: &[(&str, &[(&str, &str)])]) -> String {
        let cubes: String = days
            .iter()
            .map(|(day, rates)| {
                let rates: String = rates
                    .iter()
                    .map(|(code, rate)| format!("<Cube currency='{code}' rate='{rate}'/>"))
                    .collect();
                format!("<Cube time='{day}'>{rates}</Cube>")
            })
            .collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
             xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\">\n<gesmes:subject>Reference rates</gesmes:subject>\
             <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender><Cube>{cubes}</Cube></gesmes:Envelope>"
        )
    }

    fn today() -> NaiveDate {
        day("2026-03-05")
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn read(text: &str) -> Result<EcbDocument, DocumentError> {
        EcbDocument::read(text.as_bytes(), today())
    }

    #[test]
    fn every_rate_of_every_day_is_read() {
        let text = document(&[
            ("2026-03-05", &[("USD", "1.0921"), ("JPY", "157.55")]),
            ("1999-01-04", &[("USD", "1.1789"), ("CYP", "0.58231")]),
        ]);
        let document = read(&text).expect("readable");
        assert_eq!(document.span(), (day("1999-01-04"), day("2026-03-05")));
        let rates: Vec<String> = document
            .rates()
            .map(|(day, code, rate)| format!("{day} {code} {rate}"))
            .collect();
        assert_eq!(
            rates,
            [
                "1999-01-04 CYP 0.58231",
                "1999-01-04 USD 1.1789",
                "2026-03-05 JPY 157.55",
                "2026-03-05 USD 1.0921"
            ]
        );
    }

    #[test]
    fn hostile_and_wrong_documents_are_refused_with_the_reason() {
        let usd: &[(&str, &str)] = &[("USD", "1.1")];
        let good = document(&[("2026-03-04", usd)]);
        let one =
            |code: &'static str, rate: &'static str| document(&[("2026-03-04", &[(code, rate)])]);
        let cases = [
            (String::new(), "no rates"),
            ("<html><body>Maintenance</body></html>".into(), "no rates"),
            ("{\"rates\":{}}".into(), "no rates"),
            (good.replace("eurofxref", "otherthing"), "no rates"),
            (document(&[]), "no rates"),
            (good.replace("</gesmes:Envelope>", ""), "broken off"),
            (good.replace("</Cube></Cube>", "</Cube>"), "not well-formed"),
            (
                good.replacen("<gesmes", "<!DOCTYPE x [<!ENTITY a \"b\">]><gesmes", 1),
                "document type",
            ),
            (document(&[("2026-03-07", usd)]), "in the future"),
            (document(&[("04.03.2026", usd)]), "no day"),
            (document(&[("2026-3-4", usd)]), "no day"),
            (document(&[("2026-02-30", usd)]), "no day"),
            (
                document(&[("2026-03-04", usd), ("2026-03-04", usd)]),
                "2026-03-04 is there twice",
            ),
            (
                document(&[("2026-03-04", &[("USD", "1"), ("USD", "2")])]),
                "USD on 2026-03-04 is there twice",
            ),
            (one("USD", "0"), "no rate of USD"),
            (one("USD", "-1.1"), "no rate of USD"),
            (one("USD", "N/A"), "no rate of USD"),
            (one("USD", "1e9"), "no rate of USD"),
            (one("EUR", "1"), "no currency code"),
            (one("us", "1"), "no currency code"),
            (good.replace(" rate='1.1'", ""), "lacks its day"),
            (
                good.replace("<Cube time='2026-03-04'>", "<Cube>"),
                "lacks its day",
            ),
            (
                good.replace("<Cube>", &"<Cube>".repeat(20)),
                "too many levels",
            ),
        ];
        for (text, expected) in cases {
            let refusal = read(&text).expect_err(expected).to_string();
            assert!(refusal.contains(expected), "{expected}: {refusal}");
        }
        let large = vec![b' '; DOCUMENT_MAX_BYTES + 1];
        assert_eq!(
            EcbDocument::read(&large, today()),
            Err(DocumentError::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn what_is_broken_off_anywhere_is_refused(at in 0_usize..1_000) {
            let text = document(&[("2026-03-04", &[("USD", "1.1"), ("GBP", "0.86")]), ("2026-03-03", &[("USD", "1.2")])]);
            let cut = at % text.len();
            prop_assert!(EcbDocument::read(&text.as_bytes()[..cut], today()).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _refused_or_read = EcbDocument::read(&bytes, today());
        }
    }
}
