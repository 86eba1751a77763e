//! How the queue's own connections want their statements planned.

use sqlx::postgres::PgConnectOptions;

/// The queue's hot statements look rows up by their keys, however small the statistics say the tables are: a plan that
/// was made for an empty table and kept must not scan a table that has a million rows a minute later.
pub fn by_keys(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("creatorcrm queue").options([
        ("enable_seqscan", "off"),
        ("enable_bitmapscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // a forbidden plan is only a costly one to the planner, and costly plans would be compiled
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("idle_in_transaction_session_timeout", "60000"),
    ])
}
