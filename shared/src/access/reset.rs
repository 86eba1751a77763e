//! Setting a password by a link in a mail.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::jobs::{MailPurpose, SendPasswordMail};
use super::secret::{fingerprint, token};
use super::session::EndReason;
use super::throttle::Attempt;
use super::{Access, AccessError, store};
use crate::audit::{self, Entry};
use crate::config::EmailConfig;
use crate::kernel::{Actor, Ctx, EmailAddress, NotOpened};
use crate::providers::email::{OutgoingMail, PlainMail};
use crate::queue::enqueue;

/// How long the link of somebody who forgot their password can be used.
pub const RESET_TTL: TimeDelta = TimeDelta::hours(1);
/// How long the link of a new account can be used.
pub const WELCOME_TTL: TimeDelta = TimeDelta::days(7);
/// What the tokens in links begin with.
const PREFIX: &str = "pt_";
/// For whom addresses in jobs are sealed.
const SEALED_FOR: &str = "password mail";

impl Access {
    /// Has a mail sent to whoever owns this address, if they have an account. Nothing tells whether they have.
    ///
    /// # Errors
    /// [`AccessError::TooMany`] after too many.
    pub async fn request_reset(&self, ctx: &Ctx, email: &EmailAddress) -> Result<(), AccessError> {
        self.count(ctx, Attempt::Mail, &email.normalised()).await?;
        let mut tx = self.db.begin().await?;
        enqueue(&mut tx, ctx, &self.password_mail(email, MailPurpose::Reset)).await?;
        Ok(self.db.commit(tx, ctx).await?)
    }

    pub(super) fn password_mail(
        &self,
        email: &EmailAddress,
        purpose: MailPurpose,
    ) -> SendPasswordMail {
        let sealed = self.sealer.seal(SEALED_FOR, email.normalised().as_bytes());
        SendPasswordMail {
            sealed_email: STANDARD.encode(sealed),
            purpose,
        }
    }

    /// The mail that a job is to send, with a new link; none if nobody who may log in has this address.
    ///
    /// # Errors
    /// If the job's address cannot be read, or the mail cannot be put together.
    pub async fn write_password_mail(
        &self,
        ctx: &Ctx,
        job: &SendPasswordMail,
        sender: &EmailConfig,
        public_url: &Url,
    ) -> Result<Option<OutgoingMail>, AccessError> {
        let sealed = STANDARD.decode(&job.sealed_email).map_err(|_| NotOpened)?;
        let key = self.sealer.open(SEALED_FOR, &sealed)?;
        let key = String::from_utf8(key).map_err(|_| NotOpened)?;
        let mut tx = self.db.begin().await?;
        let known = store::users::by_email(&mut tx, &key).await?;
        let Some(user) = known
            .map(|known| known.user)
            .filter(|user| user.disabled_at.is_none())
        else {
            return Ok(None);
        };
        let secret = token(PREFIX);
        let ttl = match job.purpose {
            MailPurpose::Reset => RESET_TTL,
            MailPurpose::Welcome => WELCOME_TTL,
        };
        let hash = fingerprint(secret.expose_secret());
        store::passwords::insert(&mut tx, user.id, &hash, ctx.now() + ttl).await?;
        let mail = compose(ctx, job.purpose, &user.email, &secret, sender, public_url)?;
        let entry =
            Entry::new("user.password_link", user.id).after(json!({ "purpose": job.purpose }));
        audit::record(&mut tx, ctx, entry).await?;
        self.db.commit(tx, ctx).await?;
        Ok(Some(mail))
    }

    /// Sets the password of whoever was sent this token. All their sessions end, and all their other links.
    ///
    /// # Errors
    /// [`AccessError::TokenSpent`] if the token is not ours, was used or is too old; if the password is not taken.
    pub async fn set_password(
        &self,
        ctx: Ctx,
        token: &SecretString,
        password: SecretString,
    ) -> Result<(), AccessError> {
        let hash = fingerprint(token.expose_secret());
        let mut conn = self.db.pool().acquire().await?;
        let owner = store::passwords::owner(&mut conn, &ctx, &hash).await?;
        let id = owner.ok_or(AccessError::TokenSpent)?;
        let known = store::users::get(&mut conn, id).await?;
        drop(conn);
        let user = known.ok_or(AccessError::TokenSpent)?.user;
        let new = self.new_hash(password, &user.email, "/password").await?;
        let ctx = ctx.by(Actor::user(id.to_string(), &user.roles));
        let mut tx = self.db.begin().await?;
        if !store::passwords::use_up(&mut tx, &ctx, id, &hash).await? {
            return Err(AccessError::TokenSpent);
        }
        store::users::set_password(&mut tx, &ctx, id, &new).await?;
        store::sessions::end_all(&mut tx, &ctx, id, None, EndReason::Password).await?;
        self.forgive(&mut tx, Attempt::Login, &user.email.to_lowercase())
            .await?;
        audit::record(&mut tx, &ctx, Entry::new("user.password", id)).await?;
        Ok(self.db.commit(tx, &ctx).await?)
    }
}

fn compose(
    ctx: &Ctx,
    purpose: MailPurpose,
    to: &str,
    token: &SecretString,
    sender: &EmailConfig,
    public_url: &Url,
) -> Result<OutgoingMail, AccessError> {
    let (subject, why, how_long) = match purpose {
        MailPurpose::Reset => (
            "Set a new password",
            "Somebody, probably you, asked for a new password for your CreatorCRM account.",
            "one hour",
        ),
        MailPurpose::Welcome => (
            "Your CreatorCRM account",
            "There is a CreatorCRM account for you now. Choose a password to begin.",
            "seven days",
        ),
    };
    // behind the #, which browsers send to nobody and servers do not log
    let link = format!(
        "{}/set-password#{}",
        public_url.as_str().trim_end_matches('/'),
        token.expose_secret()
    );
    let text = format!(
        "{why}\r\n\r\n{link}\r\n\r\nThe link can be used once, within {how_long}. If you did not expect this mail, \
         nothing has happened to your account, and you need do nothing.\r\n"
    );
    let recipient: EmailAddress = to.parse().map_err(|_| AccessError::Mail)?;
    let mail = PlainMail {
        from: &sender.from,
        from_name: &sender.from_name,
        to: &recipient,
        subject,
        text: &text,
        now: ctx.now(),
    };
    mail.compose().ok_or(AccessError::Mail)
}
