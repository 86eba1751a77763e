//! Fields and what may be said of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use iso_currency::Currency;
use rust_decimal::Decimal;

use crate::kernel::{FieldError, words};

/// Fields an installation has at the most.
pub const FIELDS_MAX: i64 = 200;
/// Characters of a label at the most.
const LABEL_MAX_CHARS: usize = 100;
/// Characters of a text, an option or an address at the most.
pub(super) const TEXT_MAX_CHARS: usize = 500;
/// Options of a field at the most.
const OPTIONS_MAX: usize = 200;
/// Characters of a key at the most.
const KEY_MAX_CHARS: usize = 50;

words!(
    /// What the values of a field are.
    FieldType {
        /// Words.
        Text => "text",
        /// A decimal number.
        Number => "number",
        /// An amount in the field's currency.
        Money => "money",
        /// A day.
        Date => "date",
        /// Yes or no.
        Bool => "bool",
        /// One of the options.
        Select => "select",
        /// Some of the options.
        MultiSelect => "multi_select",
        /// An address that begins with http:// or https://.
        Url => "url",
    }
);

/// The name of a field where it is used: a small letter, then up to 49 small letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldKey(String);

/// The text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "use 1 to {KEY_MAX_CHARS} small letters (a-z), digits or underscores, beginning with a letter"
)]
pub struct InvalidKey;

impl FieldKey {
    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FieldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FieldKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins_well = text.chars().next().is_some_and(|c| c.is_ascii_lowercase());
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if begins_well && text.len() <= KEY_MAX_CHARS && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }
}

/// A field about to be defined.
#[derive(Debug, Clone, PartialEq)]
pub struct NewField {
    /// Where it is used.
    pub key: FieldKey,
    /// Where it is read.
    pub label: String,
    /// What its values are; never changed.
    pub field_type: FieldType,
    /// Of select and multi_select: what can be chosen.
    pub options: Vec<String>,
    /// Of number and money: the least.
    pub minimum: Option<Decimal>,
    /// Of number and money: the most.
    pub maximum: Option<Decimal>,
    /// Of money: its currency; never changed.
    pub currency: Option<String>,
}

/// What is to be different; what is none stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldChanges {
    /// Another label.
    pub label: Option<String>,
    /// Other options; those that creators have must stay.
    pub options: Option<Vec<String>>,
    /// Another least, or none. Values that are there stay.
    pub minimum: Option<Option<Decimal>>,
    /// Another most, or none. Values that are there stay.
    pub maximum: Option<Option<Decimal>>,
    /// Whether values can be set no more.
    pub archived: Option<bool>,
}

/// A field as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// What it is.
    pub field: NewField,
    /// Since when no value can be set; none if it can.
    pub archived_at: Option<DateTime<Utc>>,
    /// Grows with each change.
    pub version: i64,
}

impl NewField {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// With each wrong field.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut note =
            |field: &'static str, message: String| wrong.push(FieldError::new(field, message));
        if !is_line(&self.label, LABEL_MAX_CHARS) {
            note(
                "/label",
                format!("use 1 to {LABEL_MAX_CHARS} characters, without control characters"),
            );
        }
        let chosen = matches!(self.field_type, FieldType::Select | FieldType::MultiSelect);
        let distinct: BTreeSet<&String> = self.options.iter().collect();
        let options_fit = distinct.len() == self.options.len()
            && self.options.len() <= OPTIONS_MAX
            && self.options.iter().all(|option| is_option(option));
        if chosen == self.options.is_empty() || !options_fit {
            let remedy = "give select and multi_select 1 to 200 different options of at most 500 characters without `;`, other types none";
            note("/options", remedy.to_owned());
        }
        let numeric = matches!(self.field_type, FieldType::Number | FieldType::Money);
        for (field, bound) in [("/minimum", self.minimum), ("/maximum", self.maximum)] {
            if bound.is_some() && !numeric {
                note(field, "only number and money have bounds".to_owned());
            }
        }
        if self
            .minimum
            .zip(self.maximum)
            .is_some_and(|(least, most)| least > most)
        {
            note("/maximum", "must not be below `minimum`".to_owned());
        }
        let currency = self.currency.as_deref().map(Currency::from_code);
        let currency_fits = match (self.field_type, currency) {
            (FieldType::Money, Some(Some(_))) => true,
            (FieldType::Money, _) => false,
            (_, currency) => currency.is_none(),
        };
        if !currency_fits {
            note(
                "/currency",
                "give money its ISO 4217 currency, such as USD, and other types none".to_owned(),
            );
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The same with the changes.
    pub fn with(mut self, changes: FieldChanges) -> Self {
        self.label = changes.label.unwrap_or(self.label);
        self.options = changes.options.unwrap_or(self.options);
        self.minimum = changes.minimum.unwrap_or(self.minimum);
        self.maximum = changes.maximum.unwrap_or(self.maximum);
        self
    }
}

pub(super) fn is_line(text: &str, max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control)
}

/// A `;` would break the list in an export into more options than there are.
fn is_option(text: &str) -> bool {
    is_line(text, TEXT_MAX_CHARS) && text.trim() == text && !text.contains(';')
}
