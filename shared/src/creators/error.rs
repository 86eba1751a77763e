//! What can go wrong with creators.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{CreatorBulkId, CreatorId, CreatorStatus, Obstacle, PersonId, ViewId};
use crate::access::{AccessError, Permission};
use crate::kernel::{Classify, ErrorKind, FieldError, InvalidCursor};
use crate::queue::EnqueueError;
use crate::reactions::ReactionError;

/// Why a use case about creators failed.
#[derive(Debug, Error)]
pub enum CreatorError {
    /// There is no such creator.
    #[error("there is no creator {0}")]
    NotFound(CreatorId),
    /// There is no such person.
    #[error("there is no person {0}")]
    PersonNotFound(PersonId),
    /// There is no such cluster.
    #[error("there is no cluster `{0}`; GET /api/clusters lists them")]
    UnknownCluster(String),
    /// The address is taken in this cluster.
    #[error("a creator of this cluster has this e-mail address already")]
    EmailTaken,
    /// The username is taken in this cluster.
    #[error("a creator of this cluster has this username already")]
    UsernameTaken,
    /// Fields break rules.
    #[error("some fields are not acceptable")]
    Invalid(Vec<FieldError>),
    /// The caller's copy is not the present one.
    #[error("it was changed meanwhile and is at version {0}; read it again")]
    Stale(i64),
    /// The creator is archived.
    #[error("{0} is archived; unarchive it first")]
    Archived(CreatorId),
    /// The status may not follow the present one.
    #[error("`{to}` may not follow `{from}`; {}", may_follow(.legal))]
    IllegalTransition {
        /// The present status.
        from: CreatorStatus,
        /// The status that was asked for.
        to: CreatorStatus,
        /// What may follow.
        legal: &'static [CreatorStatus],
    },
    /// Only suspended and inactive creators are reactivated.
    #[error(
        "a creator who is `{0}` is not reactivated; only those who are `suspended` or `inactive` are"
    )]
    NotReactivatable(CreatorStatus),
    /// Facts keep the creator from being active.
    #[error("the creator cannot be active yet; `errors` names what stands")]
    Obstacles(Vec<Obstacle>),
    /// A suspension that lasts as long stands already.
    #[error("{}", suspended_already(.0))]
    SuspendedAlready(Option<DateTime<Utc>>),
    /// The caller keeps no such filter.
    #[error("you keep no filter {0}")]
    ViewNotFound(ViewId),
    /// The caller keeps a filter of this name.
    #[error("you keep another filter of this name")]
    ViewNameTaken,
    /// There is no such operation.
    #[error("there is no operation {0}")]
    BulkNotFound(CreatorBulkId),
    /// A merge would hide something.
    #[error("the merge would hide {0}")]
    MergeHides(String),
    /// Two people have different names or birth dates.
    #[error("their legal names or birth dates differ; correct the one that is wrong first")]
    IdentitiesDiffer,
    /// The caller may not do this.
    #[error("this needs the permission `{0}`")]
    Lacking(Permission),
    /// Too many creators would have to be looked at.
    #[error(
        "this search looks at too many creators; add a cluster, a status, an owner or another word"
    )]
    TooBroad,
    /// The page's cursor is not ours.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// People's data may not be shown.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The queue refused a job.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// What follows from it could not be done.
    #[error("what follows from it could not be done")]
    Reaction(#[source] Box<ReactionError>),
    /// The database refused.
    #[error("the creators could not be read or written")]
    Db(#[from] sqlx::Error),
}

fn may_follow(legal: &[CreatorStatus]) -> String {
    if legal.is_empty() {
        return "nothing may".to_owned();
    }
    let words: Vec<_> = legal.iter().map(|status| status.as_str()).collect();
    format!("use one of: {}", words.join(", "))
}

fn suspended_already(until: &Option<DateTime<Utc>>) -> String {
    match until {
        None => "the creator is suspended until somebody lifts it".to_owned(),
        Some(until) => format!(
            "the creator is suspended until {} already; a longer suspension extends it",
            until.format("%Y-%m-%dT%H:%M:%SZ")
        ),
    }
}

impl Classify for CreatorError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_)
            | Self::PersonNotFound(_)
            | Self::ViewNotFound(_)
            | Self::BulkNotFound(_) => ErrorKind::NotFound,
            Self::UnknownCluster(_) | Self::Invalid(_) | Self::TooBroad => ErrorKind::Invalid,
            Self::EmailTaken
            | Self::UsernameTaken
            | Self::Archived(_)
            | Self::IllegalTransition { .. }
            | Self::NotReactivatable(_)
            | Self::Obstacles(_)
            | Self::ViewNameTaken
            | Self::MergeHides(_)
            | Self::IdentitiesDiffer
            | Self::SuspendedAlready(_) => ErrorKind::Conflict,
            Self::Stale(_) => ErrorKind::Stale,
            Self::Lacking(_) => ErrorKind::Forbidden,
            Self::Cursor(error) => error.kind(),
            Self::Access(error) => error.kind(),
            Self::Enqueue(error) => error.kind(),
            Self::Reaction(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "creator-not-found",
            Self::PersonNotFound(_) => "person-not-found",
            Self::UnknownCluster(_) | Self::Invalid(_) => "invalid-fields",
            Self::EmailTaken => "email-taken",
            Self::UsernameTaken => "username-taken",
            Self::Stale(_) => "stale",
            Self::ViewNotFound(_) => "creator-view-not-found",
            Self::ViewNameTaken => "creator-view-name-taken",
            Self::BulkNotFound(_) => "creator-bulk-operation-not-found",
            Self::MergeHides(_) => "merge-hides",
            Self::IdentitiesDiffer => "identities-differ",
            Self::Lacking(_) => "forbidden",
            Self::TooBroad => "search-too-broad",
            Self::Archived(_) => "creator-archived",
            Self::IllegalTransition { .. } => "illegal-transition",
            Self::NotReactivatable(_) => "not-reactivatable",
            Self::Obstacles(_) => "creator-not-ready",
            Self::SuspendedAlready(_) => "suspended-already",
            Self::Cursor(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::Enqueue(error) => error.code(),
            Self::Reaction(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::UnknownCluster(_) => vec![FieldError::new("/clusterId", self.to_string())],
            Self::EmailTaken => vec![FieldError::new("/email", self.to_string())],
            Self::UsernameTaken => vec![FieldError::new("/username", self.to_string())],
            Self::IllegalTransition { .. } => vec![FieldError::new("/status", self.to_string())],
            Self::Invalid(fields) => fields.clone(),
            Self::Obstacles(obstacles) => obstacles
                .iter()
                .map(|obstacle| FieldError::new("", format!("{}: {obstacle}", obstacle.code())))
                .collect(),
            Self::Cursor(error) => error.fields(),
            Self::Access(error) => error.fields(),
            Self::Enqueue(error) => error.fields(),
            Self::NotFound(_)
            | Self::PersonNotFound(_)
            | Self::Stale(_)
            | Self::ViewNotFound(_)
            | Self::ViewNameTaken
            | Self::BulkNotFound(_)
            | Self::MergeHides(_)
            | Self::IdentitiesDiffer
            | Self::Lacking(_)
            | Self::TooBroad
            | Self::Archived(_)
            | Self::NotReactivatable(_)
            | Self::SuspendedAlready(_)
            | Self::Reaction(_)
            | Self::Db(_) => Vec::new(),
        }
    }
}
