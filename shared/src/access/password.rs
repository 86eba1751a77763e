//! Passwords: which ones are taken, and how they are hashed without anybody else waiting.
//!
//! Argon2id with the parameters that OWASP's cheat sheet on password storage names first for little memory: 19 MiB, two
//! passes. Hashing runs beside the threads that answer requests, a few at a time; who comes when many wait is sent away.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Characters that a password has at least.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Characters that a password has at the most.
pub const PASSWORD_MAX_CHARS: usize = 128;
/// Different characters that a password has at least.
const DISTINCT_MIN: usize = 5;
/// Callers that wait for their turn at the most; more are sent away.
const WAITING_MAX: usize = 64;
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// What every list of stolen passwords begins with.
const WELL_KNOWN: [&str; 8] = [
    "password", "passwort", "123456", "qwerty", "letmein", "changeme", "welcome", "iloveyou",
];

/// Too many callers wait for a password to be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins at once; try again shortly")]
pub struct Busy;

/// Hashes passwords, a few at a time. Clones share the places.
#[derive(Debug, Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    /// As many at a time as half the processors, so that the other half answers requests.
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self::with_places((processors / 2).max(1))
    }
}

impl Passwords {
    /// So many at a time.
    pub fn with_places(places: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(places)),
            waiting: Arc::new(Semaphore::new(places + WAITING_MAX)),
        }
    }

    /// The hash to keep (PHC form), with a new salt.
    ///
    /// # Errors
    /// If too many wait.
    pub async fn hash(&self, password: SecretString) -> Result<String, Busy> {
        self.run(move || {
            let hash = hasher().hash_password(password.expose_secret().as_bytes());
            hash.expect("valid parameters and any password").to_string()
        })
        .await
    }

    /// Whether `password` is the one that was hashed. Without a hash, as for an account that is not there, the answer is
    /// no and takes as long.
    ///
    /// # Errors
    /// If too many wait.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, Busy> {
        self.run(move || {
            // made in any case, so that the first unknown account takes no longer than a known one
            let nobody: &str = &NOBODY;
            let known = hash
                .as_deref()
                .and_then(|hash| PasswordHash::new(hash).ok());
            let is_known = known.is_some();
            let nobody = || PasswordHash::new(nobody).expect("a hash of ours");
            let hash = known.unwrap_or_else(nobody);
            let same = hasher().verify_password(password.expose_secret().as_bytes(), &hash);
            same.is_ok() && is_known
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Busy)?;
        let running = self.running.clone().acquire_owned().await;
        let running = running.map_err(|_| Busy)?;
        // the place goes with the work: a caller who hangs up does not make room for another hash
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(running);
            result
        });
        done.await.map_err(|_| Busy)
    }
}

/// The hash of a password that nobody has.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let random: [u8; 32] = rand::random();
    let hash = hasher().hash_password(&random);
    hash.expect("valid parameters").to_string()
});

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("valid parameters");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A password that nobody guesses, for somebody who is to change it.
pub fn made_up_password() -> SecretString {
    super::secret::token("")
}

/// What is wrong with a new password of the owner of `email`; none if it is taken.
pub fn password_error(password: &str, email: &str) -> Option<String> {
    let chars = password.chars().count();
    if !(PASSWORD_MIN_CHARS..=PASSWORD_MAX_CHARS).contains(&chars) {
        return Some(format!(
            "use {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"
        ));
    }
    let lower = password.to_lowercase();
    let distinct: std::collections::BTreeSet<char> = lower.chars().collect();
    let local = email.split('@').next().unwrap_or_default().to_lowercase();
    let guessable = distinct.len() < DISTINCT_MIN
        || WELL_KNOWN.iter().any(|known| lower.contains(known))
        || (local.chars().count() > 3 && lower.contains(&local));
    guessable.then(|| {
        "this is easy to guess; several words that do not belong together are not".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = Passwords::with_places(1);
        let hash = passwords
            .hash("correct horse battery".into())
            .await
            .expect("hashed");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        for (given, hash, right) in [
            ("correct horse battery", Some(hash.clone()), true),
            ("Correct horse battery", Some(hash), false),
            ("correct horse battery", None, false),
            ("", Some("not a hash".to_owned()), false),
        ] {
            let verified = passwords.verify(given.into(), hash).await;
            assert_eq!(verified, Ok(right), "{given}");
        }
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_sent_away() {
        let passwords = Passwords::with_places(1);
        let all = u32::try_from(1 + WAITING_MAX).expect("few");
        let taken = passwords.waiting.clone().acquire_many_owned(all).await;
        assert_eq!(passwords.hash("x".into()).await, Err(Busy));
        drop(taken);
        assert!(passwords.hash("x".into()).await.is_ok());
    }

    #[tokio::test]
    async fn who_hashes_waits_for_a_place_and_everybody_else_goes_on() {
        let passwords = Passwords::with_places(1);
        let place = passwords.running.clone().acquire_owned().await;
        let mut waiting: Vec<_> = (0..3)
            .map(|_| Box::pin(passwords.hash("correct horse battery".into())))
            .collect();
        // each is asked, and none of them gets on while the only place is taken
        for hash in &mut waiting {
            assert!(futures_util::poll!(hash.as_mut()).is_pending());
        }
        // this thread is free for others meanwhile, even for those who need blocking work themselves
        let other = tokio::task::spawn_blocking(|| "answered").await;
        assert_eq!(other.expect("ran"), "answered");
        for hash in &mut waiting {
            assert!(futures_util::poll!(hash.as_mut()).is_pending());
        }
        drop(place);
        for hash in waiting {
            assert!(hash.await.is_ok());
        }
    }

    #[tokio::test]
    async fn hashing_does_not_hold_up_the_thread_that_answers() {
        let passwords = Passwords::with_places(1);
        let hashing = passwords.hash("correct horse battery".into());
        tokio::pin!(hashing);
        let mut turns = 0_u64;
        loop {
            tokio::select! {
                biased;
                hash = &mut hashing => { hash.expect("hashed"); break; }
                () = tokio::task::yield_now() => turns += 1,
            }
        }
        // this one thread went on while the hash was made
        assert!(turns > 100, "{turns}");
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for (password, taken) in [
            ("correct horse battery", true),
            ("short", false),
            ("aaaaaaaaaaaaaaaa", false),
            ("Password12345!", false),
            ("my lovelace-secret", false),
            ("ünïcödé wörds too", true),
        ] {
            let error = password_error(password, "lovelace@x.example");
            assert_eq!(error.is_none(), taken, "{password}: {error:?}");
        }
        assert!(password_error(&"x1y2z3 ".repeat(30), "a@x.example").is_some());
    }
}
