//! Money: whole minor units of a currency inside, exact decimals at the edge, no float anywhere.
//!
//! Promises: an amount is read from the text it was written in and refused rather than rounded; splitting an amount
//! gives parts that make up the amount again; where a rate makes a fraction of a minor unit, it is rounded half up on
//! the magnitude (0.5 becomes 1, -0.5 becomes -1), so that a reversal mirrors what it reverses.

mod amount;
mod currency;
mod split;
#[cfg(test)]
mod tests;

pub use amount::{AMOUNT_MAX_MINOR, InvalidAmount, decimal, json_text, minor_of};
pub use currency::{Currency, UnknownCurrency};
pub use split::{BPS_MAX, InvalidRate, Rate, part, split};

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount of a currency, in its minor units: cents of dollars, yen, thousandths of dinars. It may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Of which currency.
    pub currency: Currency,
    /// How many of its minor units.
    pub minor: i64,
}

impl Money {
    /// An amount in minor units.
    pub const fn new(currency: Currency, minor: i64) -> Self {
        Self { currency, minor }
    }

    /// The amount in the currency's major unit, digit for digit: `125.50`, `-0.05`, `1200` (yen).
    pub fn decimal(self) -> String {
        decimal(self.minor, self.currency.exponent())
    }
}

impl std::fmt::Display for Money {
    /// `125.50 USD`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency)
    }
}

/// Written as a JSON number with all digits of its currency, never through a float.
impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.decimal())
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}
