//! API keys: how programs prove who they are.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::access::{self, ApiKey, ApiKeyId, NewApiKey, Permission};
use shared::kernel::{Cursor, Page, PageLimit, PageRequest};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, PathId, Query, ReadKeys, WriteKeys};
use crate::fields::Fields;

/// Days that a key lives when nobody says otherwise.
const DAYS_DEFAULT: i64 = 90;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(revoke))
}

/// A key, without what opens the door.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
struct KeyView {
    #[schema(value_type = String)]
    id: ApiKeyId,
    name: String,
    /// How it begins, to recognise it by.
    #[schema(example = "ck_Xq3vB0a")]
    prefix: String,
    #[schema(example = json!(["jobs:write"]))]
    permissions: Vec<String>,
    /// The only clusters; null for all.
    clusters: Option<Vec<String>>,
    expires_at: DateTime<Utc>,
    /// When it was used last, within five minutes; null if never.
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            permissions: key.permissions,
            clusters: key.clusters,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
            created_by: key.created_by,
            created_at: key.created_at,
        }
    }
}

/// A new key, shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewKeyView {
    /// For `Authorization: Bearer …`. It is shown now and never again.
    #[schema(example = "ck_Xq3vB0a…")]
    key: String,
    #[serde(flatten)]
    about: KeyView,
}

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyParams {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyPage {
    /// The newest first.
    items: Vec<KeyView>,
    next_cursor: Option<String>,
}

impl From<Page<ApiKey>> for KeyPage {
    fn from(page: Page<ApiKey>) -> Self {
        Self {
            items: page.items.into_iter().map(KeyView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// List API keys
#[utoipa::path(get, path = "/api/api-keys", operation_id = "listApiKeys", tag = "users", security(("bearer" = ["api-keys:read"])),
    params(KeyParams), responses((status = 200, body = KeyPage)))]
async fn list(
    caller: Allowed<ReadKeys>,
    State(app): State<App>,
    Query(params): Query<KeyParams>,
) -> Result<Json<KeyPage>> {
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut conn = app.db.pool().acquire().await?;
    Ok(Json(
        access::keys(&mut conn, &caller.ctx, &page).await?.into(),
    ))
}

/// A key to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeyBody {
    #[schema(example = "nightly import")]
    name: String,
    /// What it may do; nothing that its maker may not.
    #[schema(example = json!(["jobs:write"]))]
    permissions: Vec<String>,
    /// The only clusters; left out for all.
    clusters: Option<Vec<String>>,
    /// At most 366 days ahead; left out, in 90 days.
    expires_at: Option<DateTime<Utc>>,
}

/// Make an API key
///
/// The key is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/api-keys", operation_id = "makeApiKey", tag = "users", security(("bearer" = ["api-keys:write"])),
    request_body = KeyBody,
    responses((status = 201, body = NewKeyView), (status = 422, description = "Some fields are wrong")))]
async fn make(
    caller: Allowed<WriteKeys>,
    State(app): State<App>,
    Json(body): Json<KeyBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let permissions: Vec<Permission> = fields.parsed_all("/permissions", &body.permissions);
    fields.finish()?;
    let in_days = caller.ctx.now() + chrono::Duration::days(DAYS_DEFAULT);
    let new = NewApiKey {
        name: body.name,
        permissions,
        clusters: body.clusters,
        expires_at: body.expires_at.unwrap_or(in_days),
    };
    let mut tx = app.db.begin().await?;
    let (key, text) = access::make_key(&mut tx, &caller.ctx, new).await?;
    app.db.commit(tx, &caller.ctx).await?;
    let view = NewKeyView {
        key: text.expose_secret().to_owned(),
        about: key.into(),
    };
    let headers = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, headers, Json(view)).into_response())
}

/// Revoke an API key
///
/// It opens nothing from the next request on. Saying it twice is allowed.
#[utoipa::path(delete, path = "/api/api-keys/{id}", operation_id = "revokeApiKey", tag = "users", security(("bearer" = ["api-keys:write"])),
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204, description = "It opens nothing"), (status = 404, description = "No such key")))]
async fn revoke(
    caller: Allowed<WriteKeys>,
    State(app): State<App>,
    PathId(id): PathId<ApiKeyId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    access::revoke_key(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}
