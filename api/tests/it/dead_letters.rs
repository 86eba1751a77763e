//! Dead letters: list, groups, single decisions.

use serde_json::json;
use shared::queue::Next;
use sqlx::PgPool;

use crate::support::{Hands, TestApp};

#[sqlx::test(migrations = "../migrations")]
async fn dead_jobs_are_grouped_by_what_went_wrong(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let mut refused = Vec::new();
    for n in 0..3 {
        let id = app.greet("a").await;
        hands
            .fail(id, Next::Fail, &[&format!("refused after {n} tries")])
            .await;
        refused.push(id);
    }
    let other = app.greet("b").await;
    hands.fail(other, Next::Fail, &["no such mailbox"]).await;
    app.greet("alive").await;

    assert_eq!(
        app.ids("/api/dead-letters").await,
        [other, refused[2], refused[1], refused[0]]
    );
    sqlx::query("update jobs set dead_at = dead_at - interval '2 hours' where id = $1::uuid")
        .bind(refused[0].to_string().replace("job_", ""))
        .execute(app.app.db.pool())
        .await
        .expect("died earlier");
    let groups = app.get("/api/dead-letters/groups").await.json();
    let (first, second) = (&groups["items"][0], &groups["items"][1]);
    assert_eq!(
        json!([first["count"], first["sampleJobId"], first["error"]]),
        json!([3, refused[2], "refused after 2 tries"])
    );
    let by_hour = first["byHour"].as_array().expect("hours");
    assert_eq!(
        (by_hour.len(), &by_hour[21..]),
        (24, json!([1, 0, 2]).as_array().expect("three").as_slice())
    );
    assert_eq!(
        json!([second["count"], second["kind"], second["queue"]]),
        json!([1, "test.greet", "tests"])
    );
    assert!(
        first["firstAt"].as_str() < first["lastAt"].as_str(),
        "{first}"
    );
    let print = first["fingerprint"].as_str().expect("a fingerprint");
    assert_eq!(
        app.ids(&format!("/api/dead-letters?fingerprint={print}"))
            .await
            .len(),
        3
    );

    let page = app.get("/api/dead-letters/groups?limit=1").await.json();
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    let cursor = page["nextCursor"].as_str().expect("a second page");
    let next = app
        .get(&format!("/api/dead-letters/groups?limit=1&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (&next["items"][0], &next["nextCursor"]),
        (second, &json!(null))
    );
    assert_eq!(
        app.get("/api/dead-letters/groups?queue=elsewhere")
            .await
            .json()["items"],
        json!([])
    );
    assert_eq!(
        app.get("/api/dead-letters/groups?colour=red").await.json()["errors"][0]["field"],
        "colour"
    );
    assert_eq!(
        app.get("/api/dead-letters?state=running").await.json()["errors"][0]["field"],
        "state"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_dead_letter_is_replayed_or_discarded(pool: PgPool) {
    let app = TestApp::new(pool);
    let hands = Hands::new(&app).await;
    let (a, b) = (app.greet("a").await, app.greet("b").await);
    assert_eq!(
        app.post(&format!("/api/dead-letters/{a}/discard"), json!({}))
            .await
            .problem(),
        "job-not-over"
    );
    hands.fail(a, Next::Fail, &["never"]).await;
    hands.fail(b, Next::Fail, &["never"]).await;
    let replayed = app
        .post(&format!("/api/dead-letters/{a}/replay"), json!({}))
        .await;
    assert_eq!(
        (replayed.status.as_u16(), replayed.json()["how"].clone()),
        (202, json!("same"))
    );
    assert_eq!(app.state(a).await, "available");
    for applied in ["now", "before"] {
        let answer = app
            .post(&format!("/api/dead-letters/{b}/discard"), json!({}))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["applied"].clone()),
            (200, json!(applied))
        );
    }
    assert_eq!(app.state(b).await, "discarded");
    assert_eq!(app.ids("/api/dead-letters").await, []);
}
