//! Amounts as people and programs write them.

use serde_json::value::RawValue;
use thiserror::Error;

use super::{Currency, Money};

/// The largest amount that one movement of money may have, in minor units: ten thousand million dollars. Two million of
/// them still fit into a balance.
pub const AMOUNT_MAX_MINOR: i64 = 1_000_000_000_000;
/// Characters of an amount at the most; a longer text is no amount, whatever it says.
const AMOUNT_MAX_CHARS: usize = 40;

/// Why a text is no amount that can be moved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidAmount {
    /// It is not a decimal number.
    #[error(
        "must be a decimal number such as 125.50, as a JSON number or a text, without exponent"
    )]
    NotDecimal,
    /// It has more decimals than the currency.
    #[error("has more decimals than {currency}, which has {places}; round it before sending it")]
    TooPrecise {
        /// Of which currency it was to be.
        currency: Currency,
        /// How many decimals that has.
        places: u32,
    },
    /// It is zero or less.
    #[error(
        "must be more than zero; what takes money back has a route of its own, and is positive there, too"
    )]
    NotPositive,
    /// It is beyond [`AMOUNT_MAX_MINOR`].
    #[error("must be at most {0}")]
    TooLarge(Money),
}

impl Money {
    /// Reads an amount to move, digit for digit: more than zero, at most [`AMOUNT_MAX_MINOR`], with no more decimals than
    /// the currency has. Nothing is rounded, and trailing zeros beyond them are refused, too: who sends them counts in
    /// another unit.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn parse(currency: Currency, text: &str) -> Result<Self, InvalidAmount> {
        let minor = minor_of(text, currency)?;
        if minor <= 0 {
            return Err(InvalidAmount::NotPositive);
        }
        if minor > i128::from(AMOUNT_MAX_MINOR) {
            return Err(too_large(currency));
        }
        i64::try_from(minor)
            .map(|minor| Self::new(currency, minor))
            .map_err(|_| too_large(currency))
    }

    /// As [`Money::parse`], from a JSON number or a JSON text, by the characters it was written in.
    ///
    /// # Errors
    /// As [`Money::parse`].
    pub fn from_json(currency: Currency, value: &RawValue) -> Result<Self, InvalidAmount> {
        Self::parse(currency, &json_text(value))
    }
}

/// The characters of a JSON text or number, to be read as an amount once the currency is known.
pub fn json_text(value: &RawValue) -> String {
    let raw = value.get().trim();
    serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())
}

fn too_large(currency: Currency) -> InvalidAmount {
    InvalidAmount::TooLarge(Money::new(currency, AMOUNT_MAX_MINOR))
}

/// The minor units that a decimal text says, whatever its sign and size.
///
/// # Errors
/// If it is not a decimal number, or has more decimals than the currency.
pub fn minor_of(text: &str, currency: Currency) -> Result<i128, InvalidAmount> {
    let places = currency.exponent();
    if text.len() > AMOUNT_MAX_CHARS {
        return Err(InvalidAmount::NotDecimal);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(InvalidAmount::NotDecimal),
        None => (digits, ""),
    };
    let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(fraction) {
        return Err(InvalidAmount::NotDecimal);
    }
    let given = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    if given > places {
        return Err(InvalidAmount::TooPrecise { currency, places });
    }
    // at most 40 digits: more than an i128 holds is beyond every limit anyway
    let parsed: i128 = format!("{whole}{fraction}")
        .parse()
        .map_err(|_| too_large(currency))?;
    let scaled = parsed
        .checked_mul(10_i128.pow(places - given))
        .ok_or_else(|| too_large(currency))?;
    Ok(if negative { -scaled } else { scaled })
}

/// Minor units as a decimal number with `places` decimals.
pub fn decimal(minor: i64, places: u32) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let units = minor.unsigned_abs();
    if places == 0 {
        return format!("{sign}{units}");
    }
    let scale = 10_u64.pow(places);
    let width = places as usize;
    format!("{sign}{}.{:0width$}", units / scale, units % scale)
}
