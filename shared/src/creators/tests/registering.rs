//! Registering, and consents.

use sqlx::{PgConnection, PgPool};

use super::{ctx, new_creator as creator};
use crate::creators::*;

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

#[sqlx::test(migrations = "../migrations")]
async fn one_person_may_be_a_creator_on_several_clusters(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let born = Some("1991-02-03".parse().expect("a date"));
    let first = NewCreator {
        birth_date: born,
        ..creator("girlfanz", "ada@x.example", "ada")
    };
    let first = register_one(&mut conn, &first).await.expect("registered");
    let second = |birth_date| NewCreator {
        person: Some(first.person),
        birth_date,
        ..creator("boyfanz", "ada@x.example", "ada.b")
    };
    let other = Some("1991-02-04".parse().expect("a date"));
    let refused = register_one(&mut conn, &second(other)).await;
    assert!(
        matches!(refused, Err(CreatorError::Invalid(_))),
        "{refused:?}"
    );
    let second = register_one(&mut conn, &second(born))
        .await
        .expect("registered");
    let profile = profile(&mut conn, &ctx(), first.id)
        .await
        .expect("a profile");
    let ids: Vec<_> = profile.siblings.iter().map(|sibling| sibling.id).collect();
    assert_eq!(ids, [second.id]);

    let nobody = NewCreator {
        person: Some(PersonId::new()),
        ..creator("pupfanz", "ada@x.example", "ada.c")
    };
    let refused = register_one(&mut conn, &nobody).await;
    assert!(
        matches!(refused, Err(CreatorError::Invalid(_))),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_registration_leaves_no_person_behind(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let new = creator("girlfanz", "ada@x.example", "ada");
    register_one(&mut conn, &new).await.expect("registered");
    register_one(&mut conn, &new).await.expect_err("taken");
    let people: i64 = sqlx::query_scalar("select count(*) from people")
        .fetch_one(&mut *conn)
        .await
        .expect("a count");
    assert_eq!(people, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_inserted_by_the_version_before_gets_a_person(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let id = CreatorId::new();
    sqlx::query(
        "insert into creators (id, cluster_id, email, email_key, username, username_key, created_by, created_at, updated_at)
         values ($1, 'girlfanz', 'a@x.example', 'a@x.example', 'ada', 'ada', 'system', now(), now())",
    )
    .bind(uuid::Uuid::from(id))
    .execute(&mut *conn)
    .await
    .expect("inserted");
    let made = get(&mut conn, id).await.expect("a creator");
    person(&mut conn, made.person).await.expect("a person");
}
