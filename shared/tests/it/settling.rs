//! Ending attempts: under the lease, and with everything kept that somebody will want to read.

use std::time::Duration;

use serde_json::{Value, json};
use shared::queue::settle::{
    self, CompleteError, DELAY_MAX, ERROR_MAX_CHARS, Fate, LOG_LINES_MAX, OUTPUT_MAX_BYTES,
    Setback, Success,
};
use shared::queue::{Failure, Lease, Next};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{
    ask, ask_to_cancel, claim, line, put_pings, run, running, set_back, setback, state, stored,
    success, worker,
};

async fn leased(pool: &PgPool) -> Lease {
    let worker = worker(pool).await;
    running(pool, worker).await
}

#[sqlx::test(migrations = "../migrations")]
async fn an_old_lease_changes_nothing(pool: PgPool) {
    let lease = leased(&pool).await;
    let old = Lease {
        id: Uuid::new_v4(),
        ..lease
    };
    assert_eq!(settle::complete(&pool, &[success(old)]).await.unwrap(), []);
    for next in [
        Next::Retry(None),
        Next::Fail,
        Next::Cancelled,
        Next::Release,
    ] {
        assert_eq!(set_back(&pool, old, next).await, None);
    }
    assert_eq!(state(&pool, lease.job).await, "running");
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from job_attempts").await,
        0
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_effect_happens_with_its_jobs_completion(pool: PgPool) {
    run(&pool, "create table effects (n int)").await;
    let lease = leased(&pool).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("insert into effects values (1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    settle::complete_in(&mut tx, lease, &json!({ "n": 1 }))
        .await
        .unwrap();
    assert_eq!(
        state(&pool, lease.job).await,
        "running",
        "not before the commit"
    );
    tx.commit().await.unwrap();
    assert_eq!(state(&pool, lease.job).await, "completed");
    assert_eq!(ask::<i64>(&pool, "select count(*) from effects").await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_effect_under_a_lease_that_is_gone_is_rolled_back(pool: PgPool) {
    run(&pool, "create table effects (n int)").await;
    let lease = leased(&pool).await;
    set_back(&pool, lease, Next::Release).await;
    let mut tx = pool.begin().await.unwrap();
    sqlx::query("insert into effects values (1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    let refused = settle::complete_in(&mut tx, lease, &Value::Null).await;
    assert!(matches!(refused, Err(CompleteError::LeaseLost(job)) if job == lease.job));
    drop(tx);
    assert_eq!(ask::<i64>(&pool, "select count(*) from effects").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_completions_with_effects_under_one_lease_one_happens(pool: PgPool) {
    let lease = leased(&pool).await;
    let mut first = pool.begin().await.unwrap();
    settle::complete_in(&mut first, lease, &Value::Null)
        .await
        .unwrap();
    let second = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            settle::complete_in(&mut tx, lease, &Value::Null).await
        }
    });
    crate::support::somebody_waits(&pool).await;
    first.commit().await.unwrap();
    assert!(matches!(
        second.await.unwrap(),
        Err(CompleteError::LeaseLost(_))
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_completed_job_is_told_whole_by_the_history(pool: PgPool) {
    let lease = leased(&pool).await;
    let before: Value = ask(&pool, "select to_jsonb(j) from jobs j").await;
    let done = Success {
        output: json!({ "sent": 3 }),
        ..success(lease)
    };
    assert_eq!(settle::complete(&pool, &[done]).await.unwrap(), [lease.job]);
    assert_eq!(ask::<i64>(&pool, "select count(*) from jobs").await, 0);
    let after: Value = ask(&pool, "select to_jsonb(h) from job_history h").await;
    assert_eq!(after["state"], "completed");
    assert_eq!(after["output"], json!({ "sent": 3 }));
    assert!(ask::<bool>(&pool, "select finished_at >= started_at from job_history").await);
    for (field, value) in after.as_object().unwrap() {
        if let Some(was) = before.get(field).filter(|_| field != "state") {
            assert_eq!(value, was, "{field}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_attempt_that_completes_in_silence_has_no_row_and_one_that_logs_has(pool: PgPool) {
    let (quiet, loud) = (leased(&pool).await, leased(&pool).await);
    let told = Success {
        logs: vec![line("hello")],
        ..success(loud)
    };
    settle::complete(&pool, &[success(quiet), told])
        .await
        .unwrap();
    let rows: String = ask(
        &pool,
        "select string_agg(concat_ws(' ', job_id = (select id from job_history order by id desc limit 1), attempt, outcome,
                                     lease_id is not null, started_at is not null, logs->0->>'message'), ',')
         from job_attempts",
    )
    .await;
    assert_eq!(rows, "t 1 completed t t hello");
}

#[sqlx::test(migrations = "../migrations")]
async fn logs_of_a_lease_that_is_gone_are_not_ascribed_to_another_attempt(pool: PgPool) {
    let first = leased(&pool).await;
    set_back(&pool, first, Next::Release).await;
    let worker = worker(&pool).await;
    let second = claim(&pool, worker, &[first.job]).await[0].lease;
    settle::complete(&pool, &[success(second)]).await.unwrap();
    let late = Success {
        logs: vec![line("too late")],
        ..success(first)
    };
    assert_eq!(settle::complete(&pool, &[late]).await.unwrap(), []);
    let logs: i64 = ask(
        &pool,
        "select count(*) from job_attempts where logs is not null",
    )
    .await;
    assert_eq!(logs, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn retries_back_off_until_the_attempts_are_used_up(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 1).await;
    for attempt in 1..=3 {
        let lease = claim(&pool, worker, &ids).await[0].lease;
        let later = Setback {
            delay: Duration::from_secs(60),
            ..setback(lease, Next::Retry(None))
        };
        let fate = settle::set_back(&pool, &[later]).await.unwrap()[0].1;
        let job = stored(&pool, ids[0]).await.unwrap();
        assert_eq!(job.attempt, attempt);
        assert_eq!(job.last_error.as_deref(), Some("it did not work"));
        if attempt == 3 {
            assert_eq!((fate, job.state.as_str()), (Fate::Dead, "dead"));
        } else {
            assert_eq!((fate, job.state.as_str()), (Fate::Again, "available"));
            assert!(
                ask::<bool>(
                    &pool,
                    "select run_at > now() + interval '50 seconds' from jobs"
                )
                .await
            );
            run(&pool, "update jobs set run_at = now()").await;
        }
    }
    assert_eq!(
        ask::<String>(
            &pool,
            "select string_agg(attempt || outcome, ' ' order by attempt) from job_attempts"
        )
        .await,
        "1retry 2retry 3retry"
    );
    assert!(
        ask::<bool>(
            &pool,
            "select dead_at is not null and fingerprint <> '' from jobs"
        )
        .await
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failure_for_good_is_dead_at_once(pool: PgPool) {
    let lease = leased(&pool).await;
    assert_eq!(set_back(&pool, lease, Next::Fail).await, Some(Fate::Dead));
    let outcome: String = ask(&pool, "select outcome from job_attempts").await;
    assert_eq!(outcome, "failed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_snooze_and_a_hand_back_do_not_count(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 1).await;
    for (next, delay) in [
        (Next::Snooze(Duration::ZERO), Duration::ZERO),
        (Next::Release, Duration::ZERO),
        (Next::Snooze(Duration::MAX), Duration::MAX),
    ] {
        let lease = claim(&pool, worker, &ids).await[0].lease;
        let ended = Setback {
            delay,
            ..setback(lease, next)
        };
        let told = settle::set_back(&pool, &[ended]).await.unwrap();
        assert_eq!(told, [(ids[0], Fate::Again)]);
        assert_eq!(stored(&pool, ids[0]).await.unwrap().attempt, 0);
    }
    let wait: f64 = ask(
        &pool,
        "select extract(epoch from run_at - now())::float8 from jobs",
    )
    .await;
    assert!((DELAY_MAX.as_secs_f64() - wait).abs() < 60.0, "{wait}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancel_that_was_asked_for_wins_over_everything_but_success(pool: PgPool) {
    for next in [
        Next::Retry(None),
        Next::Fail,
        Next::Snooze(Duration::ZERO),
        Next::Release,
        Next::Cancelled,
    ] {
        let lease = leased(&pool).await;
        ask_to_cancel(&pool, lease.job).await;
        assert_eq!(
            set_back(&pool, lease, next).await,
            Some(Fate::Cancelled),
            "{next:?}"
        );
        assert_eq!(state(&pool, lease.job).await, "cancelled");
    }
    let reasons: i64 = ask(
        &pool,
        "select count(*) from job_history where cancel_reason = 'enough'",
    )
    .await;
    assert_eq!(reasons, 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn done_wins_over_a_cancel_that_came_too_late(pool: PgPool) {
    let lease = leased(&pool).await;
    ask_to_cancel(&pool, lease.job).await;
    settle::complete(&pool, &[success(lease)]).await.unwrap();
    assert_eq!(state(&pool, lease.job).await, "completed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_handler_that_was_stopped_without_a_wish_to_cancel_hands_its_job_back(pool: PgPool) {
    let lease = leased(&pool).await;
    assert_eq!(
        set_back(&pool, lease, Next::Cancelled).await,
        Some(Fate::Again)
    );
    let job = stored(&pool, lease.job).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
}

#[sqlx::test(migrations = "../migrations")]
async fn whatever_a_handler_says_can_be_stored(pool: PgPool) {
    let (a, b, c) = (
        leased(&pool).await,
        leased(&pool).await,
        leased(&pool).await,
    );
    let wild = Success {
        output: json!({ "a\u{0}b": ["\u{0}", "\u{1F600}", "\u{7f}"] }),
        logs: (0..LOG_LINES_MAX * 2)
            .map(|_| line("\0".to_owned() + &"é".repeat(5_000)))
            .collect(),
        ..success(a)
    };
    let huge = Success {
        output: Value::String("x".repeat(OUTPUT_MAX_BYTES * 10)),
        ..success(b)
    };
    assert_eq!(
        settle::complete(&pool, &[wild, huge]).await.unwrap().len(),
        2
    );
    let chain = vec!["\0é".repeat(ERROR_MAX_CHARS * 3); 3];
    let failed = Setback {
        failure: Failure {
            next: Next::Fail,
            chain,
        },
        ..setback(c, Next::Fail)
    };
    assert_eq!(settle::set_back(&pool, &[failed]).await.unwrap().len(), 1);
    let outputs: String = ask(
        &pool,
        "select string_agg(output::text, ' ' order by id) from job_history",
    )
    .await;
    assert!(
        outputs.contains("\"ab\"") && outputs.contains("\"truncated\": true"),
        "{outputs}"
    );
    let lines: i32 = ask(
        &pool,
        "select jsonb_array_length(logs) from job_attempts where logs is not null",
    )
    .await;
    assert_eq!(lines as usize, LOG_LINES_MAX);
    let longest: i32 = ask(
        &pool,
        "select max(length(e)) from job_attempts, unnest(error_chain) e",
    )
    .await;
    assert_eq!(longest as usize, ERROR_MAX_CHARS);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_error_without_words_is_an_error_too(pool: PgPool) {
    let lease = leased(&pool).await;
    let mute = Setback {
        failure: Failure {
            next: Next::Fail,
            chain: Vec::new(),
        },
        ..setback(lease, Next::Fail)
    };
    assert_eq!(
        settle::set_back(&pool, &[mute]).await.unwrap(),
        [(lease.job, Fate::Dead)]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn endings_of_all_sorts_fit_in_one_statement(pool: PgPool) {
    let worker = worker(&pool).await;
    let ids = put_pings(&pool, 4).await;
    let leases: Vec<Lease> = claim(&pool, worker, &ids)
        .await
        .iter()
        .map(|job| job.lease)
        .collect();
    ask_to_cancel(&pool, ids[3]).await;
    let nexts = [
        Next::Retry(None),
        Next::Fail,
        Next::Release,
        Next::Retry(None),
    ];
    let setbacks: Vec<Setback> = leases
        .iter()
        .zip(nexts)
        .map(|(lease, next)| setback(*lease, next))
        .collect();
    let mut fates = settle::set_back(&pool, &setbacks).await.unwrap();
    fates.sort_by_key(|(id, _)| *id);
    let fates: Vec<Fate> = fates.into_iter().map(|(_, fate)| fate).collect();
    assert_eq!(
        fates,
        [Fate::Again, Fate::Dead, Fate::Again, Fate::Cancelled]
    );
}
