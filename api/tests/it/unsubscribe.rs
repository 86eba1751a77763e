//! The link in every mail.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use shared::messaging::Unsubscribe;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Answer, TestApp};

/// A creator who agreed to mail, and the path of their link.
async fn subscribed(app: &TestApp) -> (String, String) {
    let body = json!({
        "email": "ada@example.com", "username": "ada", "clusterId": "girlfanz",
        "consents": [{ "channel": "email", "source": "signup_form" }],
    });
    let id = app.post("/api/creators", body).await.json()["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let link = Unsubscribe {
        creator: id.parse().expect("an id"),
        delivery: Uuid::now_v7(),
    };
    let url = app.app.links.url(link);
    let path = url
        .strip_prefix("http://localhost:3004")
        .expect("below the public URL")
        .to_owned();
    (id, path)
}

/// Without a token, as everybody who got a mail.
async fn anonymous(app: &TestApp, method: Method, path: &str, body: &'static str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    app.send(request.body(Body::from(body)).expect("a request"))
        .await
}

async fn consent(app: &TestApp, id: &str) -> serde_json::Value {
    app.get(&format!("/api/creators/{id}")).await.json()["consents"][0].clone()
}

#[sqlx::test(migrations = "../migrations")]
async fn opening_the_link_asks_and_changes_nothing(pool: PgPool) {
    let app = TestApp::new(pool);
    let (id, path) = subscribed(&app).await;
    for method in [Method::GET, Method::HEAD] {
        let page = anonymous(&app, method, &path, "").await;
        assert_eq!(page.status.as_u16(), 200);
        assert!(
            page.header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert_eq!(page.header("cache-control"), "no-store");
    }
    let page = anonymous(&app, Method::GET, &path, "").await;
    assert!(
        page.text.contains("Stop mails from GirlFanz?")
            && page.text.contains("<form method=\"post\">")
    );
    assert_eq!(consent(&app, &id).await["state"], "granted");
}

#[sqlx::test(migrations = "../migrations")]
async fn one_click_stops_the_mails_without_a_redirect(pool: PgPool) {
    let app = TestApp::new(pool);
    let (id, path) = subscribed(&app).await;
    for _ in 0..2 {
        let done = anonymous(&app, Method::POST, &path, "List-Unsubscribe=One-Click").await;
        assert_eq!(done.status.as_u16(), 200, "{done:?}");
        assert!(done.text.contains("You get no more news"));
    }
    let consent = consent(&app, &id).await;
    assert_eq!(
        (consent["state"].as_str(), consent["source"].as_str()),
        (Some("withdrawn"), Some("unsubscribe_link"))
    );
    assert!(
        consent["proof"]
            .as_str()
            .expect("a proof")
            .starts_with("delivery_")
    );
    let page = anonymous(&app, Method::GET, &path, "").await;
    assert!(page.text.contains("Done") && !page.text.contains("<form"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_forged_link_says_only_that_it_is_not_valid(pool: PgPool) {
    let app = TestApp::new(pool);
    let (id, path) = subscribed(&app).await;
    let stranger = app.app.links.url(Unsubscribe {
        creator: Uuid::now_v7().into(),
        delivery: Uuid::now_v7(),
    });
    let stranger = stranger
        .strip_prefix("http://localhost:3004")
        .expect("below the public URL")
        .to_owned();
    let last = if path.ends_with('A') { "B" } else { "A" };
    let changed = format!("{}{last}", &path[..path.len() - 1]);
    let mut texts = Vec::new();
    for path in ["/u/x".to_owned(), changed, stranger] {
        for method in [Method::GET, Method::POST] {
            let answer = anonymous(&app, method, &path, "").await;
            assert_eq!(answer.status.as_u16(), 404, "{path}");
            texts.push(answer.text);
        }
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "all say the same");
    assert_eq!(consent(&app, &id).await["state"], "granted");
}
