//! What everybody does with their own account: password and second factor.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;

use super::login::totp_name;
use super::password::password_error;
use super::session::EndReason;
use super::store::users::Credentials;
use super::throttle::Attempt;
use super::totp::{TotpSecret, recovery_codes, recovery_fingerprints};
use super::{Access, AccessError, SessionId, User, UserId, store};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, EmailAddress, FieldError};

/// A second factor that is not confirmed yet; shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret in Base32, to be typed.
    pub secret: SecretString,
    /// The same as a link, to be shown as a QR code.
    pub url: SecretString,
}

/// A code that is wrong is a wrong field of whoever is logged in already.
fn wrong_code(error: AccessError) -> AccessError {
    if matches!(
        error,
        AccessError::Unauthenticated | AccessError::CodeWanted
    ) {
        let message = "this is neither the present code nor a recovery code";
        return AccessError::Invalid(vec![FieldError::new("/code", message)]);
    }
    error
}

/// The user that the caller is, and the session the request belongs to.
fn own(ctx: &Ctx) -> Result<(UserId, Option<SessionId>), AccessError> {
    let caller = ctx.actor.caller().ok_or(AccessError::NoAccount)?;
    let user = caller.subject.parse().map_err(|_| AccessError::NoAccount)?;
    Ok((user, caller.session.map(SessionId::from)))
}

/// The caller's own account.
///
/// # Errors
/// [`AccessError::NoAccount`] if the caller has none: an API key, or a token of the command line.
pub async fn own_account(conn: &mut PgConnection, ctx: &Ctx) -> Result<User, AccessError> {
    let (id, _) = own(ctx)?;
    let known = store::users::get(conn, id).await?;
    Ok(known.ok_or(AccessError::NoAccount)?.user)
}

impl Access {
    /// The caller's account, once they have said their password again.
    async fn confirmed(
        &self,
        ctx: &Ctx,
        password: SecretString,
        pointer: &'static str,
    ) -> Result<Credentials, AccessError> {
        let (id, _) = own(ctx)?;
        let mut conn = self.db.pool().acquire().await?;
        let known = store::users::get(&mut conn, id).await?;
        drop(conn);
        let known = known.ok_or(AccessError::NoAccount)?;
        let account = known.user.email.to_lowercase();
        self.count(ctx, Attempt::Login, &account).await?;
        let right = self.passwords.verify(password, known.password_hash.clone());
        if right.await? {
            return Ok(known);
        }
        let wrong = FieldError::new(pointer, "this is not your password");
        Err(AccessError::Invalid(vec![wrong]))
    }

    /// Changes the caller's password; all their other sessions end.
    ///
    /// # Errors
    /// If the present one is wrong, or the new one is not taken.
    pub async fn change_password(
        &self,
        ctx: &Ctx,
        present: SecretString,
        new: SecretString,
    ) -> Result<(), AccessError> {
        let known = self.confirmed(ctx, present, "/currentPassword").await?;
        let (id, session) = own(ctx)?;
        let hash = self
            .new_hash(new, &known.user.email, "/newPassword")
            .await?;
        let mut tx = self.db.begin().await?;
        store::users::set_password(&mut tx, ctx, id, &hash).await?;
        store::passwords::forget(&mut tx, ctx, id).await?;
        store::sessions::end_all(&mut tx, ctx, id, session, EndReason::Password).await?;
        self.forgive(&mut tx, Attempt::Login, &known.user.email.to_lowercase())
            .await?;
        audit::record(&mut tx, ctx, Entry::new("user.password", id)).await?;
        Ok(self.db.commit(tx, ctx).await?)
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// If it is not taken; `pointer` says where it stands in the request.
    pub(super) async fn new_hash(
        &self,
        password: SecretString,
        email: &str,
        pointer: &'static str,
    ) -> Result<String, AccessError> {
        if let Some(wrong) = password_error(password.expose_secret(), email) {
            return Err(AccessError::Invalid(vec![FieldError::new(pointer, wrong)]));
        }
        Ok(self.passwords.hash(password).await?)
    }

    /// Begins to enrol a second factor. A present one is shown once more, and holds until the new one is confirmed.
    ///
    /// # Errors
    /// If the password is wrong, or a present factor's code lacks or is wrong.
    pub async fn begin_enrolment(
        &self,
        ctx: &Ctx,
        password: SecretString,
        code: Option<&SecretString>,
    ) -> Result<Enrolment, AccessError> {
        let known = self.confirmed(ctx, password, "/password").await?;
        self.check_code(ctx, &known, code)
            .await
            .map_err(wrong_code)?;
        let (id, secret) = (known.user.id, TotpSecret::random());
        let sealed = self.sealer.seal(&totp_name(id), secret.bytes());
        let email: EmailAddress = known
            .user
            .email
            .parse()
            .map_err(|_| AccessError::NoAccount)?;
        let mut tx = self.db.begin().await?;
        store::users::set_pending(&mut tx, id, &sealed).await?;
        audit::record(&mut tx, ctx, Entry::new("user.second_factor_begin", id)).await?;
        self.db.commit(tx, ctx).await?;
        let (secret, url) = secret.shown(&email);
        Ok(Enrolment { secret, url })
    }

    /// Confirms the second factor that was begun with, by its present code; answers the recovery codes, which are never
    /// shown again. All the user's other sessions end.
    ///
    /// # Errors
    /// If none was begun with, or the code is wrong.
    pub async fn confirm_enrolment(
        &self,
        ctx: &Ctx,
        code: &SecretString,
    ) -> Result<Vec<SecretString>, AccessError> {
        let (id, session) = own(ctx)?;
        let account = own_account(&mut *self.db.pool().acquire().await?, ctx).await?;
        let account = account.email.to_lowercase();
        self.count(ctx, Attempt::Login, &account).await?;
        let mut tx = self.db.begin().await?;
        let known = store::users::lock(&mut tx, id).await?;
        let known = known.ok_or(AccessError::NoAccount)?;
        let sealed = known.totp_pending.ok_or(AccessError::NotBegun)?;
        let secret = self.open_totp(id, &sealed)?;
        let step = secret.step_of(code.expose_secret(), ctx.now().timestamp());
        let wrong = || {
            let message = "this is not the present code; is the clock of your phone right?";
            AccessError::Invalid(vec![FieldError::new("/code", message)])
        };
        let step = step.ok_or_else(wrong)?;
        store::users::confirm_pending(&mut tx, ctx, id, step).await?;
        let codes = recovery_codes();
        let prints = recovery_fingerprints(&codes);
        store::users::replace_recovery_codes(&mut tx, id, &prints).await?;
        store::sessions::end_all(&mut tx, ctx, id, session, EndReason::SecondFactor).await?;
        if let Some(session) = session {
            store::sessions::set_mfa(&mut tx, session).await?;
        }
        self.forgive(&mut tx, Attempt::Login, &account).await?;
        self.forgive(&mut tx, Attempt::Code, &account).await?;
        let before = json!({ "secondFactor": known.user.second_factor_since.is_some() });
        let entry = Entry::new("user.second_factor", id)
            .before(before)
            .after(json!({ "secondFactor": true }));
        audit::record(&mut tx, ctx, entry).await?;
        self.db.commit(tx, ctx).await?;
        Ok(codes)
    }

    /// Removes the caller's second factor.
    ///
    /// # Errors
    /// If the password or the code is wrong, or a role of theirs wants one.
    pub async fn remove_second_factor(
        &self,
        ctx: &Ctx,
        password: SecretString,
        code: Option<&SecretString>,
    ) -> Result<(), AccessError> {
        let known = self.confirmed(ctx, password, "/password").await?;
        if self.second_factor.wants(&known.user.roles) {
            return Err(AccessError::SecondFactorWanted);
        }
        let (id, session) = own(ctx)?;
        self.check_code(ctx, &known, code)
            .await
            .map_err(wrong_code)?;
        let mut tx = self.db.begin().await?;
        store::users::remove_second_factor(&mut tx, ctx, id).await?;
        store::sessions::end_all(&mut tx, ctx, id, session, EndReason::SecondFactor).await?;
        let entry = Entry::new("user.second_factor", id)
            .before(json!({ "secondFactor": known.user.second_factor_since.is_some() }))
            .after(json!({ "secondFactor": false }));
        audit::record(&mut tx, ctx, entry).await?;
        Ok(self.db.commit(tx, ctx).await?)
    }
}
