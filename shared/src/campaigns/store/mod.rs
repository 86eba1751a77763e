//! The SQL of campaigns, by table.

pub(super) mod campaigns;
pub(super) mod chunks;
pub(super) mod deliveries;
pub(super) mod progress;
pub(super) mod sending;
