//! A creator who is logged in, on every route there is: their own, and nothing of anybody else's.

use std::collections::HashMap;

use axum::http::Method;
use serde_json::{Value, json};
use shared::access::Permission;
use sqlx::PgPool;

use crate::people::{PASSWORD, add, anonymous, by, text};
use crate::permissions::operations;
use crate::support::TestApp;

/// The service with two creators; one of them is logged in, and of the other there is one of everything.
struct Two {
    app: TestApp,
    token: String,
    own: String,
    /// The other's ids by their prefix.
    others: HashMap<String, String>,
}

async fn registered(app: &TestApp, name: &str) -> Value {
    let body =
        json!({ "email": format!("{name}@x.example"), "username": name, "clusterId": "girlfanz" });
    let made = app.post("/api/creators", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

impl Two {
    async fn new(pool: PgPool) -> Self {
        let app = TestApp::new(pool);
        let own = text(&registered(&app, "ada").await["id"]).to_owned();
        let user = json!({ "email": "ada@x.example", "name": "Ada", "roles": ["creator"], "creatorId": own,
                           "password": PASSWORD });
        add(&app, user).await;
        let body = json!({ "email": "ada@x.example", "password": PASSWORD });
        let login = anonymous(&app, "/api/auth/login", body, &[]).await;
        let token = text(&login.json()["accessToken"]).to_owned();
        let mut two = Self {
            app,
            token,
            own,
            others: HashMap::new(),
        };
        two.fill().await;
        two
    }

    /// One of everything that the other has.
    async fn fill(&mut self) {
        let other = registered(&self.app, "zoe").await;
        let creator = text(&other["id"]).to_owned();
        let of = |rest: &str| format!("/api/creators/{creator}{rest}");
        let note = json!({ "text": "secret", "type": "general", "priority": "low" });
        let reason = json!({ "reason": "a ticket" });
        let campaign = json!({ "name": "Q1", "type": "retention", "targetAudience": { "clusters": [] },
            "content": { "subject": "Hi", "message": "Hello" }, "schedule": { "type": "immediate" } });
        let bulk =
            json!({ "action": { "type": "archive" }, "filter": { "q": "nobody" }, "reason": "x" });
        let view = json!({ "name": "mine", "shared": true, "filter": { "q": "zoe" } });
        let hold = json!({ "kind": "legal_hold", "reason": "a case" });
        for (path, body) in [
            (of("/notes"), note),
            (
                "/api/tasks".to_owned(),
                json!({ "title": "call", "creatorId": creator }),
            ),
            (of("/data-exports"), reason),
            (of("/privacy-measures"), hold),
            ("/api/campaigns".to_owned(), campaign),
            ("/api/creator-bulk-operations".to_owned(), bulk),
            ("/api/creator-views".to_owned(), view),
            ("/api/creator-exports".to_owned(), json!({})),
        ] {
            let made = self.app.post(&path, body).await;
            assert!(made.status.is_success(), "{path}: {made:?}");
            self.know(&made.json()["id"]);
        }
        let shown = self.app.get(&of("")).await.json();
        self.know(&shown["personId"]);
        self.know(&other["id"]);
        let users = self.app.get("/api/users").await.json();
        self.know(&users["items"][0]["id"]);
    }

    fn know(&mut self, id: &Value) {
        let id = text(id);
        let (prefix, _) = id.rsplit_once('_').expect("an id");
        self.others.insert(prefix.to_owned(), id.to_owned());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_is_shown_nothing_of_another_on_any_route(pool: PgPool) {
    let two = Two::new(pool).await;
    let mut asked = 0;
    for operation in operations() {
        let Some(needed) = operation.permission else {
            continue;
        };
        if needed == Permission::OwnAccount {
            // it has no id in it: whose account it is the token says
            assert!(!operation.path.contains('_'), "{operation:?}");
            continue;
        }
        let path = operation.path_with(|_, prefix| two.others.get(prefix).cloned());
        let body = (operation.method != Method::GET).then(|| json!({ "reason": "a ticket" }));
        let answer = by(&two.app, &two.token, operation.method.clone(), &path, body).await;
        let refused = if operation.own { 404 } else { 403 };
        assert_eq!(
            answer.status, refused,
            "{} {path}: {answer:?}",
            operation.method
        );
        // names that no hexadecimal id contains by chance
        for secret in ["zoe", "secret", "a ticket"] {
            assert!(!answer.text.contains(secret), "{path}: {answer:?}");
        }
        asked += 1;
    }
    assert!(asked > 120, "{asked}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_reaches_nothing_of_another_through_their_own_id(pool: PgPool) {
    let two = Two::new(pool).await;
    let mut asked = 0;
    for operation in operations().into_iter().filter(|one| one.own) {
        let path = operation.path_with(|name, prefix| {
            let own = (name == "id").then(|| two.own.clone());
            own.or_else(|| two.others.get(prefix).cloned())
        });
        let foreign = two.others.values().any(|id| path.contains(id.as_str()));
        if !foreign {
            continue;
        }
        let answer = by(&two.app, &two.token, operation.method.clone(), &path, None).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        asked += 1;
    }
    assert!(asked >= 2, "{asked}");
    // while their own document they may ask for
    let path = format!("/api/creators/{}/data-exports", two.own);
    let body = json!({ "reason": "I want to know" });
    let asked = by(&two.app, &two.token, Method::POST, &path, Some(body)).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let place = asked.header("location").to_owned();
    let shown = by(&two.app, &two.token, Method::GET, &place, None).await;
    assert_eq!(shown.json()["state"], "running", "{shown:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_changes_what_they_are_called_and_nothing_they_are_found_by(pool: PgPool) {
    let two = Two::new(pool).await;
    let path = format!("/api/creators/{}", two.own);
    let change = |body| by(&two.app, &two.token, Method::PATCH, &path, Some(body));
    let own = json!({ "displayName": "Ada L", "firstName": "Ada", "timeZone": "Europe/Berlin", "handles": { "instagram": "ada" } });
    let changed = change(own).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["displayName"], "Ada L");
    for (field, value) in [
        ("email", json!("new@x.example")),
        ("username", json!("zoe_too")),
        ("phone", json!("+15550100123")),
        ("owner", json!("ada")),
        ("aliases", json!(["Zoe"])),
    ] {
        let refused = change(json!({ field: value })).await;
        assert_eq!(refused.status, 403, "{field}: {refused:?}");
    }
}
