//! JSON bodies, with refusals that say where the mistake is.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use shared::kernel::FieldError;

use crate::error::Problem;

/// A JSON body, in or out.
///
/// In: 415 without a JSON content type, 413 beyond the limit, 400 for what is not JSON, 422 with a pointer for a value of
/// the wrong shape.
#[derive(Debug, Clone)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        parse_object(&bytes).map(Self)
    }
}

/// A JSON body that may be left out; then it is `T::default()`.
#[derive(Debug, Clone)]
pub struct MaybeJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable(&rejection))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&headers)?;
        parse_object(&bytes).map(Self)
    }
}

/// The bytes of a body that is said to be JSON.
#[derive(Debug, Clone)]
pub struct JsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|rejection| unreadable(&rejection))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Refuses a request whose body is not said to be JSON, with 415.
fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    Err(
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type")
            .detail("Send the body as application/json."),
    )
}

/// Reads `bytes` as a `T` that is written as an object: a list of its fields' values would be understood, too, and means
/// nothing to who reads the document.
fn parse_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        let message = "must be an object, not a list";
        return Err(Problem::invalid(vec![FieldError::new("", message)]));
    }
    parse_json(bytes, "")
}

/// Reads `bytes` as a `T`; pointers in the refusal begin with `prefix`.
///
/// # Errors
/// 400 for what is not JSON, 422 for what is not a `T`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8], prefix: &str) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refusal(&error, prefix))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// The problem of a body that could not be received.
fn unreadable(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
            .detail("The body is larger than this route takes.");
    }
    Problem::new(StatusCode::BAD_REQUEST, "body-unreadable")
        .detail("The body could not be received whole.")
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "not-json")
        .detail(format!("The body is not valid JSON: {error}."))
}

fn refusal(error: &serde_path_to_error::Error<serde_json::Error>, prefix: &str) -> Problem {
    let inner = error.inner();
    if !inner.is_data() {
        return not_json(inner);
    }
    let message = inner.to_string();
    // serde names the line and column too; the pointer says it better
    let message = message
        .split(" at line ")
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut field = format!("{prefix}{}", pointer(error.path()));
    if let Some(missing) = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'))
    {
        field = format!("{field}/{missing}");
    }
    Problem::invalid(vec![FieldError::new(field, message)])
}

/// The JSON pointer (RFC 6901) of a path.
fn pointer(path: &Path) -> String {
    let mut text = String::new();
    for segment in path {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => continue,
        };
        text.push('/');
        text.push_str(&part);
    }
    text
}
