//! What operators set for a queue: pause, how many at once, how many in a time.

use std::collections::HashMap;

use sqlx::PgConnection;

/// A queue's settings, the same for the whole fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// Nothing new starts.
    pub paused: bool,
    /// Jobs the fleet runs at once; none for no limit.
    pub concurrency_limit: Option<u32>,
    /// Jobs that may start within a period; none for no limit.
    pub rate: Option<Rate>,
    /// Grows with each change.
    pub version: i64,
}

/// A rate: a token bucket that holds `limit` tokens and is refilled evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens in a period, and the most that the bucket holds.
    pub limit: u32,
    /// The period, in milliseconds.
    pub period_ms: u32,
}

/// The settings of all queues.
///
/// # Errors
/// If the database does not answer.
pub async fn all(conn: &mut PgConnection) -> sqlx::Result<HashMap<String, QueueSettings>> {
    let rows = sqlx::query!(
        r#"select name, paused_at is not null as "paused!", concurrency_limit, rate_limit, rate_period_ms, version
           from queues"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let rate = row.rate_limit.map(|limit| Rate {
                limit: limit.unsigned_abs(),
                period_ms: row.rate_period_ms.unsigned_abs(),
            });
            let settings = QueueSettings {
                paused: row.paused,
                concurrency_limit: row.concurrency_limit.map(i32::unsigned_abs),
                rate,
                version: row.version,
            };
            (row.name, settings)
        })
        .collect())
}
