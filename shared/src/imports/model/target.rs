//! What a column of a file can be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What custom fields begin with: `custom.favourite_colour`.
const CUSTOM: &str = "custom.";

/// What the cells of a column say about a creator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// Who it is.
    Id,
    /// Its cluster.
    ClusterId,
    /// Its address.
    Email,
    /// Its name on the cluster.
    Username,
    /// Its number.
    Phone,
    /// The name others read.
    DisplayName,
    /// The name it is addressed by.
    FirstName,
    /// Other stage names, as a list.
    Aliases,
    /// Names on other platforms, as a list of `platform=name`.
    Handles,
    /// Its time zone, as an IANA name.
    TimeZone,
    /// Who of the staff looks after it.
    Owner,
    /// When the person was born; only of creators that are new.
    BirthDate,
    /// A custom field, by its key.
    Custom(String),
}

/// The text names nothing that a column can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use id, clusterId, email, username, phone, displayName, firstName, aliases, handles, timeZone, owner, birthDate or custom. and the key of a custom field"
)]
pub struct UnknownTarget;

/// Those with names of their own.
const PLAIN: [(Target, &str); 12] = [
    (Target::Id, "id"),
    (Target::ClusterId, "clusterId"),
    (Target::Email, "email"),
    (Target::Username, "username"),
    (Target::Phone, "phone"),
    (Target::DisplayName, "displayName"),
    (Target::FirstName, "firstName"),
    (Target::Aliases, "aliases"),
    (Target::Handles, "handles"),
    (Target::TimeZone, "timeZone"),
    (Target::Owner, "owner"),
    (Target::BirthDate, "birthDate"),
];

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Custom(key) = self {
            return write!(f, "{CUSTOM}{key}");
        }
        let name = PLAIN.iter().find(|(target, _)| target == self);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}

impl FromStr for Target {
    type Err = UnknownTarget;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = text.strip_prefix(CUSTOM).filter(|key| !key.is_empty()) {
            return Ok(Self::Custom(key.to_owned()));
        }
        let known = PLAIN.iter().find(|(_, name)| *name == text);
        known.map(|(target, _)| target.clone()).ok_or(UnknownTarget)
    }
}

impl TryFrom<String> for Target {
    type Error = UnknownTarget;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// What the columns of a file are, by what they are called, whatever their capitals: that of an export as it was exported.
pub fn suggested(headers: &[String]) -> Vec<Option<Target>> {
    let by_name = |header: &String| {
        let header = header.trim();
        let known = PLAIN
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(header));
        known
            .map(|(target, _)| target.clone())
            .or_else(|| header.parse().ok())
    };
    headers.iter().map(by_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_is_known_by_its_name() {
        let custom = Target::Custom("fee".to_owned());
        for target in PLAIN.iter().map(|(target, _)| target).chain([&custom]) {
            assert_eq!(target.to_string().parse(), Ok(target.clone()));
        }
        assert_eq!("custom.".parse::<Target>(), Err(UnknownTarget));
        assert_eq!("status".parse::<Target>(), Err(UnknownTarget));
    }

    #[test]
    fn columns_are_taken_for_what_they_are_called() {
        let headers = ["E-Mail", " Email", "DISPLAYNAME", "custom.fee", "status"];
        let found = suggested(&headers.map(str::to_owned));
        let custom = Target::Custom("fee".to_owned());
        let wanted = [
            None,
            Some(Target::Email),
            Some(Target::DisplayName),
            Some(custom),
            None,
        ];
        assert_eq!(found, wanted);
    }
}
