//! Campaigns against a real database and a provider that fails as it is told.

mod custom_fields;
mod deciding;
mod launching;
mod sending;
mod world;
