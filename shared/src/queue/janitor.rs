//! Keeping house: days to come get their partitions, days that are over go, batches left open are finished.

use chrono::{Duration, NaiveDate};
use sqlx::{PgPool, Postgres, Transaction};

use super::{Catalog, batch, bulk, pace, workers};

/// Days ahead for which partitions exist.
const DAYS_AHEAD: i32 = 3;
/// Rows that one deletion removes at the most, so that none holds locks for long.
const DELETE_CHUNK: i64 = 5_000;
/// How long a partition's lock is waited for. Everybody who comes later waits behind us, completions too, so it is
/// better to give up soon and come back.
const LOCK_WAIT_MAX: &str = "2s";

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Partitions dropped.
    pub dropped: usize,
    /// Rows deleted because their kind is kept for a shorter time than others, or because no day's partition has them.
    pub deleted: u64,
    /// Batches finished.
    pub batches: usize,
    /// Jobs taken back from workers that are no longer live.
    pub strays: u64,
}

/// One round; the leader calls it every minute. Doing it twice changes nothing.
///
/// # Errors
/// If the database does not answer, or somebody reads a day that is to go; what was done stays done.
pub async fn keep_house(pool: &PgPool, catalog: &Catalog) -> sqlx::Result<Kept> {
    let strays = workers::take_back_strays(pool).await?;
    let batches = batch::sweep(pool).await?;
    make_days(pool).await?;
    let longest = catalog
        .iter()
        .map(|kind| kind.spec.policy.retention_days)
        .max()
        .unwrap_or(30);
    let mut deleted = 0;
    for kind in catalog
        .iter()
        .filter(|kind| kind.spec.policy.retention_days < longest)
    {
        deleted += delete_kind(pool, kind.spec.kind, kind.spec.policy.retention_days).await?;
    }
    deleted += delete_undated(pool, longest).await?;
    deleted += pace::forget_old(pool).await?;
    deleted += bulk::forget_old(pool).await?;
    let today = sqlx::query_scalar!(r#"select current_date as "today!""#)
        .fetch_one(pool)
        .await?;
    let dropped = drop_days_before(pool, today - Duration::days(i64::from(longest))).await?;
    Ok(Kept {
        dropped,
        deleted,
        batches,
        strays: strays.again + strays.poison + strays.cancelled,
    })
}

async fn make_days(pool: &PgPool) -> sqlx::Result<()> {
    let mut tx = patient(pool).await?;
    sqlx::query!("select queue_make_partitions(current_date, $1)", DAYS_AHEAD)
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

/// A transaction that does not wait for locks for long.
async fn patient(pool: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    sqlx::query_scalar!("select set_config('lock_timeout', $1, true)", LOCK_WAIT_MAX)
        .fetch_one(&mut *tx)
        .await?;
    Ok(tx)
}

/// Deletes what is over for `days` and is in no day's partition: rows that a clock which jumped left in the default
/// ones, and the tables that have no partitions.
async fn delete_undated(pool: &PgPool, days: u16) -> sqlx::Result<u64> {
    let rows = sqlx::query_scalar!(
        r#"
        with cut as (select now() - make_interval(days => $1) as at),
        history as (delete from job_history_default using cut where finished_at < at returning 1),
        attempts as (delete from job_attempts_default using cut where ended_at < at returning 1),
        terms as (
            delete from job_terms_default t using cut
            where day < at::date and not exists (select from jobs j where j.id = t.job_id) returning 1),
        fleet as (delete from workers using cut where state in ('stopped', 'lost') and ended_at < at returning 1),
        runs as (delete from schedule_runs using cut where created_at < at and tick < at returning 1),
        sets as (delete from batches using cut where finished_at < at returning 1)
        select count(*) as "rows!" from (
            table history union all table attempts union all table terms union all table fleet union all table runs
            union all table sets) gone
        "#,
        i32::from(days),
    )
    .fetch_one(pool)
    .await?;
    Ok(rows.unsigned_abs())
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
        let mut tx = patient(pool).await?;
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
