//! Rows of `creator_blocks`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::creators::{Block, BlockId, BlockedThing, CreatorId};
use crate::kernel::{Ctx, TypedId, stored};

/// A block about to be set, from now on.
#[derive(Debug, Clone, Copy)]
pub(in crate::creators) struct NewBlock<'a> {
    pub(in crate::creators) id: BlockId,
    pub(in crate::creators) creator: CreatorId,
    pub(in crate::creators) source: &'a str,
    pub(in crate::creators) reason: &'a str,
    pub(in crate::creators) blocks: &'a [BlockedThing],
    pub(in crate::creators) ends_at: Option<DateTime<Utc>>,
}

pub(in crate::creators) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewBlock<'_>,
) -> sqlx::Result<()> {
    let things: Vec<String> = new.blocks.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into creator_blocks (id, creator_id, source, reason, blocks, starts_at, ends_at, created_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $6)",
        new.id.uuid(),
        new.creator.uuid(),
        new.source,
        new.reason,
        &things,
        ctx.now(),
        new.ends_at,
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The blocks of a creator that have not ended, the oldest first.
pub(in crate::creators) async fn standing(
    conn: &mut PgConnection,
    creator: CreatorId,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Block>> {
    let rows = sqlx::query!(
        "select id, source, reason, blocks, starts_at, ends_at from creator_blocks
         where creator_id = $1 and (ends_at is null or ends_at > $2) order by starts_at, id",
        creator.uuid(),
        now,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let things = row.blocks.iter().map(|word| stored("blocks", word));
            Ok(Block {
                id: row.id.into(),
                source: row.source,
                reason: row.reason,
                blocks: things.collect::<sqlx::Result<_>>()?,
                starts_at: row.starts_at,
                ends_at: row.ends_at,
            })
        })
        .collect()
}

/// Ends the blocks of one source before their time.
pub(in crate::creators) async fn lift(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    source: &str,
    reason: &str,
) -> sqlx::Result<()> {
    // a block set and lifted in the same microsecond still has an end behind its start
    sqlx::query!(
        "update creator_blocks
         set ends_at = greatest($3::timestamptz, starts_at + interval '1 microsecond'), lifted_by = $4, lift_reason = $5
         where creator_id = $1 and source = $2 and (ends_at is null or ends_at > $3)",
        creator.uuid(),
        source,
        ctx.now(),
        ctx.actor.to_string(),
        reason,
    )
    .execute(conn)
    .await
    .map(drop)
}
