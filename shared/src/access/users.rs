//! Adding, changing, disabling and enabling users.

use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::jobs::{MailPurpose, SendPasswordMail};
use super::password::password_error;
use super::session::EndReason;
use super::store::users::Credentials;
use super::user::{ensure_holds, ensure_within, name_error};
use super::{Access, AccessError, Grant, NewUser, User, UserChanges, UserId, store};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Cursor, EmailAddress, FieldError, Page, PageRequest, Role};
use crate::queue::enqueue;

/// Which users are wanted; what is none is not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct UserFilter {
    /// Those with this role.
    pub role: Option<Role>,
    /// Those who may not log in, or those who may.
    pub disabled: Option<bool>,
}

/// Users by their address, as far as the caller reaches.
///
/// # Errors
/// If the cursor belongs to another list.
pub async fn users(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &UserFilter,
    page: &PageRequest,
) -> Result<Page<User>, AccessError> {
    let after: Option<String> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (reach, limit) = (ctx.actor.reach(), page.limit());
    let rows =
        store::users::page(conn, filter, reach.clusters, after.as_deref(), limit + 1).await?;
    let page = Page::of(rows, limit, |(key, _)| key.clone());
    Ok(Page {
        items: page.items.into_iter().map(|(_, user)| user).collect(),
        next: page.next,
    })
}

/// One user, if the caller reaches as far.
///
/// # Errors
/// If there is none with this id.
pub async fn user(conn: &mut PgConnection, ctx: &Ctx, id: UserId) -> Result<User, AccessError> {
    let known = store::users::get(conn, id).await?;
    Ok(reachable(ctx, id, known)?.user)
}

fn reachable(
    ctx: &Ctx,
    id: UserId,
    known: Option<Credentials>,
) -> Result<Credentials, AccessError> {
    let within =
        |known: &Credentials| ensure_within(&ctx.actor, known.user.clusters.as_deref()).is_ok();
    known.filter(within).ok_or(AccessError::NoUser(id))
}

/// The user, locked, if the caller may steer them: nobody steers somebody who may do more than they do.
async fn lock(conn: &mut PgConnection, ctx: &Ctx, id: UserId) -> Result<User, AccessError> {
    let known = store::users::lock(conn, id).await?;
    let user = reachable(ctx, id, known)?.user;
    ensure_holds(&ctx.actor, &user.roles)?;
    Ok(user)
}

impl Access {
    /// Adds a user. Without a password they are sent a mail to set one.
    ///
    /// # Errors
    /// If a field breaks a rule or the address is taken.
    pub async fn add_user(
        &self,
        ctx: &Ctx,
        new: NewUser,
        password: Option<SecretString>,
    ) -> Result<User, AccessError> {
        let new = NewUser {
            grant: new.grant.tidy(),
            ..new
        };
        let mut errors = new.grant.errors();
        errors.extend(name_error(&new.name));
        if let Some(password) = &password {
            use secrecy::ExposeSecret;
            let wrong = password_error(password.expose_secret(), new.email.as_str());
            errors.extend(wrong.map(|wrong| FieldError::new("/password", wrong)));
        }
        if !errors.is_empty() {
            return Err(AccessError::Invalid(errors));
        }
        ensure_within(&ctx.actor, new.grant.clusters.as_deref())?;
        ensure_holds(&ctx.actor, &new.grant.roles)?;
        let hash = match password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let mut tx = self.db.begin().await?;
        ensure_clusters(&mut tx, new.grant.clusters.as_deref()).await?;
        let added = store::users::insert(&mut tx, ctx, &new, hash.as_deref()).await;
        let id = added.map_err(linked)?.ok_or(AccessError::EmailTaken)?;
        let entry = Entry::new("user.add", id)
            .after(told(&new.grant))
            .personal(json!({ "email": new.email.as_str(), "name": new.name }));
        audit::record(&mut tx, ctx, entry).await?;
        if hash.is_none() {
            let job = self.password_mail(&new.email, MailPurpose::Welcome);
            enqueue(&mut tx, ctx, &job).await?;
        }
        let user = user(&mut tx, ctx, id).await?;
        self.db.commit(tx, ctx).await?;
        Ok(user)
    }

    /// The first admin, if there is no user yet; none if there is one.
    ///
    /// # Errors
    /// As [`Access::add_user`].
    pub async fn add_first_admin(
        &self,
        ctx: &Ctx,
        email: EmailAddress,
        password: SecretString,
    ) -> Result<Option<User>, AccessError> {
        if store::users::any(&mut *self.db.pool().acquire().await?).await? {
            return Ok(None);
        }
        let new = NewUser {
            name: "First admin".to_owned(),
            email,
            grant: Grant {
                roles: vec![Role::Admin],
                clusters: None,
                creator: None,
            },
        };
        match self.add_user(ctx, new, Some(password)).await {
            Ok(user) => Ok(Some(user)),
            // another process was first
            Err(AccessError::EmailTaken) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a user a mail to set a new password.
    ///
    /// # Errors
    /// If there is none with this id, or they may not log in.
    pub async fn send_password_mail(
        &self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        id: UserId,
    ) -> Result<(), AccessError> {
        let user = lock(conn, ctx, id).await?;
        if user.disabled_at.is_some() {
            return Err(AccessError::Disabled(id));
        }
        let email: EmailAddress = user.email.parse().map_err(|_| AccessError::NoUser(id))?;
        let job: SendPasswordMail = self.password_mail(&email, MailPurpose::Reset);
        enqueue(conn, ctx, &job).await?;
        Ok(audit::record(conn, ctx, Entry::new("user.password_mail", id)).await?)
    }
}

/// What the audit trail is told of a user.
fn told(grant: &Grant) -> Value {
    json!({ "roles": roles(&grant.roles), "clusters": grant.clusters, "creator": grant.creator })
}

fn roles(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

/// A creator that there is not, or that another user is, is a wrong field.
fn linked(error: sqlx::Error) -> AccessError {
    let constraint = error
        .as_database_error()
        .and_then(|error| error.constraint());
    let message = match constraint {
        Some("users_creator_id_fkey") => "there is no such creator",
        Some("users_creator_once") => "another user is this creator",
        _ => return error.into(),
    };
    AccessError::Invalid(vec![FieldError::new("/creatorId", message)])
}

pub(super) async fn ensure_clusters(
    conn: &mut PgConnection,
    clusters: Option<&[String]>,
) -> Result<(), AccessError> {
    let unknown = match clusters {
        Some(clusters) => store::users::unknown_cluster(conn, clusters).await?,
        None => None,
    };
    match unknown {
        None => Ok(()),
        Some(unknown) => {
            let message = format!("there is no cluster `{unknown}`; GET /api/clusters lists them");
            Err(AccessError::Invalid(vec![FieldError::new(
                "/clusters",
                message,
            )]))
        }
    }
}

/// Changes a user; with `expected`, only if they are still at that version. Other roles hold from their next request.
///
/// # Errors
/// If there is none with this id, a field breaks a rule, they are at another version, or no admin would be left.
pub async fn change_user(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    changes: UserChanges,
    expected: Option<i64>,
) -> Result<User, AccessError> {
    store::users::lock_admins(conn).await?;
    let before = lock(conn, ctx, id).await?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(AccessError::Stale(before.version));
    }
    let name = changes.name.unwrap_or_else(|| before.name.clone());
    let present = Grant {
        roles: before.roles.clone(),
        clusters: before.clusters.clone(),
        creator: before.creator,
    };
    let grant = Grant {
        roles: changes.roles.unwrap_or_else(|| present.roles.clone()),
        clusters: changes.clusters.unwrap_or_else(|| present.clusters.clone()),
        creator: changes.creator.unwrap_or(present.creator),
    }
    .tidy();
    let mut errors = grant.errors();
    errors.extend(name_error(&name));
    if !errors.is_empty() {
        return Err(AccessError::Invalid(errors));
    }
    if grant == present && name == before.name {
        return Ok(before);
    }
    ensure_within(&ctx.actor, grant.clusters.as_deref())?;
    ensure_holds(&ctx.actor, &grant.roles)?;
    ensure_clusters(conn, grant.clusters.as_deref()).await?;
    let remains = grant.roles.contains(&Role::Admin) && grant.clusters.is_none();
    if before.is_full_admin() && !remains {
        ensure_other_admin(conn, id).await?;
    }
    store::users::update(conn, ctx, id, &name, &grant)
        .await
        .map_err(linked)?;
    let entry = Entry::new("user.change", id)
        .before(told(&present))
        .after(told(&grant))
        .personal(json!({ "nameBefore": before.name, "nameAfter": name }));
    audit::record(conn, ctx, entry).await?;
    user(conn, ctx, id).await
}

async fn ensure_other_admin(conn: &mut PgConnection, id: UserId) -> Result<(), AccessError> {
    if store::users::other_admin(conn, id).await? {
        Ok(())
    } else {
        Err(AccessError::LastAdmin)
    }
}

/// Keeps a user from everything, from their next request on: sessions end, tokens and mails are worth nothing any more.
/// Doing so again changes nothing.
///
/// # Errors
/// If there is none with this id, or no admin would be left.
pub async fn disable_user(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    reason: &str,
) -> Result<User, AccessError> {
    store::users::lock_admins(conn).await?;
    let before = lock(conn, ctx, id).await?;
    if before.disabled_at.is_some() {
        return Ok(before);
    }
    if before.is_full_admin() {
        ensure_other_admin(conn, id).await?;
    }
    store::users::set_disabled(conn, ctx, id, true).await?;
    store::passwords::forget(conn, ctx, id).await?;
    let ended = store::sessions::end_all(conn, ctx, id, None, EndReason::Disabled).await?;
    let entry = Entry::new("user.disable", id)
        .after(json!({ "sessionsEnded": ended }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    user(conn, ctx, id).await
}

/// Lets a user log in again; they have to.
///
/// # Errors
/// If there is none with this id.
pub async fn enable_user(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
) -> Result<User, AccessError> {
    if lock(conn, ctx, id).await?.disabled_at.is_some() {
        store::users::set_disabled(conn, ctx, id, false).await?;
        audit::record(conn, ctx, Entry::new("user.enable", id)).await?;
    }
    user(conn, ctx, id).await
}

/// Removes the second factor of a user who lost it; their sessions end, and a role that wants one has them enrol anew.
///
/// # Errors
/// If there is none with this id.
pub async fn reset_second_factor(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
    reason: &str,
) -> Result<User, AccessError> {
    let before = lock(conn, ctx, id).await?;
    store::users::remove_second_factor(conn, ctx, id).await?;
    store::sessions::end_all(conn, ctx, id, None, EndReason::SecondFactor).await?;
    let entry = Entry::new("user.second_factor", id)
        .before(json!({ "secondFactor": before.second_factor_since.is_some() }))
        .after(json!({ "secondFactor": false }))
        .reason(reason);
    audit::record(conn, ctx, entry).await?;
    user(conn, ctx, id).await
}

/// Ends all sessions of a user.
///
/// # Errors
/// If there is none with this id.
pub async fn end_sessions(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: UserId,
) -> Result<u64, AccessError> {
    lock(conn, ctx, id).await?;
    let ended = store::sessions::end_all(conn, ctx, id, None, EndReason::Revoked).await?;
    let entry = Entry::new("user.sessions_end", id).after(json!({ "sessionsEnded": ended }));
    audit::record(conn, ctx, entry).await?;
    Ok(ended)
}
