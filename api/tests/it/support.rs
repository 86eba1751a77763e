//! The service in this process, on a database of its own.

use std::time::{Duration, Instant};

use api::app::App;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::config::Config;
use shared::kernel::{Actor, Ctx, Role};
use shared::queue::claim::{Claimant, Claimed, claim};
use shared::queue::settle::{Setback, Success, complete, fingerprint, set_back};
use shared::queue::workers::{NewWorker, register};
use shared::queue::{Failure, Job, JobId, Next, Policy, Signals, WorkerId};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

/// A body in an answer at the most, in bytes.
const BODY_MAX: usize = 64 * 1024 * 1024;

/// A job for these tests.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Greet {
    /// Whom.
    pub name: String,
    /// Who is greeted, if it is a creator.
    #[serde(default)]
    pub creator: Option<String>,
    /// How often.
    #[serde(default)]
    pub times: u32,
}

impl Job for Greet {
    const KIND: &'static str = "test.greet";
    const QUEUE: &'static str = "tests";
    const DESCRIPTION: &'static str = "Greets somebody.";
    const POLICY: Policy = Policy {
        searchable: &["name"],
        ..Policy::DEFAULT
    };

    fn creator(&self) -> Option<String> {
        self.creator.clone()
    }
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
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The end of the problem's `type`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let json = self.json();
        let kind = json["type"].as_str().expect("a type");
        assert_eq!(
            json["requestId"].as_str(),
            Some(self.header("x-request-id"))
        );
        kind.strip_prefix("urn:creator-crm:problem:")
            .expect("the prefix")
            .to_owned()
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
        // shown for a test that fails: cargo keeps the output of the others to itself
        let log = tracing_subscriber::fmt()
            .with_test_writer()
            .with_max_level(tracing::Level::WARN);
        let _already = log.try_init();
        let config = config(changes);
        let signals = Signals::new(config.redis_url.expose_secret()).expect("a URL of Redis");
        let catalog = shared::job_kinds::catalog().with::<Greet>();
        let app = App::over(pool, signals, catalog, config);
        let router = api::router::router(app.clone());
        Self { app, router }
    }

    /// A context to do something with beside HTTP.
    pub(crate) fn ctx(&self) -> Ctx {
        Ctx::new(Actor::System, &self.app.clock)
    }

    /// A token with `role`.
    pub(crate) fn token(&self, role: Role) -> String {
        self.app.tokens.issue(
            "tester",
            &[role],
            self.app.clock.now(),
            Duration::from_secs(600),
        )
    }

    /// Sends a request; the body of the answer may go on for ever.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response {
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("the router always answers")
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("the router always answers");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, BODY_MAX).await.expect("a whole body");
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// A request of an admin, with more headers.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(
            "authorization",
            format!("Bearer {}", self.token(Role::Admin)),
        );
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

/// A worker without a process: tests claim and end jobs by its hands.
pub(crate) struct Hands<'a> {
    app: &'a TestApp,
    pub(crate) id: WorkerId,
    kinds: Vec<String>,
}

impl<'a> Hands<'a> {
    /// Registers.
    pub(crate) async fn new(app: &'a TestApp) -> Self {
        let id = WorkerId::new();
        let kinds: Vec<String> = app
            .app
            .catalog
            .iter()
            .map(|kind| kind.spec.kind.to_owned())
            .collect();
        let worker = NewWorker {
            id,
            host: "test-host".to_owned(),
            pid: 1,
            version: "0".to_owned(),
            queues: [("tests".to_owned(), 10)].into(),
            kinds: kinds.clone(),
        };
        let mut conn = app.app.db.pool().acquire().await.expect("a connection");
        register(&mut conn, &worker).await.expect("registered");
        Self { app, id, kinds }
    }

    /// Claims a job. A request that was refused may hold its row a moment longer, until its connection has rolled back.
    pub(crate) async fn claim(&self, id: JobId) -> Claimed {
        let who = Claimant {
            worker: self.id,
            queue: "tests",
            kinds: &self.kinds,
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            let claimed = claim(self.app.app.db.pool(), who, Uuid::new_v4(), &[id]).await;
            if let Some(job) = claimed.expect("the database answers").pop() {
                return job;
            }
        }
        panic!("{id} cannot be claimed");
    }

    /// Runs a job with success.
    pub(crate) async fn complete(&self, id: JobId, output: Value) {
        let lease = self.claim(id).await.lease;
        let done = complete(
            self.app.app.db.pool(),
            &[Success {
                lease,
                output,
                logs: Vec::new(),
            }],
        )
        .await;
        assert_eq!(done.expect("the database answers"), [id]);
    }

    /// Runs a job that fails with `errors`, outermost first.
    pub(crate) async fn fail(&self, id: JobId, next: Next, errors: &[&str]) {
        let lease = self.claim(id).await.lease;
        let chain: Vec<String> = errors.iter().map(|text| (*text).to_owned()).collect();
        let setback = Setback {
            lease,
            fingerprint: fingerprint(Greet::KIND, &chain),
            failure: Failure { next, chain },
            delay: Duration::from_secs(3600),
            logs: Vec::new(),
        };
        assert_eq!(
            set_back(self.app.app.db.pool(), &[setback])
                .await
                .expect("the database answers")
                .len(),
            1
        );
    }
}

impl TestApp {
    /// Enqueues one greeting through HTTP.
    pub(crate) async fn greet(&self, name: &str) -> JobId {
        self.enqueue(serde_json::json!({ "kind": "test.greet", "args": { "name": name } }))
            .await
    }

    /// Enqueues one job through HTTP.
    pub(crate) async fn enqueue(&self, body: Value) -> JobId {
        let answer = self.post("/api/jobs", body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("a job's id")
    }

    /// The state of a job as HTTP tells it.
    pub(crate) async fn state(&self, id: JobId) -> String {
        let answer = self.get(&format!("/api/jobs/{id}")).await;
        answer.json()["state"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer:?}"))
            .to_owned()
    }

    /// The ids that a list shows.
    pub(crate) async fn ids(&self, path: &str) -> Vec<JobId> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let json = answer.json();
        let items = json["items"].as_array().expect("items");
        items
            .iter()
            .map(|item| {
                item["id"]
                    .as_str()
                    .expect("an id")
                    .parse()
                    .expect("a job's id")
            })
            .collect()
    }
}
