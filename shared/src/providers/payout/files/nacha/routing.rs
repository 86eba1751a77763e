//! Routing numbers of the American Bankers Association.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Weights of the nine digits; their weighted sum is a multiple of ten.
const WEIGHTS: [u32; 9] = [3, 7, 1, 3, 7, 1, 3, 7, 1];

/// A bank in the United States: nine digits, the last of which checks the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoutingNumber(String);

/// The text is no routing number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is no routing number: it has nine digits, the last of which checks the others")]
pub struct InvalidRouting;

impl FromStr for RoutingNumber {
    type Err = InvalidRouting;
    fn from_str(text: &str) -> Result<Self, InvalidRouting> {
        let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(10)).collect();
        let digits =
            digits.filter(|digits| digits.len() == WEIGHTS.len() && text.len() == WEIGHTS.len());
        let digits = digits.ok_or(InvalidRouting)?;
        let sum: u32 = digits
            .iter()
            .zip(WEIGHTS)
            .map(|(digit, weight)| digit * weight)
            .sum();
        let is_right = sum.is_multiple_of(10) && digits.iter().any(|digit| *digit > 0);
        is_right
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidRouting)
    }
}

impl RoutingNumber {
    /// All nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight.
    pub(super) fn bank(&self) -> &str {
        &self.0[..8]
    }

    /// The last one.
    pub(super) fn check_digit(&self) -> &str {
        &self.0[8..]
    }

    /// The first eight as a number, as they count in the entry hash.
    pub(super) fn hash(&self) -> u64 {
        self.bank()
            .bytes()
            .fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))
    }
}

impl fmt::Display for RoutingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_digit_checks_the_others() {
        for text in ["021000021", "011401533", "091000019"] {
            assert!(text.parse::<RoutingNumber>().is_ok(), "{text}");
        }
        for text in [
            "021000022",
            "021000012",
            "02100002",
            "0210000210",
            "",
            "02100002x",
            "000000000",
            "٠٢١٠٠٠٠٢١",
        ] {
            assert_eq!(text.parse::<RoutingNumber>(), Err(InvalidRouting), "{text}");
        }
    }
}
