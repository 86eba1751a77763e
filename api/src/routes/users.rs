//! Users: who may log in, what they may do, and how far they reach.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use shared::access::{self, Grant, NewUser, User, UserChanges, UserFilter, UserId};
use shared::creators::CreatorId;
use shared::kernel::{Cursor, Page, PageLimit, PageRequest, Role, TypedId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::refused;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, IfMatch, Json, PathId, Query, ReadUsers, WriteUsers, etag, told};
use crate::fields::Fields;

/// Characters of a reason at the most.
const REASON_MAX_CHARS: usize = 500;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(send_mail))
        .routes(routes!(reset_second_factor))
        .routes(routes!(end_sessions))
}

/// Somebody who may log in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
struct UserView {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
    name: String,
    #[schema(example = json!(["support"]))]
    roles: Vec<&'static str>,
    /// The only clusters; null for all.
    clusters: Option<Vec<String>>,
    #[schema(value_type = Option<String>)]
    creator_id: Option<CreatorId>,
    /// Whether they have set a password.
    has_password: bool,
    second_factor_since: Option<DateTime<Utc>>,
    /// Since when they may not log in; null if they may.
    disabled_at: Option<DateTime<Utc>>,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            roles: user.roles.iter().map(|role| role.as_str()).collect(),
            clusters: user.clusters,
            creator_id: user.creator.map(CreatorId::from),
            has_password: user.has_password,
            second_factor_since: user.second_factor_since,
            disabled_at: user.disabled_at,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// The user with the version as `ETag`.
fn shown(status: StatusCode, user: User) -> Result<Response> {
    let tag = HeaderValue::from_str(&etag(user.version)).map_err(|_| Problem::internal())?;
    Ok((status, [(header::ETAG, tag)], Json(UserView::from(user))).into_response())
}

/// Which users.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserParams {
    /// Those with this role.
    role: Option<String>,
    /// `true` for those who may not log in, `false` for those who may.
    disabled: Option<bool>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// 1 to 200, else 50.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageLimit>,
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserPage {
    /// By their address.
    items: Vec<UserView>,
    next_cursor: Option<String>,
}

impl From<Page<User>> for UserPage {
    fn from(page: Page<User>) -> Self {
        Self {
            items: page.items.into_iter().map(UserView::from).collect(),
            next_cursor: page.next.map(|cursor| cursor.as_str().to_owned()),
        }
    }
}

/// List users
#[utoipa::path(get, path = "/api/users", operation_id = "listUsers", tag = "users", security(("bearer" = ["users:read"])),
    params(UserParams), responses((status = 200, body = UserPage)))]
async fn list(
    caller: Allowed<ReadUsers>,
    State(app): State<App>,
    Query(params): Query<UserParams>,
) -> Result<Json<UserPage>> {
    let mut fields = Fields::default();
    let role: Option<Role> = fields.parsed_if("role", params.role.as_deref());
    fields.finish()?;
    let filter = UserFilter {
        role,
        disabled: params.disabled,
    };
    let page = PageRequest {
        cursor: params.cursor.map(Cursor::from),
        limit: params.limit,
    };
    let mut conn = app.db.pool().acquire().await?;
    let users = access::users(&mut conn, &caller.ctx, &filter, &page).await?;
    Ok(Json(users.into()))
}

/// A user to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserBody {
    /// What they log in with.
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(example = "Ada Lovelace")]
    name: String,
    /// `admin`, `ops`, `support`, `marketing`, `finance`, `compliance`, `analyst`; or `creator` alone.
    #[schema(example = json!(["support"]))]
    roles: Vec<String>,
    /// The only clusters; left out for all.
    clusters: Option<Vec<String>>,
    /// With the role `creator`: which one they are.
    creator_id: Option<String>,
    /// Left out, they are sent a mail to set one.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    password: Option<SecretString>,
}

/// Add a user
#[utoipa::path(post, path = "/api/users", operation_id = "addUser", tag = "users", security(("bearer" = ["users:write"])),
    request_body = UserBody,
    responses((status = 201, body = UserView, headers(("Location" = String, description = "Where the user is shown"))),
              (status = 409, description = "The address is taken"), (status = 422, description = "Some fields are wrong")))]
async fn add(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    Json(body): Json<UserBody>,
) -> Result<Response> {
    let mut fields = Fields::default();
    let email = fields.parsed("/email", &body.email);
    let roles = fields.parsed_all("/roles", &body.roles);
    let creator: Option<CreatorId> = fields.parsed_if("/creatorId", body.creator_id.as_deref());
    fields.finish()?;
    let new = NewUser {
        email: email.ok_or_else(Problem::internal)?,
        name: body.name,
        grant: Grant {
            roles,
            clusters: body.clusters,
            creator: creator.map(TypedId::uuid),
        },
    };
    let user = app.access.add_user(&caller.ctx, new, body.password).await?;
    let location = HeaderValue::from_str(&format!("/api/users/{}", user.id));
    let mut response = shown(StatusCode::CREATED, user)?;
    let location = location.map_err(|_| Problem::internal())?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Show a user
#[utoipa::path(get, path = "/api/users/{id}", operation_id = "showUser", tag = "users", security(("bearer" = ["users:read"])),
    params(("id" = String, Path, description = "`user_…`")),
    responses((status = 200, body = UserView), (status = 404, description = "No such user")))]
async fn show(
    caller: Allowed<ReadUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<Response> {
    let mut conn = app.db.pool().acquire().await?;
    shown(
        StatusCode::OK,
        access::user(&mut conn, &caller.ctx, id).await?,
    )
}

/// What is to be different; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserPatch {
    name: Option<String>,
    roles: Option<Vec<String>>,
    /// null for all.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<Vec<String>>)]
    clusters: Option<Option<Vec<String>>>,
    /// null for none.
    #[serde(default, deserialize_with = "told")]
    #[schema(value_type = Option<String>)]
    creator_id: Option<Option<String>>,
}

impl UserPatch {
    fn changes(self) -> Result<UserChanges> {
        let mut fields = Fields::default();
        let roles = self.roles.map(|roles| fields.parsed_all("/roles", &roles));
        let creator = self.creator_id.map(|id| {
            let id: Option<CreatorId> = fields.parsed_if("/creatorId", id.as_deref());
            id.map(TypedId::uuid)
        });
        fields.finish()?;
        Ok(UserChanges {
            name: self.name,
            roles,
            clusters: self.clusters,
            creator,
        })
    }
}

/// Change a user
///
/// Other roles and clusters hold from their next request on.
#[utoipa::path(patch, path = "/api/users/{id}", operation_id = "changeUser", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`"), ("If-Match" = Option<String>, Header, description = "The `ETag` that was read")),
    request_body = UserPatch,
    responses((status = 200, body = UserView), (status = 404, description = "No such user"),
              (status = 409, description = "No admin would be left"), (status = 412, description = "They were changed meanwhile"),
              (status = 422, description = "Some fields are wrong")))]
async fn change(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    IfMatch(expected): IfMatch,
    Json(body): Json<UserPatch>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let user = access::change_user(&mut tx, &caller.ctx, id, body.changes()?, expected).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(StatusCode::OK, user)
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WhyBody {
    /// Kept in the audit trail.
    #[schema(example = "left the company")]
    reason: String,
}

impl WhyBody {
    fn reason(self) -> Result<String> {
        let mut fields = Fields::default();
        fields.text("/reason", &self.reason, REASON_MAX_CHARS);
        fields.finish()?;
        Ok(self.reason)
    }
}

/// Keep a user from everything
///
/// Sessions, tokens and links of mails are worth nothing from their next request on. Saying it twice is allowed.
#[utoipa::path(post, path = "/api/users/{id}/disable", operation_id = "disableUser", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`")), request_body = WhyBody,
    responses((status = 200, body = UserView), (status = 404, description = "No such user"), (status = 409, description = "No admin would be left")))]
async fn disable(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    Json(body): Json<WhyBody>,
) -> Result<Response> {
    let reason = body.reason()?;
    let mut tx = app.db.begin().await?;
    let user = access::disable_user(&mut tx, &caller.ctx, id, &reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(StatusCode::OK, user)
}

/// Let a user log in again
#[utoipa::path(post, path = "/api/users/{id}/enable", operation_id = "enableUser", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`")),
    responses((status = 200, body = UserView), (status = 404, description = "No such user")))]
async fn enable(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<Response> {
    let mut tx = app.db.begin().await?;
    let user = access::enable_user(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(StatusCode::OK, user)
}

/// Send a user a mail to set a new password
#[utoipa::path(post, path = "/api/users/{id}/password-mail", operation_id = "sendPasswordMail", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`")),
    responses((status = 202, description = "It is on its way"), (status = 404, description = "No such user"), (status = 409, description = "They are disabled")))]
async fn send_mail(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    let sent = app.access.send_password_mail(&mut tx, &caller.ctx, id);
    sent.await.map_err(refused)?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Remove the second factor of a user who lost it
///
/// Their sessions end. A role that wants one has them enrol anew at their next login.
#[utoipa::path(post, path = "/api/users/{id}/reset-second-factor", operation_id = "resetSecondFactor", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`")), request_body = WhyBody,
    responses((status = 200, body = UserView), (status = 404, description = "No such user")))]
async fn reset_second_factor(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
    Json(body): Json<WhyBody>,
) -> Result<Response> {
    let reason = body.reason()?;
    let mut tx = app.db.begin().await?;
    let user = access::reset_second_factor(&mut tx, &caller.ctx, id, &reason).await?;
    app.db.commit(tx, &caller.ctx).await?;
    shown(StatusCode::OK, user)
}

/// End all sessions of a user
#[utoipa::path(post, path = "/api/users/{id}/end-sessions", operation_id = "endUserSessions", tag = "users", security(("bearer" = ["users:write"])),
    params(("id" = String, Path, description = "`user_…`")),
    responses((status = 204, description = "They are over"), (status = 404, description = "No such user")))]
async fn end_sessions(
    caller: Allowed<WriteUsers>,
    State(app): State<App>,
    PathId(id): PathId<UserId>,
) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    access::end_sessions(&mut tx, &caller.ctx, id).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}
