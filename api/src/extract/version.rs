//! Versions as entity tags: `ETag` out, `If-Match` in.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;

use crate::error::Problem;

/// The version that a change is about (`If-Match`), if the request says.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Ok(Self(None));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let digits = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        digits
            .and_then(|digits| digits.parse().ok())
            .map(|version| Self(Some(version)))
            .ok_or_else(|| {
                Problem::new(StatusCode::BAD_REQUEST, "bad-if-match")
                    .detail("If-Match must be the ETag that was read, such as \"3\".")
            })
    }
}

/// The entity tag of a version.
pub fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
