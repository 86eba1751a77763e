//! The values that creators have.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use shared::creators::CreatorId;
use shared::custom_fields::{self, FieldValue, Given};
use utoipa::ToSchema;

use super::body::given;
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, IfMatch, Json, PathId, ReadCreators, WriteCreators, etag};
use crate::fields::Fields;

/// Values in one request at the most.
const VALUES_MAX: usize = 200;

/// A creator's values.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CustomFieldValues {
    /// By key; fields without a value are absent. Numbers and amounts are texts, digit for digit.
    #[schema(value_type = Object, example = json!({ "favourite_colour": "red", "followers": "12000" }))]
    values: BTreeMap<String, Value>,
}

fn view(values: BTreeMap<String, FieldValue>) -> Response {
    let tag = [(header::ETAG, etag(custom_fields::version(&values)))];
    let shown = |value: FieldValue| match value {
        FieldValue::Bool(flag) => Value::from(flag),
        FieldValue::MultiSelect(options) => Value::from(options),
        value @ (FieldValue::Text(_)
        | FieldValue::Number(_)
        | FieldValue::Money(_)
        | FieldValue::Date(_)
        | FieldValue::Select(_)
        | FieldValue::Url(_)) => Value::from(value.to_string()),
    };
    let values = values.into_iter().map(|(key, value)| (key, shown(value)));
    let values = values.collect();
    (tag, Json(CustomFieldValues { values })).into_response()
}

/// Show a creator's values of the custom fields
#[utoipa::path(get, path = "/api/creators/{id}/custom-fields", operation_id = "showCustomFieldValues", tag = "custom fields", security(("bearer" = ["creators:read"])),
    params(("id" = String, Path, description = "`creator_…`")),
    responses((status = 200, body = CustomFieldValues, headers(("ETag" = String, description = "The version, for `If-Match`"))), (status = 404, description = "No such creator")))]
pub(super) async fn show(
    caller: Allowed<ReadCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let values = custom_fields::values(&mut tx, &caller.ctx, id).await?;
    Ok(view(values))
}

/// Set values of custom fields
///
/// The body is an object of keys and values; `null` takes a value away, keys that are left out stay.
#[utoipa::path(patch, path = "/api/creators/{id}/custom-fields", operation_id = "setCustomFieldValues", tag = "custom fields", security(("bearer" = ["creators:write"])),
    params(("id" = String, Path, description = "`creator_…`"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body(content = Object, description = "Values by key"),
    responses((status = 200, body = CustomFieldValues, headers(("ETag" = String, description = "The version, for `If-Match`"))), (status = 404, description = "No such creator"),
              (status = 412, description = "They were changed meanwhile"),
              (status = 422, description = "Some values do not fit their field", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
pub(super) async fn set(
    caller: Allowed<WriteCreators>,
    State(app): State<App>,
    PathId(id): PathId<CreatorId>,
    IfMatch(version): IfMatch,
    Json(body): Json<BTreeMap<String, Box<RawValue>>>,
) -> Result<Response> {
    let values = checked(body)?;
    let mut tx = app.db.begin().await?;
    let values = custom_fields::set(&mut tx, &caller.ctx, id, version, values).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(view(values))
}

fn checked(body: BTreeMap<String, Box<RawValue>>) -> Result<BTreeMap<String, Option<Given>>> {
    let mut fields = Fields::default();
    if body.is_empty() || body.len() > VALUES_MAX {
        fields.wrong("", format!("name 1 to {VALUES_MAX} values"));
    }
    let mut values = BTreeMap::new();
    for (key, value) in body {
        match given(&value) {
            None if value.get().trim() != "null" => {
                fields.wrong(
                    format!("/{key}"),
                    "use a text, a number, true, false, a list of texts, or null",
                );
            }
            value => {
                values.insert(key, value);
            }
        }
    }
    fields.finish()?;
    Ok(values)
}
