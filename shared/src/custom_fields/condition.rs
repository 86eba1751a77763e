//! Conditions over custom fields, for the queries of others; pure.

use super::{Field, FieldType, FieldValue, Given};
use crate::kernel::words;

words!(
    /// How a value is compared.
    Operator {
        /// It is the same.
        Equals => "equals",
        /// It is not the same, or there is none.
        NotEquals => "not_equals",
        /// It is less, or before.
        LessThan => "less_than",
        /// It is more, or after.
        GreaterThan => "greater_than",
        /// It has these letters in it (text, url), or this option (multi_select).
        Contains => "contains",
    }
);

/// A condition whose operator and value fit its field.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(super) field: String,
    pub(super) operator: Operator,
    pub(super) value: FieldValue,
}

impl Condition {
    /// Checks that the field's type can be compared in this way and that the value is of that type.
    ///
    /// # Errors
    /// With what to say instead.
    pub fn new(field: &Field, operator: Operator, given: Given) -> Result<Self, String> {
        let definition = &field.field;
        let ordered = matches!(
            definition.field_type,
            FieldType::Number | FieldType::Money | FieldType::Date
        );
        let value = match (operator, definition.field_type) {
            (Operator::Contains, FieldType::Text | FieldType::Url) => match given {
                Given::Text(text) if !text.is_empty() => FieldValue::Text(text),
                Given::Text(_) | Given::Bool(_) | Given::List(_) => {
                    return Err("use a text".to_owned());
                }
            },
            (Operator::Contains, FieldType::MultiSelect) => match given {
                Given::Text(option) => definition.typed(Given::List(vec![option]))?,
                list @ (Given::List(_) | Given::Bool(_)) => definition.typed(list)?,
            },
            (Operator::LessThan | Operator::GreaterThan, _) if ordered => {
                definition.typed(given)?
            }
            (Operator::Equals | Operator::NotEquals, _) => definition.typed(given)?,
            (Operator::Contains | Operator::LessThan | Operator::GreaterThan, field_type) => {
                return Err(format!(
                    "a {field_type} cannot be compared with `{operator}`"
                ));
            }
        };
        Ok(Self {
            field: definition.key.to_string(),
            operator,
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::field;
    use super::*;

    #[test]
    fn an_operator_that_means_nothing_for_a_type_is_refused() {
        let stored = |field_type| Field {
            field: field("f", field_type),
            archived_at: None,
            version: 1,
        };
        for (field_type, operator, given, fits) in [
            (FieldType::Number, Operator::LessThan, "5", true),
            (FieldType::Number, Operator::LessThan, "five", false),
            (FieldType::Number, Operator::Contains, "5", false),
            (FieldType::Text, Operator::GreaterThan, "a", false),
            (FieldType::Text, Operator::Contains, "a", true),
            (FieldType::MultiSelect, Operator::Contains, "red", true),
            (FieldType::MultiSelect, Operator::Contains, "blue", false),
            (FieldType::Bool, Operator::LessThan, "true", false),
        ] {
            let condition =
                Condition::new(&stored(field_type), operator, Given::Text(given.into()));
            assert_eq!(
                condition.is_ok(),
                fits,
                "{field_type} {operator} {given}: {condition:?}"
            );
        }
    }
}
