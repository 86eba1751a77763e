//! Claiming: it asks everything, and nobody gets what somebody else has.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::Duration;
use shared::kernel::Clock;
use shared::queue::claim::{self, Claimant, DIRECT_CLAIM_MAX};
use shared::queue::workers;
use shared::queue::{JobId, Lease, Next, WorkerId, settle};
use sqlx::PgPool;
use tokio::sync::Barrier;
use uuid::Uuid;

use crate::support::{
    QUEUE, ask, ask_to_cancel, claim, kinds, ping, put, put_pings, run, running, set_back, setback,
    state, stored, success, wide_pool, worker,
};

#[sqlx::test(migrations = "../migrations")]
async fn a_claim_tells_all_that_a_worker_needs(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 3).await;
    let claimed = claim(&pool, worker, &ids).await;
    let in_order: Vec<JobId> = claimed.iter().map(|job| job.lease.job).collect();
    assert_eq!(in_order, ids, "in the order of the ids");
    let job = &claimed[1];
    assert_eq!(
        (
            job.kind.as_str(),
            job.queue.as_str(),
            job.attempt,
            job.max_attempts,
            job.crashes
        ),
        ("test.ping", QUEUE, 1, 3, 0)
    );
    assert_eq!(job.args, "{\"campaignId\": 1}");
    assert!(job.claimed_at >= job.due_at);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_is_not_due_is_not_claimed(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(
        &pool,
        vec![ping(1).at(Clock::system().now() + Duration::seconds(60))],
    )
    .await;
    assert_eq!(claim(&pool, worker, &ids).await, []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_of_another_queue_or_an_unknown_kind_is_not_claimed(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 1).await;
    let (all, others) = (kinds(), vec!["test.other".to_owned()]);
    for (queue, kinds) in [("elsewhere", &all), (QUEUE, &others)] {
        let who = Claimant {
            worker,
            queue,
            kinds,
        };
        assert_eq!(
            claim::claim(&pool, who, Uuid::new_v4(), &ids)
                .await
                .unwrap(),
            []
        );
    }
    assert_eq!(state(&pool, ids[0]).await, "available");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_queue_is_not_claimed_from(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 1).await;
    run(&pool, "update queues set paused_at = now()").await;
    assert_eq!(claim(&pool, worker, &ids).await, []);
    run(&pool, "update queues set paused_at = null").await;
    assert_eq!(claim(&pool, worker, &ids).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_is_to_be_cancelled_is_neither_claimed_nor_offered(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 2).await;
    ask_to_cancel(&pool, ids[0]).await;
    assert_eq!(due(&pool, worker, 10).await, [ids[1]]);
    assert_eq!(claim(&pool, worker, &ids).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn only_a_live_worker_that_does_not_drain_claims(pool: PgPool) {
    let ids = put_pings(&pool, 1).await;
    let (gone, drained, lost) = (
        worker(&pool).await,
        worker(&pool).await,
        worker(&pool).await,
    );
    let mut conn = pool.acquire().await.unwrap();
    workers::stopped(&mut conn, gone).await.unwrap();
    workers::draining(&mut conn, drained).await.unwrap();
    drop(conn);
    crate::rescue::rescue(&pool, lost).await;
    for worker in [gone, drained, lost, WorkerId::new()] {
        assert_eq!(claim(&pool, worker, &ids).await, []);
    }
    let live = worker(&pool).await;
    assert_eq!(claim(&pool, live, &ids).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn forged_doubled_and_stale_ids_are_harmless(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 3).await;
    let done = claim(&pool, worker, &ids[..1]).await[0].lease;
    settle::complete(&pool, &[success(done)]).await.unwrap();
    let dead = claim(&pool, worker, &ids[1..2]).await[0].lease;
    set_back(&pool, dead, Next::Fail).await;
    let wild = [ids[2], ids[0], JobId::new(), ids[2], ids[1], ids[2]];
    let claimed = claim(&pool, worker, &wild).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].lease.job, ids[2]);
    assert_eq!(claim(&pool, worker, &wild).await, [], "it runs already");
    assert_eq!(stored(&pool, ids[2]).await.unwrap().attempt, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn two_claimers_never_get_the_same_job(pool: PgPool) {
    let (pool, ids) = (wide_pool(&pool, 12).await, put_pings(&pool, 600).await);
    let (ids, start) = (Arc::new(ids), Arc::new(Barrier::new(12)));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..12 {
        let (pool, ids, start) = (pool.clone(), ids.clone(), start.clone());
        tasks.spawn(async move {
            let worker = worker(&pool).await;
            start.wait().await;
            let mut got = Vec::new();
            for i in 0..30 {
                let from = (n * 50 + i * 20) % 560;
                got.extend(claim(&pool, worker, &ids[from..from + 40]).await);
            }
            got.into_iter()
                .map(|job| job.lease.job)
                .collect::<Vec<JobId>>()
        });
    }
    let got: Vec<JobId> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<JobId> = got.iter().copied().collect();
    assert_eq!(got.len(), distinct.len());
    assert_eq!(
        ask::<i64>(
            &pool,
            "select count(*) from jobs where state = 'running' and attempt = 1"
        )
        .await,
        got.len() as i64
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_fleets_limit_holds_under_twenty_claimers(pool: PgPool) {
    const LIMIT: u32 = 7;
    let (wide, ids) = (wide_pool(&pool, 21).await, put_pings(&pool, 400).await);
    let (ids, most) = (Arc::new(ids), Arc::new(AtomicI64::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (pool, ids, most) = (wide.clone(), ids.clone(), most.clone());
        tasks.spawn(async move {
            let (worker, kinds) = (worker(&pool).await, kinds());
            let mut ran = 0;
            for i in 0..20 {
                let who = Claimant {
                    worker,
                    queue: QUEUE,
                    kinds: &kinds,
                };
                let from = (n * 20 + i * 20) % 400;
                let claimed =
                    claim::claim_within(&pool, who, Uuid::new_v4(), &ids[from..from + 20], LIMIT)
                        .await
                        .unwrap();
                let mut conn = pool.acquire().await.unwrap();
                let running = claim::count_running(&mut conn, QUEUE).await.unwrap();
                drop(conn);
                most.fetch_max(running, Ordering::Relaxed);
                ran += claimed.len();
                let done: Vec<_> = claimed.iter().map(|job| success(job.lease)).collect();
                settle::complete(&pool, &done).await.unwrap();
            }
            ran
        });
    }
    let ran: usize = tasks.join_all().await.into_iter().sum();
    assert!(ran > 20, "claimers made way for each other: {ran}");
    let most = most.load(Ordering::Relaxed);
    assert!((1..=i64::from(LIMIT)).contains(&most), "{most} ran at once");
}

async fn due(pool: &PgPool, worker: WorkerId, most: usize) -> Vec<JobId> {
    let kinds = kinds();
    let who = Claimant {
        worker,
        queue: QUEUE,
        kinds: &kinds,
    };
    claim::due_now(pool, who, most).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn without_ready_lists_the_head_of_the_queue_is_offered_in_small_pieces(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 200).await;
    assert_eq!(due(&pool, worker, 3).await, ids[..3]);
    assert_eq!(due(&pool, worker, 1_000).await.len(), DIRECT_CLAIM_MAX);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_suspects_start_is_written_only_when_it_begins_alone(pool: PgPool) {
    let first = worker(&pool).await;
    let lease = running(&pool, first).await;
    crate::rescue::rescue(&pool, first).await;
    let second = worker(&pool).await;
    let job = claim(&pool, second, &[lease.job]).await.remove(0);
    assert_eq!((job.crashes, job.attempt), (1, 1));
    let started = "select started_at is not null from jobs";
    assert!(!ask::<bool>(&pool, started).await);
    let stale = Lease {
        id: Uuid::new_v4(),
        ..job.lease
    };
    assert!(!claim::begin_alone(&pool, stale).await.unwrap());
    assert!(claim::begin_alone(&pool, job.lease).await.unwrap());
    assert!(ask::<bool>(&pool, started).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_given_back_keeps_its_place_in_the_queue(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 2).await;
    let lease = claim(&pool, worker, &ids[..1]).await[0].lease;
    settle::set_back(&pool, &[setback(lease, Next::Release)])
        .await
        .unwrap();
    assert_eq!(due(&pool, worker, 10).await, ids);
}
