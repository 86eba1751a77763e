//! Rows of `attempt_counters`.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// Counters that are over and are removed with each try.
const PURGE_CHUNK: i64 = 20;

/// How often something was tried.
#[derive(Debug)]
pub(in crate::access) struct Counted {
    pub(in crate::access) tries: i32,
    /// When counting begins anew.
    pub(in crate::access) until: DateTime<Utc>,
}

/// Counts one more try.
pub(in crate::access) async fn count(
    conn: &mut PgConnection,
    key: &[u8],
    now: DateTime<Utc>,
    window: TimeDelta,
) -> sqlx::Result<Counted> {
    sqlx::query!(
        "delete from attempt_counters where ctid in (
             select ctid from attempt_counters where until < $1 limit $2 for update skip locked)",
        now,
        PURGE_CHUNK,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query_as!(
        Counted,
        "insert into attempt_counters as c (key, tries, until) values ($1, 1, $2)
         on conflict (key) do update set
             tries = case when c.until <= $3 then 1 else least(c.tries, 1000000) + 1 end,
             until = case when c.until <= $3 then excluded.until else c.until end
         returning tries, until",
        key,
        now + window,
        now,
    )
    .fetch_one(conn)
    .await
}

pub(in crate::access) async fn forget(conn: &mut PgConnection, key: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("delete from attempt_counters where key = $1", key)
        .execute(conn)
        .await
        .map(drop)
}
