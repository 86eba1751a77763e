//! What can go wrong with access.

use std::time::Duration;

use thiserror::Error;

use super::{ApiKeyId, Busy, Permission, UserId};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor, NotOpened};
use crate::queue::EnqueueError;

/// Why a use case about access failed.
#[derive(Debug, Error)]
pub enum AccessError {
    /// Who asks did not prove who they are (401). Nothing more is said.
    #[error("this does not log anybody in; check the address, the password and the code")]
    Unauthenticated,
    /// The password is right; the second factor lacks (401).
    #[error("send the code of your second factor as well")]
    CodeWanted,
    /// There were too many tries (429).
    #[error("too many tries; wait before the next one")]
    TooMany {
        /// How long to wait.
        wait: Duration,
    },
    /// The caller may not do this.
    #[error("this needs the permission `{0}`")]
    Lacking(Permission),
    /// There is no such user.
    #[error("there is no user {0}")]
    NoUser(UserId),
    /// There is no such key.
    #[error("there is no API key {0}")]
    NoKey(ApiKeyId),
    /// The caller is no user.
    #[error("whoever asks has no account of their own")]
    NoAccount,
    /// The address is taken.
    #[error("a user has this e-mail address already")]
    EmailTaken,
    /// The user may not log in.
    #[error("the user {0} is disabled; enable them first")]
    Disabled(UserId),
    /// Nobody could manage users any more.
    #[error("this is the last admin; make another one first")]
    LastAdmin,
    /// A role of theirs wants a second factor.
    #[error("your role wants a second factor; it can be replaced but not removed")]
    SecondFactorWanted,
    /// No second factor waits to be confirmed.
    #[error("begin with POST /api/auth/second-factor")]
    NotBegun,
    /// The caller's copy is old.
    #[error("it was changed meanwhile and is at version {0} now; read it again")]
    Stale(i64),
    /// The link of a mail is worth nothing.
    #[error("this link was used, is too old or is not ours; ask for another one")]
    TokenSpent,
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// Too many passwords wait to be hashed.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// A sealed value cannot be opened.
    #[error(transparent)]
    NotOpened(#[from] NotOpened),
    /// A mail cannot be put together.
    #[error("the mail cannot be put together")]
    Mail,
    /// What is kept cannot be written.
    #[error("a session cannot be stored")]
    Stored(#[source] serde_json::Error),
    /// A job cannot be enqueued.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// Redis does not answer.
    #[error("the sessions of web pages do not answer")]
    Redis(#[from] redis::RedisError),
    /// The database refused.
    #[error("access could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for AccessError {
    fn kind(&self) -> ErrorKind {
        match self {
            // the HTTP door answers these three by their own codes: 401, 401, 429
            Self::Unauthenticated | Self::CodeWanted | Self::TooMany { .. } | Self::Lacking(_) => {
                ErrorKind::Forbidden
            }
            Self::NoUser(_) | Self::NoKey(_) | Self::NoAccount => ErrorKind::NotFound,
            Self::EmailTaken
            | Self::Disabled(_)
            | Self::LastAdmin
            | Self::SecondFactorWanted
            | Self::NotBegun => ErrorKind::Conflict,
            Self::Stale(_) => ErrorKind::Stale,
            Self::TokenSpent | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Cursor(error) => error.kind(),
            Self::Busy(_) | Self::Redis(_) => ErrorKind::Unavailable,
            Self::NotOpened(_) | Self::Mail | Self::Stored(_) => ErrorKind::Internal,
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::CodeWanted => "second-factor-wanted",
            Self::TooMany { .. } => "too-many-tries",
            Self::Lacking(_) => "forbidden",
            Self::NoUser(_) => "user-not-found",
            Self::NoKey(_) => "api-key-not-found",
            Self::NoAccount => "no-account",
            Self::EmailTaken => "email-taken",
            Self::Disabled(_) => "user-disabled",
            Self::LastAdmin => "last-admin",
            Self::SecondFactorWanted => "second-factor-required",
            Self::NotBegun => "second-factor-not-begun",
            Self::Stale(_) => "stale",
            Self::TokenSpent => "link-spent",
            Self::Invalid(_) => "invalid-fields",
            Self::Cursor(error) => error.code(),
            Self::Busy(_) => "busy",
            Self::Redis(_) => "redis-unavailable",
            Self::NotOpened(_) | Self::Mail | Self::Stored(_) => "internal",
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::EmailTaken => vec![FieldError::new("/email", self.to_string())],
            Self::TokenSpent => vec![FieldError::new("/token", self.to_string())],
            Self::Cursor(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::Unauthenticated
            | Self::CodeWanted
            | Self::TooMany { .. }
            | Self::Lacking(_)
            | Self::NoUser(_)
            | Self::NoKey(_)
            | Self::NoAccount
            | Self::Disabled(_)
            | Self::LastAdmin
            | Self::SecondFactorWanted
            | Self::NotBegun
            | Self::Stale(_)
            | Self::Busy(_)
            | Self::NotOpened(_)
            | Self::Mail
            | Self::Stored(_)
            | Self::Redis(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
