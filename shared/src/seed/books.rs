//! Earnings one by one and what the ledger has of them, as the product would have left them: what fans paid on a day makes up
//! what the creator earned on it, refunds take back what was earned last, and what has matured is available.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use uuid::Uuid;

use super::calendar::{Calendar, DAY, DAYS, Moment};
use super::dice::{About as Chance, Dice};
use super::earnings::Earned;
use super::life::Life;
use super::person::id_at;
use super::rows::{Sheets, Table};
use crate::creators::{CreatorId, CreatorStatus};
use crate::earnings::{
    About, Due, DueKind, EarningId, EarningSource, Parts, ReversalKind, Rules, Terms,
};
use crate::kernel::money::{Currency, split};
use crate::ledger::TransferId;

/// Fans who pay on one day at the most; half as many do on average.
const FANS_A_DAY: i64 = 13;
/// What a payment is of at the least, in minor units, if the day has enough.
const PAYMENT_MIN_MINOR: i64 = 100;
/// Fans of a creator.
const FANS: u32 = 5_000;
/// What is paid for: the places up to each, of a hundred.
const SOURCES: [(i64, EarningSource); 8] = [
    (45, EarningSource::Subscription),
    (70, EarningSource::Tip),
    (82, EarningSource::Message),
    (90, EarningSource::CustomContent),
    (95, EarningSource::LiveStream),
    (98, EarningSource::VideoCall),
    (99, EarningSource::Merchandise),
    (100, EarningSource::Affiliate),
];
/// Of a thousand times that something is taken back, how often a fan's bank does it.
const CHARGEBACKS: u32 = 250;
/// When the job makes available what has matured, in seconds of the day.
const RELEASED_AT: Moment = 300;
/// Seconds of a day, and of an hour.
const SECONDS: u32 = 86_400;
const HOUR_SECONDS: u32 = 3_600;
/// Steps of looking for the gross amount of a share at the most.
const STEPS_MAX: u32 = 400;
/// Who reported everything.
const REPORTED_BY: &str = "service:platform";

/// Whose books they are, and what they follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) n: u32,
    pub(super) id: Uuid,
    pub(super) country: &'static str,
    pub(super) joined: Moment,
    pub(super) life: &'a Life,
}

/// What all books have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct House<'a> {
    pub(super) seed: u64,
    pub(super) rules: &'a Rules,
    pub(super) currency: Currency,
    pub(super) calendar: &'a Calendar,
}

/// An earning, and what was taken back of it.
#[derive(Debug)]
struct Entry {
    id: EarningId,
    source: EarningSource,
    at: Moment,
    terms: Terms,
    done: Parts,
    fan: u32,
}

/// Sums of a month and a source: gross, and the creator's share.
type MonthSums = BTreeMap<(NaiveDate, EarningSource), (i64, i64)>;

/// One creator's books.
#[derive(Debug)]
pub(super) struct Books<'a> {
    house: House<'a>,
    owner: Owner<'a>,
    dice: Dice,
    entries: Vec<Entry>,
    dues: BTreeMap<(DueKind, NaiveDate), i64>,
    days: BTreeMap<i64, i64>,
    months: MonthSums,
}

impl<'a> Books<'a> {
    /// Keeps the books of a creator who earned so much on those days, and writes them.
    pub(super) fn keep(house: House<'a>, owner: Owner<'a>, earned: &[Earned], sheets: &mut Sheets) {
        let mut books = Self {
            dice: Dice::of(house.seed, Chance::Books, owner.n),
            house,
            owner,
            entries: Vec::new(),
            dues: BTreeMap::new(),
            days: BTreeMap::new(),
            months: BTreeMap::new(),
        };
        for day in earned {
            if day.minor > 0 {
                books.earn(*day, sheets);
            } else {
                books.take_back(*day, sheets);
            }
        }
        books.release(sheets);
        books.write(sheets);
    }

    /// Parts what was earned on a day into what fans paid.
    fn earn(&mut self, of: Earned, sheets: &mut Sheets) {
        let most = FANS_A_DAY.min(of.minor / PAYMENT_MIN_MINOR).max(1);
        let payments = self.dice.between(1, most);
        let weights: Vec<u32> = (0..payments).map(|_| 20 + self.dice.below(80)).collect();
        for share in split(of.minor, &weights) {
            let source = self.source();
            let at = of.day * DAY + i64::from(self.dice.below(SECONDS));
            let id = self.id(at);
            let fan = self.dice.below(FANS);
            let Some(terms) = self.terms(source, share, at) else {
                // rules that leave the creator nothing of it
                continue;
            };
            let transfer = self.about(source).earned(id, terms.parts, self.when(at));
            sheets.transfers.push(transfer);
            self.note_due(DueKind::Maturity, terms.matures_on, terms.parts.maturing());
            self.note_due(DueKind::Reserve, terms.reserve_until, terms.parts.reserve);
            self.count(of.day, source, &terms.parts, 1);
            self.entries.push(Entry {
                id,
                source,
                at,
                terms,
                done: Parts::default(),
                fan,
            });
        }
    }

    /// Takes back so much of the creator's share as the day says, of what was earned last.
    fn take_back(&mut self, of: Earned, sheets: &mut Sheets) {
        let mut left = -of.minor;
        for place in (0..self.entries.len()).rev() {
            if left == 0 {
                return;
            }
            let entry = &self.entries[place];
            let Some(taken) = take(&entry.terms.parts, &entry.done, left) else {
                continue;
            };
            left -= taken.share();
            self.reverse(place, taken, of.day, sheets);
        }
    }

    fn reverse(&mut self, place: usize, taken: Parts, day: i64, sheets: &mut Sheets) {
        let at = day * DAY + i64::from(self.dice.below(SECONDS - HOUR_SECONDS) + HOUR_SECONDS);
        let id = self.id(at);
        let kind = if self.dice.chance(CHARGEBACKS) {
            ReversalKind::Chargeback
        } else {
            ReversalKind::Refund
        };
        let (terms, source, earning) = {
            let entry = &mut self.entries[place];
            entry.done = entry.done.plus(&taken);
            (entry.terms, entry.source, entry.id)
        };
        let pending = self.still(DueKind::Maturity, terms.matures_on, taken.maturing(), day);
        let reserved = self.still(DueKind::Reserve, terms.reserve_until, taken.reserve, day);
        let when = self.when(at);
        let about = self.about(source);
        let transfer = about.taken_back((id, kind), earning, taken, (pending, reserved), when);
        sheets.transfers.push(transfer);
        self.count(day, source, &taken, -1);
        sheets
            .row(Table::Reversals)
            .id(id.into())
            .id(earning.into())
            .id(self.owner.id)
            .plain(kind.as_str())
            .plain(self.house.currency.code())
            .number(taken.gross)
            .number(taken.fee)
            .number(taken.reserve)
            .time(when)
            .time(when)
            .plain(REPORTED_BY)
            .null()
            .end();
    }

    /// Takes from what is due, if it was not released before `day`; answers how much that was.
    fn still(&mut self, kind: DueKind, on: NaiveDate, minor: i64, day: i64) -> i64 {
        if self.released_on(on).is_some_and(|released| released <= day) {
            return 0;
        }
        self.note_due(kind, on, -minor);
        minor
    }

    /// On which day what is due was released: at once, or when the creator may be paid again; none if it still waits.
    fn released_on(&self, due: NaiveDate) -> Option<i64> {
        let first = self.house.calendar.day_of(due);
        (first..DAYS).find(|day| {
            let status = self.owner.life.status_at(day * DAY + RELEASED_AT);
            !matches!(status, CreatorStatus::Suspended | CreatorStatus::Banned)
        })
    }

    /// Makes available what has matured, and writes what has not.
    fn release(&mut self, sheets: &mut Sheets) {
        let dues = std::mem::take(&mut self.dues);
        for ((kind, on), minor) in dues.into_iter().filter(|(_, minor)| *minor > 0) {
            let due = Due {
                kind,
                on,
                creator: CreatorId::from(self.owner.id),
                currency: self.house.currency,
                minor,
            };
            if let Some(day) = self.released_on(on) {
                let at = day * DAY + RELEASED_AT;
                let id = TransferId::from(Uuid::from(self.id(at)));
                sheets.transfers.push(due.released(id, self.when(at)));
            } else {
                sheets
                    .row(Table::Dues)
                    .plain(kind.as_str())
                    .plain(&on.to_string())
                    .id(self.owner.id)
                    .plain(self.house.currency.code())
                    .number(minor)
                    .end();
            }
        }
    }

    fn write(&self, sheets: &mut Sheets) {
        for entry in &self.entries {
            self.write_entry(entry, sheets);
        }
        for (day, share) in &self.days {
            sheets
                .row(Table::Earnings)
                .id(self.owner.id)
                .plain(self.house.calendar.date_text(*day))
                .number(*share)
                .end();
        }
        for ((month, source), (gross, share)) in &self.months {
            sheets
                .row(Table::Months)
                .id(self.owner.id)
                .plain(&month.to_string())
                .plain(self.house.currency.code())
                .plain(source.as_str())
                .number(*gross)
                .number(*share)
                .end();
        }
    }

    fn write_entry(&self, entry: &Entry, sheets: &mut Sheets) {
        let when = self.when(entry.at);
        let Terms {
            parts,
            matures_on,
            reserve_until,
        } = entry.terms;
        sheets
            .row(Table::Payments)
            .id(entry.id.into())
            .id(self.owner.id)
            .number(parts.gross)
            .number(parts.fee)
            .number(parts.reserve)
            .number(entry.done.gross)
            .time(when)
            .time(when)
            .plain(&matures_on.to_string())
            .plain(&reserve_until.to_string())
            .plain(self.house.currency.code())
            .plain(entry.source.as_str())
            .plain(REPORTED_BY)
            .plain(&format!("fan_{}", entry.fan))
            .end();
    }

    fn count(&mut self, day: i64, source: EarningSource, parts: &Parts, sign: i64) {
        *self.days.entry(day).or_default() += sign * parts.share();
        let date = self.house.calendar.date(day);
        let month = date.with_day(1).unwrap_or(date);
        let sums = self.months.entry((month, source)).or_default();
        sums.0 += sign * parts.gross;
        sums.1 += sign * parts.share();
    }

    fn note_due(&mut self, kind: DueKind, on: NaiveDate, minor: i64) {
        *self.dues.entry((kind, on)).or_default() += minor;
    }

    /// What the rules make of the gross amount of which so much is the creator's share; none if there is none.
    fn terms(&self, source: EarningSource, share: i64, at: Moment) -> Option<Terms> {
        let when = self.when(at);
        let about = (Some(self.owner.country), self.when(self.owner.joined));
        let mut gross = share;
        // a unit more of the gross amount is at most a unit more of the share: so this neither jumps over it nor stops
        for _ in 0..STEPS_MAX {
            let terms = self.house.rules.terms(source, gross, when, about, when)?;
            match share - terms.parts.share() {
                0 => return (gross > 0).then_some(terms),
                missing => gross += missing,
            }
        }
        None
    }

    fn about(&self, source: EarningSource) -> About {
        About {
            creator: CreatorId::from(self.owner.id),
            currency: self.house.currency,
            source,
        }
    }

    fn source(&mut self) -> EarningSource {
        let place = self.dice.between(0, 99);
        let found = SOURCES.iter().find(|(until, _)| place < *until);
        found.map_or(EarningSource::Tip, |(_, source)| *source)
    }

    fn id(&mut self, at: Moment) -> EarningId {
        EarningId::from(id_at(&mut self.dice, self.house.calendar, at))
    }

    fn when(&self, at: Moment) -> DateTime<Utc> {
        self.house.calendar.at(at)
    }
}

/// The parts to take back so that at most `share` of the creator's share goes, of an earning of which `done` was taken back;
/// none if nothing is left of it.
fn take(parts: &Parts, done: &Parts, share: i64) -> Option<Parts> {
    let left = parts.gross - done.gross;
    if left == 0 {
        return None;
    }
    let all = parts.take(done, left);
    if all.share() <= share {
        return Some(all);
    }
    let mut gross = share.min(left);
    for _ in 0..STEPS_MAX {
        let taken = parts.take(done, gross);
        match share - taken.share() {
            0 => return Some(taken),
            missing => gross = (gross + missing).min(left),
        }
    }
    None
}
