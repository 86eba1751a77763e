//! The operators' pages: who may see them, and what they do with hostile text.

use api::pages::PAGES;
use axum::body::Body;
use axum::http::{Method, Request};
use dashboard::Section;
use serde_json::json;
use shared::kernel::Role;
use shared::queue::Next;
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, add};
use crate::support::{Answer, Hands, TestApp};
use crate::web_sessions::{OURS, begin, begin_as, with_cookie};

/// A text that would run if it were ever taken for markup.
const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

async fn page(place: &Place, cookie: &str, path: &str) -> Answer {
    with_cookie(place, cookie, Method::GET, path, &[]).await
}

/// The section that a path belongs to.
fn section(path: &str) -> Section {
    let mut sections = Section::ALL.into_iter().rev();
    let found = sections.find(|section| {
        path == section.path() || path.starts_with(&format!("{}/", section.path()))
    });
    found.unwrap_or_else(|| panic!("{path} is of no section"))
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_session_every_page_leads_to_the_login_and_back(pool: PgPool) {
    let app = TestApp::new(pool);
    for path in PAGES {
        let asked = |scripted: bool| {
            let request = Request::get(path);
            let request = if scripted {
                request.header("hx-request", "true")
            } else {
                request
            };
            request.body(Body::empty()).expect("a request")
        };
        let led = app.send(asked(false)).await;
        let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
        assert_eq!(
            (led.status.as_u16(), led.header("location")),
            (303, &*format!("/login?next={next}")),
            "{path}"
        );
        assert_eq!(
            app.send(asked(true)).await.status,
            401,
            "our scripts are told: {path}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn every_page_is_for_those_who_hold_its_permission(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    // who must enrol a second factor first has no permission at all before; and no person is a service
    for role in Role::ALL.into_iter().filter(|role| {
        !matches!(
            role,
            Role::Finance | Role::Compliance | Role::Creator | Role::Service
        )
    }) {
        let email = format!("{role}@x.example");
        let body = json!({ "email": email, "name": "One", "roles": [role.as_str()], "password": PASSWORD });
        add(&place.app, body).await;
        let (cookie, _) = begin_as(&place.app, &email).await;
        for path in PAGES {
            let may = section(path).permission().held_by(role);
            let answer = page(&place, &cookie, path).await;
            let begins_elsewhere = Section::ALL
                .into_iter()
                .any(|other| other.permission().held_by(role));
            let wanted = match (may, path.contains("_0000")) {
                // whoever may not see the overview begins where they may
                (false, _) if path == "/" && begins_elsewhere => 303,
                (false, _) => 403,
                // there is no such job, campaign or batch
                (true, true) => 404,
                (true, false) => 200,
            };
            assert_eq!(answer.status, wanted, "{role} {path}: {answer:?}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_may_run_only_its_own_scripts_and_be_framed_by_nobody(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let (cookie, csrf) = begin(&place).await;
    let (one, other) = (
        page(&place, &cookie, "/").await,
        page(&place, &cookie, "/").await,
    );
    let policy = one.header("content-security-policy").to_owned();
    for part in [
        "default-src 'none'",
        "script-src 'nonce-",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_ne!(
        policy,
        other.header("content-security-policy"),
        "a nonce is good for one answer"
    );
    assert_eq!(one.header("cache-control"), "no-store");
    assert!(
        one.text.contains(&csrf),
        "pages send this along with changes"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_text_is_shown_as_text(pool: PgPool) {
    let place = Place::with(pool, "admin").await;
    let hands = Hands::new(&place.app).await;
    let body = json!({ "kind": "test.greet", "args": { "name": HOSTILE }, "tags": [HOSTILE], "group": HOSTILE });
    let id = place.app.enqueue(body).await;
    hands.fail(id, Next::Fail, &[HOSTILE, HOSTILE]).await;
    let (cookie, _) = begin(&place).await;
    let word: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let paths = [
        format!("/jobs/{id}"),
        "/jobs?q=state:dead".to_owned(),
        format!("/jobs?q={word}"),
        format!("/jobs?q=tag:%22{word}"),
        "/dead-letters".to_owned(),
        format!("/dead-letters?queue={word}"),
        format!("/audit?actor={word}"),
        format!("/?span={word}"),
    ];
    for path in paths {
        let answer = page(&place, &cookie, &path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        for bad in ["<img", "<script>alert", "\"'><"] {
            assert!(!answer.text.contains(bad), "{path}: {}", answer.text);
        }
    }
    let shown = page(&place, &cookie, &format!("/jobs/{id}")).await;
    assert!(
        shown.text.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "{}",
        shown.text
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn jobs_are_found_by_the_words_of_the_filter(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let (ada, bob) = (place.app.greet("Ada").await, place.app.greet("Bob").await);
    let (cookie, _) = begin(&place).await;
    for (words, found, missing) in [
        ("kind:test.greet", vec![ada, bob], vec![]),
        ("args.name:Ada", vec![ada], vec![bob]),
        ("state:dead", vec![], vec![ada, bob]),
    ] {
        let answer = page(&place, &cookie, &format!("/jobs?q={words}")).await;
        for id in found {
            assert!(
                answer.text.contains(&id.to_string()),
                "{words}: {}",
                answer.text
            );
        }
        for id in missing {
            assert!(
                !answer.text.contains(&id.to_string()),
                "{words}: {}",
                answer.text
            );
        }
    }
    let refused = page(&place, &cookie, "/jobs?q=state:asleep+args.nobody:x").await;
    assert!(
        refused.text.contains("not searchable") && refused.text.contains("role=\"alert\""),
        "{}",
        refused.text
    );
    let led = page(&place, &cookie, &format!("/jobs?q={ada}")).await;
    assert_eq!(
        (led.status.as_u16(), led.header("location")),
        (303, &*format!("/jobs/{ada}"))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_may_only_look_is_offered_nothing_to_do(pool: PgPool) {
    let place = Place::with(pool, "marketing").await;
    let id = place.app.greet("Ada").await;
    let (cookie, _) = begin(&place).await;
    for path in ["/jobs", &format!("/jobs/{id}"), "/dead-letters", "/bulk"] {
        let answer = page(&place, &cookie, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let offers = answer.text.matches("data-api=").count()
            + answer.text.matches("data-each=").count()
            + answer.text.matches("data-bulk=").count();
        let log_out = answer.text.matches("DELETE /api/auth/session").count();
        assert_eq!(offers, log_out, "{path}: {}", answer.text);
    }
}

async fn log_in(place: &Place, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut request =
        Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    place
        .app
        .send(request.body(Body::from(body)).expect("a request"))
        .await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_form_logs_in_and_leads_to_where_somebody_wanted_to_go(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let with = |password: &'static str, next: &'static str| {
        [
            ("email", "ada@x.example"),
            ("password", password),
            ("next", next),
        ]
    };
    let wrong = log_in(&place, &with("wrong", "/jobs"), &[OURS]).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.header("set-cookie")),
        (401, ""),
        "{wrong:?}"
    );
    assert!(
        wrong.text.contains("role=\"alert\"") && wrong.text.contains("ada@x.example"),
        "{wrong:?}"
    );
    let foreign = log_in(
        &place,
        &with(PASSWORD, "/jobs"),
        &[("sec-fetch-site", "cross-site")],
    )
    .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.header("set-cookie")),
        (403, ""),
        "{foreign:?}"
    );
    for (next, to) in [
        ("/jobs?q=state:dead", "/jobs?q=state:dead"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
    ] {
        let right = log_in(&place, &with(PASSWORD, next), &[OURS]).await;
        assert_eq!(
            (right.status.as_u16(), right.header("location")),
            (303, to),
            "{right:?}"
        );
        let cookie = right
            .header("set-cookie")
            .split(';')
            .next()
            .expect("a pair")
            .to_owned();
        assert_eq!(page(&place, &cookie, "/jobs").await.status, 200);
    }
}
