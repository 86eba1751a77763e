//! Finding jobs, and looking at one.

use chrono::Duration;
use serde_json::json;
use shared::queue::Next;
use sqlx::PgPool;

use crate::support::{Hands, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn jobs_are_found_by_each_state(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let names = [
        "available",
        "scheduled",
        "retryable",
        "running",
        "completed",
        "dead",
        "cancelled",
        "discarded",
    ];
    let mut ids = Vec::new();
    for name in names {
        ids.push(app.greet(name).await);
    }
    let later = app.app.clock.now() + Duration::hours(1);
    sqlx::query("update jobs set run_at = $2 where id = $1")
        .bind(ids[1])
        .bind(later)
        .execute(app.app.db.pool())
        .await
        .expect("set");
    hands.fail(ids[2], Next::Retry(None), &["not now"]).await;
    hands.claim(ids[3]).await;
    hands.complete(ids[4], json!(null)).await;
    hands.fail(ids[5], Next::Fail, &["never"]).await;
    assert_eq!(
        app.post(&format!("/api/jobs/{}/cancel", ids[6]), json!({}))
            .await
            .status,
        200
    );
    hands.fail(ids[7], Next::Fail, &["never"]).await;
    assert_eq!(
        app.post(&format!("/api/dead-letters/{}/discard", ids[7]), json!({}))
            .await
            .status,
        200
    );

    for (name, id) in names.iter().zip(&ids) {
        assert_eq!(app.state(*id).await, *name);
        assert_eq!(
            app.ids(&format!("/api/jobs?state={name}")).await,
            [*id],
            "{name}"
        );
    }
    let mut newest_first = ids.clone();
    newest_first.reverse();
    assert_eq!(app.ids("/api/jobs").await, newest_first);
    assert_eq!(
        app.ids("/api/jobs?state=dead,completed").await,
        [ids[5], ids[4]]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_are_found_by_what_they_are_about(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let ada = app.enqueue(json!({ "kind": "test.greet", "args": { "name": "ada", "creator": "creator_1" }, "tags": ["vip"], "group": "g1" })).await;
    let bo = app.enqueue(json!({ "kind": "test.greet", "args": { "name": "bo" }, "queue": "other", "tags": ["vip", "old"] })).await;
    for (query, found) in [
        ("kind=test.greet", vec![bo, ada]),
        ("kind=no.such", vec![]),
        ("queue=other", vec![bo]),
        ("tag=vip", vec![bo, ada]),
        ("tag=old", vec![bo]),
        ("group=g1", vec![ada]),
        ("args.name=ada", vec![ada]),
        ("args.name=ad", vec![]),
        ("args.name=ada&tag=vip", vec![ada]),
        ("args.name=ada&tag=old", vec![]),
        ("tag=vip&queue=tests&state=available", vec![ada]),
        ("tag=vip&state=completed", vec![]),
        ("creator=creator_1", vec![ada]),
        ("creator=creator_1&tag=old", vec![]),
        ("creator=creator_2", vec![]),
        ("createdAfter=2000-01-01T00:00:00Z", vec![bo, ada]),
        ("createdBefore=2000-01-01T00:00:00Z", vec![]),
        ("createdAfter=2100-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(
            app.ids(&format!("/api/jobs?{query}")).await,
            found,
            "{query}"
        );
    }
    // what they are found by stays with them when they are over
    hands.complete(ada, json!(1)).await;
    assert_eq!(app.ids("/api/jobs?tag=vip").await, [bo, ada]);
    assert_eq!(
        app.ids("/api/jobs?args.name=ada&state=completed").await,
        [ada]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_are_found_by_the_text_of_their_error(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let (dead, retried, done) = (
        app.greet("a").await,
        app.greet("b").await,
        app.greet("c").await,
    );
    hands
        .fail(
            dead,
            Next::Fail,
            &["Connection refused by 100%_sure.example"],
        )
        .await;
    hands
        .fail(retried, Next::Retry(None), &["connection reset"])
        .await;
    hands.complete(done, json!(null)).await;
    assert_eq!(app.ids("/api/jobs?error=connection").await, [retried, dead]);
    assert_eq!(
        app.ids("/api/jobs?error=REFUSED%20BY&state=dead").await,
        [dead]
    );
    assert_eq!(app.ids("/api/jobs?error=100%25_sure").await, [dead]);
    assert_eq!(app.ids("/api/jobs?error=1%25sure").await, []);
    let print = app.get(&format!("/api/jobs/{dead}")).await.json()["fingerprint"]
        .as_str()
        .expect("dead")
        .to_owned();
    assert_eq!(
        app.ids(&format!("/api/jobs?fingerprint={print}")).await,
        [dead]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_follow_each_other_without_gaps_or_repeats(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let mut ids = Vec::new();
    for n in 0..7 {
        let id = app
            .enqueue(json!({ "kind": "test.greet", "args": { "name": "ada" }, "tags": ["t"] }))
            .await;
        if n % 2 == 0 {
            hands.complete(id, json!(null)).await;
        }
        ids.push(id);
    }
    ids.reverse();
    for query in ["", "&tag=t", "&state=available,completed"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/jobs?limit=3{query}&cursor={cursor}");
            seen.extend(app.ids(&path).await);
            match app.get(&path).await.json()["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, ids, "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_searched_by_is_refused_by_name(pool: PgPool) {
    let app = TestApp::new(pool);
    for (query, field) in [
        ("state=gone", "state"),
        ("colour=red", "colour"),
        ("args.times=1", "args.times"),
        ("args.name=a&kind=no.such", "args.name"),
        ("error=ab", "error"),
        ("createdAfter=yesterday", "createdAfter"),
        ("batch=job_1", "batch"),
        ("limit=many", "limit"),
        ("cursor=x", "cursor"),
        ("kind=a%00b", "kind"),
    ] {
        let answer = app.get(&format!("/api/jobs?{query}")).await;
        assert_eq!(answer.status, 422, "{query}: {answer:?}");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_jobs_timeline_tells_each_attempt(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let id = app.greet("ada").await;
    hands
        .fail(
            id,
            Next::Retry(None),
            &["mail not sent", "connection refused"],
        )
        .await;
    let now = app
        .post(&format!("/api/jobs/{id}/run-now"), json!(null))
        .await;
    assert_eq!(
        (now.status.as_u16(), now.json()["applied"].clone()),
        (200, json!("now"))
    );
    hands.complete(id, json!({ "greeted": true })).await;

    let job = app.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!(job["output"], json!({ "greeted": true }));
    let events: Vec<_> = job["timeline"]
        .as_array()
        .expect("moments")
        .iter()
        .map(|m| m["event"].clone())
        .collect();
    assert_eq!(
        events,
        ["enqueued", "started", "retry", "started", "completed"]
    );
    let attempts = job["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        attempts[0]["errors"],
        json!(["mail not sent", "connection refused"])
    );
    assert_eq!(
        (&attempts[0]["outcome"], &attempts[1]["outcome"]),
        (&json!("retry"), &json!("completed"))
    );
    for attempt in attempts {
        assert_eq!(attempt["workerId"], hands.id.to_string());
        assert_eq!(attempt["host"], "test-host");
        assert!(
            attempt["startedAt"].is_string() && attempt["endedAt"].is_string(),
            "{attempt}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn ids_that_name_nothing_are_not_found(pool: PgPool) {
    let app = TestApp::new(pool);
    for id in [
        "job_00000000000000000000000000000000",
        "creator_00000000000000000000000000000000",
        "1",
        "job_x",
        "%00",
    ] {
        let answer = app.get(&format!("/api/jobs/{id}")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (404, "not-found"),
            "{id}"
        );
    }
}
