//! Schedules, seen from a running worker.

use std::time::Duration;

use sqlx::PgPool;

use crate::stage::{Stage, done, eventually, steps};

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_fires_when_its_tick_comes(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.worker(2, steps(|_, _| async { done() }));
    stage.is_up(&worker).await;
    sqlx::query(
        "insert into schedules (id, name, kind, args, queue, cron, timezone, misfire, last_tick, created_by)
         values (gen_random_uuid(), 'often', 'test.step', '{\"n\": 1}', $1, '*/2 * * * * *', 'Europe/Berlin', 'all',
                 now(), 'test')",
    )
    .bind(&stage.queue)
    .execute(&stage.pool)
    .await
    .unwrap();
    // once the leader has seen the schedule, a timer wakes it for each tick
    let late: f64 = eventually("five ticks have run", || async {
        let told: (i64, Option<f64>) = sqlx::query_as(
            "select count(*), extract(epoch from min(h.created_at - r.tick))::float8
             from schedule_runs r join job_history h on h.id = r.job_id",
        )
        .fetch_one(&stage.pool)
        .await
        .unwrap();
        told.1.filter(|_| told.0 >= 5)
    })
    .await;
    assert!(
        late < Duration::from_millis(1_500).as_secs_f64(),
        "{late} s after its tick"
    );
    worker.drain().await.unwrap();
}
