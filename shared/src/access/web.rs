//! Sessions of web pages: a cookie that names an entry in Redis, which names the session's row.
//!
//! Redis only leads from the cookie to the row. Losing it means logging in again; ending the row ends the web session
//! with its next request.

use std::time::Duration;

use chrono::{DateTime, Utc};
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::login::Login;
use super::secret::{fingerprint, token};
use super::session::{EndReason, end};
use super::{Access, AccessError, SessionId};
use crate::kernel::{Actor, Ctx};

/// How long a web session lasts without a request.
pub const WEB_IDLE: Duration = Duration::from_secs(8 * 3600);
/// How long an entry is used before its time is set anew, so that not every request writes.
const REFRESH_AFTER: Duration = Duration::from_secs(5 * 60);
/// Bytes of a cookie's value that are looked at; ours are shorter.
const COOKIE_MAX_BYTES: usize = 100;
const COOKIE_PREFIX: &str = "ws_";
const CSRF_PREFIX: &str = "csrf_";

/// A web session that was just begun.
#[derive(Debug)]
pub struct WebLogin {
    /// The cookie's value.
    pub cookie: SecretString,
    /// What pages send along with every change.
    pub csrf: SecretString,
    /// The context of whoever logged in.
    pub ctx: Ctx,
}

/// A web session that goes on.
#[derive(Debug)]
pub struct WebSession {
    /// Who holds it.
    pub actor: Actor,
    csrf: SecretString,
}

impl WebSession {
    /// What pages send along with every change.
    pub fn csrf(&self) -> &SecretString {
        &self.csrf
    }

    /// Whether this is what its pages send along; compared in constant time.
    pub fn is_csrf(&self, given: &str) -> bool {
        let own = self.csrf.expose_secret().as_bytes();
        own.ct_eq(given.as_bytes()).into()
    }
}

/// What stands in Redis.
#[derive(Serialize, Deserialize)]
struct Stored {
    session: SessionId,
    csrf: String,
}

/// The entries in Redis. Clones share the connection.
#[derive(Clone)]
pub struct WebSessions {
    redis: ConnectionManager,
}

impl std::fmt::Debug for WebSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebSessions").finish_non_exhaustive()
    }
}

fn key(cookie: &str) -> String {
    format!("web-session:{}", hex::encode(fingerprint(cookie)))
}

impl WebSessions {
    /// Entries behind this connection.
    pub fn new(redis: ConnectionManager) -> Self {
        Self { redis }
    }

    async fn put(&self, cookie: &SecretString, stored: &Stored) -> Result<(), AccessError> {
        let json = serde_json::to_string(stored).map_err(AccessError::Stored)?;
        let key = key(cookie.expose_secret());
        let mut redis = self.redis.clone();
        Ok(redis.set_ex(key, json, WEB_IDLE.as_secs()).await?)
    }

    /// The entry of a cookie, whose time is set anew now and then.
    async fn get(&self, cookie: &str) -> Result<Option<Stored>, AccessError> {
        if cookie.len() > COOKIE_MAX_BYTES {
            return Ok(None);
        }
        let (key, mut redis) = (key(cookie), self.redis.clone());
        let (json, left): (Option<String>, i64) = redis::pipe()
            .get(&key)
            .ttl(&key)
            .query_async(&mut redis)
            .await?;
        let idle = i64::try_from(WEB_IDLE.as_secs()).unwrap_or(i64::MAX);
        let worn = i64::try_from(REFRESH_AFTER.as_secs()).unwrap_or(0);
        if json.is_some() && left < idle - worn {
            let _: bool = redis.expire(&key, idle).await?;
        }
        // what this version cannot read is as good as lost: log in again
        Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
    }

    /// Forgets a cookie.
    ///
    /// # Errors
    /// If Redis does not answer.
    pub async fn forget(&self, cookie: &str) -> Result<(), AccessError> {
        let _: i64 = self.redis.clone().del(key(cookie)).await?;
        Ok(())
    }
}

impl Access {
    /// Begins a web session for somebody who proves who they are.
    ///
    /// # Errors
    /// As [`Access::login`], or if Redis does not answer.
    pub async fn web_login(
        &self,
        web: &WebSessions,
        ctx: Ctx,
        login: Login,
    ) -> Result<WebLogin, AccessError> {
        let (ctx, session) = self.prove_and_begin(ctx, login).await?;
        let (cookie, csrf) = (token(COOKIE_PREFIX), token(CSRF_PREFIX));
        let stored = Stored {
            session,
            csrf: csrf.expose_secret().to_owned(),
        };
        web.put(&cookie, &stored).await?;
        let actor = self.holder(session, ctx.now()).await?;
        Ok(WebLogin {
            cookie,
            csrf,
            ctx: ctx.by(actor.ok_or(AccessError::Unauthenticated)?),
        })
    }

    /// Ends the web session of a cookie, because its browser logs in anew. Doing so again changes nothing.
    ///
    /// # Errors
    /// If Redis or the database does not answer.
    pub async fn end_web_session(
        &self,
        web: &WebSessions,
        ctx: &Ctx,
        cookie: &str,
    ) -> Result<(), AccessError> {
        let Some(stored) = web.get(cookie).await? else {
            return Ok(());
        };
        let mut tx = self.db.begin().await?;
        end(&mut tx, ctx, stored.session, EndReason::Logout).await?;
        self.db.commit(tx, ctx).await?;
        web.forget(cookie).await
    }

    /// The web session of a cookie; none if it is over.
    ///
    /// # Errors
    /// If Redis or the database does not answer.
    pub async fn web_session(
        &self,
        web: &WebSessions,
        cookie: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<WebSession>, AccessError> {
        let Some(stored) = web.get(cookie).await? else {
            return Ok(None);
        };
        let actor = self.holder(stored.session, now).await?;
        Ok(actor.map(|actor| WebSession {
            actor,
            csrf: stored.csrf.into(),
        }))
    }
}
