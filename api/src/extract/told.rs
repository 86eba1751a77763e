//! Fields of a change where `null` says something else than nothing.

use serde::{Deserialize, Deserializer};

/// For `#[serde(default, deserialize_with = "told")]`: a field that is left out is none, `null` is `Some(None)`.
///
/// # Errors
/// If the value is not a `T`.
pub fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}
