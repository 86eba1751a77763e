//! A page as an answer: markup, and the headers that keep it from being misused.

use axum::http::{HeaderName, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use dashboard::Markup;
use shared::kernel::Classify;

use crate::error::Problem;

/// A page.
#[derive(Debug)]
pub(super) struct Screen {
    status: StatusCode,
    markup: Markup,
    nonce: Option<String>,
}

impl Screen {
    /// A page whose scripts carry `nonce`.
    pub(super) fn new(markup: Markup, nonce: &str) -> Self {
        Self {
            status: StatusCode::OK,
            markup,
            nonce: Some(nonce.to_owned()),
        }
    }

    /// A page without scripts.
    pub(super) const fn plain(status: StatusCode, markup: Markup) -> Self {
        Self {
            status,
            markup,
            nonce: None,
        }
    }
}

impl IntoResponse for Screen {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, String); 6] = [
            (
                header::CONTENT_SECURITY_POLICY,
                policy(self.nonce.as_deref()),
            ),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::X_FRAME_OPTIONS, "DENY".to_owned()),
            (header::REFERRER_POLICY, "same-origin".to_owned()),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin".to_owned(),
            ),
        ];
        (self.status, headers, Html(self.markup.into_string())).into_response()
    }
}

/// What a page may do: load our own styles, run the scripts that carry this answer's nonce, talk to our own API, and be
/// shown by itself.
fn policy(nonce: Option<&str>) -> String {
    let scripts = nonce.map_or_else(|| "'none'".to_owned(), |nonce| format!("'nonce-{nonce}'"));
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// A refusal, shown as a page.
#[derive(Debug)]
pub(super) struct Refusal(Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl<E: Classify> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let title = status.canonical_reason().unwrap_or("Something is wrong");
        let detail = self.0.told().join(" ");
        Screen::plain(status, dashboard::problem(title, &detail)).into_response()
    }
}
