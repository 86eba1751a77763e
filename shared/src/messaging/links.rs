//! Links that stop mails: opaque, signed, good for as long as the key is.
//!
//! A token names a creator and the delivery that carried it. It is not stored: its signature is what makes it ours, so
//! that sending a million mails writes no million tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::Url;
use uuid::Uuid;

use super::{AddressDigests, MessagingError};
use crate::creators::CreatorId;
use crate::kernel::TypedId;

/// What the key that signs links is derived for; a new version makes old links invalid.
const PURPOSE: &[u8] = b"creator-crm unsubscribe v1";
const SIGNATURE_BYTES: usize = 16;
const TOKEN_BYTES: usize = 16 + 16 + SIGNATURE_BYTES;

/// Makes and reads links.
#[derive(Clone)]
pub struct UnsubscribeLinks {
    mac: Hmac<Sha256>,
    base: String,
    digests: AddressDigests,
}

impl std::fmt::Debug for UnsubscribeLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsubscribeLinks")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// What a link asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsubscribe {
    /// Who wants no more mails.
    pub creator: CreatorId,
    /// The delivery whose link was used.
    pub delivery: Uuid,
}

impl UnsubscribeLinks {
    /// Links below `public_url`, signed with a key derived from `key`.
    pub fn new(key: &[u8; 32], public_url: &Url) -> Self {
        let derived = keyed(key).chain_update(PURPOSE).finalize().into_bytes();
        Self {
            mac: keyed(&derived),
            base: public_url.as_str().trim_end_matches('/').to_owned(),
            digests: AddressDigests::new(key),
        }
    }

    /// Digests of addresses that nobody writes to again, under the same installation's key.
    pub fn digests(&self) -> &AddressDigests {
        &self.digests
    }

    /// The address of the link.
    pub fn url(&self, link: Unsubscribe) -> String {
        format!("{}/u/{}", self.base, self.token(link))
    }

    fn token(&self, link: Unsubscribe) -> String {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..16].copy_from_slice(link.creator.uuid().as_bytes());
        bytes[16..32].copy_from_slice(link.delivery.as_bytes());
        let signature = self
            .mac
            .clone()
            .chain_update(&bytes[..32])
            .finalize()
            .into_bytes();
        bytes[32..].copy_from_slice(&signature[..SIGNATURE_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What the token in a link asks for.
    ///
    /// # Errors
    /// If it was not made here, or was changed; nothing more is said.
    pub fn read(&self, token: &str) -> Result<Unsubscribe, MessagingError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| MessagingError::InvalidLink)?;
        let bytes: [u8; TOKEN_BYTES] = bytes.try_into().map_err(|_| MessagingError::InvalidLink)?;
        let (named, signature) = bytes.split_at(32);
        // compares in constant time
        let mac = self.mac.clone().chain_update(named);
        mac.verify_truncated_left(signature)
            .map_err(|_| MessagingError::InvalidLink)?;
        let uuid = |part: &[u8]| Uuid::from_slice(part).map_err(|_| MessagingError::InvalidLink);
        Ok(Unsubscribe {
            creator: uuid(&named[..16])?.into(),
            delivery: uuid(&named[16..])?,
        })
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(key: u8) -> UnsubscribeLinks {
        UnsubscribeLinks::new(&[key; 32], &"https://crm.example/".parse().expect("a URL"))
    }

    fn token_of(url: &str) -> &str {
        url.strip_prefix("https://crm.example/u/")
            .expect("below the public URL")
    }

    #[test]
    fn a_link_is_read_as_it_was_made() {
        let link = Unsubscribe {
            creator: CreatorId::new(),
            delivery: Uuid::now_v7(),
        };
        let url = links(1).url(link);
        assert_eq!(links(1).read(token_of(&url)).expect("ours"), link);
    }

    #[test]
    fn a_changed_or_foreign_token_is_refused() {
        let link = Unsubscribe {
            creator: CreatorId::new(),
            delivery: Uuid::now_v7(),
        };
        let url = links(1).url(link);
        let token = token_of(&url);
        assert!(links(2).read(token).is_err(), "another key");
        for at in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(links(1).read(&changed).is_err(), "changed at {at}");
        }
        for wrong in [
            "",
            "x",
            &token[1..],
            &format!("{token}AAAA"),
            "../../etc/passwd",
        ] {
            assert!(links(1).read(wrong).is_err(), "{wrong:?}");
        }
    }
}
