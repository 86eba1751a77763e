//! What an error means to the caller, apart from what it says.

use std::borrow::Cow;

use super::InvalidCursor;

/// The kind of a failure; `api` maps it to a status code and `worker` to retry or fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The input breaks a rule; the fields say which (422).
    Invalid,
    /// There is no such thing, or the caller may not know of it (404).
    NotFound,
    /// The thing is not in a state that allows this (409).
    Conflict,
    /// The caller's copy is stale (412).
    Stale,
    /// The caller may not do this (403).
    Forbidden,
    /// Something needed does not answer; the same call may succeed later (503).
    Unavailable,
    /// A fault of ours (500).
    Internal,
}

impl ErrorKind {
    /// What an error of the database means: whether asking again later may help.
    pub fn of_db(error: &sqlx::Error) -> Self {
        // a connection that broke in the middle of an answer shows as a breach of the protocol
        let unreachable = matches!(
            error,
            sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
        );
        let code = error.as_database_error().and_then(|error| error.code());
        let code = code.unwrap_or_default();
        // the rest are mistakes in our code
        if unreachable || is_passing(&code) {
            Self::Unavailable
        } else if is_unwritable(&code) {
            Self::Invalid
        } else {
            Self::Internal
        }
    }
}

/// Whether an SQLSTATE tells of a condition that passes by itself: connections (08), resources (53), interventions of an
/// operator and statement time-outs (57), serialisation failures and deadlocks (40), locks not to be had (55P03).
fn is_passing(code: &str) -> bool {
    ["08", "40", "53", "57"]
        .iter()
        .any(|class| code.starts_with(class))
        || code == "55P03"
}

/// Whether an SQLSTATE says that a text has the character U+0000, as such (22021) or within JSON (22P05): no text of
/// Postgres may, so whoever sent it is told, wherever it was.
fn is_unwritable(code: &str) -> bool {
    matches!(code, "22021" | "22P05")
}

/// One wrong field: where it is, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// JSON pointer into the request body, such as `/content/subject`; or the query parameter's name.
    pub field: Cow<'static, str>,
    /// What is wrong and the remedy, in one sentence.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// Implemented by every slice's error.
pub trait Classify: std::error::Error {
    /// What this failure means to the caller.
    fn kind(&self) -> ErrorKind;

    /// A short stable name of the problem in kebab-case, the end of the problem's `type` on the wire.
    fn code(&self) -> &'static str;

    /// The wrong fields, for [`ErrorKind::Invalid`].
    fn fields(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// What stands against it, each with a stable name in `snake_case` and a sentence, where there may be several things.
    fn reasons(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

impl Classify for sqlx::Error {
    fn kind(&self) -> ErrorKind {
        ErrorKind::of_db(self)
    }

    fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Unavailable => "database-unavailable",
            ErrorKind::Invalid => "text-with-nul",
            ErrorKind::NotFound
            | ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::Forbidden
            | ErrorKind::Internal => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        if self.kind() != ErrorKind::Invalid {
            return Vec::new();
        }
        let remedy =
            "a text has the character U+0000, which cannot be kept or looked for; leave it out";
        vec![FieldError::new("", remedy)]
    }
}

impl Classify for InvalidCursor {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Invalid
    }

    fn code(&self) -> &'static str {
        "invalid-cursor"
    }

    fn fields(&self) -> Vec<FieldError> {
        vec![FieldError::new("cursor", self.to_string())]
    }
}
