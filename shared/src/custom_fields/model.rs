//! Fields, their values, and what each type accepts; pure.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use rust_decimal::Decimal;
use url::Url;

use crate::kernel::{FieldError, words};

/// Fields an installation has at the most.
pub const FIELDS_MAX: i64 = 200;
/// Characters of a label at the most.
const LABEL_MAX_CHARS: usize = 100;
/// Characters of a text, an option or an address at the most.
const TEXT_MAX_CHARS: usize = 500;
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

/// A value as somebody gives it, before it is known of which type it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Words, a day, an option, an address, or a number digit for digit.
    Text(String),
    /// Yes or no.
    Bool(bool),
    /// Several words.
    List(Vec<String>),
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Words.
    Text(String),
    /// A decimal number.
    Number(Decimal),
    /// An amount in the field's currency.
    Money(Decimal),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Bool(bool),
    /// One of the options.
    Select(String),
    /// Some of the options, in their order.
    MultiSelect(Vec<String>),
    /// An address.
    Url(String),
}

/// The value in one cell of an export or one place of a template; of several options, with `; ` between them.
impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Select(text) | Self::Url(text) => f.write_str(text),
            Self::Number(number) | Self::Money(number) => write!(f, "{number}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::MultiSelect(options) => f.write_str(&options.join("; ")),
        }
    }
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

    /// What was given as a value of this field.
    ///
    /// # Errors
    /// With what to give instead.
    pub fn value(&self, given: Given) -> Result<FieldValue, String> {
        let value = self.typed(given)?;
        if let FieldValue::Number(number) | FieldValue::Money(number) = &value {
            let low = self.minimum.is_some_and(|least| *number < least);
            let high = self.maximum.is_some_and(|most| *number > most);
            if low || high {
                let bound = |bound: Option<Decimal>| {
                    bound.map_or("…".to_owned(), |bound| bound.to_string())
                };
                return Err(format!(
                    "use a number from {} to {}",
                    bound(self.minimum),
                    bound(self.maximum)
                ));
            }
        }
        Ok(value)
    }

    /// As [`NewField::value`], without looking at bounds: what a condition compares with may lie outside of them.
    pub(super) fn typed(&self, given: Given) -> Result<FieldValue, String> {
        match (self.field_type, given) {
            (FieldType::Text, Given::Text(text)) if is_line(&text, TEXT_MAX_CHARS) => {
                Ok(FieldValue::Text(text))
            }
            (FieldType::Text, _) => Err(format!(
                "use a text of 1 to {TEXT_MAX_CHARS} characters, without control characters"
            )),
            (FieldType::Number, Given::Text(text)) => decimal(&text, None).map(FieldValue::Number),
            (FieldType::Number, _) => Err("use a number".to_owned()),
            (FieldType::Money, Given::Text(text)) => {
                let currency = self.currency.as_deref().and_then(Currency::from_code);
                let digits = currency
                    .and_then(|currency| currency.exponent())
                    .unwrap_or(0);
                decimal(&text, Some(digits.into())).map(FieldValue::Money)
            }
            (FieldType::Money, _) => Err("use an amount".to_owned()),
            (FieldType::Date, Given::Text(text)) => text
                .parse()
                .map(FieldValue::Date)
                .map_err(|_| "use a date such as 2026-01-31".to_owned()),
            (FieldType::Date, _) => Err("use a date such as 2026-01-31".to_owned()),
            (FieldType::Bool, Given::Bool(flag)) => Ok(FieldValue::Bool(flag)),
            (FieldType::Bool, Given::Text(_) | Given::List(_)) => {
                Err("use true or false".to_owned())
            }
            (FieldType::Select, Given::Text(text)) if self.options.contains(&text) => {
                Ok(FieldValue::Select(text))
            }
            (FieldType::Select, _) => Err(format!("use one of: {}", self.options.join(", "))),
            (FieldType::MultiSelect, Given::List(list)) => self.chosen(&list),
            (FieldType::MultiSelect, _) => {
                Err(format!("use a list of: {}", self.options.join(", ")))
            }
            (FieldType::Url, Given::Text(text)) => address(text).map(FieldValue::Url),
            (FieldType::Url, _) => {
                Err("use an address that begins with http:// or https://".to_owned())
            }
        }
    }

    fn chosen(&self, list: &[String]) -> Result<FieldValue, String> {
        let known = list.iter().all(|item| self.options.contains(item));
        if list.is_empty() || !known {
            return Err(format!(
                "use a list of at least one of: {}",
                self.options.join(", ")
            ));
        }
        Ok(FieldValue::MultiSelect(
            self.options
                .iter()
                .filter(|option| list.contains(option))
                .cloned()
                .collect(),
        ))
    }
}

/// A decimal number, digit for digit; with `places`, at most so many behind the point.
fn decimal(text: &str, places: Option<u32>) -> Result<Decimal, String> {
    let number = Decimal::from_str_exact(text)
        .map_err(|_| "use a decimal number of at most 28 digits, such as 12.50".to_owned())?;
    match places {
        Some(places) if number.scale() > places => Err(format!(
            "this currency has {places} digits behind the point"
        )),
        Some(_) | None => Ok(number),
    }
}

fn address(text: String) -> Result<String, String> {
    let good = text.chars().count() <= TEXT_MAX_CHARS
        && Url::parse(&text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if good && is_line(&text, TEXT_MAX_CHARS) {
        Ok(text)
    } else {
        // a link with another scheme, such as javascript:, would run when somebody clicks it
        Err(format!(
            "use an address of at most {TEXT_MAX_CHARS} characters that begins with http:// or https://"
        ))
    }
}

fn is_line(text: &str, max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control)
}

/// A `;` would break the list in an export into more options than there are.
fn is_option(text: &str) -> bool {
    is_line(text, TEXT_MAX_CHARS) && text.trim() == text && !text.contains(';')
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn field(key: &str, field_type: FieldType) -> NewField {
        let chosen = matches!(field_type, FieldType::Select | FieldType::MultiSelect);
        NewField {
            key: key.parse().expect("a key"),
            label: key.to_owned(),
            field_type,
            options: if chosen {
                vec!["red".into(), "green".into()]
            } else {
                Vec::new()
            },
            minimum: None,
            maximum: None,
            currency: (field_type == FieldType::Money).then(|| "USD".to_owned()),
        }
    }

    fn text(text: &str) -> Given {
        Given::Text(text.to_owned())
    }

    #[test]
    fn each_type_takes_its_own_values_and_refuses_the_others() {
        let list =
            |items: &[&str]| Given::List(items.iter().map(|item| (*item).to_owned()).collect());
        for (field_type, good, shown, bad) in [
            (
                FieldType::Text,
                text("a 💕"),
                "a 💕",
                vec![text(""), text("a\nb"), Given::Bool(true)],
            ),
            (
                FieldType::Number,
                text("-0.10000000000000000001"),
                "-0.10000000000000000001",
                vec![text("1e3"), text("x"), text("NaN")],
            ),
            (
                FieldType::Money,
                text("12.50"),
                "12.50",
                vec![text("12.505"), text("$1")],
            ),
            (
                FieldType::Date,
                text("2028-02-29"),
                "2028-02-29",
                vec![text("2027-02-29"), text("1.2.2026")],
            ),
            (
                FieldType::Bool,
                Given::Bool(false),
                "false",
                vec![text("false")],
            ),
            (
                FieldType::Select,
                text("red"),
                "red",
                vec![text("blue"), list(&["red"])],
            ),
            (
                FieldType::MultiSelect,
                list(&["green", "red"]),
                "red; green",
                vec![list(&[]), list(&["red", "blue"]), text("red")],
            ),
            (
                FieldType::Url,
                text("https://x.example/a?b"),
                "https://x.example/a?b",
                vec![text("javascript:alert(1)"), text("x.example")],
            ),
        ] {
            let field = field("f", field_type);
            assert_eq!(field.check(), Ok(()), "{field_type}");
            assert_eq!(field.value(good).expect("a value").to_string(), shown);
            for given in bad {
                assert!(
                    field.value(given.clone()).is_err(),
                    "{field_type}: {given:?}"
                );
            }
        }
    }

    #[test]
    fn bounds_hold_for_values_and_both_are_included() {
        let score = NewField {
            minimum: Some(Decimal::ONE),
            maximum: Some(Decimal::TEN),
            ..field("score", FieldType::Number)
        };
        for (given, fits) in [
            ("1", true),
            ("10.0", true),
            ("0.99", false),
            ("10.01", false),
        ] {
            assert_eq!(score.value(text(given)).is_ok(), fits, "{given}");
        }
    }

    #[test]
    fn each_mistake_of_a_definition_is_named() {
        let wrong = NewField {
            label: " ".into(),
            options: vec!["a;b".into()],
            minimum: Some(Decimal::TEN),
            maximum: Some(Decimal::ONE),
            currency: Some("XXL".into()),
            ..field("f", FieldType::Text)
        };
        let fields: Vec<String> = wrong
            .check()
            .expect_err("wrong")
            .into_iter()
            .map(|error| error.field.into_owned())
            .collect();
        assert_eq!(
            fields,
            [
                "/label",
                "/options",
                "/minimum",
                "/maximum",
                "/maximum",
                "/currency"
            ]
        );
        for key in ["", "1a", "A", "a-b", &"a".repeat(51)] {
            assert_eq!(key.parse::<FieldKey>(), Err(InvalidKey), "{key:?}");
        }
    }
}
