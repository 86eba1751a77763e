//! One file a slice: each handler decodes nothing, decides nothing, and maps domain errors to retry, fail or snooze.

use crate::registry::Registry;

/// Every handler of the product.
pub fn all() -> Registry {
    Registry::default()
}
