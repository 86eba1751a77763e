//! What providers are told.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::Submission;
use super::crypto::CryptoDestination;
use super::signed_api::unfit;
use crate::kernel::EmailAddress;
use crate::kernel::money::Money;

/// Characters of an instruction's id at the most: what the end-to-end id of ISO 20022 holds.
pub const INSTRUCTION_ID_MAX_CHARS: usize = 35;
/// Characters of a payment's note at the most.
pub const NOTE_MAX_CHARS: usize = 140;

/// The id that a client gives an instruction before it is first handed over: letters and digits of ASCII and hyphens, the
/// smallest set that all providers carry unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstructionId(String);

/// The text is no id of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("use 1 to {INSTRUCTION_ID_MAX_CHARS} letters and digits of ASCII and hyphens")]
pub struct InvalidInstructionId;

impl InstructionId {
    /// The text that goes out.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for InstructionId {
    fn from(id: Uuid) -> Self {
        Self(id.simple().to_string())
    }
}

impl FromStr for InstructionId {
    type Err = InvalidInstructionId;
    fn from_str(text: &str) -> Result<Self, InvalidInstructionId> {
        let fits = (1..=INSTRUCTION_ID_MAX_CHARS).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        fits.then(|| Self(text.to_owned()))
            .ok_or(InvalidInstructionId)
    }
}

impl fmt::Display for InstructionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing to do, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its id; the same for as long as it is the same instruction.
    pub id: InstructionId,
    /// What is to be done.
    pub order: Order,
}

impl Instruction {
    /// The payment, if it is one that can be carried out at all.
    ///
    /// # Errors
    /// With the refusal.
    pub(super) fn payment(&self) -> Result<&PaymentOrder, Submission> {
        let Order::Payment(payment) = &self.order else {
            return Err(unfit("this provider takes no files"));
        };
        if payment.amount.minor <= 0 {
            return Err(unfit("a payment is of more than nothing"));
        }
        if payment.note.chars().count() > NOTE_MAX_CHARS
            || payment.note.chars().any(char::is_control)
        {
            return Err(unfit("a note is one line of at most 140 characters"));
        }
        Ok(payment)
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Pay somebody.
    Payment(PaymentOrder),
    /// Hand a file with many payments over.
    File(PaymentFile),
}

/// Pay somebody an amount.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentOrder {
    /// What the payee is to get.
    pub amount: Money,
    /// Where it goes.
    pub to: Destination,
    /// What the payee reads beside it, up to 140 characters.
    pub note: String,
}

impl fmt::Debug for PaymentOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // where people's money goes is not for logs
        f.debug_struct("PaymentOrder")
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// Where a payment goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// An account at Paxum.
    Paxum(EmailAddress),
    /// An account at PayPal.
    PayPal(EmailAddress),
    /// An address on a chain.
    Crypto(CryptoDestination),
}

impl Destination {
    /// The sort of destination.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Paxum(_) => "paxum",
            Self::PayPal(_) => "paypal",
            Self::Crypto(_) => "crypto",
        }
    }
}

/// A file with many payments.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentFile {
    /// Its name: letters and digits of ASCII, hyphens, underscores and points, not beginning with a point.
    pub name: String,
    /// What is in it.
    pub content: Arc<[u8]>,
}

impl PaymentFile {
    /// SHA-256 of the content.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.content).into()
    }
}

impl fmt::Debug for PaymentFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PaymentFile({}, {} bytes)",
            self.name,
            self.content.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_what_every_provider_carries() {
        let id = InstructionId::from(Uuid::from_u128(1));
        assert_eq!(id.as_str().len(), 32);
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in ["", "a b", "a/b", "ä", "a_b", &"x".repeat(36)] {
            assert_eq!(
                text.parse::<InstructionId>(),
                Err(InvalidInstructionId),
                "{text}"
            );
        }
    }
}
