//! What a handler may answer, and what becomes of its job.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use shared::kernel::{Actor, Clock, Ctx, TraceContext, TypedId};
use shared::queue::{Done, Failure, NewJob, Next, enqueue, retry, snooze};
use sqlx::PgPool;
use tracing_subscriber::layer::SubscriberExt;
use worker::job_log::JobLogLayer;

use crate::stage::{Hasty, Stage, Step, ctx, done, step, steps};

#[sqlx::test(migrations = "../migrations")]
async fn a_job_is_run_and_its_output_kept(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|job, _| async move { Ok(Done::Output(json!({ "n": job.n }))) }),
    );
    let id = stage.put_one(step(7)).await;
    let job = stage.reaches(id, "completed").await;
    assert_eq!(job.attempt, 1);
    assert_eq!(job.worker, Some(worker.running.worker().uuid()));
    let output: serde_json::Value = stage.ask("select output from job_history").await;
    assert_eq!(output, json!({ "n": 7 }));
    assert_eq!(
        stage.attempts(id).await,
        "",
        "a silent success leaves no row of its own"
    );
    worker.drain().await.unwrap();
}

#[derive(Debug, thiserror::Error)]
#[error("the provider refused attempt {0}")]
struct Refused(u32, #[source] std::fmt::Error);

#[sqlx::test(migrations = "../migrations")]
async fn an_error_is_retried_and_kept_with_its_causes(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|_, cx| async move {
            if cx.attempt() < 3 {
                assert!(!cx.is_last_attempt());
                return Err(retry(Refused(cx.attempt(), std::fmt::Error)));
            }
            assert!(cx.is_last_attempt());
            done()
        }),
    );
    let id = stage.put_one(step(0)).await;
    assert_eq!(stage.reaches(id, "completed").await.attempt, 3);
    assert_eq!(stage.attempts(id).await, "1 retry, 2 retry");
    let chain: Vec<String> = stage
        .ask("select error_chain from job_attempts order by attempt limit 1")
        .await;
    assert_eq!(
        chain,
        [
            "the provider refused attempt 1",
            &std::fmt::Error.to_string()
        ]
    );
    let prints: i64 = stage
        .ask("select count(distinct fingerprint) from job_attempts")
        .await;
    assert_eq!(prints, 1, "the same error with another number");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_fails_for_good_is_dead_at_once(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|_, _| async { Err(Failure::told(Next::Fail, "no such creator")) }),
    );
    let id = stage.put_one(step(0)).await;
    let job = stage.reaches(id, "dead").await;
    assert_eq!(
        (job.attempt, job.last_error.as_deref()),
        (1, Some("no such creator"))
    );
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_attempt_that_takes_too_long_is_stopped_and_retried(pool: PgPool) {
    let stage = Stage::new(pool);
    let registry =
        steps(|_, _| async { done() }).on(|_: Hasty, _| async { std::future::pending().await });
    let worker = stage.worker(4, registry);
    let id = stage.put_one(NewJob::of(&Hasty {}).unwrap()).await;
    let job = stage.reaches(id, "dead").await;
    assert_eq!(
        job.last_error.as_deref(),
        Some("the attempt took longer than 0.1 s")
    );
    assert_eq!(stage.attempts(id).await, "1 retry, 2 retry");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_panic_is_an_error_of_its_own_job_only(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(
        4,
        steps(|job, cx| {
            // before the first await, and after it
            assert!(job.n != 1 || cx.attempt() > 1, "at once");
            async move {
                tokio::task::yield_now().await;
                assert!(job.n != 1 || cx.attempt() > 2, "later");
                done()
            }
        }),
    );
    let ids = stage.put(vec![step(0), step(1), step(2)]).await;
    stage.all_reach(&ids, "completed").await;
    assert_eq!(stage.stored(ids[1]).await.attempt, 3);
    let texts: Vec<String> = stage
        .ask("select array_agg(error_chain[1] order by attempt) from job_attempts")
        .await;
    assert_eq!(
        texts,
        [
            "the handler panicked: at once",
            "the handler panicked: later"
        ]
    );
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_snooze_does_not_count(pool: PgPool) {
    let (stage, runs) = (Stage::new(pool), Arc::new(AtomicU32::new(0)));
    let seen = runs.clone();
    let worker = stage.worker(
        4,
        steps(move |_, cx| {
            let runs = seen.clone();
            async move {
                assert_eq!(cx.attempt(), 1);
                if runs.fetch_add(1, Ordering::Relaxed) < 5 {
                    return Err(snooze(Duration::from_millis(1), "not yet"));
                }
                done()
            }
        }),
    );
    let id = stage.put_one(step(0)).await;
    assert_eq!(stage.reaches(id, "completed").await.attempt, 1);
    assert_eq!(runs.load(Ordering::Relaxed), 6);
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_payload_that_cannot_be_read_is_dead_and_says_why(pool: PgPool) {
    let stage = Stage::new(pool);
    let mut broken = step(0);
    broken.args = "{\"n\": \"many\"}".to_owned();
    let ids = stage.put(vec![broken, step(1)]).await;
    let worker = stage.worker(4, steps(|_, _| async { done() }));
    let job = stage.reaches(ids[0], "dead").await;
    assert!(
        job.last_error
            .unwrap()
            .starts_with("invalid type: string \"many\", expected u32")
    );
    stage.reaches(ids[1], "completed").await;
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_effect_is_committed_together_with_its_job(pool: PgPool) {
    let stage = Stage::new(pool);
    stage.run("create table effects (job uuid)").await;
    let worker = stage.worker(
        4,
        steps(|_, cx| async move {
            let mut tx = cx.app.db.begin().await.map_err(retry)?;
            sqlx::query("insert into effects values ($1)")
                .bind(cx.job_id().uuid())
                .execute(&mut *tx)
                .await
                .map_err(retry)?;
            cx.complete_in(&mut tx, &json!("ok")).await.map_err(retry)?;
            if cx.attempt() == 1 {
                return Err(Failure::told(
                    Next::Retry(None),
                    "changed its mind before the commit",
                ));
            }
            tx.commit().await.map_err(retry)?;
            Ok(Done::Recorded)
        }),
    );
    let ids = stage.put((0..10).map(step).collect()).await;
    stage.all_reach(&ids, "completed").await;
    let effects: i64 = stage.ask("select count(*) from effects").await;
    assert_eq!(effects, 10);
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn progress_and_log_lines_are_kept(pool: PgPool) {
    let subscriber = tracing_subscriber::registry().with(JobLogLayer::default());
    let _guard = tracing::subscriber::set_default(subscriber);
    let stage = Stage::new(pool);
    let go = Arc::new(tokio::sync::Notify::new());
    let gate = go.clone();
    let worker = stage.worker(
        4,
        steps(move |_, cx| {
            let gate = gate.clone();
            async move {
                cx.progress(0.25, "a quarter".to_owned());
                tracing::info!(rows = 5, "begun");
                gate.notified().await;
                tracing::warn!("about to fail");
                Err(Failure::told(Next::Fail, "as expected"))
            }
        }),
    );
    let id = stage.put_one(step(0)).await;
    crate::stage::eventually("the progress is written", || async {
        let told: Option<String> = stage
            .ask("select progress || ' ' || progress_note from jobs")
            .await;
        told.filter(|told| told == "0.25 a quarter")
    })
    .await;
    go.notify_one();
    stage.reaches(id, "dead").await;
    let lines: String = stage
        .ask("select string_agg(l->>'level' || ': ' || (l->>'message'), '; ') from job_attempts, jsonb_array_elements(logs) l")
        .await;
    assert_eq!(lines, "info: begun rows=5; warn: about to fail");
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_trace_passes_from_the_enqueuer_through_every_attempt_to_the_jobs_that_follow(
    pool: PgPool,
) {
    let stage = Stage::new(pool);
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let traces = seen.clone();
    let queue = stage.queue.clone();
    let worker = stage.worker(
        4,
        steps(move |job, cx| {
            traces.lock().unwrap().push(cx.trace().trace_id());
            let queue = queue.clone();
            async move {
                if cx.attempt() == 1 {
                    return Err(Failure::told(Next::Retry(None), "once more"));
                }
                if job.n == 0 {
                    let ctx = cx.ctx();
                    let mut tx = cx.app.db.begin().await.map_err(retry)?;
                    let mut next = NewJob::of(&Step { n: 1 }).map_err(retry)?;
                    next.queue = queue;
                    shared::queue::enqueue_one(&mut tx, &ctx, next)
                        .await
                        .map_err(retry)?;
                    cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
                }
                done()
            }
        }),
    );
    let trace = TraceContext::random();
    let ctx = Ctx::new(Actor::System, &Clock::system()).within(trace, "a request");
    let first = stage.put_as(&ctx, vec![step(0)]).await[0];
    stage.reaches(first, "completed").await;
    crate::stage::eventually("the job that followed is done", || async {
        let done: i64 = stage.ask("select count(*) from job_history").await;
        (done == 2).then_some(())
    })
    .await;
    assert_eq!(*seen.lock().unwrap(), vec![trace.trace_id(); 4]);
    let parent: uuid::Uuid = stage
        .ask("select parent_id from job_history where parent_id is not null")
        .await;
    assert_eq!(parent, first.uuid());
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_is_enqueued_and_run_as_its_kind_declares(pool: PgPool) {
    let stage = Stage::new(pool.clone());
    // this one goes where the kind says, not into the queue of the test
    let worker = stage.worker_for(
        &[("tests", 2)],
        &stage.redis_url,
        steps(|_, _| async { done() }),
    );
    let mut tx = pool.begin().await.unwrap();
    let id = enqueue(&mut tx, &ctx(), &Step { n: 0 }).await.unwrap().id();
    tx.commit().await.unwrap();
    stage.reaches(id, "completed").await;
    worker.drain().await.unwrap();
}
