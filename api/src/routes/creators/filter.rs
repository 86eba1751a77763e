//! A filter over creators in a body.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::creators::{Comparison, CreatorFilter, FieldCondition, Operand};
use shared::custom_fields::{Asked, Given};
use shared::tags::Tag;
use utoipa::ToSchema;

use crate::fields::Fields;

/// Which creators; what is left out does not matter.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = CreatorFilter)]
pub(super) struct FilterBody {
    /// As in `GET /api/creators`.
    q: Option<String>,
    clusters: Vec<String>,
    statuses: Vec<String>,
    tiers: Vec<String>,
    owner: Option<String>,
    created_after: Option<DateTime<Utc>>,
    created_before: Option<DateTime<Utc>>,
    active_after: Option<DateTime<Utc>>,
    active_before: Option<DateTime<Utc>>,
    /// With all of these tags.
    tags: Vec<String>,
    /// With values of custom fields that meet all of these.
    fields: Vec<ConditionBody>,
    archived: bool,
}

/// A condition about a custom field.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomFieldCondition)]
struct ConditionBody {
    /// The key of the field.
    #[schema(example = "followers")]
    field: String,
    /// `equals`, `not_equals`, `less_than`, `greater_than` or `contains`.
    #[schema(example = "greater_than")]
    operator: String,
    /// A text, true or false, or a list of texts; numbers as texts, digit for digit.
    #[schema(example = "12000")]
    value: Value,
}

impl ConditionBody {
    fn asked(self, at: usize, fields: &mut Fields) -> Option<Asked> {
        let operator: Option<Comparison> =
            fields.parsed(format!("/filter/fields/{at}/operator"), &self.operator);
        let value = given(self.value);
        if value.is_none() {
            let remedy = "use a text, true, false or a list of texts";
            fields.wrong(format!("/filter/fields/{at}/value"), remedy);
        }
        Some(Asked {
            field: self.field,
            operator: operator?,
            value: value?,
        })
    }
}

fn given(value: Value) -> Option<Given> {
    match value {
        Value::String(text) => Some(Given::Text(text)),
        Value::Number(number) => Some(Given::Text(number.to_string())),
        Value::Bool(flag) => Some(Given::Bool(flag)),
        list @ Value::Array(_) => serde_json::from_value(list).ok().map(Given::List),
        Value::Null | Value::Object(_) => None,
    }
}

impl From<FieldCondition> for ConditionBody {
    fn from(condition: FieldCondition) -> Self {
        Self {
            field: condition.field,
            operator: condition.operator.to_string(),
            value: match condition.value {
                Operand::Text(text) | Operand::Number(text) => text.into(),
                Operand::Date(day) => day.to_string().into(),
                Operand::Bool(flag) => flag.into(),
                Operand::List(options) => options.into(),
            },
        }
    }
}

/// Where a body's conditions stand.
pub(super) const CONDITIONS: &str = "/filter/fields";

impl FilterBody {
    /// The filter, as far as its words are known; the others are noted. Whether the conditions about custom fields fit is
    /// for `custom_fields::conditions` to say.
    pub(super) fn checked(self, fields: &mut Fields) -> (CreatorFilter, Vec<Asked>) {
        let tags: Vec<Tag> = fields.parsed_all("/filter/tags", &self.tags);
        let conditions = self.fields.into_iter().enumerate();
        let asked = conditions.filter_map(|(at, one)| one.asked(at, fields));
        let asked = asked.collect();
        let filter = CreatorFilter {
            q: self.q,
            legal_name: None,
            clusters: self.clusters,
            statuses: fields.parsed_all("/filter/statuses", &self.statuses),
            tiers: fields.parsed_all("/filter/tiers", &self.tiers),
            owner: self.owner,
            created_after: self.created_after,
            created_before: self.created_before,
            active_after: self.active_after,
            active_before: self.active_before,
            tags: tags.iter().map(ToString::to_string).collect(),
            fields: Vec::new(),
            archived: self.archived,
        };
        (filter, asked)
    }
}

impl From<CreatorFilter> for FilterBody {
    fn from(filter: CreatorFilter) -> Self {
        Self {
            q: filter.q,
            clusters: filter.clusters,
            statuses: filter.statuses.iter().map(ToString::to_string).collect(),
            tiers: filter.tiers.iter().map(ToString::to_string).collect(),
            owner: filter.owner,
            created_after: filter.created_after,
            created_before: filter.created_before,
            active_after: filter.active_after,
            active_before: filter.active_before,
            tags: filter.tags,
            fields: filter.fields.into_iter().map(ConditionBody::from).collect(),
            archived: filter.archived,
        }
    }
}
