//! Logging in and out, and one's own account.

mod account;
mod reset;
mod web;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::access::{self, AccessError, Login, Permission, SessionTokens, User, UserId};
use shared::creators::CreatorId;
use shared::kernel::{Actor, Classify, Ctx};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Allowed, Anybody, Json, OwnAccount};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(me))
        .merge(account::routes())
        .merge(reset::routes())
        .merge(web::routes())
}

/// The problem of somebody who could not be let in.
pub(crate) fn refused(error: AccessError) -> Problem {
    if let AccessError::TooMany { wait } = error {
        return Problem::new(StatusCode::TOO_MANY_REQUESTS, error.code())
            .detail(error.to_string())
            .retry_after(wait);
    }
    if matches!(
        error,
        AccessError::Unauthenticated | AccessError::CodeWanted
    ) {
        return Problem::new(StatusCode::UNAUTHORIZED, error.code()).detail(error.to_string());
    }
    error.into()
}

/// An answer that nobody keeps on the way.
pub(super) type Secret<T> = ([(HeaderName, &'static str); 1], Json<T>);

pub(super) fn secret<T>(view: T) -> Secret<T> {
    ([(header::CACHE_CONTROL, "no-store")], Json(view))
}

/// What proves who somebody is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LoginBody {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(value_type = String, format = Password, write_only)]
    password: SecretString,
    /// The present code of the second factor, or a recovery code; for those who have one.
    #[schema(value_type = Option<String>, write_only, example = "287082")]
    code: Option<SecretString>,
}

impl LoginBody {
    fn login(self) -> Result<Login> {
        let mut fields = Fields::default();
        let email = fields.parsed("/email", &self.email);
        fields.finish()?;
        Ok(Login {
            email: email.ok_or_else(Problem::internal)?,
            password: self.password,
            code: self.code,
        })
    }
}

/// What a login gives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tokens)]
struct TokensView {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// When it ends.
    expires_at: DateTime<Utc>,
    /// Gives new tokens, once: `POST /api/auth/refresh`.
    refresh_token: String,
    /// Until when.
    refresh_until: DateTime<Utc>,
    /// Whether a second factor has to be enrolled before anything else is allowed.
    must_enrol: bool,
}

impl From<SessionTokens> for TokensView {
    fn from(tokens: SessionTokens) -> Self {
        Self {
            access_token: tokens.access.expose_secret().to_owned(),
            expires_at: tokens.expires_at,
            refresh_token: tokens.refresh.expose_secret().to_owned(),
            refresh_until: tokens.refresh_until,
            must_enrol: tokens.must_enrol,
        }
    }
}

/// Log in
///
/// Whoever has a second factor sends its code along; without it the answer is 401 `second-factor-wanted`. Ten tries for an
/// account, and a hundred from an address, are answered within 15 minutes; then 429 says how long to wait.
#[utoipa::path(post, path = "/api/auth/login", operation_id = "login", tag = "auth", request_body = LoginBody,
    responses((status = 200, body = TokensView), (status = 401, description = "This does not log anybody in"),
              (status = 429, description = "Too many tries", headers(("Retry-After" = u64, description = "Seconds to wait")))))]
async fn login(
    caller: Anybody,
    State(app): State<App>,
    Json(body): Json<LoginBody>,
) -> Result<Secret<TokensView>> {
    let tokens = app.access.login(caller.ctx, body.login()?).await;
    Ok(secret(tokens.map_err(refused)?.into()))
}

/// A refresh token.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefreshBody {
    #[schema(value_type = String, write_only)]
    refresh_token: SecretString,
}

/// Get new tokens for a refresh token
///
/// Each refresh token works once. One that is used a second time ends its session, because then two have it.
#[utoipa::path(post, path = "/api/auth/refresh", operation_id = "refreshTokens", tag = "auth", request_body = RefreshBody,
    responses((status = 200, body = TokensView), (status = 401, description = "It was used, is too old or is not ours")))]
async fn refresh(
    caller: Anybody,
    State(app): State<App>,
    Json(body): Json<RefreshBody>,
) -> Result<Secret<TokensView>> {
    let tokens = app.access.refresh(caller.ctx, &body.refresh_token).await;
    Ok(secret(tokens.map_err(refused)?.into()))
}

/// Log out
///
/// The session's access and refresh tokens are worth nothing from now on.
#[utoipa::path(post, path = "/api/auth/logout", operation_id = "logout", tag = "auth", security(("bearer" = ["account:self"])),
    responses((status = 204, description = "The session is over")))]
async fn logout(caller: Allowed<OwnAccount>, State(app): State<App>) -> Result<StatusCode> {
    let mut tx = app.db.begin().await?;
    access::logout(&mut tx, &caller.ctx).await?;
    app.db.commit(tx, &caller.ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Account)]
pub(super) struct AccountView {
    #[schema(value_type = String)]
    id: UserId,
    email: String,
    name: String,
    roles: Vec<&'static str>,
    /// The only clusters; null for all.
    clusters: Option<Vec<String>>,
    #[schema(value_type = Option<String>)]
    creator_id: Option<CreatorId>,
    second_factor: bool,
    /// Whether a second factor has to be enrolled before anything else is allowed.
    must_enrol: bool,
    /// What may be done now.
    permissions: Vec<&'static str>,
}

impl AccountView {
    fn of(user: User, actor: &Actor) -> Self {
        let permissions = Permission::ALL.into_iter();
        let permissions = permissions.filter(|permission| permission.granted_to(actor));
        let limited = actor.caller().is_some_and(|caller| caller.scopes.is_some());
        // whom the creator was merged into, if they were
        let creator = actor.caller().and_then(|caller| caller.creator);
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            roles: user.roles.iter().map(|role| role.as_str()).collect(),
            clusters: user.clusters,
            creator_id: creator.or(user.creator).map(CreatorId::from),
            second_factor: user.second_factor_since.is_some(),
            must_enrol: limited,
            permissions: permissions.map(Permission::as_str).collect(),
        }
    }
}

/// Show one's own account
#[utoipa::path(get, path = "/api/auth/me", operation_id = "showAccount", tag = "auth", security(("bearer" = ["account:self"])),
    responses((status = 200, body = AccountView), (status = 404, description = "Whoever asks has no account: a token of the command line")))]
async fn me(caller: Allowed<OwnAccount>, State(app): State<App>) -> Result<Json<AccountView>> {
    Ok(Json(own(&app, &caller.ctx).await?))
}

/// The caller's account as it is shown.
async fn own(app: &App, ctx: &Ctx) -> Result<AccountView> {
    let mut conn = app.db.pool().acquire().await?;
    let user = access::own_account(&mut conn, ctx).await?;
    Ok(AccountView::of(user, &ctx.actor))
}
