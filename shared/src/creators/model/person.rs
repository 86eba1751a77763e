//! Who stands behind creators, and how old they are.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::names::check_name;
use crate::kernel::{FieldError, typed_id, words};

/// The age from which somebody may be a creator, in full years: 18 U.S.C. 2256(1) calls everybody below a minor.
pub const ADULT_AGE_YEARS: i32 = 18;
/// The oldest age that is believed, in full years; beyond it a birth date is a typing mistake.
const AGE_MAX_YEARS: i32 = 120;

typed_id!(
    /// Names a person, who may be several creators.
    PersonId,
    "person"
);

words!(
    /// What staff decided about somebody's age.
    AgeVerdict {
        /// They proved to be of age.
        Verified => "verified",
        /// The proof does not count any more.
        Revoked => "revoked",
    }
);

/// A country: two letters of ISO 3166-1. Whether the two letters are assigned is not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country(String);

/// The text is no country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("use the two letters of the country (ISO 3166-1), such as DE")]
pub struct InvalidCountry;

impl Country {
    /// Its two capital letters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Country {
    type Err = InvalidCountry;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
            Ok(Self(text.to_ascii_uppercase()))
        } else {
            Err(InvalidCountry)
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A person as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub id: PersonId,
    /// Their name in documents.
    pub legal_name: Option<String>,
    /// When they were born.
    pub birth_date: Option<NaiveDate>,
    /// Where they live.
    pub residence_country: Option<String>,
    /// Where they are taxed.
    pub tax_country: Option<String>,
    /// Grows with each change.
    pub version: i64,
    /// Since when we know them.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is to be different about a person; what is none stays, `Some(None)` forgets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonChanges {
    /// Another legal name.
    pub legal_name: Option<Option<String>>,
    /// Another birth date.
    pub birth_date: Option<Option<NaiveDate>>,
    /// Another country of residence.
    pub residence_country: Option<Option<Country>>,
    /// Another country of taxation.
    pub tax_country: Option<Option<Country>>,
}

impl PersonChanges {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self, today: NaiveDate) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = self.legal_name.as_ref().and_then(Option::as_deref);
        check_name("/legalName", name, &mut wrong);
        if let Some(Some(born)) = self.birth_date {
            wrong.extend(birth_date_error("/birthDate", born, today));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// A decision about somebody's age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgeDecision {
    /// What was decided.
    pub verdict: AgeVerdict,
    /// The birth date that was proven.
    pub birth_date: NaiveDate,
    /// What was looked at.
    pub evidence: String,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// A decision about to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAgeDecision {
    /// What is decided.
    pub verdict: AgeVerdict,
    /// The birth date that is proven; for a revocation the one on file will do.
    pub birth_date: Option<NaiveDate>,
    /// What was looked at.
    pub evidence: String,
}

/// Full years of age on a day. Who was born on 29 February completes a year on 1 March of a year without that day, so
/// that nobody is of age a day too early.
pub fn age_on(born: NaiveDate, day: NaiveDate) -> i32 {
    let had_birthday = (day.month(), day.day()) >= (born.month(), born.day());
    day.year() - born.year() - i32::from(!had_birthday)
}

/// What is wrong with a birth date, if anything: not born yet, not of age, or too long ago to be true.
pub(crate) fn birth_date_error(
    field: &'static str,
    born: NaiveDate,
    today: NaiveDate,
) -> Option<FieldError> {
    let message = match age_on(born, today) {
        ..0 => "is in the future; check the year",
        0..ADULT_AGE_YEARS => "creators must be at least 18 years old",
        ADULT_AGE_YEARS..=AGE_MAX_YEARS => return None,
        _ => "is more than 120 years ago; check the year",
    };
    Some(FieldError::new(field, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn a_leap_day_child_is_of_age_on_the_first_of_march() {
        let born = day("2008-02-29");
        assert_eq!(age_on(born, day("2026-02-28")), 17);
        assert_eq!(age_on(born, day("2026-03-01")), 18);
        assert_eq!(age_on(born, day("2028-02-29")), 20);
    }

    #[test]
    fn the_eighteenth_birthday_is_the_first_day_of_age() {
        let born = day("2008-11-23");
        assert!(birth_date_error("/birthDate", born, day("2026-11-22")).is_some());
        assert!(birth_date_error("/birthDate", born, day("2026-11-23")).is_none());
        assert!(birth_date_error("/birthDate", day("2030-01-01"), day("2026-11-22")).is_some());
        assert!(birth_date_error("/birthDate", day("1890-01-01"), day("2026-11-22")).is_some());
    }

    proptest! {
        #[test]
        fn age_never_falls_and_grows_by_one_in_a_year(born in 0i64..36_000, later in 0i64..36_000) {
            let epoch = day("1930-01-01");
            let born = epoch + chrono::Duration::days(born);
            let on = born + chrono::Duration::days(later);
            let (today, tomorrow) = (age_on(born, on), age_on(born, on + chrono::Duration::days(1)));
            prop_assert!(today >= 0 && (tomorrow == today || tomorrow == today + 1));
            let next_year = age_on(born, on + chrono::Duration::days(366));
            prop_assert!(next_year == today + 1 || next_year == today + 2 && tomorrow == today + 1, "{today} {next_year}");
        }
    }
}
