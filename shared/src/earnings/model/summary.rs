//! What a creator earned altogether.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};

use super::{ConvertedSum, EarningSource, WaitReason, Waiting};
use crate::fx::{self, Cross};
use crate::kernel::money::{Currency, Money, part};
use crate::kernel::words;
use crate::ledger::{Account, AccountCode, Balance};

words!(
    /// The keys of the breakdown, as the specification writes them.
    BreakdownKey {
        /// Subscriptions.
        Subscriptions => "subscriptions",
        /// Tips.
        Tips => "tips",
        /// Content made to order.
        CustomContent => "customContent",
        /// Live streams.
        LiveStreams => "liveStreams",
        /// Video calls.
        VideoCalls => "videoCalls",
        /// Messages.
        Messaging => "messaging",
        /// Somebody who came through them.
        Affiliate => "affiliate",
        /// Goods.
        Merchandise => "merchandise",
        /// All the rest.
        Other => "other",
    }
);

impl From<EarningSource> for BreakdownKey {
    fn from(source: EarningSource) -> Self {
        match source {
            EarningSource::Subscription => Self::Subscriptions,
            EarningSource::Tip => Self::Tips,
            EarningSource::CustomContent => Self::CustomContent,
            EarningSource::LiveStream => Self::LiveStreams,
            EarningSource::VideoCall => Self::VideoCalls,
            EarningSource::Message => Self::Messaging,
            EarningSource::Affiliate => Self::Affiliate,
            EarningSource::Merchandise => Self::Merchandise,
            EarningSource::Bonus => Self::Other,
        }
    }
}

/// The creator's share of a month's earnings from one source, after what was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::earnings) struct MonthSum {
    pub(in crate::earnings) month: NaiveDate,
    pub(in crate::earnings) currency: Currency,
    pub(in crate::earnings) source: EarningSource,
    pub(in crate::earnings) share_minor: i64,
}

/// What a creator earned in one currency, in its minor units. Earned is the creator's share: what fans paid less what
/// the platform keeps, and less what was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencySummary {
    /// Which.
    pub currency: Currency,
    /// Ever.
    pub total: i64,
    /// In this month so far, in UTC.
    pub current_month: i64,
    /// In the month before.
    pub previous_month: i64,
    /// The total by the months for which the account is open.
    pub monthly_average: i64,
    /// The total by what was paid for; every key is there, and all together are the total.
    pub breakdown: BTreeMap<BreakdownKey, i64>,
    /// Earned and not available yet.
    pub pending: i64,
    /// Can be paid out; negative is what the creator owes.
    pub available: i64,
    /// Kept back for a time.
    pub reserved: i64,
    /// Held for payouts that are under way.
    pub in_payout: i64,
    /// Paid out, ever.
    pub paid: i64,
}

/// What a creator earned and has, in the reporting currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// Which that is.
    pub currency: Currency,
    /// The same as of one currency; none if a rate is missing. What was earned is converted by the rates of the days, what
    /// there is by today's.
    pub summary: Option<CurrencySummary>,
    /// Currencies of which a rate is missing.
    pub without_rate: Vec<Currency>,
    /// Earnings that are not converted yet, which the figures leave out.
    pub waiting: Vec<Waiting>,
}

/// What is known for converting a creator's figures into the reporting currency.
#[derive(Debug, Clone)]
pub(in crate::earnings) struct Conversion {
    pub(in crate::earnings) reporting: Currency,
    /// What was converted.
    pub(in crate::earnings) sums: Vec<ConvertedSum>,
    /// What was not.
    pub(in crate::earnings) waiting: Vec<Waiting>,
    /// Today's rates into the reporting currency, as far as they are known.
    pub(in crate::earnings) today: HashMap<Currency, Cross>,
}

/// What a creator earned and has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The currency that the creator earns in.
    pub currency: Currency,
    /// Each currency by itself; the creator's is there in any case.
    pub currencies: Vec<CurrencySummary>,
    /// All of them together.
    pub reporting: Reporting,
}

impl Summary {
    pub(in crate::earnings) fn of(
        own: Currency,
        sums: &[MonthSum],
        balances: &[(Account, Balance)],
        conversion: Conversion,
        joined: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let mut all: BTreeMap<Currency, CurrencySummary> = BTreeMap::new();
        all.insert(own, CurrencySummary::empty(own));
        let this_month = first_of(now.date_naive());
        for sum in sums {
            let of = all.entry(sum.currency);
            let of = of.or_insert_with(|| CurrencySummary::empty(sum.currency));
            of.add(sum, this_month);
        }
        for (account, balance) in balances {
            let of = all.entry(account.currency);
            of.or_insert_with(|| CurrencySummary::empty(account.currency))
                .hold(account.code, *balance);
        }
        let open = OpenMonths::between(joined.date_naive(), now.date_naive());
        for of in all.values_mut() {
            of.monthly_average = open.average(of.total);
        }
        let currencies: Vec<CurrencySummary> = all.into_values().collect();
        Self {
            currency: own,
            reporting: Reporting::of(conversion, &currencies, this_month, open),
            currencies,
        }
    }

    /// The figures that the specification asks for, which are in one currency: the creator's own while they have no other,
    /// else the reporting one, if all can be converted.
    pub fn headline(&self) -> (Currency, Option<&CurrencySummary>) {
        match self.currencies.as_slice() {
            [only] => (only.currency, Some(only)),
            _ => (self.reporting.currency, self.reporting.summary.as_ref()),
        }
    }
}

impl Reporting {
    /// What is in the reporting currency already counts as it is, everything else as it was converted; nothing is ever taken
    /// one for one.
    fn of(
        conversion: Conversion,
        all: &[CurrencySummary],
        this_month: NaiveDate,
        open: OpenMonths,
    ) -> Self {
        let currency = conversion.reporting;
        let own = all.iter().find(|of| of.currency == currency).cloned();
        let mut summary = own.unwrap_or_else(|| CurrencySummary::empty(currency));
        for sum in &conversion.sums {
            let sum = MonthSum {
                month: sum.month,
                currency,
                source: sum.source,
                share_minor: sum.converted_minor,
            };
            summary.add(&sum, this_month);
        }
        summary.monthly_average = open.average(summary.total);
        let mut without_rate: BTreeSet<Currency> = conversion.without_rate().collect();
        for of in all.iter().filter(|of| of.currency != currency) {
            let worth = conversion.today_worth(of);
            if !conversion.is_whole(of) || !worth.is_some_and(|worth| summary.take_in(&worth)) {
                without_rate.insert(of.currency);
            }
        }
        Self {
            currency,
            summary: without_rate.is_empty().then_some(summary),
            without_rate: without_rate.into_iter().collect(),
            waiting: conversion.waiting,
        }
    }
}

/// What is on accounts: pending, available, reserved, in payouts, paid.
type Funds = [i64; 5];

impl Conversion {
    /// Currencies of earnings that wait and whose rate is missing.
    fn without_rate(&self) -> impl Iterator<Item = Currency> + '_ {
        let waiting = self.waiting.iter();
        waiting
            .filter(|of| of.why == WaitReason::NoRate)
            .map(|of| of.amount.currency)
    }

    /// Whether all that was earned in a currency is either converted or waits: what was converted into a currency that was
    /// the reporting one once is neither.
    fn is_whole(&self, of: &CurrencySummary) -> bool {
        let converted = self.sums.iter().map(|sum| sum.share);
        let waiting = self.waiting.iter().map(|waits| waits.amount);
        let known = converted.chain(waiting);
        let known = known.filter(|share| share.currency == of.currency);
        known.map(|share| share.minor).sum::<i64>() == of.total
    }

    /// What is on a currency's accounts by today's rate; none without one. Nothing is nothing at any rate.
    fn today_worth(&self, of: &CurrencySummary) -> Option<Funds> {
        let mut funds = of.funds();
        for minor in funds.iter_mut().filter(|minor| **minor != 0) {
            let rate = self.today.get(&of.currency)?.rate;
            let amount = Money::new(of.currency, *minor);
            *minor = fx::worth(amount, self.reporting, rate).ok()?.minor;
        }
        Some(funds)
    }
}

impl CurrencySummary {
    fn empty(currency: Currency) -> Self {
        Self {
            currency,
            total: 0,
            current_month: 0,
            previous_month: 0,
            monthly_average: 0,
            breakdown: BreakdownKey::ALL.iter().map(|key| (*key, 0)).collect(),
            pending: 0,
            available: 0,
            reserved: 0,
            in_payout: 0,
            paid: 0,
        }
    }

    fn funds(&self) -> Funds {
        [
            self.pending,
            self.available,
            self.reserved,
            self.in_payout,
            self.paid,
        ]
    }

    /// Adds what is on accounts of another currency; whether that can still be counted.
    fn take_in(&mut self, worth: &Funds) -> bool {
        let own = [
            &mut self.pending,
            &mut self.available,
            &mut self.reserved,
            &mut self.in_payout,
            &mut self.paid,
        ];
        own.into_iter().zip(worth).all(|(own, more)| {
            let sum = own.checked_add(*more);
            *own = sum.unwrap_or(*own);
            sum.is_some()
        })
    }

    fn add(&mut self, sum: &MonthSum, this_month: NaiveDate) {
        self.total += sum.share_minor;
        *self.breakdown.entry(sum.source.into()).or_default() += sum.share_minor;
        if sum.month == this_month {
            self.current_month += sum.share_minor;
        } else if sum.month + Months::new(1) == this_month {
            self.previous_month += sum.share_minor;
        }
    }

    fn hold(&mut self, code: AccountCode, balance: Balance) {
        match code {
            AccountCode::CreatorPending => self.pending += balance.posted(),
            AccountCode::CreatorReserved => self.reserved += balance.posted(),
            AccountCode::CreatorAvailable => {
                self.available += balance.available();
                self.in_payout += balance.debits_pending;
            }
            AccountCode::CreatorPaid => self.paid += balance.posted(),
            AccountCode::FanReceipts
            | AccountCode::PlatformFee
            | AccountCode::Bonuses
            | AccountCode::PayoutClearing
            | AccountCode::PayoutsSettled
            | AccountCode::PayoutFee
            | AccountCode::FxLiquidity
            | AccountCode::FxSpread
            | AccountCode::TaxWithheld
            | AccountCode::Recoupment => {}
        }
    }
}

/// The months for which an account is open: of the first one the part that was left of it, counted in days with the day of
/// joining, and each later one whole, the present one too. Who joined on the 16th of a month of 30 days and looks in the
/// month after has 1.5 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenMonths {
    /// Days of the first month.
    days: i64,
    /// What is open, in parts of as many days as the first month has.
    open: i64,
}

impl OpenMonths {
    fn between(joined: NaiveDate, today: NaiveDate) -> Self {
        let first = first_of(joined);
        let days = (first + Months::new(1) - first).num_days();
        let left = days - i64::from(joined.day0());
        let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
        let later = (months(today) - months(joined)).max(0);
        Self {
            days,
            open: left + later * days,
        }
    }

    fn average(self, total: i64) -> i64 {
        part(total, self.days, self.open)
    }
}

fn first_of(day: NaiveDate) -> NaiveDate {
    day - Days::new(u64::from(day.day0()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creators::CreatorId;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn nothing_converted() -> Conversion {
        Conversion {
            reporting: Currency::USD,
            sums: Vec::new(),
            waiting: Vec::new(),
            today: HashMap::new(),
        }
    }

    fn sum(month: &str, currency: Currency, source: EarningSource, share_minor: i64) -> MonthSum {
        MonthSum {
            month: month.parse().expect("a date"),
            currency,
            source,
            share_minor,
        }
    }

    #[test]
    fn the_first_month_counts_by_the_days_that_were_left_of_it() {
        let open = |joined: &str, today: &str| {
            let day = |text: &str| text.parse().expect("a date");
            OpenMonths::between(day(joined), day(today))
        };
        assert_eq!(
            open("2026-06-16", "2026-07-01"),
            OpenMonths { days: 30, open: 45 }
        );
        assert_eq!(open("2026-06-16", "2026-07-01").average(150), 100);
        assert_eq!(open("2026-06-30", "2026-06-30").average(100), 3_000);
        assert_eq!(
            open("2026-01-01", "2026-12-31").average(4_525_075),
            377_090,
            "by twelve, half up"
        );
        // a clock that was set back is no reason to fall over
        assert_eq!(open("2026-06-01", "2026-05-01").average(100), 100);
    }

    #[test]
    fn the_breakdown_makes_up_the_total_and_the_months_are_told_apart() {
        let sums = [
            sum("2026-11-01", Currency::USD, EarningSource::Tip, 500),
            sum("2026-11-01", Currency::USD, EarningSource::Bonus, 70),
            sum(
                "2026-10-01",
                Currency::USD,
                EarningSource::Subscription,
                300,
            ),
            sum("2026-10-01", Currency::USD, EarningSource::Tip, -40),
            sum("2025-11-01", Currency::USD, EarningSource::Message, 11),
        ];
        let now = at("2026-11-30T23:59:59Z");
        let summary = Summary::of(
            Currency::USD,
            &sums,
            &[],
            nothing_converted(),
            at("2025-11-01T00:00:00Z"),
            now,
        );
        let (_, usd) = summary.headline();
        let usd = usd.expect("one currency");
        assert_eq!(
            (usd.total, usd.current_month, usd.previous_month),
            (841, 570, 260)
        );
        assert_eq!(usd.breakdown.values().sum::<i64>(), usd.total);
        assert_eq!(usd.breakdown[&BreakdownKey::Tips], 460);
        assert_eq!(usd.breakdown[&BreakdownKey::Other], 70);
        assert_eq!(usd.monthly_average, 65, "841 by 13 is 64.7");
    }

    #[test]
    fn another_currency_is_never_taken_for_the_reporting_one() {
        let sums = [
            sum("2026-11-01", Currency::USD, EarningSource::Tip, 500),
            sum("2026-11-01", Currency::JPY, EarningSource::Tip, 900),
        ];
        let now = at("2026-11-30T00:00:00Z");
        let of =
            |sums: &[MonthSum], own| Summary::of(own, sums, &[], nothing_converted(), now, now);
        let both = of(&sums, Currency::USD);
        assert_eq!(both.headline(), (Currency::USD, None));
        assert_eq!(both.reporting.without_rate, [Currency::JPY]);
        let yen = of(&sums[1..], Currency::JPY);
        assert_eq!(yen.headline().0, Currency::JPY);
        assert_eq!(yen.headline().1.map(|of| of.total), Some(900));
        assert_eq!(yen.reporting.summary, None);
        let dollars = of(&sums[..1], Currency::USD);
        assert_eq!(
            dollars.reporting.summary.as_ref().map(|of| of.total),
            Some(500)
        );
    }

    fn yen_rate() -> Cross {
        Cross {
            from: Currency::JPY,
            to: Currency::USD,
            rate: "0.0065".parse().expect("a rate"),
            day: "2026-11-20".parse().expect("a day"),
            from_rate: None,
            to_rate: None,
        }
    }

    #[test]
    fn what_was_converted_counts_by_its_days_and_what_there_is_by_todays_rate() {
        let ada = CreatorId::new();
        let now = at("2026-11-30T00:00:00Z");
        let sums = [
            sum("2026-11-01", Currency::USD, EarningSource::Tip, 500),
            sum("2026-11-01", Currency::JPY, EarningSource::Tip, 900),
        ];
        let pending = Account::creator(ada, AccountCode::CreatorPending, Currency::JPY);
        let balance = Balance {
            credits_posted: 1_000,
            ..Balance::default()
        };
        let yen = |minor| Money::new(Currency::JPY, minor);
        let of = |conversion| {
            let balances = [(pending, balance)];
            Summary::of(Currency::USD, &sums, &balances, conversion, now, now).reporting
        };
        let converted = ConvertedSum {
            month: "2026-11-01".parse().expect("a date"),
            source: EarningSource::Tip,
            share: yen(700),
            converted_minor: 480,
        };
        let waits = |why| Waiting {
            amount: yen(200),
            first_day: "2026-11-30".parse().expect("a day"),
            why,
        };
        let known = |why| Conversion {
            sums: vec![converted],
            waiting: vec![waits(why)],
            today: HashMap::from([(Currency::JPY, yen_rate())]),
            ..nothing_converted()
        };
        let whole = of(known(WaitReason::DayUnderWay));
        assert_eq!(whole.waiting, [waits(WaitReason::DayUnderWay)]);
        let figures = whole.summary.expect("all rates are known");
        assert_eq!(figures.total, 980);
        assert_eq!(figures.breakdown.values().sum::<i64>(), figures.total);
        assert_eq!(figures.pending, 650, "1,000 yen are 6.50 dollars today");

        let missing = of(known(WaitReason::NoRate));
        assert_eq!(
            (missing.summary, missing.without_rate),
            (None, vec![Currency::JPY])
        );
        let no_rate_today = of(Conversion {
            today: HashMap::new(),
            ..known(WaitReason::NextRun)
        });
        assert_eq!(no_rate_today.summary, None);
        let not_all = of(Conversion {
            waiting: Vec::new(),
            ..known(WaitReason::NextRun)
        });
        assert_eq!(not_all.without_rate, [Currency::JPY], "200 yen are nowhere");
    }

    #[test]
    fn balances_say_what_is_pending_available_held_and_paid() {
        let ada = CreatorId::new();
        let account = |code| Account::creator(ada, code, Currency::USD);
        let credit = |credits_posted| Balance {
            credits_posted,
            ..Balance::default()
        };
        let available = Balance {
            credits_posted: 100,
            debits_posted: 30,
            debits_pending: 20,
            credits_pending: 0,
        };
        let balances = [
            (account(AccountCode::CreatorPending), credit(7)),
            (account(AccountCode::CreatorReserved), credit(5)),
            (account(AccountCode::CreatorAvailable), available),
            (account(AccountCode::CreatorPaid), credit(30)),
        ];
        let now = at("2026-11-30T00:00:00Z");
        let summary = Summary::of(Currency::USD, &[], &balances, nothing_converted(), now, now);
        let usd = &summary.currencies[0];
        assert_eq!(
            (
                usd.pending,
                usd.reserved,
                usd.available,
                usd.in_payout,
                usd.paid
            ),
            (7, 5, 50, 20, 30)
        );
    }
}
