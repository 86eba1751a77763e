//! Fields, their values, and what each type accepts; pure.

mod definition;
#[cfg(test)]
pub(super) mod tests;
mod value;

pub use definition::{FIELDS_MAX, Field, FieldChanges, FieldKey, FieldType, InvalidKey, NewField};
pub use value::{FieldValue, Given};
