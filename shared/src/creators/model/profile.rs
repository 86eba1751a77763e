//! A creator, one about to be registered, and changes to one.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::names::{check_aliases, check_handles, check_name};
use super::person::birth_date_error;
use super::{
    AgeDecision, Consent, CreatorId, CreatorStatus, NewConsent, PersonId, Phone, Tier, Username,
};
use crate::kernel::{EmailAddress, FieldError};

/// Characters in an owner's name at the most.
const OWNER_MAX_CHARS: usize = 200;

/// What is needed to register a creator.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCreator {
    /// Where they can be written to.
    pub email: EmailAddress,
    /// Their name on the cluster.
    pub username: Username,
    /// The cluster.
    pub cluster: String,
    /// Where they can be called.
    pub phone: Option<Phone>,
    /// The name others read.
    pub display_name: Option<String>,
    /// The name they are addressed by.
    pub first_name: Option<String>,
    /// Where their clock stands.
    pub time_zone: Option<chrono_tz::Tz>,
    /// Who they are, if we know them from another cluster already.
    pub person: Option<PersonId>,
    /// When they were born, if they said.
    pub birth_date: Option<NaiveDate>,
    /// What they agreed to while signing up.
    pub consents: Vec<NewConsent>,
}

impl NewCreator {
    /// Checks what types cannot: names without line breaks, and an age of 18 on `today`.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self, today: NaiveDate) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        check_name("/displayName", self.display_name.as_deref(), &mut wrong);
        check_name("/firstName", self.first_name.as_deref(), &mut wrong);
        if let Some(born) = self.birth_date {
            wrong.extend(birth_date_error("/birthDate", born, today));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// A creator as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Creator {
    /// Who.
    pub id: CreatorId,
    /// The person behind.
    pub person: PersonId,
    /// Where.
    pub cluster: String,
    /// Their address.
    pub email: String,
    /// Their name on the cluster.
    pub username: String,
    /// Their number.
    pub phone: Option<String>,
    /// The name others read.
    pub display_name: Option<String>,
    /// The name they are addressed by.
    pub first_name: Option<String>,
    /// Other stage names, present and former.
    pub aliases: Vec<String>,
    /// Names on other platforms, by platform.
    pub handles: BTreeMap<String, String>,
    /// Where they stand.
    pub status: CreatorStatus,
    /// Since when they stand there.
    pub status_since: DateTime<Utc>,
    /// How far they have come.
    pub tier: Tier,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// Where their clock stands, as an IANA name.
    pub time_zone: Option<String>,
    /// Who of the staff looks after them.
    pub owner: Option<String>,
    /// Grows with each change that people make.
    pub version: i64,
    /// When they were last seen on their cluster; none if nobody told us.
    pub last_active_at: Option<DateTime<Utc>>,
    /// Since when they are out of lists, mails and tiers.
    pub archived_at: Option<DateTime<Utc>>,
    /// Since when we know them.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// What is to be different about a creator; what is none stays, `Some(None)` forgets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CreatorChanges {
    /// Another address.
    pub email: Option<EmailAddress>,
    /// Another name on the cluster.
    pub username: Option<Username>,
    /// Another number.
    pub phone: Option<Option<Phone>>,
    /// Another name for others to read.
    pub display_name: Option<Option<String>>,
    /// Another name to be addressed by.
    pub first_name: Option<Option<String>>,
    /// Other stage names, all of them.
    pub aliases: Option<Vec<String>>,
    /// Names on other platforms, all of them.
    pub handles: Option<BTreeMap<String, String>>,
    /// Another time zone.
    pub time_zone: Option<Option<chrono_tz::Tz>>,
    /// Another owner.
    pub owner: Option<Option<String>>,
}

impl CreatorChanges {
    /// Whether creators may make them to their own profile: addresses, numbers and names that they are found by are
    /// staff's to change, and so is who looks after them.
    pub fn are_own(&self) -> bool {
        self.email.is_none()
            && self.username.is_none()
            && self.phone.is_none()
            && self.aliases.is_none()
            && self.owner.is_none()
    }

    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let told = |name: &Option<Option<String>>| name.clone().flatten();
        check_name(
            "/displayName",
            told(&self.display_name).as_deref(),
            &mut wrong,
        );
        check_name("/firstName", told(&self.first_name).as_deref(), &mut wrong);
        check_aliases(self.aliases.as_deref().unwrap_or_default(), &mut wrong);
        if let Some(handles) = &self.handles {
            check_handles(handles, &mut wrong);
        }
        let owner = told(&self.owner);
        let is_owner = |name: &String| {
            (1..=OWNER_MAX_CHARS).contains(&name.chars().count())
                && !name.chars().any(|c| c.is_control() || c.is_whitespace())
        };
        if owner.is_some_and(|name| !is_owner(&name)) {
            wrong.push(FieldError::new(
                "/owner",
                format!("use 1 to {OWNER_MAX_CHARS} characters without spaces"),
            ));
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The creator with the changes, as it is to be stored.
    pub fn apply(self, to: &Creator) -> Creator {
        let text = |new: Option<Option<String>>, old: &Option<String>| new.unwrap_or(old.clone());
        Creator {
            email: self
                .email
                .map_or(to.email.clone(), |new| new.as_str().to_owned()),
            username: self
                .username
                .map_or(to.username.clone(), |new| new.as_str().to_owned()),
            phone: text(
                self.phone
                    .map(|new| new.map(|phone| phone.as_str().to_owned())),
                &to.phone,
            ),
            display_name: text(self.display_name, &to.display_name),
            first_name: text(self.first_name, &to.first_name),
            aliases: self.aliases.unwrap_or(to.aliases.clone()),
            handles: self.handles.unwrap_or(to.handles.clone()),
            time_zone: text(
                self.time_zone
                    .map(|new| new.map(|zone| zone.name().to_owned())),
                &to.time_zone,
            ),
            owner: text(self.owner, &to.owner),
            ..to.clone()
        }
    }
}

/// Another creator of the same person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sibling {
    /// Who.
    pub id: CreatorId,
    /// Where.
    pub cluster: String,
    /// Their name there.
    pub username: String,
    /// Where they stand there.
    pub status: CreatorStatus,
}

/// All that the screen of one creator begins with.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The creator.
    pub creator: Creator,
    /// What they said last about each channel.
    pub consents: Vec<Consent>,
    /// The same person on other clusters.
    pub siblings: Vec<Sibling>,
    /// What was decided last about the person's age.
    pub age: Option<AgeDecision>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_line_break_and_a_childs_birth_date_are_refused_by_their_fields() {
        let creator = NewCreator {
            email: "a@b.example".parse().expect("an address"),
            username: "abc".parse().expect("a username"),
            cluster: "girlfanz".into(),
            phone: None,
            display_name: Some("Ada".into()),
            first_name: Some("Ada\r\nBcc: x@y.example".into()),
            time_zone: None,
            person: None,
            birth_date: Some("2012-03-04".parse().expect("a date")),
            consents: Vec::new(),
        };
        let today = "2026-11-22".parse().expect("a date");
        let wrong = creator.check(today).expect_err("two wrong fields");
        let fields: Vec<_> = wrong.iter().map(|field| field.field.as_ref()).collect();
        assert_eq!(fields, ["/firstName", "/birthDate"]);
    }
}
