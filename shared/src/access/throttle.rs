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
/// Tries from one address within [`WINDOW`], whatever the account.
pub const ADDRESS_TRIES_MAX: i32 = 100;
/// Mails for setting a password that one account is sent within [`WINDOW`].
pub const MAILS_MAX: i32 = 3;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// A password or a code of the second factor.
    Login,
    /// To have a mail sent.
    Mail,
}

impl Attempt {
    const fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Mail => "mail",
        }
    }

    const fn account_tries(self) -> i32 {
        match self {
            Self::Login => ACCOUNT_TRIES_MAX,
            Self::Mail => MAILS_MAX,
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
        if let Some(ip) = address {
            let key = self.sealer.counter(attempt.name(), &network(ip));
            keys.push((key, ADDRESS_TRIES_MAX));
        }
        let window = TimeDelta::from_std(WINDOW).unwrap_or_default();
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
