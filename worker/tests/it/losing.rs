//! What a process does that lost its lease, its answer, its leader or its Redis.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use shared::kernel::TypedId;
use shared::queue::leadership;
use shared::queue::watch::Silent;
use shared::queue::workers;
use sqlx::PgPool;

use crate::stage::{Stage, done, eventually, step, steps};

#[sqlx::test(migrations = "../migrations")]
async fn a_process_that_was_declared_lost_stops_its_handlers_and_goes_on_under_a_new_id(
    pool: PgPool,
) {
    struct Stopped(Arc<AtomicU32>);
    impl Drop for Stopped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (stage, stopped) = (Stage::new(pool), Arc::new(AtomicU32::new(0)));
    let (guard, runs) = (stopped.clone(), Arc::new(AtomicU32::new(0)));
    let worker = stage.worker(
        2,
        steps(move |_, _| {
            let (guard, first) = (
                Stopped(guard.clone()),
                runs.fetch_add(1, Ordering::Relaxed) == 0,
            );
            async move {
                if first {
                    let _guard = guard;
                    std::future::pending::<()>().await;
                }
                done()
            }
        }),
    );
    let id = stage.put_one(step(0)).await;
    stage.reaches(id, "running").await;
    let before = worker.running.worker();
    // the beat may land in between: then it was not silent after all
    eventually("the worker is declared lost", || async {
        let beat: i64 = stage
            .ask("select beat from workers where state = 'running'")
            .await;
        let silent = Silent {
            worker: before,
            beat,
        };
        workers::rescue(&stage.pool, silent).await.unwrap()
    })
    .await;
    let job = stage.reaches(id, "completed").await;
    assert_ne!(worker.running.worker(), before);
    assert_eq!(job.worker, Some(worker.running.worker().uuid()));
    assert!(
        stopped.load(Ordering::Relaxed) >= 1,
        "the first handler was stopped"
    );
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_claim_whose_answer_was_lost_is_given_back(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(2, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    // a job that the database ascribes to this process and of which it never heard
    let mut tx = stage.pool.begin().await.unwrap();
    let mut job = step(0);
    job.queue.clone_from(&stage.queue);
    let id = shared::queue::enqueue_one(&mut tx, &crate::stage::ctx(), job)
        .await
        .unwrap()
        .id();
    sqlx::query(
        "update jobs set state = 'running', lease_id = gen_random_uuid(), worker_id = $1, attempt = 1,
                         claimed_at = now(), started_at = now()",
    )
    .bind(worker.running.worker().uuid())
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(stage.reaches(id, "completed").await.attempt, 1);
    assert_eq!(stage.attempts(id).await, "1 released");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_jobs_are_taken_from_postgres(pool: PgPool) {
    let stage = Stage::new(pool);
    let queues = [(stage.queue.as_str(), 8)];
    // nobody listens on port 1
    let worker = stage.worker_for(
        &queues,
        "redis://127.0.0.1:1",
        steps(|_, _| async { done() }),
    );
    let ids = stage.put((0..20).map(step).collect()).await;
    stage.all_reach(&ids, "completed").await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_leader_jobs_are_taken_from_postgres(pool: PgPool) {
    let stage = Stage::new(pool);
    let mut usurper = leadership::connect(&stage.pool.connect_options())
        .await
        .unwrap();
    assert!(leadership::try_lead(&mut usurper).await.unwrap());
    let worker = stage.worker(8, steps(|_, _| async { done() }));
    let ids = stage.put((0..20).map(step).collect()).await;
    let led = async {
        let mut ticks = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            ticks.tick().await;
            assert!(leadership::still_leads(&mut usurper).await.unwrap());
        }
    };
    tokio::select! {
        () = stage.all_reach(&ids, "completed") => {}
        () = led => {}
    }
    assert!(!worker.leads.load(Ordering::Relaxed));
    worker.drain().await.unwrap();
}
