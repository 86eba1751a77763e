//! Schedules, seen from a running worker.

use sqlx::PgPool;

use crate::stage::{Stage, done, eventually, steps};

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_fires_when_its_tick_comes(pool: PgPool) {
    let stage = Stage::new(pool);
    sqlx::query(
        "insert into schedules (id, name, kind, args, queue, cron, timezone, misfire, last_tick, created_by)
         values (gen_random_uuid(), 'often', 'test.step', '{\"n\": 1}', $1, '*/2 * * * * *', 'Europe/Berlin', 'all',
                 now(), 'test')",
    )
    .bind(&stage.queue)
    .execute(&stage.pool)
    .await
    .unwrap();
    // the leader sees the schedule when it begins to lead; from then on a timer wakes it for each tick
    let worker = stage.worker(2, steps(|_, _| async { done() }));
    eventually("three ticks have run in time", || async {
        // without timers a leader looks every 15 s, and of a heap of ticks at most the last is in time
        let in_time: i64 = stage
            .ask(
                "select count(*) from schedule_runs r join job_history h on h.id = r.job_id
                 where h.created_at < r.tick + interval '1 second'",
            )
            .await;
        (in_time >= 3).then_some(())
    })
    .await;
    worker.drain().await.unwrap();
}
