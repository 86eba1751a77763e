//! Rows of `creator_consents`.

use sqlx::PgConnection;
use uuid::Uuid;

use super::history::Place;
use crate::creators::{Consent, ConsentEntry, CreatorId, NewConsent};
use crate::kernel::{Ctx, TypedId, stored};

pub(in crate::creators) async fn insert_consents(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    consents: &[NewConsent],
) -> sqlx::Result<()> {
    for consent in consents {
        sqlx::query!(
            "insert into creator_consents (id, creator_id, channel, state, source, proof, recorded_by, recorded_at, contact)
             select $1, c.id, $3, $4, $5, $6, $7, $8, case $3 when 'email' then c.email_key else c.phone end
             from creators c where c.id = $2",
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

/// Everything the creator said, the latest first, with the ids of the rows.
pub(in crate::creators) async fn history(
    conn: &mut PgConnection,
    creator: CreatorId,
    after: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<(Uuid, ConsentEntry)>> {
    let (at, id) = after.unzip();
    let rows = sqlx::query!(
        "select id, channel, state, source, proof, recorded_at, recorded_by, contact
         from creator_consents
         where creator_id = $1 and ($2::timestamptz is null or (recorded_at, id) < ($2, $3::uuid))
         order by recorded_at desc, id desc limit $4",
        creator.uuid(),
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let consent = Consent {
                channel: stored("channel", &row.channel)?,
                state: stored("state", &row.state)?,
                source: row.source,
                proof: row.proof,
                recorded_at: row.recorded_at,
            };
            let entry = ConsentEntry {
                consent,
                contact: row.contact,
                recorded_by: row.recorded_by,
            };
            Ok((row.id, entry))
        })
        .collect()
}
