//! ACH files in the format of Nacha (Nacha Operating Rules, appendix on file formats): records of 94 characters, blocks of
//! ten records.

mod field;
mod routing;
mod write;

pub use routing::{InvalidRouting, RoutingNumber};
pub use write::{AccountKind, EntryClass, NachaEntry, NachaFile, NachaOrigin, Written};

/// Characters of a record.
pub(in crate::providers::payout::files) const RECORD_CHARS: usize = 94;
/// Records of a block.
pub(in crate::providers::payout::files) const BLOCK_RECORDS: usize = 10;
/// The entry hash keeps this many digits.
pub(in crate::providers::payout::files) const HASH_MODULUS: u64 = 10_000_000_000;
