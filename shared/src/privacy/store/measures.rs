//! Rows of `privacy_measures`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::PersonId;
use crate::kernel::{Ctx, TypedId, stored};
use crate::privacy::{Measure, MeasureId, MeasureKind};

struct Row {
    id: Uuid,
    person_id: Uuid,
    kind: String,
    reason: String,
    set_by: String,
    set_at: DateTime<Utc>,
    lifted_by: Option<String>,
    lifted_at: Option<DateTime<Utc>>,
    lift_reason: Option<String>,
}

impl TryFrom<Row> for Measure {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            person: row.person_id.into(),
            kind: stored("kind", &row.kind)?,
            reason: row.reason,
            set_by: row.set_by,
            set_at: row.set_at,
            lifted_by: row.lifted_by,
            lifted_at: row.lifted_at,
            lift_reason: row.lift_reason,
        })
    }
}

/// Keeps creators as they are until the transaction ends.
pub(in crate::privacy) async fn lock_creators(
    conn: &mut PgConnection,
    creators: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "select id from creators where id = any($1) order by id for update",
        creators,
    )
    .fetch_all(conn)
    .await
    .map(drop)
}

/// Keeps people as they are until the transaction ends; whether one of them is erased.
pub(in crate::privacy) async fn lock_people(
    conn: &mut PgConnection,
    people: &[Uuid],
) -> sqlx::Result<bool> {
    let erased = sqlx::query_scalar!(
        "select erased_at from people where id = any($1) order by id for update",
        people,
    )
    .fetch_all(conn)
    .await?;
    Ok(erased.iter().any(Option::is_some))
}

pub(in crate::privacy) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: MeasureId,
    person: PersonId,
    kind: MeasureKind,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into privacy_measures (id, person_id, kind, reason, set_by, set_at) values ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        person.uuid(),
        kind.as_str(),
        reason,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// False if it was lifted before.
pub(in crate::privacy) async fn lift(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: MeasureId,
    reason: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update privacy_measures set lifted_by = $2, lifted_at = $3, lift_reason = $4 where id = $1 and lifted_at is null",
        id.uuid(),
        ctx.actor.to_string(),
        ctx.now(),
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

pub(in crate::privacy) async fn find(
    conn: &mut PgConnection,
    id: MeasureId,
) -> sqlx::Result<Option<Measure>> {
    let row = sqlx::query_as!(
        Row,
        "select id, person_id, kind, reason, set_by, set_at, lifted_by, lifted_at, lift_reason
         from privacy_measures where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Measure::try_from).transpose()
}

pub(in crate::privacy) async fn list(
    conn: &mut PgConnection,
    people: &[Uuid],
    most: i64,
) -> sqlx::Result<Vec<Measure>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, person_id, kind, reason, set_by, set_at, lifted_by, lifted_at, lift_reason
         from privacy_measures where person_id = any($1) order by set_at desc, id desc limit $2",
        people,
        most,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Measure::try_from).collect()
}

/// Whether one of the kind stands about any of the people.
pub(in crate::privacy) async fn stands(
    conn: &mut PgConnection,
    people: &[Uuid],
    kind: MeasureKind,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from privacy_measures
                          where person_id = any($1) and kind = $2 and lifted_at is null) as "stands!""#,
        people,
        kind.as_str(),
    )
    .fetch_one(conn)
    .await
}
