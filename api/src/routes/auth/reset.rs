//! Setting a password by a link in a mail.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::refused;
use crate::app::App;
use crate::error::{Problem, Result};
use crate::extract::{Anybody, Json};
use crate::fields::Fields;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(request))
        .routes(routes!(confirm))
}

/// Whose password was forgotten.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResetBody {
    #[schema(example = "ada@example.com")]
    email: String,
}

/// Have a mail sent with a link to set a new password
///
/// The answer is the same whether there is such an account or not. Three mails within 15 minutes are sent at the most.
#[utoipa::path(post, path = "/api/auth/password-reset", operation_id = "requestPasswordReset", tag = "auth", request_body = ResetBody,
    responses((status = 202, description = "If there is such an account, a mail is on its way"),
              (status = 422, description = "This is no address"), (status = 429, description = "Too many mails")))]
async fn request(
    caller: Anybody,
    State(app): State<App>,
    Json(body): Json<ResetBody>,
) -> Result<StatusCode> {
    let mut fields = Fields::default();
    let email = fields.parsed("/email", &body.email);
    fields.finish()?;
    let email = email.ok_or_else(Problem::internal)?;
    app.access
        .request_reset(&caller.ctx, &email)
        .await
        .map_err(refused)?;
    Ok(StatusCode::ACCEPTED)
}

/// What stands in the link, and the new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ConfirmBody {
    /// What stands behind the # of the link.
    #[schema(value_type = String, write_only)]
    token: SecretString,
    /// 12 to 128 characters that are not easy to guess.
    #[schema(value_type = String, format = Password, write_only)]
    password: SecretString,
}

/// Set a new password by a link
///
/// The link works once. All sessions end; log in with the new password.
#[utoipa::path(post, path = "/api/auth/password-reset/confirm", operation_id = "confirmPasswordReset", tag = "auth", request_body = ConfirmBody,
    responses((status = 204, description = "It is set"),
              (status = 422, description = "The link is spent, or the password is not taken")))]
async fn confirm(
    caller: Anybody,
    State(app): State<App>,
    Json(body): Json<ConfirmBody>,
) -> Result<StatusCode> {
    let set = app
        .access
        .set_password(caller.ctx, &body.token, body.password);
    set.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
