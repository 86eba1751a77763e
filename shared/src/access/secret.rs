//! Secrets that are handed out, and secrets that are kept.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// What the keys of this slice are derived for; a new version makes what was kept unreadable.
const PURPOSE: &str = "creator-crm access v1";

/// A new token: `prefix` and 256 random bits. It is shown once; what is kept is its [`fingerprint`].
pub(super) fn token(prefix: &str) -> SecretString {
    let bytes: [u8; TOKEN_BYTES] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}

/// By which a token is found again. It has too many random bits to be guessed from this.
pub(super) fn fingerprint(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// Encrypts what has to be read again (AES-256-GCM), and counts by what must not be read (HMAC-SHA-256).
#[derive(Clone)]
pub struct Sealer {
    cipher: Aes256Gcm,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

/// What was sealed cannot be opened: with this key, or for this use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened; was ENCRYPTION_KEY changed?")]
pub struct NotOpened;

impl Sealer {
    /// A sealer with keys derived from `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        let derived = |what: &str| {
            let mac = keyed(key).chain_update(PURPOSE).chain_update(what);
            mac.finalize().into_bytes()
        };
        Self {
            cipher: Aes256Gcm::new(&derived("seal")),
            mac: keyed(&derived("count")),
        }
    }

    /// `plain`, encrypted for `name`: whose it is, so that it cannot be passed off as somebody else's.
    ///
    /// # Panics
    /// Never: only values of many gigabytes cannot be encrypted.
    pub(super) fn seal(&self, name: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload {
            msg: plain,
            aad: name.as_bytes(),
        };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload);
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed.expect("a short value can be encrypted"));
        bytes
    }

    /// What was sealed for `name`.
    ///
    /// # Errors
    /// If it was sealed with another key or for another name, or was changed.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let (nonce, cipher_text) = sealed.split_at_checked(NONCE_BYTES).ok_or(NotOpened)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| NotOpened)?;
        let payload = Payload {
            msg: cipher_text,
            aad: name.as_bytes(),
        };
        let opened = self.cipher.decrypt(&Nonce::from(nonce), payload);
        opened.map_err(|_| NotOpened)
    }

    /// A key to count by, from which what is counted cannot be read.
    pub(super) fn counter(&self, what: &str, of: &str) -> Vec<u8> {
        let mac = self.mac.clone().chain_update(what).chain_update([0]);
        mac.chain_update(of).finalize().into_bytes().to_vec()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn what_is_sealed_opens_only_for_whom_it_was_sealed() {
        let sealer = Sealer::new(&[7; 32]);
        let mut sealed = sealer.seal("ada", b"secret");
        assert_eq!(sealer.open("ada", &sealed), Ok(b"secret".to_vec()));
        assert_ne!(sealer.seal("ada", b"secret"), sealed);
        assert_eq!(sealer.open("eve", &sealed), Err(NotOpened));
        assert_eq!(Sealer::new(&[8; 32]).open("ada", &sealed), Err(NotOpened));
        sealed[NONCE_BYTES] ^= 1;
        assert_eq!(sealer.open("ada", &sealed), Err(NotOpened));
        assert_eq!(sealer.open("ada", b"short"), Err(NotOpened));
    }

    #[test]
    fn tokens_differ_and_tell_what_they_are() {
        let (a, b) = (token("rt_"), token("rt_"));
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert!(a.expose_secret().starts_with("rt_"));
        assert_eq!(a.expose_secret().len(), 3 + 43);
    }

    #[test]
    fn counters_of_different_things_differ() {
        let sealer = Sealer::new(&[7; 32]);
        assert_eq!(sealer.counter("a", "b"), sealer.counter("a", "b"));
        assert_ne!(sealer.counter("a", "b"), sealer.counter("b", "a"));
        assert_ne!(sealer.counter("ab", "c"), sealer.counter("a", "bc"));
    }
}
