//! Keeping house: days to come get their partitions, days that are over go, batches left open are finished.

use chrono::{Duration, NaiveDate};
use sqlx::PgPool;

use super::{Catalog, batch};

/// Days ahead for which partitions exist.
const DAYS_AHEAD: i32 = 3;
/// Rows that one deletion removes at the most, so that none holds locks for long.
const DELETE_CHUNK: i64 = 5_000;

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Partitions dropped.
    pub dropped: usize,
    /// Rows deleted because their kind is kept for a shorter time than others.
    pub deleted: u64,
    /// Batches finished.
    pub batches: usize,
}

/// One round; the leader calls it every few minutes. Doing it twice changes nothing.
///
/// # Errors
/// If the database does not answer; what was done stays done.
pub async fn keep_house(pool: &PgPool, catalog: &Catalog) -> sqlx::Result<Kept> {
    sqlx::query!("select queue_make_partitions(current_date, $1)", DAYS_AHEAD)
        .execute(pool)
        .await?;
    let longest = catalog
        .iter()
        .map(|kind| kind.spec.policy.retention_days)
        .max()
        .unwrap_or(30);
    let today = sqlx::query_scalar!(r#"select current_date as "today!""#)
        .fetch_one(pool)
        .await?;
    let dropped = drop_days_before(pool, today - Duration::days(i64::from(longest))).await?;
    let mut deleted = 0;
    for kind in catalog
        .iter()
        .filter(|kind| kind.spec.policy.retention_days < longest)
    {
        deleted += delete_kind(pool, kind.spec.kind, kind.spec.policy.retention_days).await?;
    }
    let batches = batch::sweep(pool).await?;
    Ok(Kept {
        dropped,
        deleted,
        batches,
    })
}

/// Drops the partitions of days before `first_kept`. Terms of jobs that still wait are few and are copied aside.
async fn drop_days_before(pool: &PgPool, first_kept: NaiveDate) -> sqlx::Result<usize> {
    let names = sqlx::query_scalar!(
        r#"select c.relname as "name!" from pg_inherits i join pg_class c on c.oid = i.inhrelid
           join pg_class p on p.oid = i.inhparent
           where p.relname in ('job_history', 'job_attempts', 'job_terms') and c.relname ~ '_[0-9]{8}$'
             and to_date(right(c.relname, 8), 'YYYYMMDD') < $1"#,
        first_kept,
    )
    .fetch_all(pool)
    .await?;
    for name in &names {
        let mut tx = pool.begin().await?;
        if name.starts_with("job_terms_") {
            // a job scheduled far ahead must stay findable although it was enqueued long ago
            let keep = format!(
                "with old as (delete from {name} t using jobs j where j.id = t.job_id returning t.term, t.job_id)
                 insert into job_terms (term, job_id, day) select term, job_id, current_date from old"
            );
            sqlx::query(sqlx::AssertSqlSafe(keep))
                .execute(&mut *tx)
                .await?;
        }
        // the name comes from the catalogue and matches the pattern above
        sqlx::query(sqlx::AssertSqlSafe(format!("drop table {name}")))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    Ok(names.len())
}

async fn delete_kind(pool: &PgPool, kind: &str, days: u16) -> sqlx::Result<u64> {
    let mut deleted = 0;
    loop {
        let n = sqlx::query!(
            "with old as (
                 select tableoid, ctid from job_history
                 where kind = $1 and finished_at < now() - make_interval(days => $2) limit $3)
             delete from job_history h using old where h.tableoid = old.tableoid and h.ctid = old.ctid",
            kind,
            i32::from(days),
            DELETE_CHUNK,
        )
        .execute(pool)
        .await?
        .rows_affected();
        deleted += n;
        if n < DELETE_CHUNK as u64 {
            return Ok(deleted);
        }
    }
}
