//! Schedules: every tick once, by the database's clock.

use chrono::{DateTime, Duration, Utc};
use shared::queue::{Catalog, schedule};
use sqlx::PgPool;

use crate::support::{Once, Ping, ask, run, wide_pool};

fn catalog() -> Catalog {
    Catalog::default().with::<Ping>().with::<Once>()
}

/// A schedule that is due each minute and last ran `minutes` ago.
async fn every_minute(pool: &PgPool, name: &str, misfire: &str, minutes: f64) {
    sqlx::query(
        "insert into schedules (id, name, kind, args, cron, timezone, misfire, last_tick, created_by)
         values (gen_random_uuid(), $1, 'test.ping', '{\"campaignId\": 1}', '* * * * *', 'Europe/Berlin', $2,
                 now() - make_interval(secs => 60 * $3), 'test')",
    )
    .bind(name)
    .bind(misfire)
    .bind(minutes)
    .execute(pool)
    .await
    .unwrap();
}

async fn fire(pool: &PgPool) -> usize {
    schedule::fire_due(pool, &catalog()).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tick_becomes_a_job_once(pool: PgPool) {
    every_minute(&pool, "a", "once", 1.0).await;
    assert_eq!(fire(&pool).await, 1);
    assert_eq!(fire(&pool).await, 0);
    let told: String = ask(
        &pool,
        "select concat_ws(' ', j.kind, j.created_by, j.tags, r.tick = s.last_tick, r.manual)
         from jobs j join schedule_runs r on r.job_id = j.id join schedules s on s.id = r.schedule_id",
    )
    .await;
    assert_eq!(told, "test.ping system {schedule:a} t f");
}

#[sqlx::test(migrations = "../migrations")]
async fn under_many_leaders_every_tick_fires_once(pool: PgPool) {
    let wide = wide_pool(&pool, 8).await;
    for name in ["a", "b", "c", "d", "e"] {
        every_minute(&pool, name, "all", 10.0).await;
    }
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let pool = wide.clone();
        tasks.spawn(async move { fire(&pool).await + fire(&pool).await });
    }
    let fired: usize = tasks.join_all().await.into_iter().sum();
    let (jobs, runs): (i64, i64) = (
        ask(&pool, "select count(*) from jobs").await,
        ask(&pool, "select count(*) from schedule_runs").await,
    );
    assert_eq!((jobs, runs), (fired as i64, fired as i64));
    // ten ticks each, or eleven where the minute changed meanwhile
    assert!((50..=55).contains(&fired), "{fired}");
}

#[sqlx::test(migrations = "../migrations")]
async fn missed_ticks_follow_the_policy(pool: PgPool) {
    for (policy, least, most) in [("all", 30, 31), ("once", 1, 1), ("skip", 1, 2)] {
        run(&pool, "truncate schedules cascade").await;
        every_minute(&pool, policy, policy, 30.0).await;
        let fired = fire(&pool).await;
        assert!((least..=most).contains(&fired), "{policy}: {fired}");
        let current: bool = ask(
            &pool,
            "select last_tick > now() - interval '1 minute' from schedules",
        )
        .await;
        assert!(current, "{policy} has caught up");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paused_schedule_neither_fires_nor_wants_waking(pool: PgPool) {
    every_minute(&pool, "a", "all", 5.0).await;
    run(&pool, "update schedules set paused_at = now()").await;
    assert_eq!(fire(&pool).await, 0);
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(schedule::wakeups(&mut conn).await.unwrap(), []);
    run(&pool, "update schedules set paused_at = null").await;
    assert_eq!(schedule::wakeups(&mut conn).await.unwrap().len(), 1);
    assert!(fire(&pool).await >= 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_clock_that_jumps_back_runs_no_tick_again(pool: PgPool) {
    // as if the database's clock had been an hour ahead and was set right
    every_minute(&pool, "a", "all", -60.0).await;
    assert_eq!(fire(&pool).await, 0);
    let ahead: bool = ask(&pool, "select last_tick > now() from schedules").await;
    assert!(ahead, "nothing fires before the hour is over");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_tick_that_ran_already_is_not_run_again_when_last_tick_was_lost(pool: PgPool) {
    every_minute(&pool, "a", "all", 3.0).await;
    let first = fire(&pool).await;
    run(
        &pool,
        "update schedules set last_tick = last_tick - interval '3 minutes'",
    )
    .await;
    let again = fire(&pool).await;
    assert!(again <= 1, "only a new minute may fire: {again}");
    let runs: i64 = ask(&pool, "select count(*) from schedule_runs").await;
    assert_eq!(runs as usize, first + again);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_bad_schedule_stops_no_other(pool: PgPool) {
    for (name, change) in [
        (
            "cron",
            "update schedules set cron = 'whenever' where name = 'cron'",
        ),
        (
            "zone",
            "update schedules set timezone = 'Mars/Base' where name = 'zone'",
        ),
        (
            "kind",
            "update schedules set kind = 'test.gone' where name = 'kind'",
        ),
        (
            "args",
            "update schedules set args = '{}' where name = 'args'",
        ),
    ] {
        every_minute(&pool, name, "once", 1.0).await;
        run(&pool, change).await;
    }
    every_minute(&pool, "good", "once", 1.0).await;
    assert_eq!(fire(&pool).await, 1);
    let mut conn = pool.acquire().await.unwrap();
    let woken = schedule::wakeups(&mut conn).await.unwrap();
    assert!(
        woken.iter().all(|wakeup| wakeup.cron != "whenever"),
        "{woken:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_schedule_chooses_queue_and_priority(pool: PgPool) {
    every_minute(&pool, "a", "once", 1.0).await;
    run(
        &pool,
        "update schedules set queue = 'elsewhere', priority = 0",
    )
    .await;
    fire(&pool).await;
    let told: String = ask(&pool, "select queue || priority from jobs").await;
    assert_eq!(told, "elsewhere0");
}

#[sqlx::test(migrations = "../migrations")]
async fn ticks_whose_job_still_stands_share_it(pool: PgPool) {
    every_minute(&pool, "a", "all", 5.0).await;
    run(
        &pool,
        "update schedules set kind = 'test.once', args = '{\"key\": \"a\"}'",
    )
    .await;
    let fired = fire(&pool).await as i64;
    assert!(fired >= 5);
    let shared: String = ask(
        &pool,
        "select concat_ws(' ', count(*), count(distinct job_id), bool_and(exists (select from jobs where id = job_id)))
         from schedule_runs",
    )
    .await;
    assert_eq!(shared, format!("{fired} 1 t"));
}

#[sqlx::test(migrations = "../migrations")]
async fn ticks_stand_where_the_schedules_zone_puts_them(pool: PgPool) {
    let (last, now): (DateTime<Utc>, DateTime<Utc>) = (
        ask(&pool, "select date_trunc('day', now()) - interval '1 day'").await,
        ask(&pool, "select now()").await,
    );
    sqlx::query(
        "insert into schedules (id, name, kind, args, cron, timezone, misfire, last_tick, created_by)
         values (gen_random_uuid(), 'z', 'test.ping', '{\"campaignId\": 1}', '30 5 * * *', 'Asia/Kathmandu', 'all', $1, 't')",
    )
    .bind(last)
    .execute(&pool)
    .await
    .unwrap();
    let fired = fire(&pool).await;
    // 05:30 in Kathmandu is 23:45 UTC, all year
    let at = last + Duration::minutes(23 * 60 + 45);
    assert_eq!(fired, usize::from(at <= now));
    let tick: DateTime<Utc> = ask(&pool, "select tick from schedule_runs").await;
    assert_eq!(tick, at);
}
