//! What one euro was worth on one day, in the words of one source.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use thiserror::Error;

use crate::kernel::{typed_id, words};

/// Digits of a rate after the point at the most.
const RATE_SCALE_MAX: u32 = 8;
/// A rate is below this: nine digits before the point.
const RATE_BELOW: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

typed_id!(
    /// Names one import of rates.
    FxImportId,
    "fximport"
);

words!(
    /// Who says what a euro was worth.
    RateSource {
        /// The European Central Bank's reference rates.
        Ecb => "ecb",
        /// Somebody in finance. On the same day it goes before the others.
        Manual => "manual",
    }
);

/// Three capital letters that name a currency, today's or a former one's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CurrencyCode(String);

/// The text is no currency code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use the three capital letters of ISO 4217, such as USD, and not EUR: rates are per euro")]
pub struct InvalidCode;

impl CurrencyCode {
    /// The three letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CurrencyCode {
    type Err = InvalidCode;
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let three = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        if three && text != "EUR" {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidCode)
        }
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number cannot be a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "use a positive decimal number below 1000000000 with at most {RATE_SCALE_MAX} digits after the point"
)]
pub struct InvalidRate;

/// Units of a currency for one euro, as a source or a person writes them: exact, positive, of bounded length.
///
/// # Errors
/// If the text is anything else; an exponent is not understood.
pub(crate) fn parse_per_eur(text: &str) -> Result<Decimal, InvalidRate> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let rate = plain
        .then(|| Decimal::from_str_exact(text).ok())
        .flatten()
        .ok_or(InvalidRate)?
        .normalize();
    if rate > Decimal::ZERO && rate < RATE_BELOW && rate.scale() <= RATE_SCALE_MAX {
        Ok(rate)
    } else {
        Err(InvalidRate)
    }
}

/// A rate as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    /// Which row; what a quote refers to.
    pub id: i64,
    /// The day it is of.
    pub day: NaiveDate,
    /// Of which currency.
    pub currency: CurrencyCode,
    /// Who says so.
    pub source: RateSource,
    /// Units of the currency for one euro.
    pub per_eur: Decimal,
    /// Why, for a manual one.
    pub reason: Option<String>,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// Which rates are wanted; what is none is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateFilter {
    /// Only those of this currency.
    pub currency: Option<CurrencyCode>,
    /// Only those of this source.
    pub source: Option<RateSource>,
    /// Not before this day.
    pub from: Option<NaiveDate>,
    /// Not after this day.
    pub until: Option<NaiveDate>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_digit_for_digit() {
        for (text, written) in [
            ("1.0921", "1.0921"),
            ("0.00000001", "0.00000001"),
            ("17000", "17000"),
            ("1.500", "1.5"),
            ("999999999.99999999", "999999999.99999999"),
        ] {
            assert_eq!(
                parse_per_eur(text).map(|rate| rate.to_string()),
                Ok(written.into())
            );
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "N/A",
            "NaN",
            "1.123456789",
            "1000000000",
            " 1",
            "1.2.3",
            ".",
            "99999999999999999999999999999999",
        ] {
            assert_eq!(parse_per_eur(text), Err(InvalidRate), "{text}");
        }
    }

    #[test]
    fn former_currencies_have_codes_and_the_euro_has_no_rate() {
        assert!("DEM".parse::<CurrencyCode>().is_ok());
        for text in ["EUR", "usd", "US", "USDT", "U$D", ""] {
            assert_eq!(text.parse::<CurrencyCode>(), Err(InvalidCode), "{text}");
        }
    }
}
