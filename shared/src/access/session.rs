//! Sessions: what a login gives, how it is kept up, and how it ends.
//!
//! A session is a row; tokens only point to it. Each request asks for the row, so whoever is disabled, logged out or
//! given other roles is so with their next request.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;

use super::secret::{fingerprint, token};
use super::store::sessions::Holder;
use super::{Access, AccessError, Permission, SessionId, UserId, store};
use crate::audit::{self, Entry};
use crate::kernel::{Actor, Caller, Ctx, TypedId, words};

/// How long an access token lives.
pub const ACCESS_TTL: Duration = Duration::from_secs(10 * 60);
/// How long a session lasts at the most, however it is kept up.
pub const SESSION_TTL: TimeDelta = TimeDelta::days(30);
/// How long a refresh token can wait for its use.
pub const REFRESH_TTL: TimeDelta = TimeDelta::days(7);
/// What refresh tokens begin with.
const REFRESH_PREFIX: &str = "rt_";

words!(
    /// Why a session ended before its time.
    EndReason {
        /// Its holder logged out.
        Logout => "logout",
        /// A refresh token was used twice: two have it.
        Reuse => "reuse",
        /// The password was changed.
        Password => "password",
        /// The second factor was changed.
        SecondFactor => "second_factor",
        /// The user was disabled.
        Disabled => "disabled",
        /// Somebody else ended it.
        Revoked => "revoked",
    }
);

/// What a program holds after a login.
#[derive(Debug)]
pub struct SessionTokens {
    /// Opens the API until it expires.
    pub access: SecretString,
    /// When that is.
    pub expires_at: DateTime<Utc>,
    /// Gives new tokens, once.
    pub refresh: SecretString,
    /// Until when it can be used.
    pub refresh_until: DateTime<Utc>,
    /// Whether the user has to enrol a second factor before anything else.
    pub must_enrol: bool,
}

/// Who holds a session now, as the caller of requests; limited to their own account if they have to enrol first.
fn caller(holder: Holder, session: SessionId, limited: bool) -> Caller {
    Caller {
        subject: holder.user.to_string(),
        roles: holder.roles,
        scopes: limited.then(|| vec![Permission::OwnAccount.to_string()]),
        clusters: holder.clusters,
        creator: holder.creator,
        session: Some(session.uuid()),
    }
}

impl Access {
    fn must_enrol(&self, holder: &Holder) -> bool {
        !holder.mfa && self.second_factor.wants(&holder.roles)
    }

    /// Who holds a session now; none if it is over, or its holder may not log in any more.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn holder(
        &self,
        session: SessionId,
        now: DateTime<Utc>,
    ) -> Result<Option<Actor>, AccessError> {
        let mut conn = self.db.pool().acquire().await?;
        let holder = store::sessions::holder(&mut conn, session, now).await?;
        Ok(holder.map(|holder| {
            let limited = self.must_enrol(&holder);
            Actor::User(caller(holder, session, limited))
        }))
    }

    /// Tokens for a session of a holder, within the caller's transaction.
    pub(super) async fn tokens_for(
        &self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        session: SessionId,
    ) -> Result<SessionTokens, AccessError> {
        let holder = store::sessions::holder(conn, session, ctx.now())
            .await?
            .ok_or(AccessError::Unauthenticated)?;
        let refresh = token(REFRESH_PREFIX);
        let refresh_until = ctx.now() + REFRESH_TTL;
        let hash = fingerprint(refresh.expose_secret());
        store::sessions::insert_refresh(conn, session, &hash, refresh_until).await?;
        let must_enrol = self.must_enrol(&holder);
        let subject = holder.user.to_string();
        let access = self.tokens.issue_for(
            &subject,
            &holder.roles,
            Some(session),
            ctx.now(),
            ACCESS_TTL,
        );
        Ok(SessionTokens {
            access: access.into(),
            expires_at: ctx.now() + ACCESS_TTL,
            refresh,
            refresh_until,
            must_enrol,
        })
    }

    /// New tokens for a refresh token, which is used up by that. One that is used a second time ends its session: either
    /// its holder or somebody else has an old one, and nobody can tell who.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`] if it is not ours, was used, or its session is over.
    pub async fn refresh(
        &self,
        ctx: Ctx,
        refresh: &SecretString,
    ) -> Result<SessionTokens, AccessError> {
        let hash = fingerprint(refresh.expose_secret());
        let mut tx = self.db.begin().await?;
        let found = store::sessions::lock_refresh(&mut tx, &hash).await?;
        let found = found.ok_or(AccessError::Unauthenticated)?;
        if found.used {
            if store::sessions::end(&mut tx, &ctx, found.session, EndReason::Reuse).await? {
                let entry = Entry::new("session.reuse", found.session)
                    .after(json!({ "endReason": EndReason::Reuse }));
                audit::record(&mut tx, &ctx, entry).await?;
            }
            self.db.commit(tx, &ctx).await?;
            return Err(AccessError::Unauthenticated);
        }
        if found.expires_at <= ctx.now() {
            return Err(AccessError::Unauthenticated);
        }
        store::sessions::use_refresh(&mut tx, &ctx, &hash).await?;
        let tokens = self.tokens_for(&mut tx, &ctx, found.session).await?;
        self.db.commit(tx, &ctx).await?;
        Ok(tokens)
    }

    /// Begins a session, within the caller's transaction.
    pub(super) async fn begin_session(
        &self,
        conn: &mut PgConnection,
        ctx: &Ctx,
        user: UserId,
        mfa: bool,
    ) -> Result<SessionId, AccessError> {
        let until = ctx.now() + SESSION_TTL;
        let session = store::sessions::insert(conn, ctx, user, mfa, until).await?;
        let entry = Entry::new("session.begin", user)
            .after(json!({ "sessionId": session, "secondFactor": mfa }));
        audit::record(conn, ctx, entry).await?;
        Ok(session)
    }
}

/// Ends the session that the caller's request belongs to, if it belongs to one.
///
/// # Errors
/// If the database refuses.
pub async fn logout(conn: &mut PgConnection, ctx: &Ctx) -> Result<(), AccessError> {
    let caller = ctx.actor.caller();
    let Some(session) = caller.and_then(|caller| caller.session) else {
        return Ok(());
    };
    end(conn, ctx, session.into(), EndReason::Logout).await
}

/// Ends a session, if it is not over.
pub(super) async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    session: SessionId,
    reason: EndReason,
) -> Result<(), AccessError> {
    if store::sessions::end(conn, ctx, session, reason).await? {
        audit::record(conn, ctx, Entry::new("session.end", session)).await?;
    }
    Ok(())
}
