//! Encrypting what has to be read again, and counting by what must not be read.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const NONCE_BYTES: usize = 12;

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
    /// A sealer with keys derived from `key` for one purpose: what is sealed for another one cannot be opened. A new text
    /// makes what was kept unreadable.
    pub fn new(key: &[u8; 32], purpose: &str) -> Self {
        let derived = |what: &str| {
            let mac = keyed(key).chain_update(purpose).chain_update(what);
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
    pub fn seal(&self, name: &str, plain: &[u8]) -> Vec<u8> {
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
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, NotOpened> {
        let (nonce, cipher_text) = sealed.split_at_checked(NONCE_BYTES).ok_or(NotOpened)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| NotOpened)?;
        let payload = Payload {
            msg: cipher_text,
            aad: name.as_bytes(),
        };
        let opened = self.cipher.decrypt(&Nonce::from(nonce), payload);
        opened.map_err(|_| NotOpened)
    }

    /// A key to count and compare by, from which what is counted cannot be read: 32 bytes.
    pub fn counter(&self, what: &str, of: &str) -> Vec<u8> {
        let mac = self.mac.clone().chain_update(what).chain_update([0]);
        mac.chain_update(of).finalize().into_bytes().to_vec()
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&[key; 32], "tests")
    }

    #[test]
    fn what_is_sealed_opens_only_for_whom_it_was_sealed() {
        let one = sealer(7);
        let mut sealed = one.seal("ada", b"secret");
        assert_eq!(one.open("ada", &sealed), Ok(b"secret".to_vec()));
        assert_ne!(one.seal("ada", b"secret"), sealed);
        assert_eq!(one.open("eve", &sealed), Err(NotOpened));
        assert_eq!(sealer(8).open("ada", &sealed), Err(NotOpened));
        let other = Sealer::new(&[7; 32], "other tests");
        assert_eq!(other.open("ada", &sealed), Err(NotOpened));
        sealed[NONCE_BYTES] ^= 1;
        assert_eq!(one.open("ada", &sealed), Err(NotOpened));
        assert_eq!(one.open("ada", b"short"), Err(NotOpened));
    }

    #[test]
    fn counters_of_different_things_differ() {
        let one = sealer(7);
        assert_eq!(one.counter("a", "b"), one.counter("a", "b"));
        assert_ne!(one.counter("a", "b"), one.counter("b", "a"));
        assert_ne!(one.counter("ab", "c"), one.counter("a", "bc"));
    }
}
