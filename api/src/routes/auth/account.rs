//! One's own password and second factor.

use axum::extract::State;
use axum::http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Secret, refused, secret};
use crate::app::App;
use crate::error::Result;
use crate::extract::{Allowed, Json, OwnAccount};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(change_password))
        .routes(routes!(begin, remove))
        .routes(routes!(confirm))
}

/// The present password and the next one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PasswordBody {
    #[schema(value_type = String, format = Password, write_only)]
    current_password: SecretString,
    /// 12 to 128 characters that are not easy to guess.
    #[schema(value_type = String, format = Password, write_only)]
    new_password: SecretString,
}

/// Change one's own password
///
/// All other sessions end.
#[utoipa::path(post, path = "/api/auth/password", operation_id = "changePassword", tag = "auth", security(("bearer" = ["account:self"])),
    request_body = PasswordBody,
    responses((status = 204, description = "It is changed"), (status = 422, description = "A password is wrong or not taken"),
              (status = 429, description = "Too many tries")))]
async fn change_password(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode> {
    let changed = app
        .access
        .change_password(&caller.ctx, body.current_password, body.new_password);
    changed.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own password once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AgainBody {
    #[schema(value_type = String, format = Password, write_only)]
    password: SecretString,
    /// The present code of a second factor that there is already, or a recovery code.
    #[schema(value_type = Option<String>, write_only)]
    code: Option<SecretString>,
}

/// A second factor that is not confirmed yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EnrolmentView {
    /// To be typed into an app, in Base32.
    secret: String,
    /// The same to be shown as a QR code.
    otpauth_url: String,
}

/// Begin to enrol a second factor
///
/// It holds once its first code is confirmed; until then a former one does, whose code is sent along to replace it.
#[utoipa::path(post, path = "/api/auth/second-factor", operation_id = "beginSecondFactor", tag = "auth", security(("bearer" = ["account:self"])),
    request_body = AgainBody,
    responses((status = 200, body = EnrolmentView), (status = 422, description = "The password or the code is wrong"),
              (status = 429, description = "Too many tries")))]
async fn begin(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    Json(body): Json<AgainBody>,
) -> Result<Secret<EnrolmentView>> {
    let begun = app
        .access
        .begin_enrolment(&caller.ctx, body.password, body.code.as_ref());
    let begun = begun.await.map_err(refused)?;
    Ok(secret(EnrolmentView {
        secret: begun.secret.expose_secret().to_owned(),
        otpauth_url: begun.url.expose_secret().to_owned(),
    }))
}

/// The present code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CodeBody {
    #[schema(value_type = String, write_only, example = "287082")]
    code: SecretString,
}

/// Codes for the day the phone is lost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RecoveryView {
    /// Each works once in the place of a code. They are shown now and never again.
    recovery_codes: Vec<String>,
}

/// Confirm a second factor by its present code
///
/// All other sessions end; this one counts as opened with the second factor.
#[utoipa::path(post, path = "/api/auth/second-factor/confirm", operation_id = "confirmSecondFactor", tag = "auth", security(("bearer" = ["account:self"])),
    request_body = CodeBody,
    responses((status = 200, body = RecoveryView), (status = 409, description = "None was begun with"),
              (status = 422, description = "The code is wrong"), (status = 429, description = "Too many tries")))]
async fn confirm(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    Json(body): Json<CodeBody>,
) -> Result<Secret<RecoveryView>> {
    let codes = app.access.confirm_enrolment(&caller.ctx, &body.code).await;
    let codes = codes.map_err(refused)?.into_iter();
    Ok(secret(RecoveryView {
        recovery_codes: codes.map(|code| code.expose_secret().to_owned()).collect(),
    }))
}

/// Remove one's own second factor
///
/// Roles that want one (finance, compliance) can only replace it.
#[utoipa::path(delete, path = "/api/auth/second-factor", operation_id = "removeSecondFactor", tag = "auth", security(("bearer" = ["account:self"])),
    request_body = AgainBody,
    responses((status = 204, description = "It is removed"), (status = 409, description = "A role wants it"),
              (status = 422, description = "The password or the code is wrong"), (status = 429, description = "Too many tries")))]
async fn remove(
    caller: Allowed<OwnAccount>,
    State(app): State<App>,
    Json(body): Json<AgainBody>,
) -> Result<StatusCode> {
    let removed = app
        .access
        .remove_second_factor(&caller.ctx, body.password, body.code.as_ref());
    removed.await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
