//! What every handler may use.

use shared::kernel::{Clock, Db};

/// The process's shared parts, as handlers see them.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
}
