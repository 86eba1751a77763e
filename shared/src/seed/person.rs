//! People: who stands behind the stage names.

use chrono::{Datelike, Duration, NaiveDate};
use uuid::Uuid;

use super::calendar::{Calendar, END, Moment};
use super::dice::{About, Dice};
use super::life::verified_at;
use super::rows::{Sheets, Table};
use super::words::{FAMILY, FIRST, PLACES};
use super::{Mixture, Plan};

/// Numbers kept for fiction: 555-0100 to 555-0199 in the 700 area codes from 201 on.
const NUMBERS: u32 = 70_000;

/// One person.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) created: Moment,
    /// When they proved their age; none if never.
    pub(super) verified: Option<Moment>,
    pub(super) phone: Option<String>,
    pub(super) time_zone: &'static str,
    legal_name: String,
    birth_date: NaiveDate,
    pub(super) country: &'static str,
    document: &'static str,
    ticket: u32,
}

impl Person {
    /// The person whose first profile is the `n`-th creator.
    pub(super) fn of(plan: &Plan, calendar: &Calendar, n: u32, created: Moment) -> Self {
        let mut dice = Dice::of(plan.seed, About::Person, n);
        let family = dice.pick(&FAMILY);
        let second = dice.chance(300).then(|| dice.pick(&FAMILY));
        let legal_name = match second {
            Some(second) => format!("{} {family}-{second}", dice.pick(&FIRST)),
            None => format!("{} {family}", dice.pick(&FIRST)),
        };
        // from 18 to 55 years old when they come, and the younger the more
        let age_days = dice.between(0, 117) * dice.between(0, 117);
        let born = calendar.at(created).date_naive() - Duration::days(age_days);
        let (country, time_zone) = dice.pick(&PLACES);
        let stride = plan.creators / NUMBERS + 1;
        let phone = (n.is_multiple_of(stride) && dice.chance(900)).then(|| {
            let number = n / stride;
            format!("+1{}55501{:02}", 201 + number / 100, number % 100)
        });
        Self {
            id: id_at(
                &mut Dice::of(plan.seed, About::PersonIds, n),
                calendar,
                created,
            ),
            created,
            verified: verified_at(plan.seed, n, created, plan.mixture).filter(|at| *at < END),
            phone,
            time_zone,
            legal_name,
            birth_date: eighteen_years_before(born),
            country,
            document: dice.pick(&["passport", "identity card", "driving licence"]),
            ticket: 10_000 + dice.below(990_000),
        }
    }

    /// Their rows.
    pub(super) fn write(&self, seed: u64, n: u32, calendar: &Calendar, sheets: &mut Sheets) {
        let changed = self.verified.unwrap_or(self.created);
        sheets
            .row(Table::People)
            .id(self.id)
            .text(&self.legal_name)
            .plain(&self.birth_date.to_string())
            .plain(self.country)
            .plain(self.country)
            .plain("seed")
            .time(calendar.at(self.created))
            .time(calendar.at(changed))
            .end();
        let Some(verified) = self.verified else {
            return;
        };
        let mut ids = Dice::of(seed, About::PersonIds, n);
        // the person's own id came first
        id_at(&mut ids, calendar, self.created);
        let staff = ids.between(1, 40);
        sheets
            .row(Table::AgeDecisions)
            .id(id_at(&mut ids, calendar, verified))
            .id(self.id)
            .plain("verified")
            .plain(&self.birth_date.to_string())
            .text(&format!("ticket {}: {}", self.ticket, self.document))
            .plain(&format!("user:staff{staff}"))
            .time(calendar.at(verified))
            .end();
    }
}

/// A date 18 years earlier; of 29 February the day after, so that nobody is of age too early.
fn eighteen_years_before(date: NaiveDate) -> NaiveDate {
    date.with_year(date.year() - 18)
        .or_else(|| (date + Duration::days(1)).with_year(date.year() - 18))
        .map_or(date - Duration::days(19 * 365), |date| {
            date - Duration::days(1)
        })
}

/// An id (UUID version 7) of that time.
pub(super) fn id_at(dice: &mut Dice, calendar: &Calendar, at: Moment) -> Uuid {
    let milliseconds = u64::try_from(calendar.at(at).timestamp_millis()).unwrap_or(0);
    let mut random = [0; 10];
    random[..8].copy_from_slice(&dice.bits().to_be_bytes());
    random[8..].copy_from_slice(&dice.bits().to_be_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
}

impl Mixture {
    /// Whether everybody agreed to mail.
    pub(super) fn all_agree(self) -> bool {
        match self {
            Self::AllReachable => true,
            Self::Lifelike => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creators::{ADULT_AGE_YEARS, Phone, age_on};
    use crate::seed::calendar::{DAY, DAYS, HOUR};

    #[test]
    fn everybody_is_of_age_when_they_come_and_has_a_number_of_nobody() {
        let plan = Plan::lifelike(3_000, "2026-11-22".parse().expect("a date"));
        let calendar = Calendar::until(plan.as_of);
        for n in 0..3_000 {
            let created = i64::from(n) * (DAYS * DAY - HOUR) / 3_000;
            let person = Person::of(&plan, &calendar, n, created);
            let day = calendar.at(created).date_naive();
            assert!(
                age_on(person.birth_date, day) >= ADULT_AGE_YEARS,
                "{person:?}"
            );
            assert!(age_on(person.birth_date, day) < 60, "{person:?}");
            if let Some(number) = person.phone {
                let phone: Phone = number.parse().expect("a number");
                assert!(phone.as_str()[5..].starts_with("55501"), "{phone}");
            }
            person
                .time_zone
                .parse::<chrono_tz::Tz>()
                .expect("a time zone");
        }
    }
}
