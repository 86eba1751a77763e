//! What can go wrong with campaigns.

use thiserror::Error;

use super::{CampaignId, CampaignStatus, DeliveryId, DeliveryStatus, Move};
use crate::custom_fields::CustomFieldError;
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::messaging::MessagingError;
use crate::queue::EnqueueError;

/// Why a use case about campaigns failed.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// There is no such campaign.
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    /// The campaign has no such recipient.
    #[error("the campaign has no delivery {0}")]
    NoDelivery(DeliveryId),
    /// The campaign is not in a state that allows it.
    #[error("`{wanted}` cannot be done with a campaign that is {status}")]
    WrongState {
        /// Where it stands.
        status: CampaignStatus,
        /// What was wanted.
        wanted: Move,
    },
    /// Only rows that are unknown can be decided about.
    #[error("only a delivery that is unknown can be decided about; this one is {0}")]
    NotUnknown(DeliveryStatus),
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// A job could not be enqueued.
    #[error("the campaign's jobs could not be enqueued")]
    Enqueue(#[from] EnqueueError),
    /// The custom fields of its content could not be read.
    #[error(transparent)]
    CustomFields(#[from] CustomFieldError),
    /// A suppression could not be noted.
    #[error(transparent)]
    Messaging(#[from] MessagingError),
    /// The database refused.
    #[error("the campaigns could not be read or written")]
    Db(#[from] sqlx::Error),
}

impl Classify for CampaignError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) | Self::NoDelivery(_) => ErrorKind::NotFound,
            Self::WrongState { .. } | Self::NotUnknown(_) => ErrorKind::Conflict,
            Self::Invalid(_) | Self::Cursor(_) => ErrorKind::Invalid,
            Self::Enqueue(error) => error.kind(),
            Self::CustomFields(error) => error.kind(),
            Self::Messaging(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "campaign-not-found",
            Self::NoDelivery(_) => "delivery-not-found",
            Self::WrongState { .. } => "campaign-wrong-state",
            Self::NotUnknown(_) => "delivery-not-unknown",
            Self::Invalid(_) => "invalid",
            Self::Cursor(_) => "invalid-cursor",
            Self::Enqueue(error) => error.code(),
            Self::CustomFields(error) => error.code(),
            Self::Messaging(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Invalid(fields) => fields.clone(),
            Self::Cursor(error) => vec![FieldError::new("cursor", error.to_string())],
            Self::NotFound(_)
            | Self::NoDelivery(_)
            | Self::WrongState { .. }
            | Self::NotUnknown(_)
            | Self::Enqueue(_)
            | Self::Messaging(_)
            | Self::Db(_) => Vec::new(),
            Self::CustomFields(error) => error.fields(),
        }
    }
}
