//! Earnings over HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::{registered, wrong_fields};
use crate::support::{Answer, TestApp};

/// Sends a body as it is written, by somebody with `role`.
async fn written(
    app: &TestApp,
    role: Role,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = Request::builder().method(Method::POST).uri(path);
    request = request.header("authorization", format!("Bearer {}", app.token(role)));
    request = request.header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(
        request
            .body(Body::from(body.to_owned()))
            .expect("a request"),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_specifications_four_fields_record_an_earning(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let path = format!("{creator}/earnings");
    let specified = r#"{ "amount": 125.50, "source": "subscription",
        "description": "Monthly subscription from fan_789", "fanId": "fan_789" }"#;
    let made = written(&app, Role::Service, &path, &[], specified).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    assert!(
        made.text.contains(r#""amount":125.50,"#),
        "digit for digit: {}",
        made.text
    );
    let shown = made.json();
    assert_eq!(
        (&shown["platformFee"], &shown["maturing"]),
        (&json!(25.10), &json!(94.12))
    );
    assert_eq!(shown["reserve"].to_string(), "6.28");
    assert_eq!(shown["currency"], "USD");

    let summary = app.get(&path).await;
    assert!(
        summary.text.contains(r#""totalEarnings":100.40,"#),
        "{}",
        summary.text
    );
    let shown = summary.json();
    for field in [
        "totalEarnings",
        "currentMonthEarnings",
        "previousMonthEarnings",
        "averageMonthlyEarnings",
        "breakdown",
        "pending",
        "available",
        "reserved",
        "paid",
    ] {
        assert!(!shown[field].is_null(), "{field}: {shown}");
    }
    assert_eq!(shown["breakdown"]["subscriptions"], json!(100.40));
    assert_eq!(shown["reporting"]["reason"], Value::Null);
    let list = app.get(&format!("{path}/entries")).await.json();
    assert_eq!(list["items"][0]["fanId"], "fan_789");
}

#[sqlx::test(migrations = "../migrations")]
async fn wrong_amounts_are_refused_clearly_and_change_nothing(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let path = format!("{creator}/earnings");
    for (amount, told) in [
        ("1.005", "more decimals than USD"),
        ("-1.00", "more than zero"),
        ("0", "more than zero"),
        ("1e2", "without exponent"),
        ("99999999999999999999999999", "at most"),
        ("\"12,50\"", "decimal number"),
        ("true", "decimal number"),
    ] {
        let body = format!(r#"{{ "amount": {amount}, "source": "tip" }}"#);
        let refused = written(&app, Role::Finance, &path, &[], &body).await;
        assert_eq!(wrong_fields(&refused), ["/amount"], "{amount}");
        assert!(refused.text.contains(told), "{amount}: {}", refused.text);
    }
    for (body, field) in [
        (r#"{ "amount": 1, "source": "refund" }"#, "/source"),
        (
            r#"{ "amount": 1, "source": "tip", "currency": "XAU" }"#,
            "/currency",
        ),
        (
            r#"{ "amount": 1, "source": "tip", "occurredAt": "2020-01-01T00:00:00Z" }"#,
            "/occurredAt",
        ),
        (
            r#"{ "amount": 1.5, "source": "tip", "currency": "JPY" }"#,
            "/amount",
        ),
        (r#"{ "source": "tip" }"#, "/amount"),
    ] {
        let refused = written(&app, Role::Finance, &path, &[], body).await;
        assert_eq!(wrong_fields(&refused), [field], "{body}");
    }
    assert!(
        app.get(&path)
            .await
            .text
            .contains(r#""totalEarnings":0.00,"#)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_stands_for_one_earning_of_one_creator(pool: PgPool) {
    let app = TestApp::new(pool);
    let (ada, _) = registered(&app, "ada").await;
    let (bea, _) = registered(&app, "bea").await;
    let key = [("idempotency-key", "k1")];
    let body = r#"{ "amount": "10.00", "source": "tip" }"#;
    let first = written(&app, Role::Service, &format!("{ada}/earnings"), &key, body).await;
    let again = written(&app, Role::Service, &format!("{ada}/earnings"), &key, body).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    let other = body.replace("10.00", "11.00");
    let other = written(
        &app,
        Role::Service,
        &format!("{ada}/earnings"),
        &key,
        &other,
    )
    .await;
    assert_eq!(other.problem(), "idempotency-key-reused");
    let foreign = written(&app, Role::Service, &format!("{bea}/earnings"), &key, body).await;
    assert_eq!(foreign.problem(), "idempotency-key-reused");
    assert!(
        app.get(&format!("{ada}/earnings"))
            .await
            .text
            .contains(r#""totalEarnings":8.00,"#)
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn many_are_recorded_at_once_with_an_answer_for_each(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let id = creator.rsplit('/').next().expect("an id");
    let nobody = format!("creator_{:032x}", 7);
    let body = format!(
        r#"{{ "earnings": [
            {{ "creatorId": "{id}", "amount": 1.10, "source": "tip", "externalId": "x1" }},
            {{ "creatorId": "{id}", "amount": 1.10, "source": "tip", "externalId": "x1" }},
            {{ "creatorId": "{id}", "amount": 1.105, "source": "tip" }},
            {{ "creatorId": "{nobody}", "amount": 1, "source": "tip" }},
            {{ "creatorId": "{id}", "amount": 1, "source": "gift" }},
            {{ "creatorId": "{id}", "source": "tip" }},
            {{ "amount": 1 }}
        ] }}"#
    );
    let done = written(&app, Role::Service, "/api/earnings/bulk", &[], &body).await;
    assert_eq!(done.status.as_u16(), 200, "{done:?}");
    let json = done.json();
    assert_eq!(
        (&json["recorded"], &json["duplicates"], &json["refused"]),
        (&json!(1), &json!(1), &json!(5))
    );
    let rows = json["results"].as_array().expect("results");
    assert_eq!(rows[0]["id"], rows[1]["id"]);
    let field = |at: usize| rows[at]["errors"][0]["field"].clone();
    assert_eq!(field(2), "/earnings/2/amount");
    assert_eq!(rows[3]["detail"], format!("there is no creator {nobody}"));
    assert_eq!(field(4), "/earnings/4/source");
    assert_eq!(field(5), "/earnings/5/amount");
    assert_eq!(field(6), "/earnings/6/creatorId");
    let again = written(&app, Role::Service, "/api/earnings/bulk", &[], &body).await;
    assert_eq!(
        (&again.json()["recorded"], &again.json()["duplicates"]),
        (&json!(0), &json!(2))
    );
    let none = written(
        &app,
        Role::Service,
        "/api/earnings/bulk",
        &[],
        r#"{ "earnings": [] }"#,
    )
    .await;
    assert_eq!(wrong_fields(&none), ["/earnings"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_earning_is_taken_back_and_the_ledger_is_shown(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let path = format!("{creator}/earnings");
    let made = app
        .post(&path, json!({ "amount": "100.00", "source": "tip" }))
        .await
        .json();
    let earning = made["id"].as_str().expect("an id");
    let back = format!("{path}/{earning}/reversals");
    let part = app
        .post(&back, json!({ "kind": "refund", "amount": "33.33" }))
        .await;
    assert_eq!(part.status.as_u16(), 201, "{part:?}");
    assert_eq!(part.json()["share"], json!(26.66));
    let more = app
        .post(&back, json!({ "kind": "chargeback", "amount": "70.00" }))
        .await;
    assert_eq!(wrong_fields(&more), ["/amount"]);
    let rest = app.post(&back, json!({ "kind": "chargeback" })).await;
    assert_eq!(rest.json()["amount"], json!(66.67));
    let unknown = app.post(&back, json!({ "kind": "theft" })).await;
    assert_eq!(wrong_fields(&unknown), ["/kind"]);
    let (other, _) = registered(&app, "bea").await;
    let foreign = app
        .post(
            &format!("{other}/earnings/{earning}/reversals"),
            json!({ "kind": "refund" }),
        )
        .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.problem().as_str()),
        (404, "earning-not-found")
    );
    let ledger = app.get("/api/ledger").await.json();
    assert_eq!(ledger["latestCheck"], Value::Null);
    let accounts = ledger["accounts"].as_array().expect("accounts");
    assert_eq!(accounts.len(), 2, "{ledger}");
    assert!(
        accounts
            .iter()
            .all(|account| account["debits"] == account["credits"])
    );
    let timeline = app.get(&format!("{creator}/timeline?kinds=earning")).await;
    assert_eq!(
        timeline.json()["items"].as_array().map(Vec::len),
        Some(3),
        "{timeline:?}"
    );
}

/// Fetches a statement; `accept` as the header, if it is not empty.
async fn statement(app: &TestApp, token: &str, path: &str, accept: &str) -> Answer {
    let mut request = Request::builder()
        .uri(path)
        .header("authorization", format!("Bearer {token}"));
    if !accept.is_empty() {
        request = request.header("accept", accept);
    }
    app.send(request.body(Body::empty()).expect("a request"))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_statement_is_fetched_as_csv_or_pdf_by_whoever_may(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let list = format!("{creator}/earnings/statements");
    assert_eq!(app.get(&list).await.json(), json!({ "items": [] }));
    app.post(
        &format!("{creator}/earnings"),
        json!({ "amount": "125.50", "source": "tip" }),
    )
    .await;
    let months = app.get(&list).await.json();
    assert_eq!(months["items"][0]["currencies"], json!(["USD"]));
    assert_eq!(months["items"][0]["provisional"], true);
    let month = months["items"][0]["month"].as_str().expect("a month");
    let path = format!("{list}/{month}");
    let staff = app.token(Role::Finance);
    for (path, accept, media) in [
        (path.clone(), "", "text/csv"),
        (path.clone(), "text/html, */*;q=0.8", "text/csv"),
        (path.clone(), "application/pdf", "application/pdf"),
        (format!("{path}?format=pdf"), "text/csv", "application/pdf"),
    ] {
        let answer = statement(&app, &staff, &path, accept).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, media),
            "{path} {accept}"
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let csv = app.get(&path).await.text;
    assert!(
        csv.contains(",125.50,-25.10,100.40,94.12,6.28,0.00"),
        "{csv}"
    );
    let neither = statement(&app, &staff, &path, "image/png").await;
    assert_eq!(neither.problem(), "not-acceptable");
    let wrong = app.get(&format!("{path}?format=doc")).await;
    assert_eq!(wrong_fields(&wrong), ["format"]);
    for none in ["1999-01", "2026-13", "x"] {
        assert_eq!(
            app.get(&format!("{list}/{none}")).await.status,
            404,
            "{none}"
        );
    }
    let support = statement(&app, &app.token(Role::Support), &path, "").await;
    assert_eq!(support.status, 403);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_earned_in_another_currency_waits_in_the_summary_with_the_reason(pool: PgPool) {
    let app = TestApp::new(pool);
    let (creator, _) = registered(&app, "ada").await;
    let path = format!("{creator}/earnings");
    let yen = json!({ "amount": "1001", "source": "tip", "currency": "JPY" });
    app.post(&path, yen).await;
    let shown = app.get(&path).await.json();
    let reporting = &shown["reporting"];
    assert_eq!(reporting["totalEarnings"], Value::Null);
    assert_eq!(
        reporting["reason"],
        "no exchange rate to USD is known for JPY"
    );
    let waiting = &reporting["waiting"][0];
    assert_eq!(
        (&waiting["currency"], &waiting["amount"], &waiting["reason"]),
        (&json!("JPY"), &json!(801), &json!("day_under_way"))
    );
}
