//! Conditions over custom fields, for finding creators; pure.

use super::{Field, FieldType, FieldValue, Given};
use crate::creators::{Comparison, FieldCondition, Operand};

/// What creators are to be narrowed by, before it is known of which type the field is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The key of the field.
    pub field: String,
    /// How.
    pub operator: Comparison,
    /// With what.
    pub value: Given,
}

/// Checks that the field's type can be compared in this way and that the value is of that type.
///
/// # Errors
/// With what to say instead.
pub(super) fn condition(
    field: &Field,
    operator: Comparison,
    given: Given,
) -> Result<FieldCondition, String> {
    let definition = &field.field;
    let ordered = matches!(
        definition.field_type,
        FieldType::Number | FieldType::Money | FieldType::Date
    );
    let given = read(definition.field_type, given);
    let value = match (operator, definition.field_type) {
        (Comparison::Contains, FieldType::Text | FieldType::Url) => match given {
            Given::Text(text) if !text.is_empty() => FieldValue::Text(text),
            Given::Text(_) | Given::Bool(_) | Given::List(_) => {
                return Err("use a text".to_owned());
            }
        },
        (Comparison::Contains, FieldType::MultiSelect)
        | (Comparison::Equals | Comparison::NotEquals, _) => definition.typed(given)?,
        (Comparison::LessThan | Comparison::GreaterThan, _) if ordered => {
            definition.typed(given)?
        }
        (Comparison::Contains | Comparison::LessThan | Comparison::GreaterThan, field_type) => {
            return Err(format!(
                "a {field_type} cannot be compared with `{operator}`"
            ));
        }
    };
    Ok(FieldCondition {
        field: definition.key.to_string(),
        operator,
        value: operand(value),
    })
}

/// What an address bar can only write as text: yes and no, and one option of several.
fn read(field_type: FieldType, given: Given) -> Given {
    match (field_type, given) {
        (FieldType::Bool, Given::Text(text)) => match text.parse() {
            Ok(flag) => Given::Bool(flag),
            Err(_) => Given::Text(text),
        },
        (FieldType::MultiSelect, Given::Text(option)) => Given::List(vec![option]),
        (_, given) => given,
    }
}

fn operand(value: FieldValue) -> Operand {
    match value {
        FieldValue::Text(text) | FieldValue::Select(text) | FieldValue::Url(text) => {
            Operand::Text(text)
        }
        FieldValue::Number(number) | FieldValue::Money(number) => {
            Operand::Number(number.to_string())
        }
        FieldValue::Date(day) => Operand::Date(day),
        FieldValue::Bool(flag) => Operand::Bool(flag),
        FieldValue::MultiSelect(options) => Operand::List(options),
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
            (FieldType::Number, Comparison::LessThan, "5", true),
            (FieldType::Number, Comparison::LessThan, "five", false),
            (FieldType::Number, Comparison::Contains, "5", false),
            (FieldType::Text, Comparison::GreaterThan, "a", false),
            (FieldType::Text, Comparison::Contains, "a", true),
            (FieldType::MultiSelect, Comparison::Contains, "red", true),
            (FieldType::MultiSelect, Comparison::Contains, "blue", false),
            (FieldType::Bool, Comparison::LessThan, "true", false),
        ] {
            let condition = condition(&stored(field_type), operator, Given::Text(given.into()));
            assert_eq!(
                condition.is_ok(),
                fits,
                "{field_type} {operator} {given}: {condition:?}"
            );
        }
    }
}
