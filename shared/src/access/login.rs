//! Logging in.
//!
//! Whether an account exists shows nowhere: not in the answer, not in what is counted, and not in the time it takes,
//! because a password is hashed in any case.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::store::users::Credentials;
use super::throttle::Attempt;
use super::totp::{TotpSecret, recovery_fingerprint};
use super::{Access, AccessError, SessionId, SessionTokens, User, UserId, store};
use crate::audit::{self, Entry, Subject};
use crate::kernel::{Actor, Ctx, EmailAddress, NotOpened, TypedId};

/// What somebody shows to prove who they are.
#[derive(Debug)]
pub struct Login {
    /// The address of the account.
    pub email: EmailAddress,
    /// Its password.
    pub password: SecretString,
    /// The second factor, if they have one: the present code, or a recovery code.
    pub code: Option<SecretString>,
}

/// Somebody who proved who they are.
#[derive(Debug)]
pub(super) struct Proven {
    user: User,
    mfa: bool,
}

impl Access {
    /// Tokens for somebody who proves who they are.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`] if they do not, [`AccessError::CodeWanted`] if only the second factor lacks,
    /// [`AccessError::TooMany`] after too many tries.
    pub async fn login(&self, ctx: Ctx, login: Login) -> Result<SessionTokens, AccessError> {
        let (ctx, session) = self.prove_and_begin(ctx, login).await?;
        let mut tx = self.db.begin().await?;
        let tokens = self.tokens_for(&mut tx, &ctx, session).await?;
        self.db.commit(tx, &ctx).await?;
        Ok(tokens)
    }

    /// Begins a session for somebody who proves who they are; answers the context in which they act.
    pub(super) async fn prove_and_begin(
        &self,
        ctx: Ctx,
        login: Login,
    ) -> Result<(Ctx, SessionId), AccessError> {
        let account = login.email.normalised();
        self.count(&ctx, Attempt::Login, &account).await?;
        let proven = match self.prove(&ctx, &account, login).await {
            Ok(proven) => proven,
            Err(error) => {
                self.note_failure(&ctx, &account, &error).await?;
                return Err(error);
            }
        };
        let user = proven.user.id;
        let ctx = ctx.by(Actor::user(user.to_string(), &proven.user.roles));
        let mut tx = self.db.begin().await?;
        self.forgive(&mut tx, Attempt::Login, &account).await?;
        let session = self.begin_session(&mut tx, &ctx, user, proven.mfa).await?;
        self.db.commit(tx, &ctx).await?;
        Ok((ctx, session))
    }

    async fn prove(&self, ctx: &Ctx, account: &str, login: Login) -> Result<Proven, AccessError> {
        let mut conn = self.db.pool().acquire().await?;
        let known = store::users::by_email(&mut conn, account).await?;
        // nobody else waits for this connection while the password is hashed
        drop(conn);
        let known = known.filter(|known| known.user.disabled_at.is_none());
        let hash = known.as_ref().and_then(|known| known.password_hash.clone());
        let right = self.passwords.verify(login.password, hash).await?;
        let Some(known) = known.filter(|_| right) else {
            return Err(AccessError::Unauthenticated);
        };
        let mfa = self.check_code(ctx, &known, login.code.as_ref()).await?;
        Ok(Proven {
            user: known.user,
            mfa,
        })
    }

    /// Whether a second factor was shown. A code is taken once; so is a recovery code.
    ///
    /// # Errors
    /// If the user has one and it is not shown, or not the right one, or too many were tried.
    pub(super) async fn check_code(
        &self,
        ctx: &Ctx,
        known: &Credentials,
        code: Option<&SecretString>,
    ) -> Result<bool, AccessError> {
        let Some(sealed) = &known.totp_secret else {
            return Ok(false);
        };
        let code = code.ok_or(AccessError::CodeWanted)?.expose_secret();
        let (id, account) = (known.user.id, known.user.email.to_lowercase());
        self.count(ctx, Attempt::Code, &account).await?;
        let secret = self.open_totp(id, sealed)?;
        let mut conn = self.db.pool().acquire().await?;
        let used = match secret.step_of(code, ctx.now().timestamp()) {
            Some(step) => store::users::use_step(&mut conn, id, step).await?,
            None => {
                let print = recovery_fingerprint(code);
                store::users::use_recovery_code(&mut conn, ctx, id, &print).await?
            }
        };
        if !used {
            return Err(AccessError::Unauthenticated);
        }
        self.forgive(&mut conn, Attempt::Code, &account).await?;
        Ok(true)
    }

    pub(super) fn open_totp(&self, user: UserId, sealed: &[u8]) -> Result<TotpSecret, AccessError> {
        let bytes = self.sealer.open(&totp_name(user), sealed)?;
        TotpSecret::from_bytes(&bytes).ok_or(AccessError::NotOpened(NotOpened))
    }

    /// Records a login that failed, by the account that was meant whether or not there is one.
    async fn note_failure(
        &self,
        ctx: &Ctx,
        account: &str,
        error: &AccessError,
    ) -> Result<(), AccessError> {
        let why = if matches!(error, AccessError::Unauthenticated) {
            "refused"
        } else if matches!(error, AccessError::CodeWanted) {
            "code wanted"
        } else {
            // nothing was decided
            return Ok(());
        };
        let account = hex::encode(self.sealer.counter("account", account));
        let entry = Entry::new("login.fail", Subject::named("account", account));
        let mut tx = self.db.begin().await?;
        audit::record(&mut tx, ctx, entry.after(json!({ "why": why }))).await?;
        Ok(self.db.commit(tx, ctx).await?)
    }
}

/// For whom a second factor's secret is sealed.
pub(super) fn totp_name(user: UserId) -> String {
    format!("totp {}", user.uuid())
}
