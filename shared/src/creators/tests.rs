//! Creators against a real database.

use sqlx::{PgConnection, PgPool};

use super::*;
use crate::kernel::{Actor, Clock, Ctx};

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn creator(cluster: &str, email: &str, username: &str) -> NewCreator {
    NewCreator {
        email: email.parse().expect("an address"),
        username: username.parse().expect("a username"),
        cluster: cluster.into(),
        phone: None,
        display_name: None,
        first_name: None,
        time_zone: None,
        consents: Vec::new(),
    }
}

fn consent(state: ConsentState) -> NewConsent {
    NewConsent {
        channel: Channel::Email,
        state,
        source: "signup_form".into(),
        proof: Some("v3".into()),
    }
}

async fn register_one(conn: &mut PgConnection, new: &NewCreator) -> Result<Creator, CreatorError> {
    register(conn, &ctx(), new).await
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_and_a_name_are_taken_once_in_a_cluster(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let made = register_one(&mut conn, &creator("girlfanz", "ada@x.example", "ada"))
        .await
        .expect("registered");
    assert_eq!(
        (made.status, made.tier),
        (CreatorStatus::PendingVerification, Tier::Newcomer)
    );

    let again = register_one(&mut conn, &creator("girlfanz", "ADA@X.example", "other")).await;
    assert!(matches!(again, Err(CreatorError::EmailTaken)), "{again:?}");
    let again = register_one(&mut conn, &creator("girlfanz", "other@x.example", "ADA")).await;
    assert!(
        matches!(again, Err(CreatorError::UsernameTaken)),
        "{again:?}"
    );
    register_one(&mut conn, &creator("boyfanz", "ada@x.example", "ada"))
        .await
        .expect("free in another cluster");
    let nowhere = register_one(&mut conn, &creator("nofanz", "b@x.example", "bea")).await;
    assert!(
        matches!(nowhere, Err(CreatorError::UnknownCluster(_))),
        "{nowhere:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_word_about_a_channel_holds(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let new = NewCreator {
        consents: vec![consent(ConsentState::Granted)],
        ..creator("girlfanz", "ada@x.example", "ada")
    };
    let id = register_one(&mut conn, &new).await.expect("registered").id;
    for state in [
        ConsentState::Withdrawn,
        ConsentState::Granted,
        ConsentState::Withdrawn,
    ] {
        record_consent(&mut conn, &ctx(), id, consent(state))
            .await
            .expect("recorded");
        let latest = consents(&mut conn, id).await.expect("consents");
        assert_eq!(
            latest
                .iter()
                .map(|c| (c.channel, c.state))
                .collect::<Vec<_>>(),
            [(Channel::Email, state)]
        );
    }
    let nobody = record_consent(
        &mut conn,
        &ctx(),
        CreatorId::new(),
        consent(ConsentState::Granted),
    )
    .await;
    assert!(
        matches!(nobody, Err(CreatorError::NotFound(_))),
        "{nobody:?}"
    );
}
