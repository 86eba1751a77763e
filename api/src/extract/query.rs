//! Query parameters.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use shared::kernel::FieldError;

use crate::error::Problem;

/// The query parameters as a `T`; 422 naming the parameter that is not acceptable.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let deserializer = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(deserializer)
            .map(Self)
            .map_err(|error| {
                let message = error.inner().to_string();
                let named = message.split('`').nth(1).map(str::to_owned);
                let field = match error.path().to_string() {
                    path if path == "." => named.unwrap_or_default(),
                    path => path,
                };
                Problem::invalid(vec![FieldError::new(field, message)])
            })
    }
}
