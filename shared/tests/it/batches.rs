//! Batches: counted by what really ended, finished once, and their callback enqueued once.

use std::sync::Arc;

use serde_json::Value;
use shared::queue::{BatchId, EnqueueError, JobId, Lease, Next, batch, enqueue_many, settle};
use sqlx::{PgPool, Row};

use crate::support::{ask, claim, ctx, ping, put, running, set_back, success, wide_pool, worker};

/// The argument of the callback in these tests.
const CALLBACK: u32 = 999;

async fn open_batch(pool: &PgPool) -> BatchId {
    let mut conn = pool.acquire().await.unwrap();
    batch::create(&mut conn, &ctx(), "a test", Some(&ping(CALLBACK)))
        .await
        .unwrap()
}

async fn seal(pool: &PgPool, batch: BatchId) {
    let mut conn = pool.acquire().await.unwrap();
    batch::seal(&mut conn, batch).await.unwrap();
}

/// Enqueues `n` jobs into a batch and claims them.
async fn claimed_in(pool: &PgPool, batch: BatchId, n: u32) -> Vec<Lease> {
    let jobs = (0..n).map(|i| ping(i).in_batch(batch)).collect();
    let (ids, worker) = (put(pool, jobs).await, worker(pool).await);
    let mut leases = Vec::new();
    for some in ids.chunks(100) {
        leases.extend(claim(pool, worker, some).await.iter().map(|job| job.lease));
    }
    leases
}

/// Total, succeeded, dead, cancelled, and whether it has finished.
async fn counts(pool: &PgPool) -> (i64, i64, i64, i64, bool) {
    let row = sqlx::query(
        "select total, succeeded, dead, cancelled, finished_at is not null from batches",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))
}

async fn callbacks(pool: &PgPool) -> i64 {
    sqlx::query_scalar(
        "select count(*) from jobs where args = jsonb_build_object('campaignId', $1::int)",
    )
    .bind(CALLBACK as i32)
    .fetch_one(pool)
    .await
    .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_counts_every_way_to_end_and_finishes_with_the_last(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let leases = claimed_in(&pool, batch, 4).await;
    seal(&pool, batch).await;
    settle::complete(&pool, &[success(leases[0])])
        .await
        .unwrap();
    set_back(&pool, leases[1], Next::Fail).await;
    crate::support::ask_to_cancel(&pool, leases[2].job).await;
    set_back(&pool, leases[2], Next::Cancelled).await;
    assert_eq!(counts(&pool).await, (4, 1, 1, 1, false));
    assert_eq!(callbacks(&pool).await, 0);
    settle::complete(&pool, &[success(leases[3])])
        .await
        .unwrap();
    assert_eq!(counts(&pool).await, (4, 2, 1, 1, true));
    assert_eq!(callbacks(&pool).await, 1);
    let linked: bool = ask(
        &pool,
        "select j.created_by = 'batch:' || b.id and j.max_attempts = 3
         from batches b join jobs j on j.id = b.callback_job_id",
    )
    .await;
    assert!(linked);
}

#[sqlx::test(migrations = "../migrations")]
async fn attempts_that_do_not_end_the_job_do_not_count(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let leases = claimed_in(&pool, batch, 2).await;
    set_back(&pool, leases[0], Next::Retry(None)).await;
    set_back(&pool, leases[1], Next::Release).await;
    settle::complete(&pool, &[success(leases[0])])
        .await
        .unwrap();
    assert_eq!(counts(&pool).await, (2, 0, 0, 0, false));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_that_is_sealed_late_finishes_when_it_is_sealed(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let leases = claimed_in(&pool, batch, 1).await;
    settle::complete(&pool, &[success(leases[0])])
        .await
        .unwrap();
    assert_eq!(counts(&pool).await, (1, 1, 0, 0, false), "it is still open");
    seal(&pool, batch).await;
    seal(&pool, batch).await;
    assert_eq!(counts(&pool).await, (1, 1, 0, 0, true));
    assert_eq!(callbacks(&pool).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_empty_batch_finishes_when_it_is_sealed(pool: PgPool) {
    let batch = open_batch(&pool).await;
    seal(&pool, batch).await;
    assert_eq!(counts(&pool).await, (0, 0, 0, 0, true));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_completion_with_its_effect_finishes_the_batch_in_the_same_transaction(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let leases = claimed_in(&pool, batch, 1).await;
    seal(&pool, batch).await;
    let mut tx = pool.begin().await.unwrap();
    settle::complete_in(&mut tx, leases[0], &Value::Null)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counts(&pool).await, (1, 1, 0, 0, true));
    assert_eq!(callbacks(&pool).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_joins_a_sealed_or_unknown_batch(pool: PgPool) {
    let batch = open_batch(&pool).await;
    seal(&pool, batch).await;
    for batch in [batch, BatchId::new()] {
        let mut tx = pool.begin().await.unwrap();
        let refused = enqueue_many(&mut tx, &ctx(), vec![ping(1).in_batch(batch)]).await;
        assert!(matches!(refused, Err(EnqueueError::BatchClosed)));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_found_standing_does_not_join(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let once = || shared::queue::NewJob::of(&crate::support::Once { key: "a".into() }).unwrap();
    put(&pool, vec![once()]).await;
    put(&pool, vec![once().in_batch(batch)]).await;
    assert_eq!(counts(&pool).await.0, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn poison_counts_as_dead(pool: PgPool) {
    let batch = open_batch(&pool).await;
    let lease = claimed_in(&pool, batch, 1).await[0];
    seal(&pool, batch).await;
    crate::support::run(&pool, "update jobs set crashes = 2").await;
    let owner: uuid::Uuid = ask(&pool, "select worker_id from jobs").await;
    crate::rescue::rescue(&pool, owner.into()).await;
    assert_eq!(counts(&pool).await, (1, 0, 1, 0, true));
    assert_eq!(crate::support::state(&pool, lease.job).await, "dead");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_whose_last_ender_died_is_finished_by_the_sweep(pool: PgPool) {
    let batch = open_batch(&pool).await;
    claimed_in(&pool, batch, 1).await;
    seal(&pool, batch).await;
    // counted, and then the process was gone before it could finish the batch
    crate::support::run(&pool, "update batches set succeeded = 1").await;
    assert_eq!(batch::sweep(&pool).await.unwrap(), 1);
    assert_eq!(batch::sweep(&pool).await.unwrap(), 0);
    assert_eq!(callbacks(&pool).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn under_concurrency_it_finishes_once_with_every_job_counted(pool: PgPool) {
    let wide = wide_pool(&pool, 12).await;
    let batch = open_batch(&pool).await;
    let leases = Arc::new(claimed_in(&pool, batch, 600).await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..10 {
        let (pool, leases) = (wide.clone(), leases.clone());
        tasks.spawn(async move {
            // everybody tries to end many of the same jobs, in every way
            for lease in leases.iter().cycle().skip(n * 60).take(150) {
                match n % 3 {
                    0 => drop(settle::complete(&pool, &[success(*lease)]).await.unwrap()),
                    1 => drop(set_back(&pool, *lease, Next::Fail).await),
                    _ => {
                        let mut tx = pool.begin().await.unwrap();
                        if settle::complete_in(&mut tx, *lease, &Value::Null)
                            .await
                            .is_ok()
                        {
                            tx.commit().await.unwrap();
                        }
                    }
                }
            }
        });
    }
    let (pool2, wide2) = (pool.clone(), wide.clone());
    tasks.spawn(async move {
        seal(&pool2, batch).await;
        for _ in 0..50 {
            batch::sweep(&wide2).await.unwrap();
        }
    });
    tasks.join_all().await;
    let (total, succeeded, dead, cancelled, finished) = counts(&pool).await;
    assert_eq!(
        (total, succeeded + dead, cancelled, finished),
        (600, 600, 0, true)
    );
    assert_eq!(callbacks(&pool).await, 1);
    let ended: i64 = ask(&pool, "select count(*) from job_history").await;
    assert_eq!(ended, succeeded);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_outside_of_a_batch_touches_none(pool: PgPool) {
    let batch = open_batch(&pool).await;
    seal(&pool, batch).await;
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    let done: Vec<JobId> = settle::complete(&pool, &[success(lease)]).await.unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(counts(&pool).await.1, 0);
}
