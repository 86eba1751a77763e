//! Who acts, and how far they reach.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::queue::JobId;

/// What a person or a program may do, in the coarse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    Admin,
    /// Steers queues, jobs and schedules.
    Ops,
    /// Looks after creators.
    Support,
    /// Runs campaigns.
    Marketing,
    /// Approves payouts.
    Finance,
    /// Decides verifications and violations.
    Compliance,
    /// Reads figures, no personal data.
    Analyst,
    /// A creator: sees only itself.
    Creator,
    /// Another service.
    Service,
}

impl Role {
    /// Every role there is.
    pub const ALL: [Self; 9] = [
        Self::Admin,
        Self::Ops,
        Self::Support,
        Self::Marketing,
        Self::Finance,
        Self::Compliance,
        Self::Analyst,
        Self::Creator,
        Self::Service,
    ];

    /// The role's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Ops => "ops",
            Self::Support => "support",
            Self::Marketing => "marketing",
            Self::Finance => "finance",
            Self::Compliance => "compliance",
            Self::Analyst => "analyst",
            Self::Creator => "creator",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role `{0}`: use admin, ops, support, marketing, finance, compliance, analyst, creator or service"
)]
pub struct UnknownRole(String);

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// Somebody who proved who they are, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who: the id of a user or of an API key, or what a token of the command line says.
    pub subject: String,
    /// Their roles; none for an API key.
    pub roles: Vec<Role>,
    /// If given, the names of the only permissions they have, whatever their roles: of an API key, or of somebody who
    /// has yet to enrol a second factor.
    pub scopes: Option<Vec<String>>,
    /// If given, the only clusters they may know of.
    pub clusters: Option<Vec<String>>,
    /// The creator that they are, if they are one.
    pub creator: Option<Uuid>,
    /// The login that this belongs to, if there was one.
    pub session: Option<Uuid>,
}

/// Who causes a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A person who proved who they are.
    User(Caller),
    /// A program with an API key.
    Key(Caller),
    /// A job, on behalf of whoever enqueued it.
    Job(JobId),
    /// The system itself: schedules, the leader, the command line.
    System,
    /// Nobody known: a recipient who follows a link in a mail.
    Anonymous,
}

/// Which rows somebody may know of; all others are to them as if they were not there (404).
///
/// In SQL: `($1::text[] is null or cluster_id = any($1)) and ($2::uuid is null or creator_id = $2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach<'a> {
    /// The only clusters; none for all.
    pub clusters: Option<&'a [String]>,
    /// The only creator; none for all.
    pub creator: Option<Uuid>,
}

impl Reach<'_> {
    /// Everything.
    pub const ALL: Self = Self {
        clusters: None,
        creator: None,
    };

    /// Whether a row of this cluster and about this creator may be known.
    pub fn covers(&self, cluster: &str, creator: Uuid) -> bool {
        self.covers_cluster(cluster) && self.creator.is_none_or(|own| own == creator)
    }

    /// Whether rows of this cluster may be known.
    pub fn covers_cluster(&self, cluster: &str) -> bool {
        self.clusters
            .is_none_or(|clusters| clusters.iter().any(|known| known == cluster))
    }
}

impl Actor {
    /// A user with these roles, who may know of every cluster.
    pub fn user(subject: impl Into<String>, roles: &[Role]) -> Self {
        Self::User(Caller {
            subject: subject.into(),
            roles: roles.to_vec(),
            scopes: None,
            clusters: None,
            creator: None,
            session: None,
        })
    }

    /// The user or the program, if it is one.
    pub const fn caller(&self) -> Option<&Caller> {
        match self {
            Self::User(caller) | Self::Key(caller) => Some(caller),
            Self::Job(_) | Self::System | Self::Anonymous => None,
        }
    }

    /// Which rows they may know of. A creator knows of itself only, and of nobody if it is not said which one it is.
    /// Jobs, the system and links do as the code says.
    pub fn reach(&self) -> Reach<'_> {
        let Some(caller) = self.caller() else {
            return Reach::ALL;
        };
        let is_creator = caller.roles == [Role::Creator];
        Reach {
            clusters: caller.clusters.as_deref(),
            creator: is_creator.then(|| caller.creator.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(caller) => write!(f, "user:{}", caller.subject),
            Self::Key(caller) => write!(f, "key:{}", caller.subject),
            Self::Job(id) => write!(f, "{id}"),
            Self::System => f.write_str("system"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_known_by_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
    }

    #[test]
    fn nobody_reaches_beyond_their_clusters() {
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Support]) else {
            panic!("a user");
        };
        let somebody = Uuid::from_u128(1);
        assert!(
            Actor::User(caller.clone())
                .reach()
                .covers("girlfanz", somebody)
        );
        caller.clusters = Some(vec!["boyfanz".to_owned()]);
        let actor = Actor::User(caller);
        assert!(actor.reach().covers("boyfanz", somebody));
        assert!(!actor.reach().covers("girlfanz", somebody));
    }

    #[test]
    fn a_creator_reaches_itself_only() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Creator]) else {
            panic!("a user");
        };
        assert!(!Actor::User(caller.clone()).reach().covers("girlfanz", own));
        caller.creator = Some(own);
        let actor = Actor::User(caller);
        assert!(actor.reach().covers("girlfanz", own));
        assert!(!actor.reach().covers("girlfanz", other));
    }
}
