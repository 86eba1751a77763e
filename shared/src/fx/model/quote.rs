//! The rules of converting, and what is offered by them.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::{Cross, Rate, RateSource, convert};
use crate::fx::FxError;
use crate::kernel::money::Money;
use crate::kernel::typed_id;

/// Hundredths of a percent in one.
const BPS_WHOLE: i128 = 10_000;

typed_id!(
    /// Names one offer to convert.
    QuoteId,
    "quote"
);

/// The rules of converting that are in force from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxPolicy {
    /// From this day.
    pub effective_from: NaiveDate,
    /// Hundredths of a percent that are kept.
    pub spread_bps: i32,
    /// A rate that many days older than the day asked for still counts.
    pub max_age_days: i32,
    /// How long an offer holds.
    pub quote_seconds: i32,
    /// Where the rules come from.
    pub source: String,
}

impl FxPolicy {
    /// The oldest day whose rate counts on `day`.
    pub fn oldest(&self, day: NaiveDate) -> NaiveDate {
        day.checked_sub_signed(Duration::days(self.max_age_days.into()))
            .unwrap_or(NaiveDate::MIN)
    }
}

/// An offer to convert an amount. `mid` is what the rate gives; `spread` is kept of it and booked as its own part; `to` is
/// what is left: `to + spread == mid`, to the minor unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Which.
    pub id: QuoteId,
    /// What is converted.
    pub from: Money,
    /// What becomes of it.
    pub to: Money,
    /// What the rate alone gives.
    pub mid: Money,
    /// What is kept, in the currency of `to`.
    pub spread: Money,
    /// Units of the one currency for one of the other.
    pub rate: Decimal,
    /// Hundredths of a percent that are kept.
    pub spread_bps: i32,
    /// What the rate was made of: one rate, or two when neither currency is the euro.
    pub used: Vec<Used>,
    /// The day of the oldest of them.
    pub rate_day: NaiveDate,
    /// When the offer was made.
    pub quoted_at: DateTime<Utc>,
    /// Until when it holds.
    pub expires_at: DateTime<Utc>,
    /// For what it was used, and when.
    pub locked: Option<(String, DateTime<Utc>)>,
}

/// A rate that a quote was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Used {
    /// Its row.
    pub id: i64,
    /// Of which currency, per euro.
    pub currency: String,
    /// Of which day.
    pub day: NaiveDate,
    /// Whose.
    pub source: RateSource,
    /// The number.
    pub per_eur: Decimal,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
}

impl From<&Rate> for Used {
    fn from(rate: &Rate) -> Self {
        Self {
            id: rate.id,
            currency: rate.currency.to_string(),
            day: rate.day,
            source: rate.source,
            per_eur: rate.per_eur,
            recorded_at: rate.recorded_at,
        }
    }
}

impl Quote {
    /// An offer at `now`. The spread is rounded up, the amount down: what cannot be split stays with us.
    ///
    /// # Errors
    /// If nothing would be left, or it is more than an amount can be.
    pub(crate) fn offer(
        id: QuoteId,
        from: Money,
        cross: &Cross,
        policy: &FxPolicy,
        now: DateTime<Utc>,
    ) -> Result<Self, FxError> {
        let mid = convert(from, cross)?;
        let kept =
            (i128::from(mid.minor) * i128::from(policy.spread_bps) + BPS_WHOLE - 1) / BPS_WHOLE;
        let kept = i64::try_from(kept).map_err(|_| FxError::OutOfRange)?;
        if kept >= mid.minor {
            return Err(FxError::TooSmall);
        }
        let rates = [&cross.from_rate, &cross.to_rate];
        Ok(Self {
            id,
            from,
            to: Money::new(cross.to, mid.minor - kept),
            mid,
            spread: Money::new(cross.to, kept),
            rate: cross.rate,
            spread_bps: policy.spread_bps,
            used: rates.into_iter().flatten().map(Used::from).collect(),
            rate_day: cross.day,
            quoted_at: now,
            expires_at: now + Duration::seconds(policy.quote_seconds.into()),
            locked: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rate::parse_per_eur;
    use super::*;
    use crate::kernel::money::Currency;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    fn rate(code: &str, per_eur: &str, day: u32) -> Option<Rate> {
        (code != "EUR").then(|| Rate {
            id: 1,
            day: NaiveDate::from_ymd_opt(2026, 3, day).expect("a day"),
            currency: code.parse().expect("a code"),
            source: RateSource::Ecb,
            per_eur: parse_per_eur(per_eur).expect("a rate"),
            reason: None,
            recorded_by: "system".into(),
            recorded_at: DateTime::UNIX_EPOCH,
        })
    }

    fn cross(from: (&str, &str), to: (&str, &str)) -> Cross {
        let rates = (rate(from.0, from.1, 2), rate(to.0, to.1, 4));
        Cross::of(currency(from.0), currency(to.0), rates.0, rates.1).expect("a cross rate")
    }

    fn policy(spread_bps: i32) -> FxPolicy {
        FxPolicy {
            effective_from: NaiveDate::MIN,
            spread_bps,
            max_age_days: 7,
            quote_seconds: 900,
            source: "test".into(),
        }
    }

    fn offer(from: Money, cross: &Cross, bps: i32) -> Result<Quote, FxError> {
        Quote::offer(
            QuoteId::new(),
            from,
            cross,
            &policy(bps),
            DateTime::UNIX_EPOCH,
        )
    }

    #[test]
    fn a_worked_example_with_a_spread_as_its_own_part() {
        // 2450.00 USD at 1.0921 USD for a euro, one percent kept
        let usd_eur = cross(("USD", "1.0921"), ("EUR", "1"));
        assert_eq!(usd_eur.rate.to_string(), "0.915667063456");
        let quote = offer(Money::new(currency("USD"), 245_000), &usd_eur, 100).expect("an offer");
        let minor = [quote.mid, quote.spread, quote.to].map(|money| money.minor);
        // 2450 x 0.915667063456 = 2243.384…; one percent of it is 22.4338, rounded up
        assert_eq!(minor, [224_338, 2_244, 222_094]);
        assert_eq!(quote.expires_at - quote.quoted_at, Duration::minutes(15));
    }

    #[test]
    fn decimal_places_are_those_of_the_currencies() {
        let usd_jpy = cross(("USD", "1.1"), ("JPY", "165"));
        let yen = convert(Money::new(currency("USD"), 1_001), &usd_jpy).expect("an amount");
        assert_eq!((yen.minor, yen.currency), (1_501, currency("JPY")));
        let jpy_kwd = cross(("JPY", "160"), ("KWD", "0.32"));
        let dinar = convert(Money::new(currency("JPY"), 1_000), &jpy_kwd).expect("an amount");
        assert_eq!(dinar.minor, 2_000);
    }

    #[test]
    fn a_cross_rate_is_as_old_as_the_older_of_its_two() {
        let usd_gbp = cross(("USD", "1.1"), ("GBP", "0.86"));
        assert_eq!(
            usd_gbp.day,
            NaiveDate::from_ymd_opt(2026, 3, 2).expect("a day")
        );
        assert_eq!(usd_gbp.rate.to_string(), "0.781818181818");
    }

    #[test]
    fn the_euro_into_itself_is_no_conversion() {
        let same = Cross::of(currency("EUR"), currency("EUR"), None, None);
        assert!(matches!(same, Err(FxError::SameCurrency)), "{same:?}");
    }

    #[test]
    fn what_leaves_nothing_is_refused() {
        let idr_kwd = cross(("IDR", "17000"), ("KWD", "0.33"));
        let one = offer(Money::new(currency("IDR"), 1), &idr_kwd, 0);
        assert!(matches!(one, Err(FxError::TooSmall)), "{one:?}");
        let all_spread = offer(
            Money::new(currency("EUR"), 1),
            &cross(("EUR", "1"), ("USD", "1.1")),
            1,
        );
        assert!(
            matches!(all_spread, Err(FxError::TooSmall)),
            "{all_spread:?}"
        );
    }

    #[test]
    fn what_is_too_much_is_refused_and_nothing_overflows() {
        let kwd_idr = cross(("KWD", "0.3"), ("IDR", "999999999.99999999"));
        let all = convert(Money::new(currency("KWD"), i64::MAX), &kwd_idr);
        assert!(matches!(all, Err(FxError::OutOfRange)), "{all:?}");
    }

    proptest! {
        #[test]
        fn the_parts_add_up_and_nobody_gains_by_going_there_and_back(
            minor in 1_i64..=1_000_000_000_000, from in 1_u64..10_000_000_000, to in 1_u64..10_000_000_000, bps in 0..=1000_i32,
        ) {
            // rates from 0.000001 to 10000
            let text = |n: u64| Decimal::new(i64::try_from(n).expect("small"), 6).to_string();
            let there = cross(("USD", &text(from)), ("GBP", &text(to)));
            let Ok(quote) = offer(Money::new(currency("USD"), minor), &there, bps) else { return Ok(()); };
            prop_assert_eq!(quote.to.minor + quote.spread.minor, quote.mid.minor);
            let due = i128::from(quote.mid.minor) * i128::from(bps);
            prop_assert!(i128::from(quote.spread.minor) * 10_000 >= due);
            prop_assert!((i128::from(quote.spread.minor) - 1) * 10_000 < due || bps == 0);
            let back = cross(("GBP", &text(to)), ("USD", &text(from)));
            if let Ok(home) = convert(quote.to, &back) {
                // both rates are rounded to twelve digits, so the gain is less than that of the amount
                prop_assert!(home.minor <= minor + minor / 100_000_000_000 + 1);
            }
        }
    }
}
