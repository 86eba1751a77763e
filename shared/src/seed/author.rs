//! Writes the population, part by part, in the order in which its creators came.

use std::collections::HashMap;

use super::books::{Books, House, Owner};
use super::calendar::Calendar;
use super::cast::Cast;
use super::dice::{About, Dice};
use super::earnings::{Earned, earn};
use super::life::{Life, verified_at};
use super::nights::{Nights, first_tier};
use super::person::Person;
use super::profile::Profile;
use super::rows::{Sheets, Table};
use super::{Detail, Plan, around, consents, onboarding};
use crate::creators::Tier;
use crate::earnings::Rules;
use crate::kernel::money::Currency;
use crate::onboarding::Flow;
use crate::tiers::{Standing, TierPolicy};

/// Creators whose rows are gathered together; so many are in memory at once, twice.
const PART: u32 = 5_000;
/// The same where each has hundreds of transfers.
const LEDGER_PART: u32 = 250;

/// What a population is made from.
#[derive(Debug)]
pub(super) struct Author {
    pub(super) plan: Plan,
    pub(super) calendar: Calendar,
    pub(super) flows: HashMap<String, Flow>,
    cast: Cast,
    nights: Nights,
    money: Money,
}

/// By which rules money is parted, and in which currency.
#[derive(Debug)]
pub(super) struct Money {
    pub(super) rules: Rules,
    pub(super) currency: Currency,
}

impl Author {
    /// Reads nothing but its arguments: the rules of tiers and the onboarding's flows are those of the database.
    pub(super) fn new(
        plan: Plan,
        policy: TierPolicy,
        flows: HashMap<String, Flow>,
        money: Money,
    ) -> Self {
        Self {
            calendar: Calendar::until(plan.as_of),
            cast: Cast::of(plan.seed, plan.creators),
            nights: Nights::over(plan.creators, policy),
            flows,
            money,
            plan,
        }
    }

    /// Writes everybody and hands each part to `take`, until that says no. Takes long: not for an async thread.
    pub(super) fn write(mut self, mut take: impl FnMut(Sheets) -> bool) {
        self.rank();
        let mut earned = Vec::new();
        let part = match self.plan.detail {
            Detail::Ledger => LEDGER_PART,
            Detail::Core | Detail::Everything => PART,
        };
        for first in (0..self.plan.creators).step_by(part as usize) {
            let mut sheets = Sheets::new();
            for n in first..self.plan.creators.min(first + part) {
                self.one(n, &mut earned, &mut sheets);
                sheets.creators += 1;
            }
            if !take(sheets) {
                return;
            }
        }
    }

    /// Who is a legend follows from what everybody earns, so that is looked at first.
    fn rank(&mut self) {
        if !self.nights.rank() {
            return;
        }
        let mut earned = Vec::new();
        for n in 0..self.plan.creators {
            let life = self.live(n);
            earn(self.plan.seed, n, &life, &self.calendar, &mut earned);
            self.nights.count(n, &life, &earned);
        }
        self.nights.close();
    }

    fn live(&self, n: u32) -> Life {
        let (seed, mixture) = (self.plan.seed, self.plan.mixture);
        let person = self.cast.person(n);
        let verified = verified_at(seed, person, self.cast.created(person), mixture);
        Life::of(seed, n, self.cast.created(n), verified, mixture)
    }

    fn one(&self, n: u32, earned: &mut Vec<Earned>, sheets: &mut Sheets) {
        let (plan, calendar) = (&self.plan, &self.calendar);
        let root = self.cast.person(n);
        let person = Person::of(plan, calendar, root, self.cast.created(root));
        if root == n {
            person.write(plan.seed, n, calendar, sheets);
        }
        let life = self.live(n);
        let (cluster, created) = (self.cast.cluster(n), self.cast.created(n));
        let mut profile = Profile::of(plan, calendar, n, cluster, created, &life, &person);
        earn(plan.seed, n, &life, calendar, earned);
        let ever = !Dice::of(plan.seed, About::Evaluation, n).chance(plan.unevaluated_per_mille);
        let (tiers, standing) = if ever {
            self.nights.climb(n, created, &life, earned, calendar)
        } else {
            (vec![first_tier(created)], Standing::at(Tier::Newcomer))
        };
        profile.write(calendar, &person, &life, &tiers, standing, sheets);
        match plan.detail {
            Detail::Core | Detail::Everything => self.write_earnings(&profile, earned, sheets),
            Detail::Ledger => self.keep_books(&profile, person.country, &life, earned, sheets),
        }
        let everything = plan.detail >= Detail::Everything;
        if everything || plan.mixture.all_agree() {
            consents::write(plan, calendar, &mut profile, &life, sheets);
        }
        if everything {
            onboarding::write(self, &mut profile, &person, sheets);
            around::write(plan, calendar, &mut profile, &life, sheets);
        }
    }

    fn keep_books(
        &self,
        profile: &Profile,
        country: &'static str,
        life: &Life,
        earned: &[Earned],
        sheets: &mut Sheets,
    ) {
        let house = House {
            seed: self.plan.seed,
            rules: &self.money.rules,
            currency: self.money.currency,
            calendar: &self.calendar,
        };
        let owner = Owner {
            n: profile.n,
            id: profile.id,
            country,
            joined: profile.created,
            life,
        };
        Books::keep(house, owner, earned, sheets);
    }

    fn write_earnings(&self, profile: &Profile, earned: &[Earned], sheets: &mut Sheets) {
        let id = profile.id.hyphenated().to_string();
        for one in earned {
            sheets
                .row(Table::Earnings)
                .plain(&id)
                .plain(self.calendar.date_text(one.day))
                .number(one.minor)
                .end();
        }
    }
}
