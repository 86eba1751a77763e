//! Secrets that are handed out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// What the keys of this slice are derived for.
pub(super) const PURPOSE: &str = "creator-crm access v1";

/// A new token: `prefix` and 256 random bits. It is shown once; what is kept is its [`fingerprint`].
pub(super) fn token(prefix: &str) -> SecretString {
    let bytes: [u8; TOKEN_BYTES] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)).into()
}

/// By which a token is found again. It has too many random bits to be guessed from this.
pub(super) fn fingerprint(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn tokens_differ_and_tell_what_they_are() {
        let (a, b) = (token("rt_"), token("rt_"));
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert!(a.expose_secret().starts_with("rt_"));
        assert_eq!(a.expose_secret().len(), 3 + 43);
    }
}
