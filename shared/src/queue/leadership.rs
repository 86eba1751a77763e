//! One leader for the fleet: whoever holds an advisory lock on a connection of its own.
//!
//! The connection must reach Postgres directly, not through a pooler. The server ends it when the leader says nothing
//! for [`LEADER_SILENCE_MAX`], which is what takes the lock from a process that was stopped but not killed. Two
//! leaders for a moment do no harm: everything a leader does may be done twice.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use super::connection::by_keys;

/// After this long without a statement the server takes the leader's connection, and the lock with it.
pub const LEADER_SILENCE_MAX: Duration = Duration::from_secs(8);
/// The longest that a statement of the leader may take.
pub const LEADER_STATEMENT_MAX: Duration = Duration::from_secs(20);
/// The advisory lock's number: "crm-lead" in ASCII.
const LOCK: i64 = 0x6372_6d2d_6c65_6164;

/// A connection that a leader may lead on.
///
/// # Errors
/// If the database cannot be reached.
pub async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let silence = LEADER_SILENCE_MAX.as_millis().to_string();
    let statement = LEADER_STATEMENT_MAX.as_millis().to_string();
    by_keys(options.clone())
        .application_name("creatorcrm leader")
        .options([
            ("idle_session_timeout", silence.as_str()),
            ("idle_in_transaction_session_timeout", silence.as_str()),
            ("statement_timeout", statement.as_str()),
            ("tcp_keepalives_idle", "5"),
            ("tcp_keepalives_interval", "2"),
            ("tcp_keepalives_count", "3"),
            ("enable_sort", "off"),
        ])
        .connect()
        .await
}

/// Tries to become the leader; the lead lasts as long as the connection.
///
/// # Errors
/// If the database does not answer.
pub async fn try_lead(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "got!""#, LOCK)
        .fetch_one(conn)
        .await
}

/// Whether this connection still leads; asked before each round.
///
/// # Errors
/// If the database does not answer, which means that it does not.
pub async fn still_leads(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
             and ((classid::int8 << 32) | objid::int8) = $1 and granted) as "leads!""#,
        LOCK,
    )
    .fetch_one(conn)
    .await
}

/// Whether any process leads now.
///
/// # Errors
/// If the database does not answer.
pub async fn somebody_leads(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from pg_locks where locktype = 'advisory'
             and database = (select oid from pg_database where datname = current_database())
             and ((classid::int8 << 32) | objid::int8) = $1 and granted) as "led!""#,
        LOCK,
    )
    .fetch_one(conn)
    .await
}
