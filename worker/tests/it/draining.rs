//! Draining: what runs may finish, what cannot is handed back, what never started stays where it was.

use std::sync::Arc;

use shared::kernel::TypedId;
use shared::queue::{Failure, Next};
use sqlx::PgPool;
use tokio::sync::Notify;
use worker::lifecycle::Worker;

use crate::stage::{Stage, done, eventually, step, steps};

async fn worker_state(stage: &Stage, worker: &Worker) -> String {
    sqlx::query_scalar("select state from workers where id = $1")
        .bind(worker.running.worker().uuid())
        .fetch_one(&stage.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_runs_finishes_and_the_rest_stays(pool: PgPool) {
    let (stage, go) = (Stage::new(pool), Arc::new(Notify::new()));
    let gate = go.clone();
    let worker = stage.worker(
        2,
        steps(move |_, _| {
            let gate = gate.clone();
            async move {
                gate.notified().await;
                done()
            }
        }),
    );
    let ids = stage.put((0..5).map(step).collect()).await;
    eventually("both slots are taken", || async {
        let taken: i64 = stage
            .ask("select count(*) from jobs where state = 'running'")
            .await;
        (taken == 2).then_some(())
    })
    .await;
    let mut running = Vec::new();
    let mut waiting = Vec::new();
    for id in ids {
        match stage.stored(id).await.state.as_str() {
            "running" => running.push(id),
            _ => waiting.push(id),
        }
    }
    let name = worker.running.worker();
    let draining = worker.draining();
    let drained = tokio::spawn(worker.drain());
    draining.cancelled().await;
    eventually("the fleet sees it drain", || async {
        let draining: bool = stage
            .ask("select bool_and(state = 'draining') from workers")
            .await;
        draining.then_some(())
    })
    .await;
    go.notify_waiters();
    drained.await.unwrap().unwrap();
    stage.all_reach(&running, "completed").await;
    for id in waiting {
        let job = stage.stored(id).await;
        assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
    }
    let ended: (uuid::Uuid, String) = sqlx::query_as("select id, state from workers")
        .fetch_one(&stage.pool)
        .await
        .unwrap();
    assert_eq!(ended, (name.uuid(), "stopped".to_owned()));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_handler_that_is_not_done_in_time_is_asked_to_stop_and_its_job_handed_back(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        2,
        steps(|job, cx| async move {
            if job.n == 0 {
                cx.cancelled().cancelled().await;
                return Err(Failure::told(Next::Cancelled, "stopped half-way"));
            }
            std::future::pending().await
        }),
    );
    let ids = stage.put((0..2).map(step).collect()).await;
    stage.all_reach(&ids, "running").await;
    worker.drain().await.unwrap();
    for id in ids {
        let job = stage.stored(id).await;
        assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
        assert_eq!(stage.attempts(id).await, "1 released");
    }
    let states: String = stage
        .ask("select string_agg(state, ' ') from workers")
        .await;
    assert_eq!(states, "stopped");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operator_can_ask_for_it(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(2, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    stage
        .run("update workers set drain_requested_at = now()")
        .await;
    worker.draining().cancelled().await;
    eventually("the fleet sees it drain", || async {
        (worker_state(&stage, &worker).await == "draining").then_some(())
    })
    .await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_idle_worker_drains_at_once(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(8, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    tokio::time::timeout(std::time::Duration::from_secs(5), worker.drain())
        .await
        .expect("drained within 5 s")
        .unwrap();
}
