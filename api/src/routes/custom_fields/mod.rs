//! Custom fields: what an installation wants to know of creators beside what the product asks.

mod body;
mod values;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::custom_fields::{self, Field, FieldKey};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, ConfigureFields, IfMatch, Json, PathId, ReadCreators, etag};
use body::{ChangesBody, FieldBody};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, define))
        .routes(routes!(change))
        .routes(routes!(values::show, values::set))
}

/// The fields there are.
#[derive(Debug, Serialize, ToSchema)]
struct CustomFields {
    /// By key.
    items: Vec<FieldView>,
}

/// A custom field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomField)]
struct FieldView {
    #[schema(example = "favourite_colour")]
    key: String,
    label: String,
    /// `text`, `number`, `money`, `date`, `bool`, `select`, `multi_select` or `url`.
    #[schema(example = "select")]
    r#type: &'static str,
    /// Of select and multi_select: what can be chosen.
    options: Vec<String>,
    /// Of number and money: the least, digit for digit.
    minimum: Option<String>,
    /// Of number and money: the most, digit for digit.
    maximum: Option<String>,
    /// Of money: ISO 4217.
    currency: Option<String>,
    /// Since when no value can be set.
    archived_at: Option<DateTime<Utc>>,
    version: i64,
}

impl From<Field> for FieldView {
    fn from(field: Field) -> Self {
        Self {
            key: field.field.key.to_string(),
            label: field.field.label,
            r#type: field.field.field_type.as_str(),
            options: field.field.options,
            minimum: field.field.minimum.map(|bound| bound.to_string()),
            maximum: field.field.maximum.map(|bound| bound.to_string()),
            currency: field.field.currency,
            archived_at: field.archived_at,
            version: field.version,
        }
    }
}

fn tagged(status: StatusCode, field: Field) -> Response {
    (
        status,
        [(header::ETAG, etag(field.version))],
        Json(FieldView::from(field)),
    )
        .into_response()
}

/// List the custom fields
#[utoipa::path(get, path = "/api/custom-fields", operation_id = "listCustomFields", tag = "custom fields", security(("bearer" = ["creators:read"])),
    responses((status = 200, body = CustomFields)))]
async fn list(_: Allowed<ReadCreators>, State(app): State<App>) -> Result<Json<CustomFields>> {
    let mut tx = app.db.begin().await?;
    let fields = custom_fields::definitions(&mut tx).await?;
    Ok(Json(CustomFields {
        items: fields.into_iter().map(FieldView::from).collect(),
    }))
}

/// Define a custom field
#[utoipa::path(post, path = "/api/custom-fields", operation_id = "defineCustomField", tag = "custom fields", security(("bearer" = ["custom-fields:configure"])),
    request_body = FieldBody,
    responses((status = 201, body = FieldView), (status = 409, description = "The key is taken, or there are too many fields"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn define(
    caller: Allowed<ConfigureFields>,
    State(app): State<App>,
    Json(body): Json<FieldBody>,
) -> Result<Response> {
    let new = body.field()?;
    let mut tx = app.db.begin().await?;
    let field = custom_fields::define(&mut tx, &caller.ctx, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(StatusCode::CREATED, field))
}

/// Change a custom field
///
/// Key, type and currency stay as they are. An option that creators have cannot go.
#[utoipa::path(patch, path = "/api/custom-fields/{key}", operation_id = "changeCustomField", tag = "custom fields", security(("bearer" = ["custom-fields:configure"])),
    params(("key" = String, Path, description = "The field's key"), ("If-Match" = Option<String>, Header, description = "Only this version is changed")),
    request_body = ChangesBody,
    responses((status = 200, body = FieldView), (status = 404, description = "No such field"), (status = 409, description = "Creators have an option that is to go"),
              (status = 412, description = "It was changed meanwhile"),
              (status = 422, description = "Some fields are wrong", content_type = "application/problem+json", body = crate::openapi::ProblemDocument)))]
async fn change(
    caller: Allowed<ConfigureFields>,
    State(app): State<App>,
    PathId(key): PathId<FieldKey>,
    IfMatch(version): IfMatch,
    Json(body): Json<ChangesBody>,
) -> Result<Response> {
    let changes = body.changes()?;
    let mut tx = app.db.begin().await?;
    let field = custom_fields::change(&mut tx, &caller.ctx, &key, changes, version).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(tagged(StatusCode::OK, field))
}
