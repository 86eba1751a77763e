//! Lost workers, what becomes of their jobs, and who is not lost.

use shared::kernel::TypedId;
use shared::queue::watch::Silent;
use shared::queue::workers::{self, Beat, CRASHES_MAX, Rescue};
use shared::queue::{JobId, WorkerId, settle};
use sqlx::{PgPool, Row};

use crate::support::{
    ask, ask_to_cancel, claim, put_pings, run, running, state, stored, success, worker,
};

async fn beats(pool: &PgPool, worker: WorkerId) -> i64 {
    sqlx::query_scalar("select beat from workers where id = $1")
        .bind(worker.uuid())
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Rescues a worker that has stood still since its last beat; all zeros if it is no longer live.
pub(crate) async fn rescue(pool: &PgPool, worker: WorkerId) -> Rescue {
    let beat = beats(pool, worker).await;
    workers::rescue(pool, Silent { worker, beat })
        .await
        .unwrap()
        .unwrap_or_default()
}

async fn crashes(pool: &PgPool, id: JobId) -> i16 {
    sqlx::query_scalar("select crashes from jobs where id = $1")
        .bind(id.uuid())
        .fetch_one(pool)
        .await
        .unwrap()
}

/// Lets one process after another die under a job, as if its handler had begun; answers how often it took.
async fn die_under(pool: &PgPool, id: JobId, times: i32) -> Rescue {
    let mut last = Rescue::default();
    for _ in 0..times {
        let worker = worker(pool).await;
        let claimed = claim(pool, worker, &[id]).await;
        shared::queue::claim::begin_alone(pool, claimed[0].lease)
            .await
            .unwrap();
        last = rescue(pool, worker).await;
    }
    last
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rescued_job_waits_again_and_has_not_used_up_an_attempt(pool: PgPool) {
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    let told = rescue(&pool, worker).await;
    assert_eq!((told.again, told.poison, told.cancelled), (1, 0, 0));
    let job = stored(&pool, lease.job).await.unwrap();
    assert_eq!((job.state.as_str(), job.attempt), ("available", 0));
    assert_eq!(crashes(&pool, lease.job).await, 1);
    let attempt: String = ask(
        &pool,
        "select concat_ws(' ', attempt, outcome, error_chain[1]) from job_attempts",
    )
    .await;
    assert_eq!(attempt, "1 lost the worker process was lost");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lost_workers_late_ending_changes_nothing(pool: PgPool) {
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    rescue(&pool, worker).await;
    assert_eq!(
        settle::complete(&pool, &[success(lease)]).await.unwrap(),
        []
    );
    assert_eq!(state(&pool, lease.job).await, "available");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_crash_counts_only_when_the_handler_had_begun(pool: PgPool) {
    let id = put_pings(&pool, 1).await[0];
    die_under(&pool, id, 1).await;
    assert_eq!(crashes(&pool, id).await, 1);
    // a suspect that waits for its turn to run alone has not begun
    let worker = worker(&pool).await;
    claim(&pool, worker, &[id]).await;
    rescue(&pool, worker).await;
    assert_eq!(crashes(&pool, id).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_under_which_processes_keep_dying_is_dead_after_the_third(pool: PgPool) {
    let id = put_pings(&pool, 1).await[0];
    assert_eq!(die_under(&pool, id, CRASHES_MAX - 1).await.again, 1);
    assert_eq!(die_under(&pool, id, 1).await.poison, 1);
    let job = stored(&pool, id).await.unwrap();
    assert_eq!(job.state, "dead");
    assert_eq!(
        job.last_error.as_deref(),
        Some("the worker process died each time this job ran")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancel_wins_over_a_rescue(pool: PgPool) {
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    ask_to_cancel(&pool, lease.job).await;
    assert_eq!(rescue(&pool, worker).await.cancelled, 1);
    assert_eq!(state(&pool, lease.job).await, "cancelled");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rescue_takes_nothing_from_other_workers(pool: PgPool) {
    let (lost, alive) = (worker(&pool).await, worker(&pool).await);
    running(&pool, lost).await;
    let lease = running(&pool, alive).await;
    assert_eq!(rescue(&pool, lost).await.again, 1);
    assert_eq!(state(&pool, lease.job).await, "running");
    assert_eq!(rescue(&pool, lost).await, Rescue::default(), "only once");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_beat_that_landed_after_the_watchers_look_prevents_the_rescue(pool: PgPool) {
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    let silent = Silent {
        worker,
        beat: beats(&pool, worker).await,
    };
    let mut conn = pool.acquire().await.unwrap();
    workers::beat(&mut conn, worker).await.unwrap();
    assert_eq!(workers::rescue(&pool, silent).await.unwrap(), None);
    assert_eq!(state(&pool, lease.job).await, "running");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_learns_at_its_next_beat_that_it_was_lost(pool: PgPool) {
    let worker = worker(&pool).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(
        workers::beat(&mut conn, worker).await.unwrap(),
        Beat::Confirmed { drain: false }
    );
    rescue(&pool, worker).await;
    assert_eq!(workers::beat(&mut conn, worker).await.unwrap(), Beat::Lost);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operators_wish_to_drain_is_told_with_the_beat(pool: PgPool) {
    let worker = worker(&pool).await;
    run(&pool, "update workers set drain_requested_at = now()").await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(
        workers::beat(&mut conn, worker).await.unwrap(),
        Beat::Confirmed { drain: true }
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_still_holds_jobs_does_not_count_as_stopped(pool: PgPool) {
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    let mut conn = pool.acquire().await.unwrap();
    assert!(!workers::stopped(&mut conn, worker).await.unwrap());
    assert_eq!(workers::live(&mut conn).await.unwrap().len(), 1);
    settle::complete(&pool, &[success(lease)]).await.unwrap();
    assert!(workers::stopped(&mut conn, worker).await.unwrap());
    assert_eq!(workers::live(&mut conn).await.unwrap(), []);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_claimed_while_its_worker_was_declared_lost_is_taken_back(pool: PgPool) {
    let (lost, alive) = (worker(&pool).await, worker(&pool).await);
    let (stray, kept) = (running(&pool, lost).await, running(&pool, alive).await);
    // the claim's commit came after the rescue had looked
    sqlx::query("update workers set state = 'lost' where id = $1")
        .bind(lost.uuid())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(workers::take_back_strays(&pool).await.unwrap().again, 1);
    assert_eq!(state(&pool, stray.job).await, "available");
    assert_eq!(state(&pool, kept.job).await, "running");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_heart_reads_what_its_worker_holds_and_what_is_to_be_cancelled(pool: PgPool) {
    let (mine, other) = (worker(&pool).await, worker(&pool).await);
    let (a, b) = (running(&pool, mine).await, running(&pool, mine).await);
    running(&pool, other).await;
    ask_to_cancel(&pool, b.job).await;
    let mut conn = pool.acquire().await.unwrap();
    let mut held = workers::held(&mut conn, mine).await.unwrap();
    held.sort_by_key(|held| held.lease.job);
    let told: Vec<_> = held.iter().map(|h| (h.lease, h.cancel)).collect();
    assert_eq!(told, [(a, false), (b, true)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn progress_is_written_for_ones_own_jobs_only_whatever_handlers_say(pool: PgPool) {
    let worker = worker(&pool).await;
    let (a, b) = (running(&pool, worker).await, running(&pool, worker).await);
    let stale = shared::queue::Lease {
        id: uuid::Uuid::new_v4(),
        ..b
    };
    let mut conn = pool.acquire().await.unwrap();
    let reports = [
        (a, f32::NAN, Some("half\0way".repeat(100))),
        (stale, 0.5, None),
    ];
    workers::report_progress(&mut conn, &reports).await.unwrap();
    let rows = sqlx::query("select progress, progress_note from jobs order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(rows[0].get::<Option<f32>, _>(0), Some(0.0));
    assert!(rows[0].get::<String, _>(1).starts_with("halfwayhalf"));
    assert_eq!(rows[1].get::<Option<f32>, _>(0), None);
}

/// How long the only worker has been silent as a new watcher sees it, in whole seconds, after its last beat and the
/// note on it were moved into the past by so many seconds.
async fn silence_after(pool: &PgPool, since_beat: i32, note: Option<(i32, i32)>) -> u64 {
    sqlx::query(
        "update workers set seen_at = clock_timestamp() - make_interval(secs => $1),
             silent_beat = case when $2 is not null then beat end, silent_ms = coalesce($2, 0) * 1000,
             silent_noted_at = clock_timestamp() - make_interval(secs => $3)",
    )
    .bind(since_beat)
    .bind(note.map(|(length, _)| length))
    .bind(note.map(|(_, ago)| ago))
    .execute(pool)
    .await
    .unwrap();
    let mut conn = pool.acquire().await.unwrap();
    let live = workers::live(&mut conn).await.unwrap();
    assert_eq!(live.len(), 1);
    live[0].silence.as_secs()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_silence_goes_on_while_the_lead_changes_hands_and_not_while_the_database_was_away(
    pool: PgPool,
) {
    let id = worker(&pool).await;
    assert_eq!(silence_after(&pool, 3, None).await, 3);
    assert_eq!(silence_after(&pool, 12, Some((9, 3))).await, 12);
    // nobody looked for longer than a watcher may look away: only what was noted counts
    assert_eq!(silence_after(&pool, 40, Some((9, 30))).await, 9);
    assert_eq!(silence_after(&pool, 40, None).await, 0);
    // the database's clock was set back
    assert_eq!(silence_after(&pool, -3600, Some((9, -3600))).await, 9);
    assert_eq!(
        workers::beat(&mut pool.acquire().await.unwrap(), id)
            .await
            .unwrap(),
        Beat::Confirmed { drain: false }
    );
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(
        workers::live(&mut conn).await.unwrap()[0].silence.as_secs(),
        0
    );
}
