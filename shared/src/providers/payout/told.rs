//! What a report says, read from a provider's words; in an error is what is wrong with them.

use super::answer::one_line;
use super::{InstructionId, PayoutStatus};
use crate::kernel::money::Money;

/// The instruction that it is about.
pub(super) fn id(text: &str) -> Result<InstructionId, String> {
    text.parse()
        .map_err(|_| "the id is none of ours".to_owned())
}

/// Where the payment stands, by the provider's words for it.
pub(super) fn status(words: &[(&str, PayoutStatus)], word: &str) -> Result<PayoutStatus, String> {
    let known = words.iter().find(|(known, _)| *known == word);
    known
        .map(|(_, status)| *status)
        .ok_or_else(|| format!("unknown status `{}`", one_line(word, 40)))
}

/// What was paid; none unless both parts are told.
pub(super) fn amount(
    amount: Option<&str>,
    currency: Option<&str>,
) -> Result<Option<Money>, String> {
    let (Some(amount), Some(currency)) = (amount, currency) else {
        return Ok(None);
    };
    let currency = currency
        .parse()
        .map_err(|_| "unknown currency".to_owned())?;
    Money::parse(currency, amount)
        .map(Some)
        .map_err(|error| error.to_string())
}
