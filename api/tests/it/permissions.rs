//! The permission matrix, taken from the OpenAPI document itself: a new route is in it by existing.

use std::time::Duration;

use api::middleware::OPEN_PATHS;
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;
use shared::access::{Permission, Tokens};
use shared::kernel::Role;
use sqlx::PgPool;

use crate::people::{Place, text};
use crate::support::{TestApp, config};

/// An operation of the document.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// The path with ids that are well formed and name nothing.
    pub(crate) path: String,
    /// The path as the document has it, and its parameters.
    template: (String, Value),
    /// None where nobody has to be known.
    pub(crate) permission: Option<Permission>,
    /// Whether a creator may ask for itself.
    pub(crate) own: bool,
    has_body: bool,
}

impl Operation {
    /// The path with ids from somewhere else: `known` is told the name of a parameter and the prefix of its ids.
    pub(crate) fn path_with(&self, known: impl Fn(&str, &str) -> Option<String>) -> String {
        filled(&self.template.0, &self.template.1, known)
    }
}

/// All operations under /api.
pub(crate) fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(api::router::document()).expect("a document");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item
            .as_object()
            .expect("operations")
            .iter()
            .filter(|_| path.starts_with("/api"))
        {
            let is_open = operation.get("security").is_none();
            assert_eq!(
                is_open,
                method == "post" && OPEN_PATHS.contains(&path.as_str()),
                "{method} {path} names no permission, or one though nobody has to be known there"
            );
            let scopes = &operation["security"][0]["bearer"];
            let name = scopes[0].as_str().unwrap_or_default();
            let own = operation["security"]
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one["bearer"][0] == "creator:self"));
            let known = Permission::ALL
                .into_iter()
                .find(|permission| permission.as_str() == name);
            operations.push(Operation {
                method: method.to_uppercase().parse().expect("a method"),
                path: filled(path, &operation["parameters"], |_, _| None),
                template: (path.clone(), operation["parameters"].clone()),
                permission: known.or_else(|| {
                    assert!(
                        is_open,
                        "{method} {path} names the unknown permission {name}"
                    );
                    None
                }),
                own,
                has_body: operation["requestBody"].is_object(),
            });
        }
    }
    assert!(
        operations.len() > 30,
        "the document lists {} operations",
        operations.len()
    );
    operations
}

/// Those for which somebody has to be known, and what they need.
fn guarded() -> Vec<(Operation, Permission)> {
    let all = operations().into_iter();
    all.filter_map(|operation| operation.permission.map(|needed| (operation, needed)))
        .collect()
}

/// The path with each parameter replaced by an id, one that names nothing if `known` has none; its description tells the
/// prefix.
fn filled(path: &str, parameters: &Value, known: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut filled = path.to_owned();
    for parameter in parameters
        .as_array()
        .into_iter()
        .flatten()
        .filter(|parameter| parameter["in"] == "path")
    {
        let prefix = parameter["description"]
            .as_str()
            .and_then(|text| text.trim_matches('`').strip_suffix("_…"));
        let name = parameter["name"].as_str().expect("a name");
        let id = prefix.map_or("nobody".to_owned(), |prefix| {
            // not zero, which stands for nobody
            known(name, prefix).unwrap_or_else(|| format!("{prefix}_{:032x}", 1))
        });
        filled = filled.replace(&format!("{{{name}}}"), &id);
    }
    filled
}

async fn ask(
    app: &TestApp,
    operation: &Operation,
    token: Option<&str>,
) -> axum::response::Response {
    let mut request = Request::builder()
        .method(operation.method.clone())
        .uri(&operation.path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.open(
        request
            .header("content-type", "application/json")
            .body(Body::from("{}"))
            .expect("a request"),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn no_route_answers_without_a_token_that_is_believed(pool: PgPool) {
    let app = TestApp::new(pool);
    let ttl = Duration::from_secs(60);
    let long_ago = app.app.clock.now() - chrono::Duration::hours(1);
    let expired = app
        .app
        .tokens
        .issue("tester", &[Role::Admin], long_ago, ttl);
    let others =
        Tokens::new(&config(&[("JWT_SECRET", "the secret of somebody else, thirty-two")]).secrets);
    let forged = others.issue("tester", &[Role::Admin], app.app.clock.now(), ttl);
    let unsigned = {
        let token = app.token(Role::Admin);
        let claims = token.split('.').nth(1).expect("claims").to_owned();
        // {"alg":"none","typ":"JWT"}
        format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.")
    };
    for (operation, _) in guarded() {
        for token in [
            None,
            Some(expired.as_str()),
            Some(forged.as_str()),
            Some(unsigned.as_str()),
            Some("x"),
        ] {
            let response = ask(&app, &operation, token).await;
            assert_eq!(response.status(), 401, "{operation:?} with {token:?}");
            assert!(
                response.headers().contains_key("www-authenticate"),
                "{operation:?}"
            );
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn every_route_wants_the_permission_that_it_names(pool: PgPool) {
    let app = TestApp::new(pool);
    for (operation, needed) in guarded() {
        for role in Role::ALL {
            let response = ask(&app, &operation, Some(&app.token(role))).await;
            let status = response.status();
            if needed.held_by(role) {
                assert!(
                    status != 401 && status != 403 && !status.is_server_error(),
                    "{operation:?} as {role}: {status}"
                );
                continue;
            }
            if operation.own && role == Role::Creator {
                assert_eq!(status, 404, "{operation:?} is about another creator");
                continue;
            }
            assert_eq!(status, 403, "{operation:?} as {role}");
            let body = axum::body::to_bytes(response.into_body(), 65_536)
                .await
                .expect("a body");
            let problem: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(
                problem["permission"],
                needed.as_str(),
                "{operation:?} as {role}"
            );
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_opens_only_the_routes_of_its_permissions(pool: PgPool) {
    let app = TestApp::new(pool);
    let body = serde_json::json!({ "name": "figures", "permissions": ["metrics:read"] });
    let made = app.post("/api/api-keys", body).await.json();
    let key = made["key"].as_str().expect("a key");
    for (operation, needed) in guarded() {
        let status = ask(&app, &operation, Some(key)).await.status();
        if needed == Permission::ReadMetrics {
            assert_ne!(status, 403, "{operation:?}");
        } else {
            assert_eq!(status, 403, "{operation:?}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_who_is_disabled_or_has_yet_to_enrol_gets_anywhere(pool: PgPool) {
    let place = Place::with(pool, "finance").await;
    let tokens = place.login(None).await;
    let token = text(&tokens["accessToken"]);
    for (operation, needed) in guarded() {
        if needed != Permission::OwnAccount {
            let status = ask(&place.app, &operation, Some(token)).await.status();
            assert_eq!(status, 403, "{operation:?} before a second factor");
        }
    }
    let path = format!("/api/users/{}/disable", place.id);
    place
        .app
        .post(&path, serde_json::json!({ "reason": "gone" }))
        .await;
    for (operation, _) in guarded() {
        let status = ask(&place.app, &operation, Some(token)).await.status();
        assert_eq!(status, 401, "{operation:?} of somebody disabled");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn no_body_however_broken_is_our_fault(pool: PgPool) {
    let app = TestApp::new(pool);
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("application/json", b"{".to_vec()),
        ("application/json", b"null".to_vec()),
        ("application/json", b"[]]".to_vec()),
        ("application/json", b"\"text\"".to_vec()),
        ("application/json", b"1e999999".to_vec()),
        (
            "application/json",
            b"{\"kind\":\"a\",\"kind\":\"b\"}".to_vec(),
        ),
        ("application/json", b"{\"unheardOf\":{}}".to_vec()),
        (
            "application/json",
            b"{\"name\":\"\\u0000\\ud800\"}".to_vec(),
        ),
        ("application/json", vec![0xff, 0xfe, 0x00, 0x80]),
        ("application/json", deep.into_bytes()),
        ("text/plain", b"{}".to_vec()),
        ("multipart/form-data", b"--".to_vec()),
    ];
    let token = app.token(Role::Admin);
    for operation in operations()
        .into_iter()
        .filter(|operation| operation.method != Method::GET)
    {
        for (content_type, body) in &bodies {
            let request = Request::builder()
                .method(operation.method.clone())
                .uri(&operation.path)
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", *content_type)
                .body(Body::from(body.clone()))
                .expect("a request");
            let answer = app.send(request).await;
            let told = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert!(
                !answer.status.is_server_error(),
                "{operation:?} with {told}: {answer:?}"
            );
            if operation.has_body {
                assert!(
                    answer.status.is_client_error(),
                    "{operation:?} with {told}: {answer:?}"
                );
                answer.problem();
            }
        }
    }
}
