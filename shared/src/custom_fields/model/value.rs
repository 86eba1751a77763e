//! Values, and what each type of field accepts.

use std::fmt;

use chrono::NaiveDate;
use iso_currency::Currency;
use rust_decimal::Decimal;
use url::Url;

use super::definition::{TEXT_MAX_CHARS, is_line};
use super::{FieldType, NewField};

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
    pub(in crate::custom_fields) fn typed(&self, given: Given) -> Result<FieldValue, String> {
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
