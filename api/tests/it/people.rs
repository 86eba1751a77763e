//! People who log in, for the tests of access.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

/// A password that is taken.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The service with one user.
pub(crate) struct Place {
    pub(crate) app: TestApp,
    pub(crate) email: String,
    pub(crate) id: String,
}

impl Place {
    /// With somebody who has this role.
    pub(crate) async fn with(pool: PgPool, role: &str) -> Self {
        let app = TestApp::new(pool);
        let email = "ada@x.example".to_owned();
        let id = add(
            &app,
            json!({ "email": email, "name": "Ada", "roles": [role], "password": PASSWORD }),
        )
        .await;
        Self { app, email, id }
    }

    /// Logs in; the answer may be a refusal.
    pub(crate) async fn try_login(&self, password: &str, code: Option<&str>) -> Answer {
        let body = json!({ "email": self.email, "password": password, "code": code });
        anonymous(&self.app, "/api/auth/login", body, &[]).await
    }

    /// The tokens of a login.
    pub(crate) async fn login(&self, code: Option<&str>) -> Value {
        let answer = self.try_login(PASSWORD, code).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Enrols a second factor with a token; answers its secret and the recovery codes.
    pub(crate) async fn enrol(&self, token: &str) -> (String, Vec<String>) {
        let body = json!({ "password": PASSWORD });
        let begun = by(
            &self.app,
            token,
            Method::POST,
            "/api/auth/second-factor",
            Some(body),
        )
        .await;
        assert_eq!(begun.status, 200, "{begun:?}");
        let secret = text(&begun.json()["secret"]).to_owned();
        let code = json!({ "code": code(&self.app, &secret) });
        let path = "/api/auth/second-factor/confirm";
        let confirmed = by(&self.app, token, Method::POST, path, Some(code)).await;
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
        let codes = confirmed.json()["recoveryCodes"].clone();
        (secret, serde_json::from_value(codes).expect("codes"))
    }
}

/// Adds a user as an admin of the command line; answers their id.
pub(crate) async fn add(app: &TestApp, body: Value) -> String {
    let added = app.post("/api/users", body).await;
    assert_eq!(added.status, 201, "{added:?}");
    text(&added.json()["id"]).to_owned()
}

/// The present code of a second factor, computed here once more (RFC 6238).
pub(crate) fn code(app: &TestApp, secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("Base32");
    let now = u64::try_from(app.app.clock.now().timestamp()).expect("after 1970");
    let totp = totp_rs::Builder::new()
        .with_secret(secret)
        .build_noncompliant();
    totp.generate(now).to_string()
}

/// A request of somebody who says nothing of themselves.
pub(crate) async fn anonymous(
    app: &TestApp,
    path: &str,
    body: Value,
    headers: &[(&str, &str)],
) -> Answer {
    let mut request = Request::post(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.send(
        request
            .body(Body::from(body.to_string()))
            .expect("a request"),
    )
    .await
}

/// A request with a token or a key.
pub(crate) async fn by(
    app: &TestApp,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = body.map_or(Body::empty(), |json| Body::from(json.to_string()));
    app.send(request.body(body).expect("a request")).await
}

/// What somebody with this token may see.
pub(crate) async fn may(app: &TestApp, token: &str, path: &str) -> u16 {
    by(app, token, Method::GET, path, None)
        .await
        .status
        .as_u16()
}

pub(crate) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
}
