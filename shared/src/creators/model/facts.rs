//! What other slices keep of creators, as lists are narrowed by it; pure.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::kernel::words;

/// Tags that a filter names at the most, and conditions about custom fields.
pub const FACTS_MAX: usize = 20;

words!(
    /// How the value of a custom field is compared.
    Comparison {
        /// It is the same.
        Equals => "equals",
        /// It is not the same, or there is none.
        NotEquals => "not_equals",
        /// It is less, or before.
        LessThan => "less_than",
        /// It is more, or after.
        GreaterThan => "greater_than",
        /// It has these letters in it (text, url), or these options (multi_select).
        Contains => "contains",
    }
);

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operand {
    /// Words, an option, or an address.
    Text(String),
    /// A decimal number, digit for digit.
    Number(String),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Bool(bool),
    /// Options.
    List(Vec<String>),
}

/// A condition about a custom field. The slice that keeps them checks that operator and value fit the field
/// (`custom_fields::conditions`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FieldCondition {
    /// The key of the field.
    pub field: String,
    /// How.
    pub operator: Comparison,
    /// With what.
    pub value: Operand,
}
