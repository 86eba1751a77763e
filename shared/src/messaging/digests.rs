//! Addresses that are known by a digest only: enough to leave somebody alone, not enough to find them.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::creators::Channel;

/// What the key is derived for; a new version forgets every digest.
const PURPOSE: &[u8] = b"creator-crm suppression v1";
/// Bytes of a block of SHA-256 (FIPS 180-4).
const BLOCK_BYTES: usize = 64;

/// Makes digests of addresses: HMAC-SHA-256 (RFC 2104) under a key derived from the installation's.
#[derive(Clone)]
pub struct AddressDigests {
    key: [u8; 32],
}

impl std::fmt::Debug for AddressDigests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AddressDigests")
    }
}

impl AddressDigests {
    /// Under a key derived from `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: mac(key, PURPOSE),
        }
    }

    /// The digest of a normalised address.
    pub fn of(&self, channel: Channel, address: &str) -> [u8; 32] {
        mac(&self.key, message(channel, address).as_bytes())
    }

    /// The two blocks with which a statement computes the same: `sha256(outer || sha256(inner || message))`.
    pub(crate) fn blocks(&self) -> (Vec<u8>, Vec<u8>) {
        let block = |pad: u8| {
            let mut block = vec![pad; BLOCK_BYTES];
            for (byte, key) in block.iter_mut().zip(self.key) {
                *byte ^= key;
            }
            block
        };
        (block(0x36), block(0x5c))
    }
}

/// What is digested: the same address on another channel is another one.
fn message(channel: Channel, address: &str) -> String {
    format!("{channel}:{address}")
}

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    #[allow(
        clippy::expect_used,
        reason = "HMAC takes keys of any length (RFC 2104)"
    )]
    let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key of any length");
    mac.chain_update(message).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    #[test]
    fn a_digest_is_what_a_statement_computes_from_the_blocks() {
        let digests = AddressDigests::new(&[7; 32]);
        let (inner, outer) = digests.blocks();
        let first = Sha256::new()
            .chain_update(inner)
            .chain_update("email:ada@x.example")
            .finalize();
        let second = Sha256::new()
            .chain_update(outer)
            .chain_update(first)
            .finalize();
        assert_eq!(
            digests.of(Channel::Email, "ada@x.example").as_slice(),
            second.as_slice()
        );
    }

    #[test]
    fn keys_and_channels_make_other_digests() {
        let digest =
            |key: u8, channel| AddressDigests::new(&[key; 32]).of(channel, "ada@x.example");
        assert_ne!(digest(1, Channel::Email), digest(2, Channel::Email));
        assert_ne!(digest(1, Channel::Email), digest(1, Channel::Sms));
    }
}
