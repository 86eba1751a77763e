//! Connecting to Postgres, and bringing its schema up to date.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::config::DatabaseConfig;

/// The migrations, compiled in, so that a container needs no files beside the program.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// How long a use of the database waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A transaction that does nothing for this long is ended: it would hold locks and keep dead rows.
const IDLE_IN_TRANSACTION_TIMEOUT: &str = "30s";

/// A pool that connects when it is first used; `name` shows in `pg_stat_activity`.
///
/// # Errors
/// If the URL is not one of Postgres.
pub fn connect_lazy(config: &DatabaseConfig, name: &str) -> sqlx::Result<PgPool> {
    let options: PgConnectOptions = config.url.expose_secret().parse()?;
    let options = options.application_name(name).options([(
        "idle_in_transaction_session_timeout",
        IDLE_IN_TRANSACTION_TIMEOUT,
    )]);
    Ok(PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options))
}
