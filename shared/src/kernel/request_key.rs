//! Idempotency: a caller may send a request again under the same key and gets what the first one made.

use sha2::{Digest, Sha256};

use super::Actor;

/// An `Idempotency-Key` with what was asked under it.
///
/// Keys belong to their caller: two callers may use the same one for different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestKey {
    key: String,
    hash: [u8; 32],
}

impl RequestKey {
    /// The key `key` of `actor`, used for a request with this body.
    pub fn new(actor: &Actor, key: &str, body: &[u8]) -> Self {
        Self {
            key: format!("{actor} {key}"),
            hash: Sha256::digest(body).into(),
        }
    }

    /// What is stored to find the request again.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// SHA-256 of the body.
    pub fn hash(&self) -> &[u8] {
        &self.hash
    }

    /// Whether the stored hash is of the same body.
    pub fn asked_the_same(&self, stored: Option<&[u8]>) -> bool {
        stored == Some(self.hash())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_its_caller_and_its_body() {
        let key = RequestKey::new(&Actor::System, "k", b"{}");
        assert_ne!(key, RequestKey::new(&Actor::Anonymous, "k", b"{}"));
        assert!(key.asked_the_same(Some(RequestKey::new(&Actor::System, "k", b"{}").hash())));
        assert!(!key.asked_the_same(Some(RequestKey::new(&Actor::System, "k", b"[]").hash())));
        assert!(!key.asked_the_same(None));
    }
}
