//! Two that turn out to be one.

use sqlx::{PgConnection, PgPool};

use super::{active, ctx, new_creator, verify};
use crate::creators::*;
use crate::kernel::PageRequest;

async fn registered(conn: &mut PgConnection, cluster: &str, username: &str) -> Creator {
    let new = new_creator(cluster, &format!("{username}@x.example"), username);
    register(conn, &ctx(), &new).await.expect("registered")
}

async fn said(conn: &mut PgConnection, id: CreatorId, state: ConsentState) {
    let consent = NewConsent {
        channel: Channel::Email,
        state,
        source: "signup_form".into(),
        proof: None,
    };
    record_consent(conn, &ctx(), id, consent)
        .await
        .expect("recorded");
}

#[sqlx::test(migrations = "../migrations")]
async fn both_ids_lead_to_the_one_that_is_kept_with_everything_of_both(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let (first, gone, kept) = (
        registered(&mut conn, "girlfanz", "ada1").await,
        registered(&mut conn, "girlfanz", "ada2").await,
        registered(&mut conn, "girlfanz", "ada3").await,
    );
    said(&mut conn, kept.id, ConsentState::Granted).await;
    said(&mut conn, gone.id, ConsentState::Withdrawn).await;
    let today = ctx().now().date_naive();
    for id in [gone.id, kept.id] {
        crate::tiers::add_earnings(&mut conn, &ctx(), id, today, 500)
            .await
            .expect("earned");
    }
    merge(&mut conn, &ctx(), first.id, gone.id, "the same")
        .await
        .expect("merged");
    for _ in 0..2 {
        let merged = merge(&mut conn, &ctx(), gone.id, kept.id, "the same").await;
        assert_eq!(merged.expect("saying it twice is allowed").id, kept.id);
    }
    for id in [first.id, gone.id, kept.id] {
        let found = get(&mut conn, id).await.expect("found");
        assert_eq!(found.id, kept.id);
        assert_eq!(found.aliases, ["ada2", "ada1"]);
    }
    let history = status_history(&mut conn, &ctx(), kept.id, &PageRequest::default()).await;
    assert_eq!(history.expect("a history").items.len(), 3);
    let consents = consents(&mut conn, gone.id).await.expect("consents");
    assert_eq!(
        consents[0].state,
        ConsentState::Withdrawn,
        "whoever said no under one name said it"
    );
    let tier = crate::tiers::status(&mut conn, &ctx(), kept.id).await;
    assert_eq!(tier.expect("a tier").figure_minor, 1_000);
    let people: i64 = sqlx::query_scalar("select count(*) from people where merged_into is null")
        .fetch_one(&mut *conn)
        .await
        .expect("a count");
    assert_eq!(people, 1, "the people behind are one, too");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_merge_that_would_hide_something_is_refused(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let gone = active(&mut conn, "ada1").await;
    let kept = active(&mut conn, "ada2").await;
    suspend(&mut conn, &ctx(), gone.id, None, "spam", 0)
        .await
        .expect("suspended");
    let refused = merge(&mut conn, &ctx(), gone.id, kept.id, "the same").await;
    assert!(
        matches!(refused, Err(CreatorError::MergeHides(_))),
        "{refused:?}"
    );

    suspend(&mut conn, &ctx(), kept.id, None, "spam", 3600)
        .await
        .expect("suspended");
    merge(&mut conn, &ctx(), gone.id, kept.id, "the same")
        .await
        .expect("merged");
    let standing = blocks(&mut conn, &ctx(), kept.id).await.expect("blocks");
    assert_eq!(standing.len(), 2, "its suspension follows");

    let elsewhere = registered(&mut conn, "boyfanz", "ada4").await;
    let refused = merge(&mut conn, &ctx(), elsewhere.id, kept.id, "the same").await;
    assert!(
        matches!(refused, Err(CreatorError::Invalid(_))),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn people_whose_papers_differ_are_not_one(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let a = registered(&mut conn, "girlfanz", "ada1").await;
    let b = registered(&mut conn, "boyfanz", "ada2").await;
    for (person, name) in [(a.person, "Ada King"), (b.person, "Eve Noll")] {
        let changes = PersonChanges {
            legal_name: Some(Some(name.into())),
            ..PersonChanges::default()
        };
        change_person(&mut conn, &ctx(), person, None, changes)
            .await
            .expect("changed");
    }
    let refused = merge_people(&mut conn, &ctx(), a.person, b.person, "the same").await;
    assert!(
        matches!(refused, Err(CreatorError::IdentitiesDiffer)),
        "{refused:?}"
    );
    let changes = PersonChanges {
        legal_name: Some(Some("ada  KING".into())),
        ..PersonChanges::default()
    };
    change_person(&mut conn, &ctx(), b.person, None, changes)
        .await
        .expect("changed");
    verify(&mut conn, a.person).await;
    let kept = merge_people(&mut conn, &ctx(), a.person, b.person, "the same")
        .await
        .expect("merged");
    assert_eq!(kept.id, b.person);
    assert!(kept.birth_date.is_some(), "what only one had is kept");
    assert_eq!(
        person(&mut conn, a.person).await.expect("found").id,
        b.person
    );
    let profile = profile(&mut conn, &ctx(), a.id).await.expect("a profile");
    assert_eq!(profile.siblings.len(), 1);
    assert!(profile.age.is_some(), "the decision about the age follows");
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_shares_papers_an_address_or_a_number_may_be_the_same(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let phone: Phone = "+15550100123".parse().expect("a number");
    let me = NewCreator {
        phone: Some(phone.clone()),
        ..new_creator("girlfanz", "ada@x.example", "ada")
    };
    let me = register(&mut conn, &ctx(), &me).await.expect("registered");
    let by_email = new_creator("boyfanz", "ADA@x.example", "ada.b");
    let by_email = register(&mut conn, &ctx(), &by_email)
        .await
        .expect("registered");
    let by_both = NewCreator {
        phone: Some(phone),
        ..new_creator("pupfanz", "other@x.example", "ada.p")
    };
    let by_both = register(&mut conn, &ctx(), &by_both)
        .await
        .expect("registered");
    registered(&mut conn, "girlfanz", "somebody").await;
    for person in [me.person, by_both.person] {
        let changes = PersonChanges {
            legal_name: Some(Some("Ada King".into())),
            birth_date: Some(Some("1990-05-06".parse().expect("a date"))),
            ..PersonChanges::default()
        };
        change_person(&mut conn, &ctx(), person, None, changes)
            .await
            .expect("changed");
    }
    let found = duplicates(&mut conn, &ctx(), me.id).await.expect("found");
    let found: Vec<_> = found
        .iter()
        .map(|duplicate| (duplicate.id, duplicate.likeness.clone()))
        .collect();
    assert_eq!(
        found,
        [
            (by_email.id, vec![Likeness::Email]),
            (by_both.id, vec![Likeness::Identity, Likeness::Phone]),
        ]
    );
}
