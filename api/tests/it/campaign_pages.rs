//! The pages on campaigns and batches, and the lists behind them.

use axum::http::Method;
use serde_json::{Value, json};
use shared::queue::{NewJob, batch, enqueue_many};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, add};
use crate::support::{Greet, TestApp};
use crate::web_sessions::{OURS, begin, begin_as, with_cookie};

/// A text that would run if it were ever taken for markup.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

async fn draft(app: &TestApp, name: &str, clusters: &[&str]) -> String {
    let body = json!({
        "name": name,
        "type": "promotion",
        "targetAudience": { "clusters": clusters },
        "content": { "subject": "Hello {firstName}", "message": name },
        "schedule": { "type": "immediate" },
    });
    let made = app.post("/api/campaigns", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["id"].as_str().expect("an id").to_owned()
}

async fn page(place: &Place, cookie: &str, path: &str) -> crate::support::Answer {
    with_cookie(place, cookie, Method::GET, path, &[]).await
}

fn ids(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list").iter();
    items.filter_map(|item| item["id"].as_str()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn campaigns_are_listed_newest_first_by_status_a_page_at_a_time(pool: PgPool) {
    let app = TestApp::new(pool);
    let first = draft(&app, "First", &["boyfanz"]).await;
    let second = draft(&app, "Second", &["girlfanz"]).await;
    app.post(&format!("/api/campaigns/{first}/launch"), json!({}))
        .await;
    let all = app.get("/api/campaigns").await.json();
    assert_eq!(ids(&all), [second.as_str(), first.as_str()]);
    assert_eq!(all["items"][1]["clusters"], json!(["boyfanz"]));
    let drafts = app.get("/api/campaigns?status=draft").await.json();
    assert_eq!(ids(&drafts), [second.as_str()]);
    let one = app.get("/api/campaigns?limit=1").await.json();
    let cursor = one["nextCursor"].as_str().expect("there are more");
    let rest = app
        .get(&format!("/api/campaigns?limit=1&cursor={cursor}"))
        .await
        .json();
    assert_eq!(
        (ids(&rest), &rest["nextCursor"]),
        (vec![first.as_str()], &Value::Null)
    );
    let wrong = app.get("/api/campaigns?status=asleep").await;
    assert_eq!(wrong.json()["errors"][0]["field"], "status");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_limited_to_clusters_sees_only_campaigns_of_theirs(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let theirs = draft(&place.app, "Theirs", &["boyfanz"]).await;
    let other = draft(&place.app, "Other", &["girlfanz"]).await;
    let both = draft(&place.app, "Both", &["boyfanz", "girlfanz"]).await;
    let all = draft(&place.app, "All", &[]).await;
    let email = "limited@x.example";
    let body = json!({ "email": email, "name": "One", "roles": ["marketing"], "clusters": ["boyfanz"], "password": PASSWORD });
    add(&place.app, body).await;
    let (cookie, _) = begin_as(&place.app, email).await;

    let led = page(&place, &cookie, "/").await;
    assert_eq!(
        (led.status.as_u16(), led.header("location")),
        (303, "/campaigns")
    );
    let list = page(&place, &cookie, "/campaigns").await;
    assert!(list.text.contains(&theirs), "{list:?}");
    for hidden in [&other, &both, &all] {
        assert!(!list.text.contains(hidden.as_str()), "{list:?}");
        let shown = page(&place, &cookie, &format!("/campaigns/{hidden}")).await;
        assert_eq!(shown.status, 404);
    }
    assert_eq!(
        page(&place, &cookie, &format!("/campaigns/{theirs}"))
            .await
            .status,
        200
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaign_offers_what_its_status_allows_and_only_to_those_who_may(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let id = draft(&place.app, "One", &["boyfanz"]).await;
    let (admin, csrf) = begin(&place).await;
    let offers = async |cookie: &str| {
        let shown = page(&place, cookie, &format!("/campaigns/{id}")).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        ["launch", "pause", "resume", "cancel"]
            .into_iter()
            .filter(|verb| {
                shown
                    .text
                    .contains(&format!("POST /api/campaigns/{id}/{verb}"))
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(offers(&admin).await, ["launch", "cancel"]);
    let steer = async |verb: &str, headers: &[(&str, &str)]| {
        let path = format!("/api/campaigns/{id}/{verb}");
        with_cookie(&place, &admin, Method::POST, &path, headers)
            .await
            .status
            .as_u16()
    };
    assert_eq!(steer("launch", &[]).await, 403, "a foreign page cannot");
    assert_eq!(steer("launch", &[OURS, ("x-csrf-token", &csrf)]).await, 202);
    assert_eq!(offers(&admin).await, ["pause", "cancel"]);
    assert_eq!(steer("pause", &[OURS, ("x-csrf-token", &csrf)]).await, 200);
    assert_eq!(offers(&admin).await, ["resume", "cancel"]);

    let body = json!({ "email": "look@x.example", "name": "One", "roles": ["analyst"], "password": PASSWORD });
    add(&place.app, body).await;
    let (viewer, csrf) = begin_as(&place.app, "look@x.example").await;
    assert!(offers(&viewer).await.is_empty());
    let path = format!("/api/campaigns/{id}/resume");
    let tried = with_cookie(
        &place,
        &viewer,
        Method::POST,
        &path,
        &[OURS, ("x-csrf-token", &csrf)],
    )
    .await;
    assert_eq!(tried.status, 403);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_is_shown_with_its_progress_and_its_jobs(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let app = &place.app;
    let ctx = app.ctx();
    let mut tx = app.app.db.begin().await.expect("begun");
    let id = batch::create(&mut tx, &ctx, HOSTILE, None)
        .await
        .expect("a batch");
    let job = |name: &str| {
        let job = NewJob::of(&Greet {
            name: name.to_owned(),
            creator: None,
            times: 1,
        })
        .expect("a job");
        job.in_batch(id)
    };
    enqueue_many(&mut tx, &ctx, vec![job("a"), job("b")])
        .await
        .expect("enqueued");
    batch::seal(&mut tx, id).await.expect("sealed");
    app.app.db.commit(tx, &ctx).await.expect("committed");

    let list = app.get("/api/batches?unfinished=true").await.json();
    assert_eq!(ids(&list), [id.to_string()]);
    assert_eq!(list["items"][0]["pending"], 2);
    let (cookie, _) = begin(&place).await;
    let jobs = app.ids(&format!("/api/jobs?batch={id}")).await;
    for path in [
        "/batches".to_owned(),
        format!("/batches/{id}"),
        format!("/jobs/{}", jobs[0]),
    ] {
        let shown = page(&place, &cookie, &path).await;
        assert_eq!(shown.status, 200, "{path}: {shown:?}");
        assert!(shown.text.contains(&id.to_string()), "{path}");
        for bad in ["<img", "<script>alert", "\"'><"] {
            assert!(!shown.text.contains(bad), "{path}: {}", shown.text);
        }
    }
    let one = page(&place, &cookie, &format!("/batches/{id}")).await;
    let sibling = page(&place, &cookie, &format!("/jobs/{}", jobs[0])).await;
    assert!(one.text.contains("0 of 2 have ended"), "{}", one.text);
    assert!(
        sibling.text.contains(&jobs[1].to_string()),
        "its batch's other job"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_names_of_campaigns_are_shown_as_text(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let id = draft(&place.app, HOSTILE, &["boyfanz"]).await;
    let (cookie, _) = begin(&place).await;
    for path in [
        "/campaigns".to_owned(),
        format!("/campaigns/{id}"),
        format!("/campaigns/{id}?rows={HOSTILE}").replace(['<', '>', '"', ' '], "x"),
    ] {
        let shown = page(&place, &cookie, &path).await;
        assert_eq!(shown.status, 200, "{path}: {shown:?}");
        for bad in ["<img", "<script>alert", "\"'><"] {
            assert!(!shown.text.contains(bad), "{path}: {}", shown.text);
        }
    }
}
