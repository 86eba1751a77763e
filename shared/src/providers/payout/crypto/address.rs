//! Addresses on chains, checked without asking anybody. What is sent to a wrong address is gone.

use std::fmt;

use bech32::{Fe32, hrp, segwit};
use sha3::{Digest, Keccak256};
use thiserror::Error;

use crate::kernel::words;

/// Characters of an address at the most; the longest of those known here has 74 (BIP 173).
const ADDRESS_MAX_CHARS: usize = 90;
/// First bytes of Bitcoin's addresses in Base58: payments to a key's hash and to a script's hash.
const BITCOIN_VERSIONS: [u8; 2] = [0x00, 0x05];
/// First byte of TRON's addresses (TRON protocol, "Accounts").
const TRON_VERSION: u8 = 0x41;
/// Bytes of the hash in an address.
const HASH_BYTES: usize = 20;
/// The newest version of Bitcoin's witness programs that anything is known of; what is sent to a later one anybody could
/// take (BIP 341).
const WITNESS_VERSION_MAX: Fe32 = Fe32::P;

words!(
    /// What is paid in.
    Asset {
        /// Bitcoin.
        Btc => "btc",
        /// Ether.
        Eth => "eth",
        /// Tether's dollar.
        Usdt => "usdt",
        /// Circle's dollar.
        Usdc => "usdc",
    }
);

words!(
    /// The chain that it is paid on.
    Network {
        /// Bitcoin's main network.
        Bitcoin => "bitcoin",
        /// Ethereum's main network.
        Ethereum => "ethereum",
        /// Polygon's main network.
        Polygon => "polygon",
        /// TRON's main network.
        Tron => "tron",
    }
);

impl Asset {
    /// The chains that it exists on, as far as it is paid here.
    pub const fn networks(self) -> &'static [Network] {
        match self {
            Self::Btc => &[Network::Bitcoin],
            Self::Eth => &[Network::Ethereum],
            Self::Usdt => &[Network::Ethereum, Network::Polygon, Network::Tron],
            Self::Usdc => &[Network::Ethereum, Network::Polygon],
        }
    }
}

/// Why money cannot be sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    /// The asset is not on that chain.
    #[error("{asset} is not paid on {network}")]
    OtherNetwork {
        /// The asset.
        asset: Asset,
        /// The chain.
        network: Network,
    },
    /// It is not written as an address of that chain.
    #[error("this is no address on {0}")]
    Form(Network),
    /// It is written as one, and a digit is wrong.
    #[error("the check digits of this address on {0} are wrong: a character of it is, too")]
    Checksum(Network),
    /// It is an address from which nobody could ever take anything.
    #[error("nobody has the key of this address")]
    Nobody,
}

/// An asset, a chain and an address that fit each other.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptoDestination {
    asset: Asset,
    network: Network,
    address: String,
}

impl fmt::Debug for CryptoDestination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CryptoDestination({} on {})", self.asset, self.network)
    }
}

impl CryptoDestination {
    /// Checks that the asset exists on the chain and that the address is one of that chain's main network.
    ///
    /// # Errors
    /// If it is not, with the reason.
    pub fn new(asset: Asset, network: Network, address: &str) -> Result<Self, InvalidAddress> {
        if !asset.networks().contains(&network) {
            return Err(InvalidAddress::OtherNetwork { asset, network });
        }
        if address.len() > ADDRESS_MAX_CHARS || !address.is_ascii() {
            return Err(InvalidAddress::Form(network));
        }
        let address = match network {
            Network::Bitcoin => bitcoin(address)?,
            Network::Ethereum | Network::Polygon => evm(address, network)?,
            Network::Tron => tron(address)?,
        };
        Ok(Self {
            asset,
            network,
            address,
        })
    }

    /// What is paid in.
    pub const fn asset(&self) -> Asset {
        self.asset
    }

    /// On which chain.
    pub const fn network(&self) -> Network {
        self.network
    }

    /// Where to, in the form that the chain's own tools write.
    pub fn address(&self) -> &str {
        &self.address
    }
}

/// Bech32 or Bech32m (BIP 173, BIP 350) or Base58Check.
fn bitcoin(text: &str) -> Result<String, InvalidAddress> {
    const NETWORK: Network = Network::Bitcoin;
    if text
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("bc1"))
    {
        let (prefix, version, program) =
            segwit::decode(text).map_err(|_| InvalidAddress::Checksum(NETWORK))?;
        if prefix != hrp::BC
            || version.to_u8() > WITNESS_VERSION_MAX.to_u8()
            || (version == WITNESS_VERSION_MAX && program.len() != 32)
        {
            return Err(InvalidAddress::Form(NETWORK));
        }
        return Ok(text.to_ascii_lowercase());
    }
    let payload = base58(text, NETWORK)?;
    if payload.len() == 1 + HASH_BYTES && BITCOIN_VERSIONS.contains(&payload[0]) {
        Ok(text.to_owned())
    } else {
        Err(InvalidAddress::Form(NETWORK))
    }
}

fn tron(text: &str) -> Result<String, InvalidAddress> {
    const NETWORK: Network = Network::Tron;
    let payload = base58(text, NETWORK)?;
    if payload.len() != 1 + HASH_BYTES || payload[0] != TRON_VERSION {
        return Err(InvalidAddress::Form(NETWORK));
    }
    if payload[1..].iter().all(|byte| *byte == 0) {
        return Err(InvalidAddress::Nobody);
    }
    Ok(text.to_owned())
}

/// What a text in Base58 with check digits says.
fn base58(text: &str, network: Network) -> Result<Vec<u8>, InvalidAddress> {
    let decoded = bs58::decode(text).with_check(None).into_vec();
    decoded.map_err(|error| {
        if matches!(error, bs58::decode::Error::InvalidChecksum { .. }) {
            InvalidAddress::Checksum(network)
        } else {
            InvalidAddress::Form(network)
        }
    })
}

/// Forty hexadecimal digits; if they are of both cases, the cases are the check digits (ERC-55).
fn evm(text: &str, network: Network) -> Result<String, InvalidAddress> {
    let digits = text
        .strip_prefix("0x")
        .ok_or(InvalidAddress::Form(network))?;
    if digits.len() != 2 * HASH_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(InvalidAddress::Form(network));
    }
    if digits.bytes().all(|byte| byte == b'0') {
        return Err(InvalidAddress::Nobody);
    }
    let checked = mixed_case(&digits.to_ascii_lowercase());
    let has = |test: fn(&u8) -> bool| digits.as_bytes().iter().any(test);
    let both = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    if both && digits != checked {
        return Err(InvalidAddress::Checksum(network));
    }
    Ok(format!("0x{checked}"))
}

/// A letter is a capital where the same digit of the hash of all of them is 8 or more.
fn mixed_case(lower: &str) -> String {
    let hash = hex::encode(Keccak256::digest(lower.as_bytes()));
    let pairs = lower.chars().zip(hash.chars());
    pairs
        .map(|(digit, hash)| {
            if hash >= '8' {
                digit.to_ascii_uppercase()
            } else {
                digit
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(asset: Asset, network: Network, address: &str) -> Result<String, InvalidAddress> {
        CryptoDestination::new(asset, network, address).map(|to| to.address().to_owned())
    }

    const BTC: [&str; 5] = [
        // the genesis block's; BIP 16's form; BIP 173's and BIP 350's examples
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    ];
    /// The examples of ERC-55.
    const EVM: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];
    /// The contract of Tether's dollar on TRON.
    const TRON: &str = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";

    #[test]
    fn addresses_of_their_networks_are_taken() {
        for address in BTC {
            assert!(
                check(Asset::Btc, Network::Bitcoin, address).is_ok(),
                "{address}"
            );
        }
        for address in EVM {
            for network in [Network::Ethereum, Network::Polygon] {
                assert_eq!(check(Asset::Usdc, network, address).as_deref(), Ok(address));
            }
            let lower = address.to_ascii_lowercase();
            assert_eq!(
                check(Asset::Eth, Network::Ethereum, &lower).as_deref(),
                Ok(address)
            );
        }
        assert_eq!(check(Asset::Usdt, Network::Tron, TRON).as_deref(), Ok(TRON));
    }

    #[test]
    fn an_address_of_another_network_is_refused() {
        let refused = |asset, network, address: &str| {
            check(asset, network, address)
                .expect_err(address)
                .to_string()
        };
        assert_eq!(
            refused(Asset::Btc, Network::Tron, TRON),
            "btc is not paid on tron"
        );
        assert_eq!(
            refused(Asset::Usdt, Network::Ethereum, TRON),
            "this is no address on ethereum"
        );
        assert_eq!(
            refused(Asset::Usdt, Network::Tron, EVM[0]),
            "this is no address on tron"
        );
        assert_eq!(
            refused(Asset::Usdt, Network::Tron, BTC[0]),
            "this is no address on tron"
        );
        assert_eq!(
            refused(Asset::Btc, Network::Bitcoin, TRON),
            "this is no address on bitcoin"
        );
        // Bitcoin's test network, in both forms
        for address in [
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        ] {
            assert_eq!(
                refused(Asset::Btc, Network::Bitcoin, address),
                "this is no address on bitcoin",
                "{address}"
            );
        }
    }

    #[test]
    fn version_and_checksum_of_witness_programs_belong_together() {
        for address in [
            // BIP 350: Bech32 where Bech32m is due, and the other way round
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            // mixed case
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8F3t4",
        ] {
            assert!(
                check(Asset::Btc, Network::Bitcoin, address).is_err(),
                "{address}"
            );
        }
    }

    #[test]
    fn what_nobody_could_spend_is_refused() {
        let zero = format!("0x{}", "0".repeat(40));
        assert_eq!(
            check(Asset::Eth, Network::Ethereum, &zero),
            Err(InvalidAddress::Nobody)
        );
        let mut payload = [0_u8; 21];
        payload[0] = TRON_VERSION;
        let zero = bs58::encode(payload).with_check().into_string();
        assert_eq!(
            check(Asset::Usdt, Network::Tron, &zero),
            Err(InvalidAddress::Nobody)
        );
    }

    #[test]
    fn hostile_texts_are_refused() {
        for text in [
            "",
            "0x",
            "bc1",
            "1",
            "bc1\0",
            "ｂｃ1",
            &"1".repeat(10_000),
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed ",
            "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        ] {
            for network in Network::ALL {
                for asset in Asset::ALL {
                    assert!(check(*asset, *network, text).is_err(), "{text}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_found(at in 0_usize..34, with in "[1-9A-HJ-NP-Za-km-z]") {
            let mut text = TRON.to_owned();
            text.replace_range(at..=at, &with);
            prop_assume!(text != TRON);
            prop_assert!(check(Asset::Usdt, Network::Tron, &text).is_err());
        }

        #[test]
        fn a_wrong_case_is_found(at in 2_usize..42) {
            let mut bytes = EVM[0].as_bytes().to_vec();
            prop_assume!(bytes[at].is_ascii_alphabetic());
            bytes[at] ^= 0x20;
            let text = String::from_utf8(bytes).expect("ASCII");
            prop_assert_eq!(check(Asset::Eth, Network::Ethereum, &text), Err(InvalidAddress::Checksum(Network::Ethereum)));
        }
    }
}
