//! The SQL of messaging.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::DeadMailbox;
use crate::creators::Channel;

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

/// Keeps digests in the place of addresses.
pub(super) async fn suppress_digests(
    conn: &mut PgConnection,
    channel: Channel,
    addresses: &[String],
    digests: &[Vec<u8>],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with known as (delete from suppressions where channel = $1 and address = any($2))
         insert into suppressed_digests (channel, digest, created_at) select $1, d, $4 from unnest($3::bytea[]) t (d)
         on conflict do nothing",
        channel.as_str(),
        addresses,
        digests,
        now,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Whether an address must not be written to, by itself or by its digest.
pub(super) async fn is_suppressed(
    conn: &mut PgConnection,
    address: &str,
    digest: &[u8],
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from suppressions where channel = 'email' and address = $1)
               or exists (select 1 from suppressed_digests where channel = 'email' and digest = $2) as "suppressed!""#,
        address,
        digest,
    )
    .fetch_one(conn)
    .await
}
