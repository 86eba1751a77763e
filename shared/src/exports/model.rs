//! What exports are; pure.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::access::PersonalField;
use crate::cells;
use crate::creators::{CreatorFilter, Known};
use crate::custom_fields::FieldValue;
use crate::files::FileId;
use crate::kernel::{typed_id, words};

/// What custom fields begin with: `custom.favourite_colour`.
const CUSTOM: &str = "custom.";

typed_id!(
    /// Names one export.
    ExportId,
    "export"
);

words!(
    /// How far an export is.
    ExportState {
        /// It goes on.
        Running => "running",
        /// Its file is whole.
        Completed => "completed",
        /// It was ended before.
        Cancelled => "cancelled",
        /// It could not go on.
        Failed => "failed",
    }
);

words!(
    /// A column with a name of its own; called as an import calls it, where an import reads it.
    PlainColumn {
        /// Who it is.
        Id => "id",
        /// Its cluster.
        ClusterId => "clusterId",
        /// Its name on the cluster.
        Username => "username",
        /// Its address.
        Email => "email",
        /// Its number.
        Phone => "phone",
        /// The name others read.
        DisplayName => "displayName",
        /// The name it is addressed by.
        FirstName => "firstName",
        /// Other stage names.
        Aliases => "aliases",
        /// Names on other platforms.
        Handles => "handles",
        /// Its time zone.
        TimeZone => "timeZone",
        /// Who of the staff looks after it.
        Owner => "owner",
        /// The person's name in documents.
        LegalName => "legalName",
        /// When the person was born.
        BirthDate => "birthDate",
        /// Where it stands.
        Status => "status",
        /// How far it has come.
        Tier => "tier",
        /// Its tags.
        Tags => "tags",
        /// Since when it is known.
        CreatedAt => "createdAt",
        /// When it was last seen.
        LastActiveAt => "lastActiveAt",
        /// Since when it is archived.
        ArchivedAt => "archivedAt",
    }
);

/// What a column of an export holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// What every creator has.
    Plain(PlainColumn),
    /// A custom field, by its key.
    Custom(String),
}

/// The text names no column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such column; use {}, or custom. and the key of a custom field",
    plain_names()
)]
pub struct UnknownColumn;

fn plain_names() -> String {
    let names: Vec<_> = PlainColumn::ALL
        .iter()
        .map(|column| column.as_str())
        .collect();
    names.join(", ")
}

impl Column {
    /// What it shows of a person that is masked elsewhere.
    pub fn personal(&self) -> Option<PersonalField> {
        match self {
            Self::Plain(PlainColumn::Email) => Some(PersonalField::Email),
            Self::Plain(PlainColumn::Phone) => Some(PersonalField::Phone),
            Self::Plain(PlainColumn::LegalName) => Some(PersonalField::LegalName),
            Self::Plain(PlainColumn::BirthDate) => Some(PersonalField::BirthDate),
            Self::Plain(_) | Self::Custom(_) => None,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(column) => f.write_str(column.as_str()),
            Self::Custom(key) => write!(f, "{CUSTOM}{key}"),
        }
    }
}

impl FromStr for Column {
    type Err = UnknownColumn;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = text.strip_prefix(CUSTOM).filter(|key| !key.is_empty()) {
            return Ok(Self::Custom(key.to_owned()));
        }
        text.parse().map(Self::Plain).map_err(|_| UnknownColumn)
    }
}

/// How an export is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewExport {
    /// Which creators.
    pub filter: CreatorFilter,
    /// Which columns, in their order; none takes all that the caller may see.
    pub columns: Option<Vec<Column>>,
    /// Why people's data is to be in it; without, none is.
    pub reason: Option<String>,
}

/// An export and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Which.
    pub id: ExportId,
    /// Whose, as the audit names them.
    pub owner: String,
    /// Which creators.
    pub filter: CreatorFilter,
    /// Whether the owner might look for e-mail addresses.
    pub by_email: bool,
    /// Which columns.
    pub columns: Vec<Column>,
    /// How far it is.
    pub state: ExportState,
    /// Creators that matched when it was asked for.
    pub matched: i64,
    /// Creators that were written.
    pub rows: i64,
    /// The last of them.
    pub last: Option<crate::creators::CreatorId>,
    /// The file; none once it has expired.
    pub file: Option<FileId>,
    /// Why it could not go on.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// A creator with all that may stand in its line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) known: &'a Known,
    pub(super) tags: Option<&'a Vec<String>>,
    pub(super) values: Option<&'a BTreeMap<String, FieldValue>>,
}

impl Line<'_> {
    /// The cell of a column, not guarded yet.
    pub(super) fn cell(&self, column: &Column) -> String {
        let creator = &self.known.creator;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let plain = match column {
            Column::Plain(plain) => plain,
            Column::Custom(key) => {
                let value = self.values.and_then(|values| values.get(key));
                return value.map(ToString::to_string).unwrap_or_default();
            }
        };
        match plain {
            PlainColumn::Id => creator.id.to_string(),
            PlainColumn::ClusterId => creator.cluster.clone(),
            PlainColumn::Username => creator.username.clone(),
            PlainColumn::Email => creator.email.clone(),
            PlainColumn::Phone => text(&creator.phone),
            PlainColumn::DisplayName => text(&creator.display_name),
            PlainColumn::FirstName => text(&creator.first_name),
            PlainColumn::Aliases => cells::list(creator.aliases.iter().map(String::as_str)),
            PlainColumn::Handles => {
                let pairs: Vec<String> = creator
                    .handles
                    .iter()
                    .map(|(platform, name)| format!("{platform}={name}"))
                    .collect();
                cells::list(pairs.iter().map(String::as_str))
            }
            PlainColumn::TimeZone => text(&creator.time_zone),
            PlainColumn::Owner => text(&creator.owner),
            PlainColumn::LegalName => text(&self.known.legal_name),
            PlainColumn::BirthDate => {
                let born = self.known.birth_date;
                born.map(|day| day.to_string()).unwrap_or_default()
            }
            PlainColumn::Status => creator.status.to_string(),
            PlainColumn::Tier => creator.tier.to_string(),
            PlainColumn::Tags => cells::list(self.tags.into_iter().flatten().map(String::as_str)),
            PlainColumn::CreatedAt => time(creator.created_at),
            PlainColumn::LastActiveAt => creator.last_active_at.map(time).unwrap_or_default(),
            PlainColumn::ArchivedAt => creator.archived_at.map(time).unwrap_or_default(),
        }
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_known_by_its_name() {
        let plain = PlainColumn::ALL.iter().copied().map(Column::Plain);
        for column in plain.chain([Column::Custom("fee".to_owned())]) {
            assert_eq!(column.to_string().parse(), Ok(column));
        }
        assert_eq!("password".parse::<Column>(), Err(UnknownColumn));
    }
}
