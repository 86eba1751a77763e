//! From one currency to another: whole numbers only, and nobody is given what is not there.

use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

use super::Rate;
use crate::fx::FxError;
use crate::kernel::money::{Currency, Money};

/// Digits of a cross rate that count. An amount of 19 digits times a rate of this many, moved by four decimal places,
/// still fits 128 bits.
const CROSS_DIGITS: u32 = 12;

/// What one unit of a currency is worth in another on a day, and what that was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cross {
    /// The one.
    pub from: Currency,
    /// The other.
    pub to: Currency,
    /// Units of `to` for one unit of `from`, rounded to 12 digits; what is converted is converted by
    /// exactly this number.
    pub rate: Decimal,
    /// The day of the older of the two rates.
    pub day: NaiveDate,
    /// The rate of `from`; none for the euro.
    pub from_rate: Option<Rate>,
    /// The rate of `to`; none for the euro.
    pub to_rate: Option<Rate>,
}

impl Cross {
    /// The cross rate through the euro; at least one of the two rates is given.
    ///
    /// # Errors
    /// If both currencies are the euro, or the number is beyond what can be counted with.
    pub(crate) fn of(
        from: Currency,
        to: Currency,
        from_rate: Option<Rate>,
        to_rate: Option<Rate>,
    ) -> Result<Self, FxError> {
        let days = [&from_rate, &to_rate];
        let day = days.into_iter().flatten().map(|rate| rate.day).min();
        let per_eur = |rate: &Option<Rate>| rate.as_ref().map_or(Decimal::ONE, |rate| rate.per_eur);
        let rate = per_eur(&to_rate)
            .checked_div(per_eur(&from_rate))
            .and_then(|rate| {
                rate.round_sf_with_strategy(CROSS_DIGITS, RoundingStrategy::MidpointNearestEven)
            })
            .filter(|rate| *rate > Decimal::ZERO)
            .ok_or(FxError::OutOfRange)?;
        Ok(Self {
            from,
            to,
            rate: rate.normalize(),
            day: day.ok_or(FxError::SameCurrency)?,
            from_rate,
            to_rate,
        })
    }
}

/// What an amount, also a negative one, is worth in another currency at a rate, for reporting: rounded half up on the
/// magnitude. `rate` is units of `to` for one unit of the amount's currency.
///
/// # Errors
/// If it is more than an amount can be.
pub fn worth(amount: Money, to: Currency, rate: Decimal) -> Result<Money, FxError> {
    let scale = rate.scale() + amount.currency.exponent();
    let product = i128::from(amount.minor)
        .checked_mul(rate.mantissa())
        .and_then(|product| product.checked_mul(10_i128.checked_pow(to.exponent())?))
        .ok_or(FxError::OutOfRange)?;
    // a scale so large that its power does not fit leaves nothing of any product
    let magnitude = 10_u128.checked_pow(scale).map_or(0, |unit| {
        let product = product.unsigned_abs();
        product / unit + u128::from(product % unit >= unit.div_ceil(2))
    });
    let magnitude = i64::try_from(magnitude).map_err(|_| FxError::OutOfRange)?;
    let minor = if product < 0 { -magnitude } else { magnitude };
    Ok(Money::new(to, minor))
}

/// An amount at a rate, in minor units of the other currency, rounded down: what is left of a minor unit stays with us.
///
/// # Errors
/// If the result is more than an amount can be, or nothing.
pub fn convert(amount: Money, cross: &Cross) -> Result<Money, FxError> {
    let (from, to) = (cross.from.exponent(), cross.to.exponent());
    let scale = cross.rate.scale() + from;
    let product = i128::from(amount.minor)
        .checked_mul(cross.rate.mantissa())
        .and_then(|product| product.checked_mul(10_i128.checked_pow(to)?))
        .ok_or(FxError::OutOfRange)?;
    // a scale so large that its power does not fit leaves nothing of any product
    let minor = 10_i128.checked_pow(scale).map_or(0, |unit| product / unit);
    let minor = i64::try_from(minor).map_err(|_| FxError::OutOfRange)?;
    if minor <= 0 {
        return Err(FxError::TooSmall);
    }
    Ok(Money::new(cross.to, minor))
}
