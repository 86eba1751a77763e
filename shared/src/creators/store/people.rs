//! Rows of `people` and `person_age_decisions`.

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::{AgeDecision, AgeVerdict, CreatorId, Person, PersonId};
use crate::kernel::{Ctx, TypedId, stored};

/// The person of that id, or the one they were merged into.
pub(in crate::creators) async fn get(
    conn: &mut PgConnection,
    id: PersonId,
) -> sqlx::Result<Option<Person>> {
    let row = sqlx::query!(
        "select id, legal_name, birth_date, residence_country, tax_country, version, created_at, updated_at
         from people where id = (select coalesce(merged_into, id) from people where id = $1)",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Person {
        id: row.id.into(),
        legal_name: row.legal_name,
        birth_date: row.birth_date,
        residence_country: row.residence_country,
        tax_country: row.tax_country,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// As [`get`], with the row locked until the transaction ends.
pub(in crate::creators) async fn lock(
    conn: &mut PgConnection,
    id: PersonId,
) -> sqlx::Result<Option<Person>> {
    let mut wanted = id.uuid();
    loop {
        let row = sqlx::query!(
            "select merged_into from people where id = $1 for update",
            wanted
        )
        .fetch_optional(&mut *conn)
        .await?;
        match row.map(|row| row.merged_into) {
            None => return Ok(None),
            Some(Some(survivor)) => wanted = survivor,
            Some(None) => return get(conn, wanted.into()).await,
        }
    }
}

/// Stores what people may change of a person, under the next version.
pub(in crate::creators) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    person: &Person,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update people set legal_name = $2, birth_date = $3, residence_country = $4, tax_country = $5,
                version = version + 1, updated_at = $6
         where id = $1",
        person.id.uuid(),
        person.legal_name,
        person.birth_date,
        person.residence_country,
        person.tax_country,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::creators) async fn insert_age_decision(
    conn: &mut PgConnection,
    ctx: &Ctx,
    person: PersonId,
    verdict: AgeVerdict,
    birth_date: NaiveDate,
    evidence: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into person_age_decisions (id, person_id, decision, birth_date, evidence, decided_by, decided_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7(),
        person.uuid(),
        verdict.as_str(),
        birth_date,
        evidence,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What was decided last about a person's age.
pub(in crate::creators) async fn latest_age_decision(
    conn: &mut PgConnection,
    person: PersonId,
) -> sqlx::Result<Option<AgeDecision>> {
    let row = sqlx::query!(
        "select decision, birth_date, evidence, decided_by, decided_at from person_age_decisions
         where person_id = $1 order by decided_at desc, id desc limit 1",
        person.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(|row| {
        Ok(AgeDecision {
            verdict: stored("decision", &row.decision)?,
            birth_date: row.birth_date,
            evidence: row.evidence,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
        })
    })
    .transpose()
}

/// All creators of a person that were not merged into another one, locked until the transaction ends.
pub(in crate::creators) async fn lock_creators(
    conn: &mut PgConnection,
    person: PersonId,
) -> sqlx::Result<Vec<CreatorId>> {
    let ids = sqlx::query_scalar!(
        "select id from creators where person_id = $1 and merged_into is null order by id for update",
        person.uuid(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreatorId::from).collect())
}

/// The clusters on which a person is a creator.
pub(in crate::creators) async fn clusters(
    conn: &mut PgConnection,
    person: PersonId,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select distinct cluster_id from creators where person_id = $1 order by cluster_id",
        person.uuid(),
    )
    .fetch_all(conn)
    .await
}

/// Notes or takes back that people's data may only be kept; who is restricted already stays so since then.
pub(in crate::creators) async fn set_restricted(
    conn: &mut PgConnection,
    ctx: &Ctx,
    people: &[uuid::Uuid],
    restricted: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update people
         set restricted_at = case when $2 then coalesce(restricted_at, $3) end, updated_at = $3, version = version + 1
         where id = any($1)",
        people,
        restricted,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}
