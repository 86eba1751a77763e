//! The SQL of compliance: views of other slices, never their tables.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{PayBlock, PayFacts};
use crate::creators::CreatorId;
use crate::kernel::{TypedId, stored};
use crate::verification::VerificationState;

/// What is known of each creator, by the id that was asked for; unknown ids are left out.
pub(super) async fn facts(
    conn: &mut PgConnection,
    creators: &[CreatorId],
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<(CreatorId, PayFacts)>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        select f.asked as "asked!", f.status as "status!", f.birth_date as "birth_date?", f.age_decision as "age_decision?",
               f.age_birth_date as "age_birth_date?", v.state as "identity?", v.valid_until as "identity_until?",
               v.proven is not distinct from f.identity as "still_on_file!", b.blocks as "blocks?: Json<Vec<PayBlock>>"
        from creator_papers f
        left join verification_verdicts v on v.person_id = f.person_id and v.kind = 'identity'
        left join lateral (
            select json_agg(json_build_object('source', source, 'reason', reason, 'until', ends_at) order by starts_at, source)
                   as blocks
            from creator_payout_blocks p
            where p.creator_id = f.creator_id and p.starts_at <= $2 and (p.ends_at is null or p.ends_at > $2)) b on true
        where f.asked = any($1)
        "#,
        &ids,
        now,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let written = match row.identity.as_deref() {
                Some(word) => stored("state", word)?,
                None => VerificationState::Unverified,
            };
            let age = match (row.age_decision.as_deref(), row.age_birth_date) {
                (Some(word), Some(born)) => Some((stored("age_decision", word)?, born)),
                (Some(_) | None, _) => None,
            };
            let facts = PayFacts {
                status: stored("status", &row.status)?,
                // null if there are none
                blocks: row.blocks.map(|blocks| blocks.0).unwrap_or_default(),
                birth_date: row.birth_date,
                age,
                identity: written.standing(row.identity_until, row.still_on_file, now.date_naive()),
                identity_until: row.identity_until,
            };
            Ok((row.asked.into(), facts))
        })
        .collect()
}
