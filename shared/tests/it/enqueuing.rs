//! Enqueuing: with its transaction or not at all.

use chrono::Duration;
use serde_json::json;
use shared::kernel::{Actor, Clock, Ctx, TraceContext};
use shared::queue::{
    ARGS_MAX_BYTES, ENQUEUE_CHUNK, EnqueueError, JobId, KindSpec, NewJob, Priority, enqueue,
    enqueue_many, enqueue_one,
};
use sqlx::PgPool;

use crate::support::{Once, Ping, QUEUE, Turn, ask, ctx, enqueued, ping, put, stored};

#[sqlx::test(migrations = "../migrations")]
async fn a_rollback_leaves_neither_job_nor_terms(pool: PgPool) {
    let mut tx = pool.begin().await.unwrap();
    enqueue(&mut tx, &ctx(), &Ping { campaign_id: 1 })
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(
        ask::<i64>(
            &pool,
            "select (select count(*) from jobs) + (select count(*) from job_terms)"
        )
        .await,
        0
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn answers_come_in_the_order_of_the_jobs(pool: PgPool) {
    let once = |key: &str| NewJob::of(&Once { key: key.into() }).unwrap();
    let standing = put(&pool, vec![once("b")]).await[0];
    let jobs = vec![ping(1), once("c"), once("b"), ping(2), once("a"), once("c")];
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let answers = enqueued(&pool, jobs).await;
    let found: Vec<(JobId, bool)> = answers.iter().map(|a| (a.id(), a.inserted())).collect();
    assert_eq!(
        found,
        [
            (ids[0], true),
            (ids[1], true),
            (standing, false),
            (ids[3], true),
            (ids[4], true),
            (ids[1], false)
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn many_jobs_take_one_statement_for_each_chunk(pool: PgPool) {
    let n = u32::try_from(ENQUEUE_CHUNK).unwrap() * 2 + 1;
    put(&pool, (0..n).map(ping).collect()).await;
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from jobs").await,
        i64::from(n)
    );
    // every row of a statement carries the command number of that statement within its transaction
    assert_eq!(
        ask::<i64>(&pool, "select count(distinct cmin::text) from jobs").await,
        3
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_is_stored_as_its_kind_declares(pool: PgPool) {
    let id = put(
        &pool,
        vec![
            NewJob::of(&Turn {
                tenant: "acme".into(),
            })
            .unwrap(),
        ],
    )
    .await[0];
    let text: String = ask(
        &pool,
        "select concat_ws(' ', kind, queue, priority, state, group_key, attempt, max_attempts, args, created_by) from jobs",
    )
    .await;
    assert_eq!(
        text,
        format!("test.turn {QUEUE} 2 available acme 0 10 {{\"tenant\": \"acme\"}} system")
    );
    assert!(stored(&pool, id).await.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_is_found_by_its_arguments_creator_group_and_tags(pool: PgPool) {
    let turn = NewJob::of(&Turn {
        tenant: "acme".into(),
    })
    .unwrap();
    put(&pool, vec![ping(7).tag("spring"), turn]).await;
    let terms: Vec<String> =
        ask(&pool, "select array_agg(term order by term) from job_terms").await;
    assert_eq!(
        terms,
        [
            "args.campaignId:7",
            "creator:creator_7",
            "group:acme",
            "tag:spring"
        ]
    );
    let tags: Vec<String> = ask(&pool, "select tags from jobs where tags is not null").await;
    assert_eq!(tags, ["spring"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn due_is_by_the_databases_clock_whatever_the_enqueuers_says(pool: PgPool) {
    let fast = Clock::system();
    fast.advance(Duration::hours(1));
    let mut tx = pool.begin().await.unwrap();
    let ctx = Ctx::new(Actor::System, &fast);
    enqueue(&mut tx, &ctx, &Ping { campaign_id: 1 })
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(
        ask::<bool>(
            &pool,
            "select run_at <= now() and created_at <= now() from jobs"
        )
        .await
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn choices_of_its_own_are_kept(pool: PgPool) {
    let at = Clock::system().now() + Duration::days(3);
    let job = ping(1).at(at).priority(Priority::Critical);
    let id = put(&pool, vec![job]).await[0];
    assert_eq!(stored(&pool, id).await.unwrap().run_at, at);
    assert_eq!(ask::<i16>(&pool, "select priority from jobs").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_carries_the_trace_and_the_parent_of_its_enqueuer(pool: PgPool) {
    let (trace, parent) = (TraceContext::random(), JobId::new());
    let ctx = Ctx::new(Actor::Job(parent), &Clock::system()).within(trace, "request");
    let mut tx = pool.begin().await.unwrap();
    enqueue_one(&mut tx, &ctx, ping(1)).await.unwrap();
    tx.commit().await.unwrap();
    let stored: String = ask(&pool, "select trace from jobs").await;
    let stored: TraceContext = stored.parse().unwrap();
    assert_eq!(stored.trace_id(), trace.trace_id());
    assert_ne!(stored, trace, "a span of its own within the same trace");
    assert_eq!(
        JobId::from(ask::<uuid::Uuid>(&pool, "select parent_id from jobs").await),
        parent
    );
}

#[test]
fn arguments_that_postgres_cannot_store_are_refused() {
    let spec = KindSpec::of::<Ping>();
    let make = |args, key: Option<String>| NewJob::from_parts(&spec, args, key, None, None);
    let too_large = json!({ "text": "x".repeat(ARGS_MAX_BYTES) });
    assert!(matches!(
        make(too_large, None),
        Err(EnqueueError::ArgsTooLarge { .. })
    ));
    assert!(matches!(
        make(json!({ "a": ["b\u{0}"] }), None),
        Err(EnqueueError::NulInArgs)
    ));
    assert!(matches!(
        make(json!({ "a\u{0}": 1 }), None),
        Err(EnqueueError::NulInArgs)
    ));
    assert!(matches!(
        make(json!({}), Some("k".repeat(201))),
        Err(EnqueueError::KeyTooLong)
    ));
    assert!(matches!(
        make(json!({}), Some("k\u{0}".to_owned())),
        Err(EnqueueError::NulInArgs)
    ));
    assert!(make(json!({}), Some("ü".repeat(200))).is_ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_longest_words_to_find_a_job_by_can_be_stored(pool: PgPool) {
    let spec = KindSpec::of::<Ping>();
    let long = || Some("ü".repeat(200));
    let args = json!({ "campaignId": "x".repeat(10_000) });
    let job = NewJob::from_parts(&spec, args, long(), long(), Some("c".repeat(10_000)))
        .unwrap()
        .tag("t".repeat(10_000));
    put(&pool, vec![job]).await;
    assert_eq!(ask::<i64>(&pool, "select count(*) from job_terms").await, 4);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_to_enqueue_is_no_error(pool: PgPool) {
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(
        enqueue_many(&mut conn, &ctx(), Vec::new()).await.unwrap(),
        []
    );
}
