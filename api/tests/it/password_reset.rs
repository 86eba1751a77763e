//! Setting a password by a link in a mail.

use serde_json::{Value, json};
use shared::access::{MAILS_MAX, SendPasswordMail};
use sqlx::PgPool;

use crate::people::{PASSWORD, Place, anonymous, may, text};
use crate::support::Answer;

const NEXT: &str = "staple wagon lantern";

async fn request(place: &Place, email: &str) -> Answer {
    anonymous(
        &place.app,
        "/api/auth/password-reset",
        json!({ "email": email }),
        &[],
    )
    .await
}

async fn confirm(place: &Place, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    anonymous(&place.app, "/api/auth/password-reset/confirm", body, &[]).await
}

/// What the jobs that wait would send, in the order in which they were asked for.
async fn mails(place: &Place) -> Vec<Option<String>> {
    let app = &place.app.app;
    let jobs: Vec<Value> =
        sqlx::query_scalar("select args from jobs where kind = 'access.password_mail' order by id")
            .fetch_all(app.db.pool())
            .await
            .expect("read");
    let mut mails = Vec::new();
    for args in jobs {
        let job: SendPasswordMail = serde_json::from_value(args).expect("a payload");
        let (email, url) = (&app.config.email, &app.config.http.public_url);
        let mail = app
            .access
            .write_password_mail(&place.app.ctx(), &job, email, url)
            .await;
        mails.push(mail.expect("written").map(|mail| mail.message));
    }
    mails
}

/// The token in a mail; lines end where quoted-printable broke them.
fn token(mail: &str) -> String {
    let plain = mail.replace("=\r\n", "").replace("=3D", "=");
    let (_, rest) = plain.split_once("/set-password#").expect("a link");
    rest.split_whitespace().next().expect("a token").to_owned()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_link_sets_a_password_once_and_ends_all_sessions(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    let session = place.login(None).await;
    for email in ["ADA@x.example", "nobody@x.example"] {
        let answer = request(&place, email).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (202, ""));
    }
    let mails = mails(&place).await;
    let [Some(mail), None] = mails.as_slice() else {
        panic!("one mail: {mails:?}");
    };
    let token = token(mail);
    let weak = confirm(&place, &token, "short").await;
    assert_eq!(weak.json()["errors"][0]["field"], "/password", "{weak:?}");
    assert_eq!(confirm(&place, &token, NEXT).await.status, 204);
    assert_eq!(confirm(&place, &token, NEXT).await.problem(), "link-spent");
    assert_eq!(
        may(&place.app, text(&session["accessToken"]), "/api/queues").await,
        401
    );
    assert_eq!(place.try_login(PASSWORD, None).await.status, 401);
    assert_eq!(place.try_login(NEXT, None).await.status, 200);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_link_is_worth_nothing_after_an_hour_or_for_somebody_disabled(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    assert_eq!(request(&place, &place.email).await.status, 202);
    let old = token(mails(&place).await[0].as_deref().expect("a mail"));
    place.app.app.clock.advance(chrono::Duration::hours(1));
    assert_eq!(confirm(&place, &old, NEXT).await.problem(), "link-spent");

    let new = token(mails(&place).await[0].as_deref().expect("a mail"));
    let path = format!("/api/users/{}/disable", place.id);
    place.app.post(&path, json!({ "reason": "gone" })).await;
    assert_eq!(confirm(&place, &new, NEXT).await.problem(), "link-spent");
    assert_eq!(
        confirm(&place, "pt_made-up", NEXT).await.problem(),
        "link-spent"
    );
    assert_eq!(mails(&place).await, [None]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_flooded_with_mails(pool: PgPool) {
    let place = Place::with(pool, "ops").await;
    for email in [place.email.as_str(), "nobody@x.example"] {
        for n in 0..=MAILS_MAX {
            let answer = request(&place, email).await;
            assert_eq!(
                answer.status,
                if n < MAILS_MAX { 202 } else { 429 },
                "{answer:?}"
            );
        }
    }
}
