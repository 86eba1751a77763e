//! Taking a share of an amount, and splitting it, without losing a minor unit.

use thiserror::Error;

/// All of something, in basis points.
pub const BPS_MAX: u16 = 10_000;

/// A share in basis points (hundredths of a percent), from none to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u16);

/// The number is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be from 0 to {BPS_MAX} basis points")]
pub struct InvalidRate;

impl TryFrom<i32> for Rate {
    type Error = InvalidRate;
    fn try_from(bps: i32) -> Result<Self, InvalidRate> {
        u16::try_from(bps)
            .ok()
            .filter(|bps| *bps <= BPS_MAX)
            .map(Self)
            .ok_or(InvalidRate)
    }
}

impl Rate {
    /// Nothing of it.
    pub const NONE: Self = Self(0);

    /// In basis points.
    pub const fn bps(self) -> u16 {
        self.0
    }

    /// The share of an amount, rounded half up on the magnitude; never more than the amount.
    pub fn of(self, minor: i64) -> i64 {
        part(minor, i64::from(self.0), i64::from(BPS_MAX))
    }

    /// The share and what is left; together they are the amount.
    pub fn split(self, minor: i64) -> (i64, i64) {
        let share = self.of(minor);
        (share, minor - share)
    }
}

/// `minor × numerator ÷ denominator`, rounded half up on the magnitude; zero of a zero denominator.
///
/// For a numerator from zero to the denominator the result lies between zero and `minor`.
pub fn part(minor: i64, numerator: i64, denominator: i64) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let product = i128::from(minor) * i128::from(numerator);
    let over = i128::from(denominator).abs();
    let magnitude = (product.abs() * 2 + over) / (over * 2);
    let negative = (product < 0) != (denominator < 0);
    let rounded = if negative { -magnitude } else { magnitude };
    // beyond an i64 only where the numerator exceeds the denominator
    i64::try_from(rounded).unwrap_or(if negative { i64::MIN } else { i64::MAX })
}

/// Splits an amount by weights: each part is within one minor unit of its exact share, and all together are the amount.
/// What whole units leave over goes to the parts with the largest remainders, the first of equal ones. Without any
/// weight the first part takes all.
pub fn split(minor: i64, weights: &[u32]) -> Vec<i64> {
    let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if total == 0 {
        let mut parts = vec![0; weights.len()];
        if let Some(first) = parts.first_mut() {
            *first = minor;
        }
        return parts;
    }
    let magnitude = i128::from(minor.unsigned_abs());
    let exact = weights.iter().map(|weight| magnitude * i128::from(*weight));
    let mut parts: Vec<(i128, i128)> = exact.map(|share| (share / total, share % total)).collect();
    let given: i128 = parts.iter().map(|(whole, _)| whole).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(parts[*at].1));
    let left = usize::try_from(magnitude - given).unwrap_or(0);
    for at in order.into_iter().take(left) {
        parts[at].0 += 1;
    }
    parts
        .into_iter()
        .map(|(whole, _)| i64::try_from(whole).unwrap_or(i64::MAX) * minor.signum())
        .collect()
}
