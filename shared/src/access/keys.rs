//! API keys: how programs prove who they are.

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;

use super::secret::{fingerprint, token};
use super::store::keys::Owner;
use super::user::{clusters_error, ensure_within, name_error};
use super::users::ensure_clusters;
use super::{Access, AccessError, Permission, UserId, store};
use crate::audit::{self, Entry};
use crate::kernel::{Actor, Caller, Ctx, Cursor, FieldError, Page, PageRequest, typed_id};

typed_id!(
    /// One API key.
    ApiKeyId,
    "key"
);

/// What every API key begins with.
pub const API_KEY_PREFIX: &str = "ck_";
/// How long a key can live.
pub const API_KEY_TTL_MAX: TimeDelta = TimeDelta::days(366);
/// Characters of a key that are kept to recognise it by.
const SHOWN_CHARS: usize = 10;
/// How closely the last use of a key is known.
const LAST_USE_EVERY: TimeDelta = TimeDelta::minutes(5);

/// A key, without what opens the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Which.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// The names of what it may do.
    pub permissions: Vec<String>,
    /// The only clusters it may know of; none for all.
    pub clusters: Option<Vec<String>>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
    /// When it was used last, within some minutes.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it opens nothing.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// Whose it is: it opens no more than they may, and nothing once they are disabled. None for a key of the command line.
    pub owner: Option<UserId>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A key to be.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What it is for.
    pub name: String,
    /// What it may do; nothing that its maker may not.
    pub permissions: Vec<Permission>,
    /// The only clusters; none for all.
    pub clusters: Option<Vec<String>>,
    /// When it ends by itself.
    pub expires_at: DateTime<Utc>,
}

impl NewApiKey {
    fn errors(&self, ctx: &Ctx) -> Vec<FieldError> {
        let mut errors = Vec::from_iter(name_error(&self.name));
        if self.permissions.is_empty() {
            errors.push(FieldError::new("/permissions", "name at least one"));
        }
        for (at, permission) in self.permissions.iter().enumerate() {
            let message = if permission.is_personal() {
                "a program has no account and is no creator"
            } else if self.clusters.is_some() && permission.is_about_all_clusters() {
                "this cannot be limited to clusters; leave `clusters` out, or this permission"
            } else if !permission.granted_to(&ctx.actor) {
                "you do not have this permission, so you cannot give it"
            } else {
                continue;
            };
            errors.push(FieldError::new(format!("/permissions/{at}"), message));
        }
        errors.extend(clusters_error(self.clusters.as_deref()));
        if self.expires_at <= ctx.now() || self.expires_at > ctx.now() + API_KEY_TTL_MAX {
            let message = format!(
                "must be within the next {} days",
                API_KEY_TTL_MAX.num_days()
            );
            errors.push(FieldError::new("/expiresAt", message));
        }
        errors
    }
}

/// Makes a key; the text that opens the door is answered here and never again.
///
/// # Errors
/// If a field breaks a rule.
pub async fn make_key(
    conn: &mut PgConnection,
    ctx: &Ctx,
    mut new: NewApiKey,
) -> Result<(ApiKey, SecretString), AccessError> {
    let errors = new.errors(ctx);
    if !errors.is_empty() {
        return Err(AccessError::Invalid(errors));
    }
    ensure_within(&ctx.actor, new.clusters.as_deref())?;
    ensure_clusters(conn, new.clusters.as_deref()).await?;
    new.permissions.sort_unstable();
    new.permissions.dedup();
    let text = token(API_KEY_PREFIX);
    let prefix: String = text.expose_secret().chars().take(SHOWN_CHARS).collect();
    let hash = fingerprint(text.expose_secret());
    let owner = owner(conn, ctx).await?;
    let key = store::keys::insert(conn, ctx, &new, owner, &prefix, &hash).await?;
    let entry = Entry::new("api_key.make", key.id).after(json!({
        "name": key.name,
        "permissions": key.permissions,
        "clusters": key.clusters,
        "expiresAt": key.expires_at,
    }));
    audit::record(conn, ctx, entry).await?;
    Ok((key, text))
}

/// Whose a key is that the caller makes: their own, and of a key's key whoever has the former.
async fn owner(conn: &mut PgConnection, ctx: &Ctx) -> sqlx::Result<Option<UserId>> {
    match &ctx.actor {
        Actor::User(caller) if caller.session.is_some() => Ok(caller.subject.parse().ok()),
        Actor::Key(caller) => match caller.subject.parse() {
            Ok(id) => Ok(store::keys::get(conn, id).await?.and_then(|key| key.owner)),
            Err(_) => Ok(None),
        },
        Actor::User(_) | Actor::Job(_) | Actor::System | Actor::Anonymous => Ok(None),
    }
}

/// What a key opens now: what it names, as far as its owner may and reaches now.
fn opened(key: ApiKey, owner: Option<Owner>) -> Caller {
    let (mut permissions, mut clusters) = (key.permissions, key.clusters);
    if let Some(owner) = owner {
        permissions.retain(|name| {
            let known: Result<Permission, _> = name.parse();
            known.is_ok_and(|known| owner.roles.iter().any(|role| known.held_by(*role)))
        });
        clusters = match (clusters, owner.clusters) {
            (Some(mut own), Some(reached)) => {
                own.retain(|cluster| reached.contains(cluster));
                Some(own)
            }
            (own, reached) => own.or(reached),
        };
    }
    Caller {
        subject: key.id.to_string(),
        roles: Vec::new(),
        scopes: Some(permissions),
        clusters,
        creator: None,
        session: None,
    }
}

/// The keys, the newest first, as far as the caller reaches.
///
/// # Errors
/// If the cursor belongs to another list.
pub async fn keys(
    conn: &mut PgConnection,
    ctx: &Ctx,
    page: &PageRequest,
) -> Result<Page<ApiKey>, AccessError> {
    let before: Option<ApiKeyId> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (reach, limit) = (ctx.actor.reach(), page.limit());
    let rows = store::keys::page(conn, reach.clusters, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |key| key.id))
}

/// Revokes a key: it opens nothing from the next request on. Doing so again changes nothing.
///
/// # Errors
/// If there is none with this id.
pub async fn revoke_key(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ApiKeyId,
) -> Result<(), AccessError> {
    let key = store::keys::get(conn, id).await?;
    key.filter(|key| ensure_within(&ctx.actor, key.clusters.as_deref()).is_ok())
        .ok_or(AccessError::NoKey(id))?;
    if store::keys::revoke(conn, ctx, id).await? {
        audit::record(conn, ctx, Entry::new("api_key.revoke", id)).await?;
    }
    Ok(())
}

impl Access {
    /// The program that holds this key; none if it opens nothing: it is over or revoked, or its owner is disabled.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn key_holder(
        &self,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Actor>, AccessError> {
        let mut conn = self.db.pool().acquire().await?;
        let Some((key, owner)) = store::keys::usable(&mut conn, &fingerprint(key), now).await?
        else {
            return Ok(None);
        };
        if key.last_used_at.is_none_or(|at| at < now - LAST_USE_EVERY) {
            store::keys::touch(&mut conn, key.id, now, LAST_USE_EVERY).await?;
        }
        Ok(Some(Actor::Key(opened(key, owner))))
    }
}
