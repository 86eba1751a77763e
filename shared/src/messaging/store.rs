//! The SQL of messaging.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::DeadMailbox;

pub(super) async fn cluster_name(conn: &mut PgConnection, id: &str) -> sqlx::Result<String> {
    sqlx::query_scalar!("select name from clusters where id = $1", id)
        .fetch_one(conn)
        .await
}

pub(super) async fn suppress(
    conn: &mut PgConnection,
    dead: &[DeadMailbox],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let addresses: Vec<String> = dead
        .iter()
        .map(|mailbox| mailbox.address.normalised())
        .collect();
    let replies: Vec<String> = dead.iter().map(|mailbox| mailbox.reply.clone()).collect();
    sqlx::query!(
        "insert into suppressions (channel, address, reason, detail, created_at)
         select 'email', d.address, 'hard_bounce', d.detail, $3
         from unnest($1::text[], $2::text[]) as d (address, detail)
         on conflict do nothing",
        &addresses,
        &replies,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
