//! Bulk operations that change jobs, and taking operations back.

use serde_json::{Value, json};
use shared::queue::JobId;
use shared::queue::bulk::{CarriedOn, carry_on};
use sqlx::PgPool;

use crate::support::{Hands, TestApp};

/// Begins an operation, or takes one back, and carries it on to its end; answers it as it is then.
async fn done(app: &TestApp, path: &str, body: Value) -> Value {
    let answer = app.post(path, body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let (db, catalog) = (&app.app.db, &app.app.catalog);
    let parsed = id.parse().expect("an id");
    let carried = carry_on(db, catalog, || app.ctx(), parsed, || false, |_| {})
        .await
        .expect("carried on");
    assert_eq!(carried, CarriedOn::Ended);
    app.get(&format!("/api/bulk-operations/{id}")).await.json()
}

async fn begun(app: &TestApp, body: Value) -> Value {
    done(app, "/api/bulk-operations", body).await
}

async fn undone(app: &TestApp, operation: &Value) -> Value {
    let id = operation["id"].as_str().expect("an id");
    let path = format!("/api/bulk-operations/{id}/undo");
    done(app, &path, json!({ "reason": "a mistake" })).await
}

async fn job(app: &TestApp, id: JobId) -> Value {
    app.get(&format!("/api/jobs/{id}")).await.json()
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_that_wait_get_another_priority_and_get_back_each_its_own(pool: PgPool) {
    let app = TestApp::new(pool);
    let plain = app.greet("a").await;
    let urgent = json!({ "kind": "test.greet", "args": { "name": "b" }, "priority": "critical" });
    let urgent = app.enqueue(urgent).await;
    let low = json!({ "kind": "test.greet", "args": { "name": "c" }, "priority": "low" });
    let low = app.enqueue(low).await;
    let body = json!({ "action": "prioritise", "priority": "low", "filter": { "queue": "tests" }, "reason": "not now" });
    let operation = begun(&app, body).await;
    assert_eq!(
        json!([
            operation["done"],
            operation["skipped"],
            operation["to"],
            operation["undoable"]
        ]),
        json!([2, 1, "low", true]),
        "one had it already"
    );
    for id in [plain, urgent, low] {
        assert_eq!(job(&app, id).await["priority"], "low");
    }
    let back = undone(&app, &operation).await;
    assert_eq!(
        json!([back["done"], back["action"], back["to"], back["undoable"]]),
        json!([2, "undo", operation["id"], false])
    );
    for (id, priority) in [(plain, "normal"), (urgent, "critical"), (low, "low")] {
        assert_eq!(job(&app, id).await["priority"], priority, "{id}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_move_to_another_queue_and_only_those_that_still_wait_there_come_back(pool: PgPool) {
    let app = TestApp::new(pool);
    let (waits, runs) = (app.greet("a").await, app.greet("b").await);
    let body =
        json!({ "action": "move", "queue": "operations", "filter": { "kind": "test.greet" } });
    let operation = begun(&app, body).await;
    assert_eq!(operation["done"], 2);
    for id in [waits, runs] {
        assert_eq!(job(&app, id).await["queue"], "operations");
    }
    sqlx::query("update jobs set queue = 'elsewhere' where id = $1")
        .bind(uuid::Uuid::from(runs))
        .execute(app.app.db.pool())
        .await
        .expect("moved by somebody else");
    let back = undone(&app, &operation).await;
    assert_eq!(json!([back["done"], back["skipped"]]), json!([1, 1]));
    assert_eq!(job(&app, waits).await["queue"], "tests");
    assert_eq!(job(&app, runs).await["queue"], "elsewhere");
}

#[sqlx::test(migrations = "../migrations")]
async fn cancelled_jobs_are_enqueued_anew_once_and_wait_for_their_time(pool: PgPool) {
    let app = TestApp::new(pool);
    let due = app.greet("a").await;
    let ahead = app.ctx().now() + chrono::TimeDelta::days(30);
    let later =
        json!({ "kind": "test.greet", "args": { "name": "b" }, "runAt": ahead, "tags": ["x"] });
    let later = app.enqueue(later).await;
    let operation = begun(
        &app,
        json!({ "action": "cancel", "filter": { "queue": "tests" } }),
    )
    .await;
    assert_eq!(operation["done"], 2);
    let back = undone(&app, &operation).await;
    assert_eq!(json!([back["done"], back["skipped"]]), json!([2, 0]));
    for (old, state) in [(due, "available"), (later, "scheduled")] {
        let old = job(&app, old).await;
        assert_eq!(old["state"], "cancelled", "what is over stays so");
        let new = &old["children"][0];
        assert_eq!(new["state"], state, "{old}");
        assert_eq!(
            (&new["tags"], new["runAt"] == old["runAt"]),
            (&old["tags"], state == "scheduled")
        );
    }
    let again = format!(
        "/api/bulk-operations/{}/undo",
        operation["id"].as_str().expect("an id")
    );
    let again = app.post(&again, json!({})).await;
    assert_eq!(again.problem(), "bulk-operation-not-undoable");
}

#[sqlx::test(migrations = "../migrations")]
async fn discarded_jobs_run_again_and_a_replay_is_not_taken_back(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.greet("a").await;
    hands.fail(id, shared::queue::Next::Fail, &["no"]).await;
    let discarded = begun(&app, json!({ "action": "discard" })).await;
    assert_eq!(undone(&app, &discarded).await["done"], 1);
    let new: JobId = job(&app, id).await["children"][0]["id"]
        .as_str()
        .expect("a child")
        .parse()
        .expect("an id");
    hands.fail(new, shared::queue::Next::Fail, &["no"]).await;
    let replayed = begun(&app, json!({ "action": "replay" })).await;
    assert_eq!(
        json!([replayed["done"], replayed["undoable"]]),
        json!([1, false])
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_operation_that_goes_on_is_not_taken_back_and_wrong_targets_are_refused(pool: PgPool) {
    let app = TestApp::new(pool);
    app.greet("a").await;
    let filter = json!({ "queue": "tests" });
    let body = json!({ "action": "cancel", "filter": filter });
    let begun = app.post("/api/bulk-operations", body).await.json();
    let undo = format!(
        "/api/bulk-operations/{}/undo",
        begun["id"].as_str().expect("an id")
    );
    assert_eq!(
        app.post(&undo, json!({})).await.problem(),
        "bulk-operation-not-over"
    );
    for (body, field) in [
        (
            json!({ "action": "prioritise", "filter": filter }),
            "/priority",
        ),
        (
            json!({ "action": "prioritise", "priority": "low" }),
            "/filter",
        ),
        (json!({ "action": "move", "filter": filter }), "/queue"),
        (
            json!({ "action": "move", "queue": "No Queue", "filter": filter }),
            "/queue",
        ),
        (
            json!({ "action": "cancel", "queue": "tests", "filter": filter }),
            "/queue",
        ),
        (
            json!({ "action": "move", "queue": "a", "priority": "low", "filter": filter }),
            "/priority",
        ),
    ] {
        let answer = app.post("/api/bulk-operations/preview", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["errors"][0]["field"]),
            (422, &json!(field)),
            "{body}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_jobs_were_is_forgotten_after_a_week(pool: PgPool) {
    let app = TestApp::new(pool);
    app.greet("a").await;
    let operation = begun(
        &app,
        json!({ "action": "cancel", "filter": { "queue": "tests" } }),
    )
    .await;
    sqlx::query("update bulk_operations set finished_at = now() - interval '8 days'")
        .execute(app.app.db.pool())
        .await
        .expect("aged");
    let gone = shared::queue::bulk::forget_old(app.app.db.pool()).await;
    assert_eq!(gone.expect("forgotten"), 1);
    let path = format!(
        "/api/bulk-operations/{}",
        operation["id"].as_str().expect("an id")
    );
    assert_eq!(app.get(&path).await.json()["undoable"], false);
    assert_eq!(
        app.post(&format!("{path}/undo"), json!({})).await.problem(),
        "bulk-operation-not-undoable"
    );
}
