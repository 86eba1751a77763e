//! What can go wrong with messages.

use thiserror::Error;

use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind};

/// Why a message could not be written for one recipient.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The template failed with this recipient's values, or took too long.
    #[error("the {part} cannot be rendered")]
    Template {
        /// Which part of the message.
        part: &'static str,
        /// What the template engine says.
        #[source]
        source: minijinja::Error,
    },
    /// A part became larger than is allowed.
    #[error("the {part} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// The limit.
        limit_bytes: usize,
    },
    /// The subject would end its header line.
    #[error("the subject contains a line break or another control character")]
    ControlInSubject,
    /// The subject says nothing.
    #[error("the subject is empty")]
    EmptySubject,
    /// An address is not one.
    #[error("`{0}` is not an e-mail address")]
    Address(&'static str),
    /// The parts do not make a message.
    #[error("the message cannot be put together")]
    Mime(#[source] lettre::error::Error),
}

/// Why a use case about messages failed.
#[derive(Debug, Error)]
pub enum MessagingError {
    /// The link was not made by us, or was changed on its way.
    #[error("this link is not valid; use the newest mail, or write to us")]
    InvalidLink,
    /// The mail cannot be written to this address.
    #[error("the mail cannot be put together for this address")]
    Address,
    /// The creator could not be read or written.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The database refused.
    #[error("the suppressions could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for MessagingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidLink => ErrorKind::NotFound,
            Self::Address => ErrorKind::Invalid,
            Self::Creator(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidLink => "link-not-valid",
            Self::Address => "address-not-usable",
            Self::Creator(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }
}
