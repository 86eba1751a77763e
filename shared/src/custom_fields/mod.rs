//! Custom fields: what an installation wants to know of creators beside what the product asks.
//!
//! Promises: a value is of its field's type and within its bounds, and is compared as that type. Owns: `custom_fields`,
//! `custom_field_values`, the view `findable_fields`. Emits: nothing. Calls: `creators`, `audit`.
//!
//! For others: [`values_of`] gives the values of many creators at once (exports), [`conditions`] checks what
//! lists of creators are to be narrowed by; they read the view `findable_fields`.

mod condition;
mod error;
mod model;
mod service;
mod store;
#[cfg(test)]
mod tests;

pub use condition::Asked;
pub use error::CustomFieldError;
pub use model::{
    FIELDS_MAX, Field, FieldChanges, FieldKey, FieldType, FieldValue, Given, InvalidKey, NewField,
};
pub use service::{
    ValueChanges, change, conditions, define, definitions, follow_merge, held_definitions, set,
    set_many, values, values_of, version,
};
