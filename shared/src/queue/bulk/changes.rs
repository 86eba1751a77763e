//! Rows of `bulk_changes`: what jobs were before an operation changed them, and the statements that change them.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::model::BulkId;
use super::store::Picked;
use crate::kernel::TypedId;
use crate::queue::Priority;
use crate::queue::steer::rows::Moved;

/// Rows that one deletion removes at the most, so that none holds locks for long.
const DELETE_CHUNK: i64 = 5_000;

/// Notes jobs that an operation ended; their rows in the history tell what they were.
pub(super) async fn note(
    conn: &mut PgConnection,
    operation: BulkId,
    jobs: impl Iterator<Item = Uuid>,
) -> sqlx::Result<()> {
    let jobs: Vec<Uuid> = jobs.collect();
    sqlx::query!(
        "insert into bulk_changes (operation_id, job_id) select $1, unnest($2::uuid[]) on conflict do nothing",
        operation.uuid(),
        &jobs,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Gives those of `ids` that wait another priority, and notes which they had.
pub(super) async fn prioritise(
    conn: &mut PgConnection,
    operation: BulkId,
    ids: &[Uuid],
    priority: Priority,
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (
            select id, priority from jobs
            where id = any($2) and state = 'available' and priority <> $3 order by id for update
        ),
        noted as (
            insert into bulk_changes (operation_id, job_id, priority) select $1, id, priority from picked
        )
        update jobs j set priority = $3 from picked p where j.id = p.id
        returning j.id, j.kind, j.queue, j.batch_id
        "#,
        operation.uuid(),
        ids,
        priority.rank(),
    )
    .fetch_all(conn)
    .await
}

/// Lets those of `ids` that wait do so in another queue, and notes where they were.
pub(super) async fn relocate(
    conn: &mut PgConnection,
    operation: BulkId,
    ids: &[Uuid],
    queue: &str,
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (
            select id, queue from jobs
            where id = any($2) and state = 'available' and queue <> $3 order by id for update
        ),
        noted as (
            insert into bulk_changes (operation_id, job_id, queue) select $1, id, queue from picked
        )
        update jobs j set queue = $3 from picked p where j.id = p.id
        returning j.id, j.kind, j.queue, j.batch_id
        "#,
        operation.uuid(),
        ids,
        queue,
    )
    .fetch_all(conn)
    .await
}

/// The next jobs behind `after` that an operation changed.
pub(super) async fn pick(
    conn: &mut PgConnection,
    operation: BulkId,
    after: Uuid,
    most: i64,
) -> sqlx::Result<Picked> {
    let ids = sqlx::query_scalar!(
        "select job_id from bulk_changes where operation_id = $1 and job_id > $2 order by job_id limit $3",
        operation.uuid(),
        after,
        most,
    )
    .fetch_all(conn)
    .await?;
    let whole = i64::try_from(ids.len()).is_ok_and(|n| n >= most);
    Ok(Picked {
        last: ids.last().copied().filter(|_| whole),
        ids,
    })
}

/// How many jobs an operation changed, as far as that is remembered.
pub(super) async fn count(conn: &mut PgConnection, operation: BulkId) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from bulk_changes where operation_id = $1"#,
        operation.uuid()
    )
    .fetch_one(conn)
    .await
}

/// Gives jobs that still wait with the priority that `operation` gave them the one they had before.
pub(super) async fn restore_priorities(
    conn: &mut PgConnection,
    operation: BulkId,
    ids: &[Uuid],
    given: Priority,
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (
            select id from jobs where id = any($2) and state = 'available' and priority = $3 order by id for update
        ),
        before as (
            delete from bulk_changes where operation_id = $1 and job_id = any($2) returning job_id, priority
        )
        update jobs j set priority = b.priority from picked p join before b on b.job_id = p.id
        where j.id = p.id and b.priority is not null
        returning j.id, j.kind, j.queue, j.batch_id
        "#,
        operation.uuid(),
        ids,
        given.rank(),
    )
    .fetch_all(conn)
    .await
}

/// Lets jobs that still wait in the queue that `operation` put them in wait where they did before.
pub(super) async fn restore_queues(
    conn: &mut PgConnection,
    operation: BulkId,
    ids: &[Uuid],
    given: &str,
) -> sqlx::Result<Vec<Moved>> {
    sqlx::query_as!(
        Moved,
        r#"
        with picked as (
            select id from jobs where id = any($2) and state = 'available' and queue = $3 order by id for update
        ),
        before as (
            delete from bulk_changes where operation_id = $1 and job_id = any($2) returning job_id, queue
        )
        update jobs j set queue = b.queue from picked p join before b on b.job_id = p.id
        where j.id = p.id and b.queue is not null
        returning j.id, j.kind, j.queue, j.batch_id
        "#,
        operation.uuid(),
        ids,
        given,
    )
    .fetch_all(conn)
    .await
}

/// Forgets that `operation` changed these jobs: what it did to them is taken back.
pub(super) async fn forget(
    conn: &mut PgConnection,
    operation: BulkId,
    ids: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from bulk_changes where operation_id = $1 and job_id = any($2)",
        operation.uuid(),
        ids,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Forgets a part of what operations changed that ended more than `days` ago; answers how many rows that were.
pub(super) async fn forget_old(pool: &PgPool, days: i32) -> sqlx::Result<u64> {
    let old = sqlx::query_scalar!(
        "select id from bulk_operations where remembers and finished_at < now() - make_interval(days => $1)
         order by finished_at limit 1",
        days,
    )
    .fetch_optional(pool)
    .await?;
    let Some(old) = old else {
        return Ok(0);
    };
    let gone = sqlx::query!(
        "delete from bulk_changes where operation_id = $1
           and job_id in (select job_id from bulk_changes where operation_id = $1 order by job_id limit $2)",
        old,
        DELETE_CHUNK,
    )
    .execute(pool)
    .await?
    .rows_affected();
    if gone < DELETE_CHUNK as u64 {
        sqlx::query!(
            "update bulk_operations set remembers = false where id = $1",
            old
        )
        .execute(pool)
        .await?;
    }
    Ok(gone)
}
