//! People's data in jobs: masked for everybody, shown in clear only to those who may and on the record.

use axum::http::Method;
use serde_json::json;
use shared::kernel::Role;
use sqlx::PgPool;

use crate::people::{Place, by};
use crate::support::{Hands, TestApp};
use crate::web_sessions::{begin, with_cookie};

const ADDRESS: &str = "ada.lovelace@example.com";

#[sqlx::test(migrations = "../migrations")]
async fn an_address_in_a_payload_is_masked_until_it_is_revealed_which_is_recorded(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let app = &place.app;
    let id = app.greet(ADDRESS).await;
    Hands::new(app)
        .await
        .complete(id, json!({ "sentTo": [ADDRESS] }))
        .await;
    let shown = app.get(&format!("/api/jobs/{id}")).await.json();
    assert_eq!(
        json!([
            shown["args"]["name"],
            shown["output"]["sentTo"][0],
            shown["masked"]
        ]),
        json!(["a***@example.com", "a***@example.com", ["email"]])
    );
    let (cookie, _) = begin(&place).await;
    let page = with_cookie(&place, &cookie, Method::GET, &format!("/jobs/{id}"), &[]).await;
    assert!(
        !page.text.contains(ADDRESS) && page.text.contains("/reveal"),
        "{}",
        page.text
    );

    let path = format!("/api/jobs/{id}/reveal");
    let silent = app.post(&path, json!({ "reason": " " })).await;
    assert_eq!(silent.json()["errors"][0]["field"], "/reason");
    let ops = app.token(Role::Ops);
    let refused = by(
        app,
        &ops,
        Method::POST,
        &path,
        Some(json!({ "reason": "x" })),
    )
    .await;
    assert_eq!(refused.status, 403, "who sees jobs need not see people");
    let clear = app.post(&path, json!({ "reason": "a complaint" })).await;
    assert_eq!(clear.json()["args"]["name"], ADDRESS, "{clear:?}");
    let trail = app
        .get("/api/admin/audit?action=personal.reveal")
        .await
        .json();
    assert_eq!(
        json!([
            trail["items"][0]["reason"],
            trail["items"][0]["after"]["fields"]
        ]),
        json!(["a complaint", ["email"]])
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_trace_leads_to_where_it_is_shown(pool: PgPool) {
    let template = (
        "TRACE_URL_TEMPLATE",
        "https://tempo.example/trace/{traceId}",
    );
    let place = Place {
        app: TestApp::with(pool, &[template]),
        email: "ada@x.example".to_owned(),
        id: String::new(),
    };
    let body = json!({ "email": place.email, "name": "Ada", "roles": ["ops"], "password": crate::people::PASSWORD });
    crate::people::add(&place.app, body).await;
    let id = place.app.greet("a").await;
    let traced = place.app.get(&format!("/api/jobs/{id}")).await.json();
    let trace = traced["traceparent"].as_str().expect("a trace").to_owned();
    let trace = trace.split('-').nth(1).expect("its id").to_owned();
    let (cookie, _) = begin(&place).await;
    let page = with_cookie(&place, &cookie, Method::GET, &format!("/jobs/{id}"), &[]).await;
    let link = format!("href=\"https://tempo.example/trace/{trace}\"");
    assert!(page.text.contains(&link), "{}", page.text);
}
