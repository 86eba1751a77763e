//! One file a slice: each handler decodes nothing, decides nothing, and maps domain errors to retry, fail or snooze.

mod campaigns;
mod creators;
mod queue;

use crate::registry::Registry;

/// Every handler of the product.
pub fn all() -> Registry {
    queue::register(creators::register(campaigns::register(Registry::default())))
}
