//! Access: who may do what, and how they prove who they are.
//!
//! Promises: a permission is granted by a role or a key and by nothing else; passwords, tokens and keys are kept in a form
//! that opens nothing; whoever is disabled can do nothing from their next request on; whether an account exists shows
//! nowhere. Owns: `users`, `recovery_codes`, `sessions`, `refresh_tokens`, `password_tokens`, `attempt_counters`,
//! `api_keys`, and in Redis `web-session:…`. Emits: `access.password_mail`. Calls: `audit`.

mod account;
mod error;
mod jobs;
mod keys;
mod login;
pub mod mask;
mod password;
mod payload;
mod permission;
mod reset;
mod reveal;
mod secret;
mod session;
mod store;
mod throttle;
mod token;
mod totp;
mod user;
mod users;
mod web;

pub use account::{Enrolment, own_account};
pub use error::AccessError;
pub use jobs::{MailPurpose, SendPasswordMail};
pub use keys::{
    API_KEY_PREFIX, API_KEY_TTL_MAX, ApiKey, ApiKeyId, NewApiKey, keys, make_key, revoke_key,
};
pub use login::Login;
pub use mask::PersonalField;
pub use password::{
    Busy, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, Passwords, made_up_password, password_error,
};
pub use payload::Masked;
pub use permission::{Permission, UnknownPermission};
pub use reset::{RESET_TTL, WELCOME_TTL};
pub use reveal::{REVEAL_REASON_MAX_CHARS, record_reveal};
pub use session::{ACCESS_TTL, EndReason, REFRESH_TTL, SESSION_TTL, SessionTokens, logout};
pub use throttle::{
    ACCOUNT_TRIES_MAX, ADDRESS_TRIES_MAX, CODE_TRIES_MAX, CODE_WINDOW, MAIL_WINDOW, MAILS_MAX,
    WINDOW,
};
pub use token::{Believed, CLOCK_SKEW_SECONDS, TOKEN_TTL_MAX, TokenError, Tokens};
pub use totp::RECOVERY_CODES;
pub use user::{
    Grant, NAME_MAX_CHARS, NewUser, SecondFactorPolicy, SessionId, User, UserChanges, UserId,
};
pub use users::{
    UserFilter, change_user, disable_user, enable_user, end_sessions, reset_second_factor, user,
    users,
};
pub use web::{WEB_IDLE, WebLogin, WebSession, WebSessions};

use secrecy::ExposeSecret;

use crate::config::Secrets;
use crate::kernel::{Db, Sealer};

/// What logging in needs. Clones share the places for hashing.
#[derive(Debug, Clone)]
pub struct Access {
    db: Db,
    passwords: Passwords,
    sealer: Sealer,
    tokens: Tokens,
    second_factor: SecondFactorPolicy,
}

impl Access {
    /// Access over a database, with the configured secrets and rules.
    pub fn new(db: Db, secrets: &Secrets, second_factor: SecondFactorPolicy) -> Self {
        Self {
            db,
            second_factor,
            passwords: Passwords::default(),
            sealer: Sealer::new(secrets.encryption.expose_secret(), secret::PURPOSE),
            tokens: Tokens::new(secrets),
        }
    }
}
