//! The `Idempotency-Key` header.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::idempotency::{Answer, KEY_MAX_CHARS, KeyedRequest};

use super::version::etag;
use crate::error::Problem;

/// The key of a request, if it has one.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Option<String>);

impl IdempotencyKey {
    /// The request to `scope` with this body, under its key.
    pub fn request(self, scope: &'static str, body: &[u8]) -> Option<KeyedRequest> {
        self.0.map(|key| KeyedRequest::new(scope, key, body))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else {
            return Ok(Self(None));
        };
        match value.to_str() {
            Ok(key) if (1..=KEY_MAX_CHARS).contains(&key.len()) => Ok(Self(Some(key.to_owned()))),
            _ => Err(
                Problem::new(StatusCode::BAD_REQUEST, "bad-idempotency-key").detail(format!(
                    "Idempotency-Key must have from 1 to {KEY_MAX_CHARS} ASCII characters."
                )),
            ),
        }
    }
}

/// What has a version says it in its body.
#[derive(Debug, Deserialize)]
struct Versioned {
    version: i64,
}

/// An answer as it was given, or is given now; of what has a version, with its entity tag.
pub fn answered(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let versioned = serde_json::from_str::<Versioned>(&answer.body).ok();
    let mut response = (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        answer.body,
    )
        .into_response();
    if let Some(location) = answer
        .location
        .and_then(|text| HeaderValue::from_str(&text).ok())
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(tag) = versioned.and_then(|body| HeaderValue::from_str(&etag(body.version)).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}
