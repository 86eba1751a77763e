//! Cancelling a job that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shared::kernel::TypedId;
use shared::queue::{Failure, JobId, Next};
use sqlx::PgPool;
use tokio::sync::Notify;

use crate::stage::{Stage, done, step, steps};

async fn ask_to_cancel(stage: &Stage, id: JobId) {
    sqlx::query(
        "update jobs set cancel_requested_at = now(), cancel_reason = 'enough' where id = $1",
    )
    .bind(id.uuid())
    .execute(&stage.pool)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_handler_learns_of_it_and_stops(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|_, cx| async move {
            cx.cancelled().cancelled().await;
            Err(Failure::told(Next::Cancelled, "stopped half-way"))
        }),
    );
    let id = stage.put_one(step(0)).await;
    stage.reaches(id, "running").await;
    ask_to_cancel(&stage, id).await;
    stage.reaches(id, "cancelled").await;
    assert_eq!(stage.attempts(id).await, "1 cancelled");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_handler_that_does_not_listen_is_dropped(pool: PgPool) {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (stage, dropped) = (Stage::new(pool), Arc::new(AtomicBool::new(false)));
    let guard = dropped.clone();
    let worker = stage.worker(
        4,
        steps(move |_, _| {
            let guard = Dropped(guard.clone());
            async move {
                let _guard = guard;
                std::future::pending().await
            }
        }),
    );
    let id = stage.put_one(step(0)).await;
    stage.reaches(id, "running").await;
    ask_to_cancel(&stage, id).await;
    stage.reaches(id, "cancelled").await;
    assert!(dropped.load(Ordering::Relaxed));
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn done_wins_over_a_cancel_that_came_too_late(pool: PgPool) {
    let (stage, heard) = (Stage::new(pool), Arc::new(Notify::new()));
    let told = heard.clone();
    let worker = stage.worker(
        4,
        steps(move |_, cx| {
            let told = told.clone();
            async move {
                cx.cancelled().cancelled().await;
                told.notify_one();
                done()
            }
        }),
    );
    let id = stage.put_one(step(0)).await;
    stage.reaches(id, "running").await;
    ask_to_cancel(&stage, id).await;
    heard.notified().await;
    stage.reaches(id, "completed").await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancel_wins_over_a_retry(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|_, cx| async move {
            cx.cancelled().cancelled().await;
            Err(Failure::told(Next::Retry(None), "try again"))
        }),
    );
    let id = stage.put_one(step(0)).await;
    stage.reaches(id, "running").await;
    ask_to_cancel(&stage, id).await;
    stage.reaches(id, "cancelled").await;
    worker.drain().await.unwrap();
}
