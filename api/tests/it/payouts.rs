//! Payouts over HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::{activated, wrong_fields};
use crate::support::{Answer, TestApp};

/// A provider that is connected; nothing here hands anything over.
const CONNECTED: [(&str, &str); 4] = [
    ("PAXUM_URL", "http://127.0.0.1:9"),
    ("PAXUM_ACCOUNT", "590900"),
    ("PAXUM_API_KEY", "a key of tests"),
    ("PAXUM_API_SECRET", "a secret of tests"),
];

/// Somebody of staff.
struct Person<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Person<'a> {
    fn new(app: &'a TestApp, name: &str, role: Role) -> Self {
        let now = app.app.clock.now();
        let token = app
            .app
            .tokens
            .issue(name, &[role], now, Duration::from_secs(600));
        Self { app, token }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let body = Body::from(body.to_owned());
        self.app.send(request.body(body).expect("a request")).await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, &[], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }
}

/// A creator whom nothing keeps from being paid, with a destination at Paxum that has cooled and a balance of 4,000.00.
async fn payee(app: &TestApp, name: &str) -> String {
    let creator = activated(app, name).await;
    let person = app.get(&creator).await.json()["personId"].clone();
    let person = format!("/api/people/{}", person.as_str().expect("an id"));
    let name = json!({ "legalName": "Ada Lovelace" });
    let named = app.call(Method::PATCH, &person, &[], Some(name)).await;
    assert!(named.status.is_success(), "{named:?}");
    let identity = format!("{creator}/verifications/identity");
    app.post(
        &format!("{identity}/submit"),
        json!({ "evidence": "ticket 1" }),
    )
    .await;
    for decision in [
        json!({ "decision": "in_review" }),
        json!({ "decision": "verify", "method": "document", "evidence": "passport, ends in 1234", "validUntil": "2040-01-01" }),
    ] {
        let decided = app.post(&format!("{identity}/decisions"), decision).await;
        assert!(decided.status.is_success(), "{decided:?}");
    }
    let clerk = Person::new(app, "clerk", Role::Finance);
    let account = json!({ "holder": "Ada Lovelace", "account": { "kind": "paxum", "email": "ada@pay.example" } });
    let path = format!("{creator}/payout-destinations");
    let entered = clerk.post(&path, &account.to_string()).await;
    assert_eq!(entered.status.as_u16(), 201, "{entered:?}");
    assert_eq!(entered.json()["masked"], "a…@pay.example");
    assert_eq!(
        clerk
            .post(&path, &account.to_string())
            .await
            .status
            .as_u16(),
        200
    );
    let id = entered.json()["id"].as_str().expect("an id").to_owned();
    let decide = format!("{path}/{id}/decisions");
    let yes = r#"{ "decision": "verified", "reason": "a statement was seen" }"#;
    let own = clerk.post(&decide, yes).await;
    assert_eq!(
        (own.status.as_u16(), own.problem().as_str()),
        (403, "own-destination")
    );
    let auditor = Person::new(app, "auditor", Role::Compliance);
    let verified = auditor.post(&decide, yes).await;
    assert_eq!(verified.json()["state"], "verified", "{verified:?}");
    let earning = app
        .post(
            &format!("{creator}/earnings"),
            json!({ "amount": 5000, "source": "bonus" }),
        )
        .await;
    assert_eq!(earning.status.as_u16(), 201, "{earning:?}");
    // a bonus has no fee; 5 % of it are kept back and the rest is available a week later
    app.app.clock.advance(chrono::Duration::days(8));
    let ctx = app.ctx();
    let mut tx = app.app.db.begin().await.expect("begun");
    shared::earnings::mature_step(&mut tx, &ctx)
        .await
        .expect("matured");
    tx.commit().await.expect("committed");
    creator
}

async fn available(app: &TestApp, creator: &str) -> Value {
    app.get(&format!("{creator}/earnings")).await.json()["available"].clone()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_specifications_three_fields_ask_for_a_payout_that_somebody_else_approves(
    pool: PgPool,
) {
    let app = TestApp::with(pool, &CONNECTED);
    let creator = payee(&app, "ada").await;
    let clerk = Person::new(&app, "clerk", Role::Finance);
    let finn = Person::new(&app, "finn", Role::Finance);
    let path = format!("{creator}/payouts");
    let specified = r#"{ "amount": 2500.00, "method": "paxum", "currency": "USD" }"#;
    let key = [("idempotency-key", "one")];
    let made = clerk.send(Method::POST, &path, &key, specified).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    assert!(made.text.contains(r#""amount":2500.00,"#), "{}", made.text);
    assert!(made.text.contains(r#""fee":50.00,"#), "{}", made.text);
    assert!(
        made.text.contains(r#""netAmount":2450.00,"#),
        "{}",
        made.text
    );
    assert_eq!(made.json()["status"], "awaiting_approval");
    let again = clerk.send(Method::POST, &path, &key, specified).await;
    assert_eq!(again.text, made.text);
    let other = r#"{ "amount": 2501.00, "method": "paxum", "currency": "USD" }"#;
    let reused = clerk.send(Method::POST, &path, &key, other).await;
    assert_eq!(reused.status.as_u16(), 422, "{reused:?}");
    assert_eq!(available(&app, &creator).await, json!(2250.00));

    let at = made.header("location").to_owned();
    let own = clerk.post(&format!("{at}/approve"), "").await;
    assert_eq!(
        (own.status.as_u16(), own.problem().as_str()),
        (403, "own-payout")
    );
    let shown = finn.get(&at).await;
    assert_eq!(shown.json()["events"][1]["to"], "awaiting_approval");
    let stale = [("if-match", "\"99\"")];
    let stale = finn
        .send(Method::POST, &format!("{at}/approve"), &stale, "")
        .await;
    assert_eq!(stale.status.as_u16(), 412);
    let tag = [("if-match", shown.header("etag"))];
    let approved = finn
        .send(Method::POST, &format!("{at}/approve"), &tag, "")
        .await;
    assert_eq!(approved.json()["status"], "scheduled", "{approved:?}");
    let jobs = app.get("/api/jobs?kind=payout.submit").await.json();
    assert_eq!(jobs["items"].as_array().map(Vec::len), Some(1), "{jobs}");

    let listed = app.get(&path).await.json();
    assert_eq!(listed["payouts"][0]["status"], "scheduled");
    let open = finn
        .get("/api/payouts?status=awaiting_approval")
        .await
        .json();
    assert_eq!(open["payouts"], json!([]));
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let why = r#"{ "reason": "the creator asked for it" }"#;
    let cancelled = clerk.post(&format!("{path}/{id}/cancel"), why).await;
    assert_eq!(cancelled.json()["status"], "cancelled", "{cancelled:?}");
    let late = clerk.post(&format!("{path}/{id}/cancel"), why).await;
    assert_eq!(late.problem(), "illegal-payout-transition");
    assert_eq!(available(&app, &creator).await, json!(4750.00));
    let kinds: Vec<Value> = app
        .get(&format!("{creator}/timeline?kinds=payout"))
        .await
        .json()["items"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| entry["details"]["event"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            "cancelled",
            "scheduled",
            "approved",
            "awaiting_approval",
            "requested"
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_stands_against_a_payout_is_named_and_nothing_is_held(pool: PgPool) {
    let app = TestApp::with(pool, &CONNECTED);
    let creator = payee(&app, "ada").await;
    let clerk = Person::new(&app, "clerk", Role::Finance);
    let path = format!("{creator}/payouts");
    for (body, field) in [
        (
            r#"{ "amount": 0, "method": "paxum", "currency": "USD" }"#,
            "/amount",
        ),
        (
            r#"{ "amount": 10, "method": "paxum", "currency": "USD" }"#,
            "/amount",
        ),
        (
            r#"{ "amount": 50.001, "method": "paxum", "currency": "USD" }"#,
            "/amount",
        ),
        (
            r#"{ "amount": 50, "method": "pigeon", "currency": "USD" }"#,
            "/method",
        ),
        (
            r#"{ "amount": 50, "method": "paxum", "currency": "XAU" }"#,
            "/currency",
        ),
        (
            r#"{ "amount": 50, "method": "paxum", "currency": "JPY" }"#,
            "/method",
        ),
    ] {
        let refused = clerk.post(&path, body).await;
        assert_eq!(wrong_fields(&refused), [field], "{body}: {refused:?}");
    }
    let more = r#"{ "amount": 4750.01, "method": "paxum", "currency": "USD" }"#;
    let refused = clerk.post(&path, more).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (409, "insufficient-balance")
    );
    let euros = r#"{ "amount": 50, "method": "paypal", "currency": "EUR" }"#;
    let refused = clerk.post(&path, euros).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (409, "no-provider")
    );
    let (bare, _) = crate::creators::registered(&app, "bea").await;
    let sound = r#"{ "amount": 50, "method": "paxum", "currency": "USD" }"#;
    let refused = clerk.post(&format!("{bare}/payouts"), sound).await;
    assert_eq!(
        (refused.status.as_u16(), refused.problem().as_str()),
        (409, "not-eligible")
    );
    let codes: Vec<String> = refused.json()["reasons"]
        .as_array()
        .expect("reasons")
        .iter()
        .map(|reason| reason["code"].as_str().expect("a code").to_owned())
        .collect();
    assert!(codes.contains(&"no_destination".to_owned()), "{codes:?}");
    assert!(
        codes.contains(&"creator_not_active".to_owned()),
        "{codes:?}"
    );
    assert_eq!(available(&app, &creator).await, json!(4750.00));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_methods_have_the_specifications_texts_and_numbers(pool: PgPool) {
    let app = TestApp::with(pool, &CONNECTED);
    let creator = payee(&app, "ada").await;
    let all = app.get("/api/payouts/methods").await.json();
    let methods = all["methods"].as_array().expect("methods");
    assert_eq!(methods.len(), 2, "only what is connected: {all}");
    let paxum = &methods[1];
    assert_eq!(paxum["currency"], "USD");
    assert_eq!(paxum["fee"], "2.0%");
    assert_eq!(paxum["minAmount"].to_string(), "20.0");
    assert_eq!(paxum["processingTime"], "1-2 business days");
    assert_eq!(paxum["feeSchedule"]["percentBps"], 200);
    assert_eq!(paxum["available"], Value::Null);
    let id = creator.rsplit('/').next().expect("an id");
    let own = app
        .get(&format!("/api/payouts/methods?creatorId={id}"))
        .await
        .json();
    assert_eq!(own["methods"][1]["available"], true, "{own}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_destination_is_seen_whole_only_with_a_reason_that_is_kept(pool: PgPool) {
    let app = TestApp::with(pool, &CONNECTED);
    let creator = payee(&app, "ada").await;
    let path = format!("{creator}/payout-destinations");
    let id = app.get(&path).await.json()["destinations"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let reveal = format!("{path}/{id}/reveal");
    let support = Person::new(&app, "sam", Role::Support);
    let why = r#"{ "reason": "ticket 12" }"#;
    assert_eq!(support.post(&reveal, why).await.status.as_u16(), 403);
    let finn = Person::new(&app, "finn", Role::Finance);
    let silent = finn.post(&reveal, r#"{ "reason": "" }"#).await;
    assert_eq!(wrong_fields(&silent), ["/reason"]);
    let seen = finn.post(&reveal, why).await.json();
    assert_eq!(seen["account"]["email"], "ada@pay.example");
    let trail = app
        .get("/api/admin/audit?action=payout.reveal_destination")
        .await;
    assert!(trail.text.contains("ticket 12"), "{}", trail.text);
    assert!(!trail.text.contains("ada@pay.example"), "{}", trail.text);
    let gone = finn
        .send(Method::DELETE, &format!("{path}/{id}"), &[], "")
        .await;
    assert_eq!(gone.status.as_u16(), 204);
    assert_eq!(app.get(&path).await.json()["destinations"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_but_the_provider_reports(pool: PgPool) {
    let app = TestApp::with(pool, &CONNECTED);
    let body = r#"{ "eventId": "e1", "transaction": {} }"#;
    let send = |path: &'static str| {
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header("content-type", "application/json")
            .header("x-paxum-signature", "00")
            .body(Body::from(body))
            .expect("a request");
        app.send(request)
    };
    let forged = send("/callbacks/payouts/paxum").await;
    assert_eq!(forged.status.as_u16(), 401, "{forged:?}");
    let nobody = send("/callbacks/payouts/paypal").await;
    assert_eq!(nobody.status.as_u16(), 404, "{nobody:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn files_are_asked_for_by_who_approves_and_only_where_somebody_pays(pool: PgPool) {
    let folder = [
        ("PAYOUT_DROP_FOLDER", "/nowhere/that/the/service/looks"),
        ("SEPA_DEBTOR_NAME", "Platform GmbH"),
        ("SEPA_DEBTOR_IBAN", "DE89370400440532013000"),
    ];
    let app = TestApp::with(pool, &folder);
    let finn = Person::new(&app, "finn", Role::Finance);
    let ask = |method: &str, currency: &str| {
        let body = json!({ "method": method, "currency": currency }).to_string();
        let finn = &finn;
        async move { finn.post("/api/payout-batches", &body).await }
    };
    for (method, currency, field) in [
        ("paxum", "EUR", "/method"),
        ("gold", "EUR", "/method"),
        ("check", "EUR", "/currency"),
        ("bank_transfer", "JPY", "/currency"),
    ] {
        let refused = ask(method, currency).await;
        assert_eq!(wrong_fields(&refused), [field], "{method} {currency}");
    }
    let nobody = ask("bank_transfer", "USD").await;
    assert_eq!(
        (nobody.status.as_u16(), nobody.problem().as_str()),
        (409, "no-provider")
    );
    let asked = ask("bank_transfer", "EUR").await;
    assert_eq!(asked.status.as_u16(), 202, "{asked:?}");
    let again = ask("bank_transfer", "EUR").await;
    assert_eq!(asked.json()["jobId"], again.json()["jobId"]);
    let job = asked.json()["jobId"].as_str().expect("an id").to_owned();
    let job = app.get(&format!("/api/jobs/{job}")).await.json();
    assert_eq!(job["kind"], "payout.batch");

    let none = finn.get("/api/payout-batches").await;
    assert_eq!(none.json(), json!({ "batches": [], "nextCursor": null }));
    let unknown = "/api/payout-batches/payoutbatch_0192f0c1000000000000000000000000";
    assert_eq!(finn.get(unknown).await.status.as_u16(), 404);
    let support = Person::new(&app, "sam", Role::Support);
    let body = r#"{ "method": "bank_transfer", "currency": "EUR" }"#;
    let refused = support.post("/api/payout-batches", body).await;
    assert_eq!(refused.status.as_u16(), 403, "{refused:?}");

    let methods = app.get("/api/payouts/methods").await.json();
    let offered = methods["methods"].as_array().expect("methods");
    assert_eq!(offered.len(), 1, "{methods}");
    assert_eq!(offered[0]["method"], "bank_transfer");
    assert_eq!(offered[0]["currency"], "EUR");
}
