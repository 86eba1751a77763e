//! What a provider sends by itself.

use std::collections::BTreeMap;

use thiserror::Error;

/// Size of a callback's body at the most, in bytes.
pub const CALLBACK_MAX_BYTES: usize = 256 * 1024;

/// A request that says it comes from a provider, exactly as it came.
#[derive(Debug, Clone)]
pub struct Callback<'a> {
    /// Headers with lower-case names.
    pub headers: &'a BTreeMap<String, String>,
    /// The body, byte for byte: what is signed are bytes.
    pub body: &'a [u8],
}

impl Callback<'_> {
    /// A header's value.
    ///
    /// # Errors
    /// If there is none: what is not signed comes from nobody.
    pub(super) fn header(&self, name: &str) -> Result<&str, CallbackError> {
        let value = self.headers.get(name).map(String::as_str);
        value
            .filter(|value| !value.is_empty())
            .ok_or(CallbackError::Forged)
    }

    /// # Errors
    /// If the body is larger than any callback.
    pub(super) fn bounded(&self) -> Result<(), CallbackError> {
        if self.body.len() > CALLBACK_MAX_BYTES {
            return Err(CallbackError::Unreadable(format!(
                "it is larger than {CALLBACK_MAX_BYTES} bytes"
            )));
        }
        Ok(())
    }
}

/// Why a callback is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallbackError {
    /// It is not proven to come from the provider, or was sent again long after. To whoever sends it no more is said.
    #[error("it is not proven to come from the provider")]
    Forged,
    /// It comes from the provider and cannot be understood.
    #[error("it cannot be understood: {0}")]
    Unreadable(String),
    /// Whether it comes from the provider could not be found out now; the provider sends it again.
    #[error("whether it comes from the provider could not be found out: {0}")]
    Unproven(String),
    /// This provider sends none.
    #[error("this provider sends no callbacks")]
    NotOffered,
}
