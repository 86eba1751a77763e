//! Why a job was not enqueued.

use thiserror::Error;

use super::job::{ARGS_MAX_BYTES, KEY_MAX_CHARS};
use crate::kernel::{Classify, ErrorKind, FieldError};

/// Why enqueuing failed; nothing was enqueued.
#[derive(Debug, Error)]
pub enum EnqueueError {
    /// The payload is larger than a payload of ids needs to be.
    #[error("the arguments are {bytes} bytes long, at most {ARGS_MAX_BYTES} are allowed")]
    ArgsTooLarge {
        /// Their size as JSON.
        bytes: usize,
    },
    /// Postgres cannot store NUL in a text.
    #[error("the arguments contain a NUL character")]
    NulInArgs,
    /// A group or unique key is longer than an index entry may be.
    #[error("a group or unique key is longer than {KEY_MAX_CHARS} characters")]
    KeyTooLong,
    /// The payload's own code cannot write it as JSON.
    #[error("the arguments cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The batch is sealed or does not exist.
    #[error("the batch takes no more jobs")]
    BatchClosed,
    /// The database refused.
    #[error("the job could not be stored")]
    Db(#[from] sqlx::Error),
}

impl Classify for EnqueueError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::ArgsTooLarge { .. } | Self::NulInArgs | Self::KeyTooLong => ErrorKind::Invalid,
            Self::BatchClosed => ErrorKind::Conflict,
            Self::Encode(_) | Self::Db(_) => ErrorKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ArgsTooLarge { .. } => "args-too-large",
            Self::NulInArgs => "nul-in-args",
            Self::KeyTooLong => "key-too-long",
            Self::BatchClosed => "batch-closed",
            Self::Encode(_) | Self::Db(_) => "internal",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::ArgsTooLarge { .. } | Self::NulInArgs => {
                vec![FieldError::new("/args", self.to_string())]
            }
            Self::KeyTooLong => vec![FieldError::new("/uniqueKey", self.to_string())],
            Self::Encode(_) | Self::BatchClosed | Self::Db(_) => Vec::new(),
        }
    }
}
