//! The service in this process, on a database of its own.

use std::sync::Arc;
use std::time::Duration;

use api::app::App;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::access::Tokens;
use shared::config::Config;
use shared::kernel::{Actor, Clock, Ctx, Db, Role};
use shared::queue::{Job, Policy, Signals};
use sqlx::PgPool;
use tower::ServiceExt;

/// A body in an answer at the most, in bytes.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// A job for these tests.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Greet {
    /// Whom.
    pub name: String,
    /// How often.
    #[serde(default)]
    pub times: u32,
}

impl Job for Greet {
    const KIND: &'static str = "test.greet";
    const QUEUE: &'static str = "tests";
    const DESCRIPTION: &'static str = "Greets somebody.";
    const POLICY: Policy = Policy { searchable: &["name"], ..Policy::DEFAULT };
}

/// The service on a database of its own.
pub(crate) struct TestApp {
    pub(crate) app: App,
    router: Router,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The end of the problem's `type`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        let kind = json["type"].as_str().expect("a type");
        assert_eq!(json["requestId"].as_str(), Some(self.header("x-request-id")));
        kind.strip_prefix("urn:creator-crm:problem:").expect("the prefix").to_owned()
    }
}

/// The configuration of tests; `changes` win.
pub(crate) fn config(changes: &[(&str, &str)]) -> Config {
    Config::read(|name| {
        if let Some((_, value)) = changes.iter().find(|(key, _)| *key == name) {
            return Some((*value).to_owned());
        }
        match name {
            "NODE_ENV" => Some("test".to_owned()),
            "DATABASE_URL" | "REDIS_URL" => std::env::var(name).ok(),
            _ => None,
        }
    })
    .expect("DATABASE_URL and REDIS_URL are set")
}

impl TestApp {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self::with(pool, &[])
    }

    /// With other variables.
    pub(crate) fn with(pool: PgPool, changes: &[(&str, &str)]) -> Self {
        let mut app = App::new(config(changes)).expect("usable addresses");
        app.db = Db::new(pool, Some(app.signals.clone()));
        app.catalog = Arc::new(shared::job_kinds::catalog().with::<Greet>());
        let router = api::router::router(app.clone());
        Self { app, router }
    }

    /// A context to do something with beside HTTP.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx::new(Actor::System, &self.app.clock)
    }

    /// A token with `role`.
    pub(crate) fn token(&self, role: Role) -> String {
        self.app.tokens.issue("tester", &[role], self.app.clock.now(), Duration::from_secs(600))
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, BODY_MAX).await.expect("a whole body");
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    /// A request of an admin, with more headers.
    pub(crate) async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {}", self.token(Role::Admin)));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await
    }
}
