//! Unique keys: what conflicts, with what, and what the enqueuer is promised then.

use shared::queue::settle;
use shared::queue::{Enqueued, JobId, NewJob, Next, enqueue_many, enqueue_one};
use sqlx::PgPool;

use crate::support::{
    Once, Sole, ask, claim, ctx, enqueued, put, set_back, somebody_waits, stored, success,
    wide_pool, worker,
};

fn once(key: &str) -> NewJob {
    NewJob::of(&Once { key: key.into() }).unwrap()
}

fn sole(key: &str) -> NewJob {
    NewJob::of(&Sole { key: key.into() }).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_conflict_finds_the_standing_job(pool: PgPool) {
    let first = put(&pool, vec![once("a")]).await[0];
    let second = enqueued(&pool, vec![once("a")]).await[0];
    assert_eq!(second, Enqueued::Found(first));
    assert_eq!(ask::<i64>(&pool, "select count(*) from jobs").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_key_of_another_kind_is_another_key(pool: PgPool) {
    let answers = enqueued(&pool, vec![once("a"), sole("a")]).await;
    assert!(answers.iter().all(|answer| answer.inserted()));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_found_job_cannot_be_claimed_before_the_enqueuer_commits(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(&pool, vec![once("a")]).await;
    let mut tx = pool.begin().await.unwrap();
    let found = enqueue_one(&mut tx, &ctx(), once("a")).await.unwrap();
    assert_eq!(found, Enqueued::Found(ids[0]));
    assert_eq!(claim(&pool, worker, &ids).await, []);
    tx.commit().await.unwrap();
    assert_eq!(claim(&pool, worker, &ids).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_enqueuer_that_meets_an_uncommitted_twin_waits_and_finds_it(pool: PgPool) {
    let mut first = pool.begin().await.unwrap();
    let id = enqueue_one(&mut first, &ctx(), once("a"))
        .await
        .unwrap()
        .id();
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { enqueued(&pool, vec![once("a")]).await[0] }
    });
    somebody_waits(&pool).await;
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), Enqueued::Found(id));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_is_free_again_once_its_job_runs(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(&pool, vec![once("a")]).await;
    claim(&pool, worker, &ids).await;
    assert!(enqueued(&pool, vec![once("a")]).await[0].inserted());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_holds_while_running_is_free_once_its_job_is_over(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(&pool, vec![sole("a")]).await;
    let lease = claim(&pool, worker, &ids).await[0].lease;
    assert_eq!(
        enqueued(&pool, vec![sole("a")]).await,
        [Enqueued::Found(ids[0])]
    );
    settle::complete(&pool, &[success(lease)]).await.unwrap();
    assert!(enqueued(&pool, vec![sole("a")]).await[0].inserted());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_job_does_not_keep_its_key(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(&pool, vec![sole("a")]).await;
    let lease = claim(&pool, worker, &ids).await[0].lease;
    set_back(&pool, lease, Next::Fail).await;
    assert!(enqueued(&pool, vec![sole("a")]).await[0].inserted());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_retry_whose_key_was_taken_meanwhile_goes_on_without_it(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put(&pool, vec![once("a")]).await;
    let lease = claim(&pool, worker, &ids).await[0].lease;
    let other = put(&pool, vec![once("a")]).await[0];
    assert!(set_back(&pool, lease, Next::Retry(None)).await.is_some());
    assert_eq!(stored(&pool, ids[0]).await.unwrap().unique_key, None);
    assert_eq!(
        stored(&pool, other).await.unwrap().unique_key.as_deref(),
        Some("a")
    );
}

/// Two running jobs with one key: the second was enqueued while the first ran.
async fn two_of_one_key(pool: &PgPool) -> (shared::queue::WorkerId, Vec<shared::queue::Lease>) {
    let worker = worker(pool).await;
    let mut leases = Vec::new();
    for _ in 0..2 {
        let ids = put(pool, vec![once("a")]).await;
        leases.push(claim(pool, worker, &ids).await[0].lease);
    }
    (worker, leases)
}

#[sqlx::test(migrations = "../migrations")]
async fn two_retries_of_one_key_in_one_statement_both_go_on(pool: PgPool) {
    let (_, leases) = two_of_one_key(&pool).await;
    let setbacks = leases
        .iter()
        .map(|lease| crate::support::setback(*lease, Next::Retry(None)))
        .collect::<Vec<_>>();
    assert_eq!(settle::set_back(&pool, &setbacks).await.unwrap().len(), 2);
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from jobs where unique_key = 'a'").await,
        1
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_worker_that_ran_two_of_one_key_is_rescued(pool: PgPool) {
    let (worker, _) = two_of_one_key(&pool).await;
    let rescue = crate::rescue::rescue(&pool, worker).await;
    assert_eq!(rescue.again, 2);
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from jobs where unique_key = 'a'").await,
        1
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn enqueuers_with_the_same_keys_in_other_orders_do_not_deadlock(pool: PgPool) {
    let pool = wide_pool(&pool, 8).await;
    let keys: Vec<String> = (0..1_500).map(|i| format!("key {i:04}")).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (pool, mut keys) = (pool.clone(), keys.clone());
        keys.rotate_left(n * 190);
        if n % 2 == 1 {
            keys.reverse();
        }
        tasks.spawn(async move {
            let mut tx = pool.begin().await.unwrap();
            let jobs = keys.iter().map(|key| once(key)).collect();
            let answers = enqueue_many(&mut tx, &ctx(), jobs).await.unwrap();
            tx.commit().await.unwrap();
            answers
                .iter()
                .map(|answer| answer.id())
                .collect::<Vec<JobId>>()
        });
    }
    let answered = tasks.join_all().await;
    assert_eq!(ask::<i64>(&pool, "select count(*) from jobs").await, 1_500);
    let mut all: Vec<JobId> = answered.into_iter().flatten().collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 1_500, "everybody was told of the same jobs");
}
