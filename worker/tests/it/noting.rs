//! The product's own handlers that go through all rows at night, as a worker process runs them.

use shared::queue::NewJob;
use shared::verification::ExpireVerifications;
use sqlx::PgPool;

use crate::stage::Stage;

/// How many are over: more than two steps of the job.
const MANY: i64 = 1_100;

#[sqlx::test(migrations = "../migrations")]
async fn every_verification_that_is_over_is_noted_in_as_many_steps_as_it_takes(pool: PgPool) {
    let stage = Stage::new(pool);
    stage
        .run(
            "insert into people (id, created_by, created_at, updated_at)
             select uuid_v7(), 'test', now(), now() from generate_series(1, 1107)",
        )
        .await;
    stage
        .run(
            "insert into verifications (id, person_id, kind, state, evidence, method, valid_until, verified_by, verified_at,
                                        created_at, updated_at)
             select uuid_v7(), id, 'address', 'verified', 'a bill', 'document', current_date - 1, 'user:ada', now(), now(), now()
             from people",
        )
        .await;
    stage
        .run(
            "update verifications set valid_until = current_date + 1
             where id in (select id from verifications limit 7)",
        )
        .await;
    let worker = stage.product("smtp://127.0.0.1:1");
    let job = stage
        .put_one(NewJob::of(&ExpireVerifications {}).unwrap())
        .await;
    stage.reaches(job, "completed").await;
    let expired: i64 = stage
        .ask("select count(*) from verifications where state = 'expired' and version = 2")
        .await;
    let standing: i64 = stage
        .ask("select count(*) from verifications where state = 'verified'")
        .await;
    let told: i64 = stage
        .ask("select count(*) from verification_events where to_state = 'expired' and caused_by like 'job_%'")
        .await;
    let audited: i64 = stage
        .ask("select count(*) from audit_entries where action = 'verification.expire'")
        .await;
    assert_eq!((expired, standing), (MANY, 7));
    assert_eq!((told, audited), (MANY, MANY));
    worker.drain().await.unwrap();
}
