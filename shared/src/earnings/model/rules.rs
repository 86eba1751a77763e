//! What the platform keeps, what is reserved and when the rest matures: rows with a date, and the one that counts.

use chrono::{DateTime, Days, Months, NaiveDate, Utc};

use super::{EarningSource, Parts};
use crate::kernel::money::Rate;

/// Stands for everything that has no row of its own.
const ANY: &str = "*";

/// What the platform keeps of a source's earnings from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::earnings) struct FeeRule {
    pub(in crate::earnings) source: String,
    pub(in crate::earnings) from: NaiveDate,
    pub(in crate::earnings) rate: Rate,
}

/// What is reserved from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::earnings) struct ReserveRule {
    pub(in crate::earnings) from: NaiveDate,
    pub(in crate::earnings) rate: Rate,
    pub(in crate::earnings) days: u64,
}

/// When earnings of a country's creators mature from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::earnings) struct MaturityRule {
    pub(in crate::earnings) country: String,
    pub(in crate::earnings) from: NaiveDate,
    pub(in crate::earnings) days: u64,
    /// Days while the creator is new, and for how many months they are.
    pub(in crate::earnings) new: Option<(u64, u32)>,
}

/// All rules, of all times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub(in crate::earnings) fees: Vec<FeeRule>,
    pub(in crate::earnings) reserves: Vec<ReserveRule>,
    pub(in crate::earnings) maturities: Vec<MaturityRule>,
}

/// What the rules make of an earning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Its parts.
    pub parts: Parts,
    /// When what is not reserved becomes available.
    pub matures_on: NaiveDate,
    /// When the reserve does.
    pub reserve_until: NaiveDate,
}

/// The latest of those rules that have begun on `day`, one of its own before one for all.
fn in_force<'a, T>(
    rules: &'a [T],
    day: NaiveDate,
    name: &str,
    key: impl Fn(&T) -> (&str, NaiveDate),
) -> Option<&'a T> {
    let latest = |wanted: &str| {
        let begun = rules.iter().filter(|rule| {
            let (of, from) = key(rule);
            of == wanted && from <= day
        });
        begun.max_by_key(|rule| key(rule).1)
    };
    latest(name).or_else(|| latest(ANY))
}

impl Rules {
    /// What becomes of a gross amount; none if no rule is in force for it. The fee is that of the day on which the fan paid,
    /// and nothing matures before the day after it was recorded.
    pub fn terms(
        &self,
        source: EarningSource,
        gross: i64,
        occurred_at: DateTime<Utc>,
        earner: (Option<&str>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Option<Terms> {
        let (country, joined) = earner;
        let day = occurred_at.date_naive();
        let fee = in_force(&self.fees, day, source.as_str(), |rule| {
            (rule.source.as_str(), rule.from)
        })?;
        let reserve = in_force(&self.reserves, day, ANY, |rule| (ANY, rule.from))?;
        let maturity = in_force(&self.maturities, day, country.unwrap_or(ANY), |rule| {
            (rule.country.as_str(), rule.from)
        })?;
        let days = match maturity.new {
            Some((days, months)) if occurred_at < joined + Months::new(months) => days,
            Some(_) | None => maturity.days,
        };
        let tomorrow = now.date_naive() + Days::new(1);
        let (kept, share) = fee.rate.split(gross);
        Some(Terms {
            parts: Parts {
                gross,
                fee: kept,
                reserve: reserve.rate.of(gross).min(share),
            },
            matures_on: (day + Days::new(days)).max(tomorrow),
            reserve_until: (day + Days::new(reserve.days)).max(tomorrow),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn rate(bps: i32) -> Rate {
        Rate::try_from(bps).expect("a rate")
    }

    fn rules() -> Rules {
        let fee = |source: &str, from, bps| FeeRule {
            source: source.to_owned(),
            from: day(from),
            rate: rate(bps),
        };
        let maturity = |country: &str, from, days, new| MaturityRule {
            country: country.to_owned(),
            from: day(from),
            days,
            new,
        };
        Rules {
            fees: vec![
                fee("*", "2020-01-01", 2_000),
                fee("*", "2026-06-01", 1_500),
                fee("bonus", "2020-01-01", 0),
            ],
            reserves: vec![ReserveRule {
                from: day("2020-01-01"),
                rate: rate(500),
                days: 90,
            }],
            maturities: vec![
                maturity("*", "2020-01-01", 7, None),
                maturity("BR", "2020-01-01", 7, Some((21, 4))),
            ],
        }
    }

    fn terms(source: EarningSource, gross: i64, when: &str, country: Option<&str>) -> Terms {
        let joined = at("2026-01-01T00:00:00Z");
        rules()
            .terms(source, gross, at(when), (country, joined), at(when))
            .expect("rules")
    }

    #[test]
    fn the_rule_of_the_day_on_which_the_fan_paid_counts() {
        let before = terms(EarningSource::Tip, 12_550, "2026-05-31T23:59:59Z", None);
        assert_eq!((before.parts.fee, before.parts.reserve), (2_510, 628));
        let after = terms(EarningSource::Tip, 12_550, "2026-06-01T00:00:00Z", None);
        assert_eq!(after.parts.fee, 1_883, "1882.5 is rounded up");
        assert_eq!(
            terms(EarningSource::Bonus, 100, "2026-06-01T00:00:00Z", None)
                .parts
                .fee,
            0
        );
    }

    #[test]
    fn a_new_creator_of_some_countries_waits_longer() {
        let on = |when, country| terms(EarningSource::Tip, 100, when, country).matures_on;
        assert_eq!(on("2026-03-01T10:00:00Z", Some("BR")), day("2026-03-22"));
        assert_eq!(on("2026-05-01T10:00:00Z", Some("BR")), day("2026-05-08"));
        assert_eq!(on("2026-03-01T10:00:00Z", Some("DE")), day("2026-03-08"));
        assert_eq!(on("2026-03-01T10:00:00Z", None), day("2026-03-08"));
    }

    #[test]
    fn nothing_matures_before_tomorrow_and_no_more_is_reserved_than_there_is() {
        let late = rules()
            .terms(
                EarningSource::Tip,
                100,
                at("2026-01-01T00:00:00Z"),
                (None, at("2026-01-01T00:00:00Z")),
                at("2026-02-20T12:00:00Z"),
            )
            .expect("rules");
        assert_eq!(late.matures_on, day("2026-02-21"));
        let mut all = rules();
        all.fees[0].rate = rate(10_000);
        let none = all
            .terms(
                EarningSource::Tip,
                100,
                at("2026-01-01T00:00:00Z"),
                (None, at("2026-01-01T00:00:00Z")),
                at("2026-01-01T12:00:00Z"),
            )
            .expect("rules");
        assert_eq!(
            (none.parts.fee, none.parts.reserve, none.parts.maturing()),
            (100, 0, 0)
        );
    }

    #[test]
    fn without_a_rule_there_are_no_terms() {
        let when = at("2019-01-01T00:00:00Z");
        assert_eq!(
            rules().terms(EarningSource::Tip, 1, when, (None, when), when),
            None
        );
    }
}
