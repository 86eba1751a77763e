//! Rows of `retention_rules`, `retention_removals` and `retention_runs`, and removing what is over.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::Subjects;
use crate::creators::PersonId;
use crate::kernel::{Ctx, TypedId};
use crate::privacy::{Holding, RetentionRule, RetentionRun, RetentionRunId, RunOutcome};

/// The rule of a class in force on a day.
pub(in crate::privacy) async fn rule(
    conn: &mut PgConnection,
    class: &str,
    day: NaiveDate,
) -> sqlx::Result<Option<RetentionRule>> {
    let row = sqlx::query!(
        "select class, basis, years, start_event, action, effective_from, source
         from retention_rules where class = $1 and effective_from <= $2
         order by effective_from desc limit 1",
        class,
        day,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| RetentionRule {
        class: row.class,
        basis: row.basis,
        years: row.years.unsigned_abs(),
        start_event: row.start_event,
        action: row.action,
        effective_from: row.effective_from,
        source: row.source,
    }))
}

/// The erased people whose years are over on a day, who have no legal hold, and of whom the class is not removed yet;
/// whose years were over first comes first.
pub(in crate::privacy) async fn due(
    conn: &mut PgConnection,
    class: &str,
    years: u32,
    day: NaiveDate,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select p.id from people p
         where p.erased_at is not null and p.merged_into is null
           and (p.erased_at at time zone 'utc')::date + make_interval(years => $2) <= $3::date
           and not exists (select 1 from retention_removals r where r.person_id = p.id and r.class = $1)
           and not exists (select 1 from privacy_measures m
                           where m.kind = 'legal_hold' and m.lifted_at is null
                             and (m.person_id = p.id or m.person_id in (select id from people where merged_into = p.id)))
         order by p.erased_at, p.id limit $4",
        class,
        years.cast_signed(),
        day,
        most,
    )
    .fetch_all(conn)
    .await
}

/// How many people would be due if no legal hold kept them.
pub(in crate::privacy) async fn held(
    conn: &mut PgConnection,
    class: &str,
    years: u32,
    day: NaiveDate,
) -> sqlx::Result<u64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from people p
         where p.erased_at is not null and p.merged_into is null
           and (p.erased_at at time zone 'utc')::date + make_interval(years => $2) <= $3::date
           and not exists (select 1 from retention_removals r where r.person_id = p.id and r.class = $1)
           and exists (select 1 from privacy_measures m
                       where m.kind = 'legal_hold' and m.lifted_at is null
                         and (m.person_id = p.id or m.person_id in (select id from people where merged_into = p.id)))"#,
        class,
        years.cast_signed(),
        day,
    )
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Removes a person's rows of one table; answers how many there were.
pub(in crate::privacy) async fn delete(
    conn: &mut PgConnection,
    holding: &Holding,
    who: &Subjects,
) -> sqlx::Result<u64> {
    let statement = format!("delete from {} where {}", holding.table, holding.rows);
    let done = sqlx::query(AssertSqlSafe(statement))
        .bind(&who.people)
        .bind(&who.creators)
        .bind(&who.logins)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Notes that a class of somebody is gone.
pub(in crate::privacy) async fn note_removed(
    conn: &mut PgConnection,
    ctx: &Ctx,
    person: PersonId,
    class: &str,
    rows: u64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into retention_removals (person_id, class, rows, removed_at) values ($1, $2, $3, $4)",
        person.uuid(),
        class,
        rows.cast_signed(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

struct Row {
    id: Uuid,
    day: NaiveDate,
    started_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    outcome: Json<RunOutcome>,
    created_by: String,
}

impl From<Row> for RetentionRun {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            day: row.day,
            started_at: row.started_at,
            finished_at: row.finished_at,
            outcome: row.outcome.0,
            created_by: row.created_by,
        }
    }
}

/// The run that is under way, held until the transaction ends.
pub(in crate::privacy) async fn lock_open(
    conn: &mut PgConnection,
) -> sqlx::Result<Option<RetentionRun>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, day, started_at, finished_at, outcome as "outcome: Json<RunOutcome>", created_by
           from retention_runs where finished_at is null for update"#,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(RetentionRun::from))
}

/// Opens a run, unless another one came first.
pub(in crate::privacy) async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: RetentionRunId,
    day: NaiveDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into retention_runs (id, day, started_at, created_by) values ($1, $2, $3, $4) on conflict do nothing",
        id.uuid(),
        day,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Keeps what a run has come to so far.
pub(in crate::privacy) async fn note(
    conn: &mut PgConnection,
    id: RetentionRunId,
    outcome: &RunOutcome,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update retention_runs set outcome = $2 where id = $1",
        id.uuid(),
        Json(outcome) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::privacy) async fn finish(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: RetentionRunId,
    outcome: &RunOutcome,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update retention_runs set finished_at = $2, outcome = $3 where id = $1",
        id.uuid(),
        ctx.now(),
        Json(outcome) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::privacy) async fn list(
    conn: &mut PgConnection,
    most: i64,
) -> sqlx::Result<Vec<RetentionRun>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, day, started_at, finished_at, outcome as "outcome: Json<RunOutcome>", created_by
           from retention_runs order by started_at desc, id desc limit $1"#,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(RetentionRun::from).collect())
}
