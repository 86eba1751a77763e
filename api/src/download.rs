//! Stored files as answers, read while they are sent.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use shared::files::{self, File};
use shared::kernel::Db;

/// The answer that is a file; no more than one part of it is in memory.
pub(crate) fn download(db: Db, file: &File) -> Response {
    // names come from people: what a header cannot hold is left out
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ');
    let name: String = file.name.chars().filter(plain).collect();
    let headers = [
        (
            header::CONTENT_TYPE,
            format!("{}; charset=utf-8", file.media_type),
        ),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CONTENT_LENGTH, file.bytes.to_string()),
        // it holds people's data
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, Body::from_stream(files::contents(db, file.id))).into_response()
}
