//! What is said of custom fields. Numbers arrive as JSON numbers or texts and are read digit for digit.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::custom_fields::{FieldChanges, Given, NewField};
use utoipa::ToSchema;

use crate::error::{Problem, Result};
use crate::extract::told;
use crate::fields::Fields;

/// A value as it was given; none for `null` and for what no field takes.
pub(super) fn given(value: &RawValue) -> Option<Given> {
    let text = value.get().trim();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok().map(Given::Text),
        b'[' => serde_json::from_str(text).ok().map(Given::List),
        b't' => Some(Given::Bool(true)),
        b'f' => Some(Given::Bool(false)),
        b'-' | b'0'..=b'9' => Some(Given::Text(text.to_owned())),
        _ => None,
    }
}

/// A field to define.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCustomField)]
pub(super) struct FieldBody {
    /// 1 to 50 small letters, digits and underscores, beginning with a letter.
    #[schema(example = "favourite_colour")]
    key: String,
    label: String,
    /// `text`, `number`, `money`, `date`, `bool`, `select`, `multi_select` or `url`.
    #[schema(example = "select")]
    r#type: String,
    /// Of select and multi_select: what can be chosen.
    #[serde(default)]
    options: Vec<String>,
    /// Of number and money: the least, as a number or a text.
    #[schema(value_type = Option<String>)]
    minimum: Option<Box<RawValue>>,
    /// Of number and money: the most, as a number or a text.
    #[schema(value_type = Option<String>)]
    maximum: Option<Box<RawValue>>,
    /// Of money: ISO 4217.
    #[schema(example = json!(null))]
    currency: Option<String>,
}

/// A bound, if one was given.
fn bound<T: std::str::FromStr>(
    pointer: &'static str,
    value: Option<&RawValue>,
    fields: &mut Fields,
) -> Option<T> {
    match value.map(given) {
        Some(Some(Given::Text(text))) => {
            let parsed = text.parse();
            if parsed.is_err() {
                fields.wrong(pointer, "use a decimal number");
            }
            parsed.ok()
        }
        Some(Some(Given::Bool(_) | Given::List(_))) => {
            fields.wrong(pointer, "use a decimal number");
            None
        }
        Some(None) | None => None,
    }
}

impl FieldBody {
    pub(super) fn field(self) -> Result<NewField> {
        let mut fields = Fields::default();
        let key = fields.parsed("/key", &self.key);
        let field_type = fields.parsed("/type", &self.r#type);
        let minimum = bound("/minimum", self.minimum.as_deref(), &mut fields);
        let maximum = bound("/maximum", self.maximum.as_deref(), &mut fields);
        fields.finish()?;
        Ok(NewField {
            key: key.ok_or_else(Problem::internal)?,
            label: self.label,
            field_type: field_type.ok_or_else(Problem::internal)?,
            options: self.options,
            minimum,
            maximum,
            currency: self.currency,
        })
    }
}

/// What is to be different; fields that are left out stay, `null` takes away.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CustomFieldChanges)]
pub(super) struct ChangesBody {
    label: Option<String>,
    options: Option<Vec<String>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    minimum: Option<Option<Box<RawValue>>>,
    #[serde(deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    maximum: Option<Option<Box<RawValue>>>,
    /// Whether values can be set no more.
    archived: Option<bool>,
}

impl ChangesBody {
    pub(super) fn changes(self) -> Result<FieldChanges> {
        let mut fields = Fields::default();
        let changes = FieldChanges {
            label: self.label,
            options: self.options,
            minimum: self
                .minimum
                .map(|value| bound("/minimum", value.as_deref(), &mut fields)),
            maximum: self
                .maximum
                .map(|value| bound("/maximum", value.as_deref(), &mut fields)),
            archived: self.archived,
        };
        fields.finish()?;
        Ok(changes)
    }
}
