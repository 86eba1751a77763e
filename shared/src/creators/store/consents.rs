//! Rows of `creator_consents`.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::{Consent, CreatorId, NewConsent};
use crate::kernel::{Ctx, TypedId, stored};

pub(in crate::creators) async fn insert_consents(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    consents: &[NewConsent],
) -> sqlx::Result<()> {
    for consent in consents {
        sqlx::query!(
            "insert into creator_consents (id, creator_id, channel, state, source, proof, recorded_by, recorded_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            Uuid::now_v7(),
            creator.uuid(),
            consent.channel.as_str(),
            consent.state.as_str(),
            consent.source,
            consent.proof,
            ctx.actor.to_string(),
            ctx.now(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What the creator said last about each channel.
pub(in crate::creators) async fn latest_consents(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<Consent>> {
    let rows = sqlx::query!(
        "select distinct on (channel) channel, state, source, proof, recorded_at
         from creator_consents where creator_id = (select coalesce(merged_into, id) from creators where id = $1)
         order by channel, recorded_at desc, id desc",
        creator.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Consent {
                channel: stored("channel", &row.channel)?,
                state: stored("state", &row.state)?,
                source: row.source,
                proof: row.proof,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}
