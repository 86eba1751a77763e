//! Keeping house: the days to come have partitions, and what is over goes in time.

use shared::queue::{Catalog, batch, janitor, settle};
use sqlx::PgPool;

use crate::support::{Ping, Turn, ask, ctx, put_pings, run, running, success, worker};

fn catalog() -> Catalog {
    Catalog::default().with::<Ping>().with::<Turn>()
}

async fn keep(pool: &PgPool) -> janitor::Kept {
    janitor::keep_house(pool, &catalog()).await.unwrap()
}

/// Finished jobs of a kind, some days ago.
async fn history(pool: &PgPool, kind: &str, days: i32) {
    sqlx::query(
        "insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                                  created_by, created_at, finished_at)
         select gen_random_uuid(), $1, 'tests', 2, 'completed', '', t, 1, 1, '{}', 't', t, t
         from (select now() - make_interval(days => $2) as t) x",
    )
    .bind(kind)
    .bind(days)
    .execute(pool)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_days_to_come_have_partitions(pool: PgPool) {
    run(&pool, "do $$ declare t text; begin
                    for t in select c.relname from pg_class c where c.relname ~ '^job_(history|attempts|terms)_[0-9]{8}$' loop
                        execute 'drop table ' || t;
                    end loop;
                end $$").await;
    keep(&pool).await;
    keep(&pool).await;
    let days: Vec<String> = ask(
        &pool,
        "select array_agg(distinct (to_date(right(relname, 8), 'YYYYMMDD') - current_date)::text)
         from pg_class where relkind = 'r' and relname ~ '^job_(history|attempts|terms)_[0-9]{8}$'",
    )
    .await;
    assert_eq!(days, ["0", "1", "2"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn days_beyond_every_retention_are_dropped(pool: PgPool) {
    run(&pool, "select queue_make_partitions(current_date - 40, 41)").await;
    history(&pool, "test.ping", 35).await;
    history(&pool, "test.ping", 29).await;
    assert_eq!(keep(&pool).await.dropped, 3 * 10);
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from job_history").await,
        1
    );
    assert_eq!(keep(&pool).await.dropped, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_kind_that_is_kept_for_a_shorter_time_goes_earlier(pool: PgPool) {
    run(&pool, "select queue_make_partitions(current_date - 20, 21)").await;
    for days in [0, 1, 3, 10] {
        history(&pool, "test.turn", days).await;
        history(&pool, "test.ping", days).await;
    }
    assert_eq!(keep(&pool).await.deleted, 2);
    let kept: String = ask(
        &pool,
        "select string_agg(n, ' ' order by n) from (select kind || count(*) as n from job_history group by kind) x",
    )
    .await;
    assert_eq!(kept, "test.ping4 test.turn2");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_scheduled_far_ahead_stays_findable_when_its_day_goes(pool: PgPool) {
    run(&pool, "select queue_make_partitions(current_date - 40, 41)").await;
    let ids = put_pings(&pool, 2).await;
    run(&pool, "update job_terms set day = current_date - 35").await;
    // one of the two is long over
    sqlx::query("delete from jobs where id = $1")
        .bind(shared::kernel::TypedId::uuid(ids[0]))
        .execute(&pool)
        .await
        .unwrap();
    keep(&pool).await;
    let told: String = ask(
        &pool,
        "select concat_ws(' ', count(*), bool_and(day = current_date), bool_and(job_id = (select id from jobs)))
         from job_terms",
    )
    .await;
    assert_eq!(told, "2 t t");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_jumping_clock_left_outside_of_all_days_stops_nothing_and_goes_in_time(
    pool: PgPool,
) {
    history(&pool, "test.ping", 100).await;
    run(
        &pool,
        "insert into job_terms values ('a', gen_random_uuid(), current_date - 100)",
    )
    .await;
    // a day to come cannot have its partition while rows of it lie in the default one
    run(
        &pool,
        "do $$ begin
             execute 'drop table job_history_' || to_char(current_date + 2, 'YYYYMMDD');
         end $$",
    )
    .await;
    history(&pool, "test.ping", -2).await;
    assert_eq!(
        ask::<i64>(&pool, "select count(*) from job_history_default").await,
        2
    );
    keep(&pool).await;
    let old: i64 = ask(
        &pool,
        "select count(*) from job_history where finished_at < now() - interval '31 days'",
    )
    .await;
    assert_eq!(old, 0);
    assert_eq!(ask::<i64>(&pool, "select count(*) from job_terms").await, 0);
    let worker = worker(&pool).await;
    let lease = running(&pool, worker).await;
    settle::complete(&pool, &[success(lease)]).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn old_workers_runs_and_batches_go_too(pool: PgPool) {
    let gone = worker(&pool).await;
    worker(&pool).await;
    crate::rescue::rescue(&pool, gone).await;
    run(
        &pool,
        "update workers set ended_at = now() - interval '40 days' where state = 'lost'",
    )
    .await;
    let mut conn = pool.acquire().await.unwrap();
    let over = batch::create(&mut conn, &ctx(), "over", None)
        .await
        .unwrap();
    batch::seal(&mut conn, over).await.unwrap();
    run(
        &pool,
        "update batches set finished_at = now() - interval '40 days'",
    )
    .await;
    batch::create(&mut conn, &ctx(), "open", None)
        .await
        .unwrap();
    run(
        &pool,
        "insert into schedules (id, name, kind, args, cron, timezone, last_tick, created_by)
         values ('00000000-0000-0000-0000-000000000001', 'a', 'k', '{}', '* * * * *', 'UTC', now(), 't');",
    )
    .await;
    run(
        &pool,
        "insert into schedule_runs (schedule_id, tick, job_id, created_at)
         select '00000000-0000-0000-0000-000000000001', t, gen_random_uuid(), t
         from (select now() - make_interval(days => d) as t from unnest(array[1, 40]) d) x",
    )
    .await;
    keep(&pool).await;
    let left: String = ask(
        &pool,
        "select concat_ws(' ', (select count(*) from workers), (select string_agg(description, ',') from batches),
                          (select count(*) from schedule_runs))",
    )
    .await;
    assert_eq!(left, "1 open 1");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_that_somebody_reads_is_dropped_later_and_holds_up_no_completion(pool: PgPool) {
    run(&pool, "select queue_make_partitions(current_date - 40, 41)").await;
    let mut reader = pool.begin().await.unwrap();
    sqlx::query("select count(*) from job_history")
        .execute(&mut *reader)
        .await
        .unwrap();
    // it gives up soon, because everybody else would wait behind it
    assert!(janitor::keep_house(&pool, &catalog()).await.is_err());
    reader.rollback().await.unwrap();
    assert_eq!(keep(&pool).await.dropped, 3 * 10);
}
