//! Who comes first, and who runs beside whom.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use shared::queue::{NewJob, Priority};
use sqlx::PgPool;
use worker::registry::Registry;

use crate::stage::{Stage, Step, Turn, done, eventually, step, steps};

/// A registry whose handlers write down what they ran, in order.
fn recorder() -> (Registry, Arc<Mutex<Vec<String>>>) {
    let order = Arc::new(Mutex::new(Vec::new()));
    let (a, b) = (order.clone(), order.clone());
    let registry = Registry::default()
        .on(move |job: Step, _| {
            a.lock().unwrap().push(job.n.to_string());
            async { done() }
        })
        .on(move |job: Turn, _| {
            b.lock().unwrap().push(job.tenant);
            async { done() }
        });
    (registry, order)
}

#[sqlx::test(migrations = "../migrations")]
async fn the_more_urgent_come_first(pool: PgPool) {
    let stage = Stage::new(pool);
    let mut jobs = Vec::new();
    for (n, priority) in Priority::ALL.into_iter().rev().enumerate() {
        jobs.extend((0..3).map(|_| step(n as u32).priority(priority)));
    }
    let ids = stage.put(jobs).await;
    let (registry, order) = recorder();
    let worker = stage.worker(1, registry);
    stage.all_reach(&ids, "completed").await;
    assert_eq!(order.lock().unwrap().concat(), "333222111000");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_small_tenant_does_not_wait_for_a_large_one(pool: PgPool) {
    let stage = Stage::new(pool);
    let of = |tenant: &str, n: usize| {
        let job = || {
            NewJob::of(&Turn {
                tenant: tenant.into(),
            })
            .unwrap()
        };
        (0..n).map(|_| job()).collect::<Vec<_>>()
    };
    let ids = stage
        .put([of("a large one", 40), of("small", 3)].concat())
        .await;
    let (registry, order) = recorder();
    let worker = stage.worker(1, registry);
    stage.all_reach(&ids, "completed").await;
    let order = order.lock().unwrap().clone();
    let last = order.iter().rposition(|tenant| tenant == "small").unwrap();
    assert!(last < 10, "{order:?}");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_kind_without_a_handler_stays_and_holds_up_nobody(pool: PgPool) {
    let stage = Stage::new(pool);
    let unknown = NewJob::of(&Turn { tenant: "a".into() }).unwrap();
    let ids = stage.put(vec![unknown, step(1), step(2)]).await;
    let worker = stage.worker(1, steps(|_, _| async { done() }));
    stage.all_reach(&ids[1..], "completed").await;
    let job = stage.stored(ids[0]).await;
    assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn two_workers_share_a_queue_and_run_every_job_once(pool: PgPool) {
    let (stage, runs) = (Stage::new(pool), Arc::new(Mutex::new(vec![0; 500])));
    let counter = || {
        let runs = runs.clone();
        steps(move |job, _| {
            runs.lock().unwrap()[job.n as usize] += 1;
            async { done() }
        })
    };
    let workers = [stage.worker(8, counter()), stage.worker(8, counter())];
    for worker in &workers {
        stage.is_up(worker).await;
    }
    stage.put((0..500).map(step).collect()).await;
    eventually("all are done", || async {
        let left: i64 = stage.ask("select count(*) from jobs").await;
        (left == 0).then_some(())
    })
    .await;
    assert!(runs.lock().unwrap().iter().all(|n| *n == 1));
    for worker in workers {
        worker.drain().await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspect_runs_alone_among_its_neighbours(pool: PgPool) {
    const SUSPECT: u32 = 20;
    let (stage, now) = (Stage::new(pool), Arc::new(AtomicI64::new(0)));
    let (beside, most) = (Arc::new(AtomicI64::new(-1)), Arc::new(AtomicI64::new(0)));
    let ids = stage.put((0..40).map(step).collect()).await;
    sqlx::query("update jobs set crashes = 1 where args = '{\"n\": 20}'")
        .execute(&stage.pool)
        .await
        .unwrap();
    let (count, others, peak) = (now.clone(), beside.clone(), most.clone());
    let worker = stage.worker(
        8,
        steps(move |job, _| {
            let (now, beside, most) = (count.clone(), others.clone(), peak.clone());
            async move {
                let running = now.fetch_add(1, Ordering::SeqCst);
                most.fetch_max(running + 1, Ordering::SeqCst);
                // long enough for others to begin, if they could
                for _ in 0..200 {
                    tokio::task::yield_now().await;
                    if job.n == SUSPECT {
                        beside.fetch_max(now.load(Ordering::SeqCst) - 1, Ordering::SeqCst);
                    }
                }
                now.fetch_sub(1, Ordering::SeqCst);
                done()
            }
        }),
    );
    stage.all_reach(&ids, "completed").await;
    assert_eq!(
        beside.load(Ordering::SeqCst),
        0,
        "nobody ran beside the suspect"
    );
    assert!(
        most.load(Ordering::SeqCst) > 1,
        "the others ran side by side"
    );
    worker.drain().await.unwrap();
}
