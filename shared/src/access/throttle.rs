//! How often a password may be tried: for each account and for each address, counted in the database, so that neither a
//! restart nor another process begins anew.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Access, AccessError, store};
use crate::kernel::Ctx;

/// How long tries are counted, from the first of them.
pub const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Tries for one account within [`WINDOW`]; a success begins anew.
pub const ACCOUNT_TRIES_MAX: i32 = 10;
/// Tries of each kind from one address within that kind's window, whatever the account.
pub const ADDRESS_TRIES_MAX: i32 = 100;
/// Mails for setting a password that one account is sent within [`MAIL_WINDOW`].
pub const MAILS_MAX: i32 = 3;
/// How long mails are counted.
pub const MAIL_WINDOW: Duration = Duration::from_secs(3600);
/// Codes of the second factor for one account within [`CODE_WINDOW`]; a success begins anew. Only who knows the password
/// gets as far, so nobody else can keep somebody out by this; at three codes of a million at a time, guessing takes years.
pub const CODE_TRIES_MAX: i32 = 20;
/// How long codes are counted.
pub const CODE_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// A password.
    Login,
    /// A code of the second factor, after the right password.
    Code,
    /// To have a mail sent.
    Mail,
}

impl Attempt {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Code => "code",
            Self::Mail => "mail",
        }
    }

    const fn account_tries(self) -> i32 {
        match self {
            Self::Login => ACCOUNT_TRIES_MAX,
            Self::Code => CODE_TRIES_MAX,
            Self::Mail => MAILS_MAX,
        }
    }

    const fn window(self) -> Duration {
        match self {
            Self::Login => WINDOW,
            Self::Code => CODE_WINDOW,
            Self::Mail => MAIL_WINDOW,
        }
    }
}

impl Access {
    /// Counts a try before it is made, so that many at once are as many as one after the other. An account that is not
    /// there is counted like one that is.
    ///
    /// # Errors
    /// [`AccessError::TooMany`] if there were too many.
    pub(super) async fn count(
        &self,
        ctx: &Ctx,
        attempt: Attempt,
        account: &str,
    ) -> Result<(), AccessError> {
        let mut keys = vec![(self.account_key(attempt, account), attempt.account_tries())];
        let address = ctx.origin.as_ref().and_then(|origin| origin.ip);
        // who shows codes knows a password, and an office of many people has one address
        if let Some(ip) = address.filter(|_| attempt != Attempt::Code) {
            let key = self.sealer.counter(attempt.name(), &network(ip));
            keys.push((key, ADDRESS_TRIES_MAX));
        }
        let window = TimeDelta::from_std(attempt.window()).unwrap_or_default();
        let mut conn = self.db.pool().acquire().await?;
        let mut wait = None;
        for (key, most) in keys {
            let counted = store::attempts::count(&mut conn, &key, ctx.now(), window).await?;
            if counted.tries > most {
                wait = wait.max(Some(counted.until - ctx.now()));
            }
        }
        match wait {
            None => Ok(()),
            Some(wait) => Err(AccessError::TooMany {
                wait: wait.to_std().unwrap_or_default(),
            }),
        }
    }

    /// Begins anew for an account, after a success.
    pub(super) async fn forgive(
        &self,
        conn: &mut sqlx::PgConnection,
        attempt: Attempt,
        account: &str,
    ) -> sqlx::Result<()> {
        store::attempts::forget(conn, &self.account_key(attempt, account)).await
    }

    fn account_key(&self, attempt: Attempt, account: &str) -> Vec<u8> {
        let what = format!("{} account", attempt.name());
        self.sealer.counter(&what, account)
    }
}

/// What counts as one address: of IPv6 the network of one customer, who has all of it to choose from.
fn network(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_customers_network_is_one_address() {
        let of = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:9:9:9:9"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
