//! What can go wrong with requests about a person's data.

use thiserror::Error;

use super::{MeasureId, RequestId, RequestState};
use crate::creators::CreatorError;
use crate::kernel::{Classify, ErrorKind, FieldError};
use crate::queue::EnqueueError;

/// Why a use case about people's data failed.
#[derive(Debug, Error)]
pub enum PrivacyError {
    /// There is no such request about this person.
    #[error("there is no request {0} about this person")]
    NotFound(RequestId),
    /// One of the kind is under way for the person.
    #[error("such a request is under way for this person already; see it to its end first")]
    UnderWay,
    /// There is no such measure about this person.
    #[error("there is no measure {0} about this person")]
    NoMeasure(MeasureId),
    /// Processing is restricted already.
    #[error("processing is restricted for this person already")]
    Restricted,
    /// The measure was lifted before.
    #[error("this measure was lifted already")]
    Lifted,
    /// A legal hold stands, and what it keeps cannot be erased.
    #[error("a legal hold keeps this person's data from being erased; lift it first")]
    Held,
    /// There is nothing left to take a measure about.
    #[error("this person was erased")]
    Erased,
    /// The person has creators that the caller may not know of.
    #[error("this concerns profiles beyond your reach; ask somebody who may see all clusters")]
    BeyondReach,
    /// The request stands where this cannot be done.
    #[error("the request is {0}; only one that is planned can be confirmed")]
    NotPlanned(RequestState),
    /// The document is not there, or not any more.
    #[error(
        "there is no document: the export is not completed, or its time is over; ask for a new one"
    )]
    NoDocument,
    /// The person has more data than one document may hold.
    #[error("the document would have more than {0} bytes")]
    TooLarge(u64),
    /// A class of data is to be kept by a rule that is not there.
    #[error("no retention rule is in force for `{0}`")]
    NoRule(&'static str),
    /// There is no such creator, or it could not be read.
    #[error(transparent)]
    Creator(#[from] CreatorError),
    /// The queue refused a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// The database refused.
    #[error("the data could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for PrivacyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) | Self::NoDocument | Self::NoMeasure(_) => ErrorKind::NotFound,
            Self::UnderWay
            | Self::NotPlanned(_)
            | Self::Restricted
            | Self::Lifted
            | Self::Held
            | Self::Erased => ErrorKind::Conflict,
            Self::BeyondReach => ErrorKind::Forbidden,
            Self::TooLarge(_) => ErrorKind::Invalid,
            Self::NoRule(_) => ErrorKind::Internal,
            Self::Creator(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "privacy-request-not-found",
            Self::UnderWay => "privacy-request-under-way",
            Self::NoMeasure(_) => "measure-not-found",
            Self::Restricted => "processing-restricted",
            Self::Lifted => "measure-lifted",
            Self::Held => "legal-hold",
            Self::Erased => "person-erased",
            Self::BeyondReach => "beyond-reach",
            Self::NotPlanned(_) => "not-planned",
            Self::NoDocument => "no-document",
            Self::TooLarge(_) => "too-large",
            Self::NoRule(_) => "internal",
            Self::Creator(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Creator(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_)
            | Self::UnderWay
            | Self::BeyondReach
            | Self::NoMeasure(_)
            | Self::Restricted
            | Self::Lifted
            | Self::Held
            | Self::Erased
            | Self::NotPlanned(_)
            | Self::NoDocument
            | Self::TooLarge(_)
            | Self::NoRule(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
