//! One row of a file, understood.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use chrono::NaiveDate;
use csv::StringRecord;

use super::{Settings, Target};
use crate::cells;
use crate::creators::{CreatorChanges, CreatorId, Key};
use crate::custom_fields::{Field, FieldType, FieldValue, Given, ValueChanges};
use crate::kernel::FieldError;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imports) struct Problem {
    /// The header of the column; none for the whole row.
    pub(in crate::imports) column: Option<String>,
    /// What is wrong and the remedy.
    pub(in crate::imports) message: String,
}

impl Problem {
    pub(in crate::imports) fn of_row(message: impl Display) -> Self {
        Self {
            column: None,
            message: message.to_string(),
        }
    }
}

/// What a row says about whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::imports) struct Row {
    pub(in crate::imports) id: Option<CreatorId>,
    pub(in crate::imports) cluster: Option<String>,
    pub(in crate::imports) birth_date: Option<NaiveDate>,
    /// Address and username too.
    pub(in crate::imports) changes: CreatorChanges,
    pub(in crate::imports) custom: ValueChanges,
}

impl Row {
    /// What its creator is known by.
    pub(in crate::imports) fn key(&self) -> Key {
        Key {
            id: self.id,
            cluster: self.cluster.clone(),
            email_key: self.changes.email.as_ref().map(|email| email.normalised()),
            username_key: self.changes.username.as_ref().map(|name| name.normalised()),
        }
    }
}

/// How the rows of a file are read.
#[derive(Debug)]
pub(in crate::imports) struct Plan<'a> {
    headers: &'a [String],
    settings: &'a Settings,
    fields: BTreeMap<&'a str, &'a Field>,
}

impl<'a> Plan<'a> {
    pub(in crate::imports) fn new(
        headers: &'a [String],
        settings: &'a Settings,
        fields: &'a [Field],
    ) -> Self {
        let fields = fields
            .iter()
            .map(|field| (field.field.key.as_str(), field))
            .collect();
        Self {
            headers,
            settings,
            fields,
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub(in crate::imports) fn read(&self, record: &StringRecord) -> Result<Row, Vec<Problem>> {
        if record.len() > self.headers.len() {
            let message = format!(
                "the row has {} cells and the header {}; look for a delimiter that is not quoted",
                record.len(),
                self.headers.len()
            );
            return Err(vec![Problem::of_row(message)]);
        }
        let mut row = Row::default();
        let mut wrong = Vec::new();
        for (column, target) in self.settings.columns.iter().enumerate() {
            let Some(target) = target else { continue };
            let cell = cells::unguarded(record.get(column).unwrap_or_default());
            let done = if cell.trim().is_empty() {
                if self.settings.clear_empty {
                    forget(&mut row, target);
                }
                Ok(())
            } else {
                self.say(&mut row, target, cell)
            };
            if let Err(message) = done {
                let column = self.headers.get(column).cloned();
                wrong.push(Problem { column, message });
            }
        }
        if row.cluster.is_none() {
            row.cluster.clone_from(&self.settings.cluster);
        }
        wrong.extend(self.problems(row.changes.check().err().unwrap_or_default()));
        if wrong.is_empty() {
            Ok(row)
        } else {
            Err(wrong)
        }
    }

    /// Wrong fields of a creator as problems of the columns that they come from.
    pub(in crate::imports) fn problems(&self, wrong: Vec<FieldError>) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::with_capacity(wrong.len());
        for field in wrong {
            let name = field.field.trim_start_matches('/').split('/').next();
            let target = name.and_then(|name| name.parse::<Target>().ok());
            let at = target.and_then(|target| {
                let mut columns = self.settings.columns.iter();
                columns.position(|column| column.as_ref() == Some(&target))
            });
            let problem = Problem {
                column: at.and_then(|at| self.headers.get(at).cloned()),
                message: field.message.into_owned(),
            };
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }

    /// Puts what a cell says into the row.
    fn say(&self, row: &mut Row, target: &Target, cell: &str) -> Result<(), String> {
        let changes = &mut row.changes;
        match target {
            Target::Id => row.id = Some(parsed(cell)?),
            Target::ClusterId => row.cluster = Some(cell.trim().to_owned()),
            Target::Email => changes.email = Some(parsed(cell)?),
            Target::Username => changes.username = Some(parsed(cell)?),
            Target::Phone => changes.phone = Some(Some(parsed(cell.trim())?)),
            Target::DisplayName => changes.display_name = Some(Some(cell.to_owned())),
            Target::FirstName => changes.first_name = Some(Some(cell.to_owned())),
            Target::Aliases => changes.aliases = Some(cells::items(cell)),
            Target::Handles => changes.handles = Some(handles(cell)?),
            Target::TimeZone => {
                let zone = cell.trim().parse();
                let zone = zone.map_err(|_| "use an IANA time zone, such as Europe/Berlin")?;
                changes.time_zone = Some(Some(zone));
            }
            Target::Owner => changes.owner = Some(Some(cell.trim().to_owned())),
            Target::BirthDate => {
                let day = cell.trim().parse();
                row.birth_date = Some(day.map_err(|_| "use a date such as 2000-01-31")?);
            }
            Target::Custom(key) => {
                let field = self.fields.get(key.as_str());
                let field = field.ok_or("there is no such custom field any more")?;
                if field.archived_at.is_some() {
                    return Err("this field is archived".to_owned());
                }
                row.custom.insert(key.clone(), Some(custom(field, cell)?));
            }
        }
        Ok(())
    }
}

/// Empties what a column is about, if it can be empty.
fn forget(row: &mut Row, target: &Target) {
    let changes = &mut row.changes;
    match target {
        Target::Phone => changes.phone = Some(None),
        Target::DisplayName => changes.display_name = Some(None),
        Target::FirstName => changes.first_name = Some(None),
        Target::Aliases => changes.aliases = Some(Vec::new()),
        Target::Handles => changes.handles = Some(BTreeMap::new()),
        Target::TimeZone => changes.time_zone = Some(None),
        Target::Owner => changes.owner = Some(None),
        Target::Custom(key) => {
            row.custom.insert(key.clone(), None);
        }
        Target::Id | Target::ClusterId | Target::Email | Target::Username | Target::BirthDate => {}
    }
}

fn parsed<T: FromStr>(cell: &str) -> Result<T, String>
where
    T::Err: Display,
{
    cell.trim()
        .parse()
        .map_err(|error: T::Err| error.to_string())
}

fn handles(cell: &str) -> Result<BTreeMap<String, String>, String> {
    let pair = |item: String| {
        item.split_once('=')
            .map(|(platform, name)| (platform.to_owned(), name.to_owned()))
            .ok_or_else(|| "write handles as platform=name; platform=name".to_owned())
    };
    cells::items(cell).into_iter().map(pair).collect()
}

/// A value of a custom field, as an export writes it.
pub(in crate::imports) fn custom(field: &Field, cell: &str) -> Result<FieldValue, String> {
    let given = match field.field.field_type {
        FieldType::Bool => match cell.trim().to_ascii_lowercase().as_str() {
            "true" => Given::Bool(true),
            "false" => Given::Bool(false),
            _ => Given::Text(cell.to_owned()),
        },
        FieldType::MultiSelect => Given::List(
            cell.split(';')
                .map(|option| option.trim().to_owned())
                .filter(|option| !option.is_empty())
                .collect(),
        ),
        FieldType::Text => Given::Text(cell.to_owned()),
        FieldType::Number
        | FieldType::Money
        | FieldType::Date
        | FieldType::Select
        | FieldType::Url => Given::Text(cell.trim().to_owned()),
    };
    field.field.value(given)
}
