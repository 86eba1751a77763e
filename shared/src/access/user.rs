//! Users: who logs in, and what must hold for them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{AccessError, Permission};
use crate::kernel::{Actor, EmailAddress, FieldError, Role, typed_id};

typed_id!(
    /// One user.
    UserId,
    "user"
);
typed_id!(
    /// One login, until it ends.
    SessionId,
    "session"
);

/// Characters of a user's name at the most.
pub const NAME_MAX_CHARS: usize = 100;
/// Clusters that a user or a key can be limited to at the most.
const CLUSTERS_MAX: usize = 100;

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Which.
    pub id: UserId,
    /// What they log in with.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// The only clusters they may know of; none for all.
    pub clusters: Option<Vec<String>>,
    /// The creator that they are.
    pub creator: Option<Uuid>,
    /// Whether they ever set a password.
    pub has_password: bool,
    /// Since when they have a second factor.
    pub second_factor_since: Option<DateTime<Utc>>,
    /// Since when they may not log in.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Grows with each change.
    pub version: i64,
    /// When they were added.
    pub created_at: DateTime<Utc>,
    /// When they were changed.
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// Whether they may do everything everywhere: one such user must remain.
    pub(super) fn is_full_admin(&self) -> bool {
        self.disabled_at.is_none() && self.roles.contains(&Role::Admin) && self.clusters.is_none()
    }
}

/// Which roles want a second factor besides finance and compliance, who always do: they move money and see identity
/// papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorPolicy {
    /// `SECOND_FACTOR_FOR_ADMINS`: admins, too, who can make themselves anything.
    pub admins: bool,
}

impl SecondFactorPolicy {
    /// Whether one of these roles wants a second factor.
    pub fn wants(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| match role {
            Role::Finance | Role::Compliance => true,
            Role::Admin => self.admins,
            Role::Ops
            | Role::Support
            | Role::Marketing
            | Role::Analyst
            | Role::Creator
            | Role::Service => false,
        })
    }
}

/// A user to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// What they log in with.
    pub email: EmailAddress,
    /// What they are called.
    pub name: String,
    /// What they may do and know of.
    pub grant: Grant,
}

/// What somebody may do and know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// At least one; a creator has no other.
    pub roles: Vec<Role>,
    /// The only clusters; none for all.
    pub clusters: Option<Vec<String>>,
    /// Which creator they are; with the role creator, and only then.
    pub creator: Option<Uuid>,
}

/// What is to be different about a user; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct UserChanges {
    /// Another name.
    pub name: Option<String>,
    /// Other roles.
    pub roles: Option<Vec<Role>>,
    /// Other clusters, or all.
    pub clusters: Option<Option<Vec<String>>>,
    /// Another creator, or none.
    pub creator: Option<Option<Uuid>>,
}

impl Grant {
    /// The same in the order in which it is kept, each role and cluster once.
    pub(super) fn tidy(mut self) -> Self {
        self.roles.sort_unstable();
        self.roles.dedup();
        if let Some(clusters) = &mut self.clusters {
            clusters.sort_unstable();
            clusters.dedup();
        }
        self
    }

    /// What is wrong with it by itself.
    pub(super) fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let is_creator = self.roles.contains(&Role::Creator);
        if self.roles.is_empty() {
            errors.push(FieldError::new("/roles", "give at least one role"));
        }
        if self.roles.contains(&Role::Service) {
            let message = "`service` is for API keys: see POST /api/api-keys";
            errors.push(FieldError::new("/roles", message));
        }
        if is_creator && self.roles.len() > 1 {
            let message = "a creator has no other role; give staff an account of their own";
            errors.push(FieldError::new("/roles", message));
        }
        match (is_creator, self.creator) {
            (true, None) => {
                errors.push(FieldError::new("/creatorId", "say which creator they are"))
            }
            (false, Some(_)) => {
                let message = "only somebody with the role `creator` is a creator";
                errors.push(FieldError::new("/creatorId", message));
            }
            (true, Some(_)) | (false, None) => {}
        }
        errors.extend(clusters_error(self.clusters.as_deref()));
        errors
    }
}

/// What is wrong with a limit to clusters by itself.
pub(super) fn clusters_error(clusters: Option<&[String]>) -> Option<FieldError> {
    let clusters = clusters?;
    (clusters.is_empty() || clusters.len() > CLUSTERS_MAX).then(|| {
        let message = format!("name 1 to {CLUSTERS_MAX} clusters, or leave it out for all");
        FieldError::new("/clusters", message)
    })
}

/// What is wrong with a name.
pub(super) fn name_error(name: &str) -> Option<FieldError> {
    let chars = name.chars().count();
    let bad =
        name.trim().is_empty() || chars > NAME_MAX_CHARS || name.chars().any(char::is_control);
    bad.then(|| {
        let message = format!("use 1 to {NAME_MAX_CHARS} characters, without line breaks");
        FieldError::new("/name", message)
    })
}

/// Refuses to give somebody a wider reach than the giver has.
pub(super) fn ensure_within(giver: &Actor, clusters: Option<&[String]>) -> Result<(), AccessError> {
    let Some(own) = giver.reach().clusters else {
        return Ok(());
    };
    let within = clusters.is_some_and(|given| given.iter().all(|cluster| own.contains(cluster)));
    if within {
        return Ok(());
    }
    let message = format!("you reach {} only, and can give no more", own.join(", "));
    Err(AccessError::Invalid(vec![FieldError::new(
        "/clusters",
        message,
    )]))
}

/// Refuses that somebody gives roles which may do more than they do, or steers a user who has such roles.
pub(super) fn ensure_holds(giver: &Actor, roles: &[Role]) -> Result<(), AccessError> {
    let of_roles = Permission::ALL.into_iter().filter(|permission| {
        !permission.is_personal() && roles.iter().any(|role| permission.held_by(*role))
    });
    // what nobody can do who is limited to clusters is no question of roles: see `ensure_within`
    let limited = giver.reach().clusters.is_some();
    let mut of_roles =
        of_roles.filter(|permission| !(limited && permission.is_about_all_clusters()));
    match of_roles.find(|permission| !permission.granted_to(giver)) {
        Some(lacking) => Err(AccessError::Lacking(lacking)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(roles: &[Role], clusters: Option<&[&str]>, creator: Option<u128>) -> Vec<String> {
        let grant = Grant {
            roles: roles.to_vec(),
            clusters: clusters.map(|list| list.iter().map(|c| (*c).to_owned()).collect()),
            creator: creator.map(Uuid::from_u128),
        };
        let errors = grant.errors().into_iter();
        errors.map(|error| error.field.into_owned()).collect()
    }

    #[test]
    fn what_cannot_be_given_is_named() {
        assert!(fields(&[Role::Support, Role::Analyst], Some(&["boyfanz"]), None).is_empty());
        assert!(fields(&[Role::Creator], None, Some(1)).is_empty());
        assert_eq!(fields(&[], None, None), ["/roles"]);
        assert_eq!(fields(&[Role::Service], None, None), ["/roles"]);
        assert_eq!(
            fields(&[Role::Creator, Role::Admin], None, Some(1)),
            ["/roles"]
        );
        assert_eq!(fields(&[Role::Creator], None, None), ["/creatorId"]);
        assert_eq!(fields(&[Role::Support], None, Some(1)), ["/creatorId"]);
        assert_eq!(fields(&[Role::Support], Some(&[]), None), ["/clusters"]);
    }

    #[test]
    fn nobody_gives_more_than_they_have() {
        let Actor::User(mut caller) = Actor::user("ada", &[Role::Admin]) else {
            panic!("a user");
        };
        assert!(ensure_within(&Actor::User(caller.clone()), None).is_ok());
        caller.clusters = Some(vec!["boyfanz".to_owned(), "girlfanz".to_owned()]);
        let limited = Actor::User(caller);
        assert!(ensure_within(&limited, None).is_err());
        assert!(ensure_within(&limited, Some(&["pupfanz".to_owned()])).is_err());
        assert!(ensure_within(&limited, Some(&["boyfanz".to_owned()])).is_ok());
    }
}
