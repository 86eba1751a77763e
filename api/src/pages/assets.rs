//! Styles and scripts.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Their names change with what they hold.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `GET /assets/{name}`
pub(super) async fn show(Path(name): Path<String>) -> Response {
    match dashboard::assets::find(&name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, FOR_EVER),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
