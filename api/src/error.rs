//! Every failure on the wire is a problem document (RFC 9457): `application/problem+json` with a stable `type`.
//!
//! A [`Problem`] is put into the response's extensions; the middleware [`crate::middleware::request`] writes it, because
//! only there the request's id is known.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::access::Permission;
use shared::kernel::{Classify, ErrorKind, FieldError};

/// The `type` of every problem begins with this.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:creator-crm:problem:";
/// How soon a caller may ask again when something does not answer, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("2");

/// A failure, as the caller is told of it.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: Cow<'static, str>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    reasons: Vec<(&'static str, String)>,
    permission: Option<Permission>,
    retry_after: Option<Duration>,
}

/// What handlers return.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// A problem named `code`, in kebab-case.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code: code.into(),
            detail: None,
            errors: Vec::new(),
            reasons: Vec::new(),
            permission: None,
            retry_after: None,
        }
    }

    /// The same, saying how long to wait before asking again.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same, with a sentence on this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Fields that are wrong (422).
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid")
        }
        .detail("Some fields are not acceptable; `errors` names each of them.")
    }

    /// There is no such thing, or nothing that the caller may know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found")
    }

    /// The caller did not prove who they are.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated").detail(detail)
    }

    /// The caller lacks a permission.
    pub fn forbidden(permission: Permission) -> Self {
        Self {
            permission: Some(permission),
            ..Self::new(StatusCode::FORBIDDEN, "forbidden")
        }
        .detail(if permission.is_about_all_clusters() {
            format!("This needs the permission `{permission}`, which nobody has who is limited to some clusters.")
        } else {
            format!("This needs the permission `{permission}`.")
        })
    }

    /// A fault of ours; the details are in the log only.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
            .detail("Something went wrong on our side. The request id finds it in the log.")
    }

    /// The status this is answered with.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The fields that are wrong.
    pub(crate) fn fields(&self) -> Vec<FieldError> {
        self.errors.clone()
    }

    /// What is wrong, in sentences for people: each field, or the occurrence.
    pub(crate) fn told(&self) -> Vec<String> {
        if self.errors.is_empty() {
            return vec![self.detail.clone().unwrap_or_else(|| title(&self.code))];
        }
        let fields = self.errors.iter();
        fields
            .map(|error| format!("{}: {}", error.field, error.message))
            .collect()
    }

    /// The document that is sent.
    pub(crate) fn body<'a>(&'a self, request_id: &'a str) -> impl Serialize + 'a {
        ProblemBody {
            kind: format!("{PROBLEM_TYPE_PREFIX}{}", self.code),
            title: title(&self.code),
            status: self.status.as_u16(),
            detail: self.detail.as_deref(),
            request_id,
            permission: self.permission.map(Permission::as_str),
            errors: &self.errors,
            reasons: self
                .reasons
                .iter()
                .map(|(code, message)| ReasonBody { code, message })
                .collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<ReasonBody<'a>>,
}

/// One thing that stands against what was asked for.
#[derive(Serialize)]
struct ReasonBody<'a> {
    code: &'a str,
    message: &'a str,
}

/// `not-found` becomes `Not found`.
fn title(code: &str) -> String {
    let mut text = code.replace('-', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"creator-crm\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        if let Some(wait) = self.retry_after {
            // a second too early would be refused again
            let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl<E: Classify> From<E> for Problem {
    fn from(error: E) -> Self {
        let status = status_of(error.kind());
        if status.is_server_error() {
            log(&error);
        }
        match error.kind() {
            ErrorKind::Internal => Self::internal(),
            ErrorKind::Unavailable => Self::new(status, error.code())
                .detail("Something this needs does not answer; try again later."),
            ErrorKind::Invalid
            | ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::Forbidden => Self {
                errors: error.fields(),
                reasons: error.reasons(),
                ..Self::new(status, error.code())
            }
            .detail(error.to_string()),
        }
    }
}

fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs a failure that is ours with its causes, once, here at the edge.
fn log(error: &dyn std::error::Error) {
    let causes: Vec<String> = std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect();
    tracing::error!(%error, causes = causes.join(": "), "a request failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_as_a_title() {
        assert_eq!(title("job-not-found"), "Job not found");
        assert_eq!(title(""), "");
    }
}
