//! Handing in and deciding.

use super::super::model::Refusal;
use super::*;
use crate::creators::{AgeVerdict, CreatorError, NewAgeDecision, PersonChanges};

#[sqlx::test(migrations = "../migrations")]
async fn what_is_proven_of_a_person_serves_all_their_creators(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let elsewhere = creators::NewCreator {
        person: Some(ada.person),
        ..testing::newcomer("boyfanz", "ada_b")
    };
    let elsewhere = creators::register(&mut conn, &ctx(), &elsewhere)
        .await
        .expect("registered");
    let done = verified(&mut conn, ada.id, Kind::Identity, 30).await;
    assert_eq!((done.state, done.version), (State::Verified, 3));
    assert_eq!(done.verified_by.as_deref(), Some("user:cleo"));
    verified(&mut conn, ada.id, Kind::Email, 30).await;
    let there = one(&mut conn, &ctx(), elsewhere.id, Kind::Identity).await;
    assert_eq!(there, done);
    let mail = one(&mut conn, &ctx(), elsewhere.id, Kind::Email).await;
    assert_eq!(
        mail.state,
        State::Unverified,
        "an address is of one creator"
    );
    let history = told(&mut conn).await;
    assert_eq!(
        history[..3],
        [
            "unverified pending",
            "pending in_review",
            "in_review verified"
        ]
    );
    assert_eq!(
        audited(&mut conn).await[..3],
        [
            "verification.submit",
            "verification.review",
            "verification.verify"
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn of_two_who_decide_at_once_one_decides_and_the_other_is_told(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let seen = in_review(&mut conn, ada.id, Kind::Identity).await.version;
    let says = async |who: &'static str, version, new| {
        let mut tx = pool.begin().await.expect("begun");
        let ctx = staff_in(0, who);
        let done = decide(&mut tx, &ctx, ada.id, Kind::Identity, version, new).await;
        if done.is_ok() {
            tx.commit().await.expect("committed");
        }
        done
    };
    let (cleo, dora) = tokio::join!(
        says("cleo", Some(seen), proven(30)),
        says("dora", Some(seen), because(Verdict::Reject))
    );
    let stale = [cleo, dora].into_iter().filter_map(Result::err);
    let stale: Vec<_> = stale.collect();
    assert!(
        matches!(stale[..], [VerificationError::Stale(3)]),
        "{stale:?}"
    );
    // and who does not say which version they read does not overwrite either
    let state = one(&mut conn, &ctx(), ada.id, Kind::Identity).await.state;
    let other = if state == State::Verified {
        says("dora", None, because(Verdict::Reject)).await
    } else {
        says("cleo", None, proven(30)).await
    };
    assert!(
        matches!(
            other,
            Err(VerificationError::Refused(Refusal::OutOfOrder { .. }))
        ),
        "{other:?}"
    );
    assert_eq!(told(&mut conn).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_decision_twice_is_one_and_a_renewal_names_its_version(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let done = verified(&mut conn, ada.id, Kind::Identity, 30).await;
    let again = decide(&mut conn, &ctx(), ada.id, Kind::Identity, None, proven(30)).await;
    assert_eq!(again.expect("the same").version, done.version);
    let other = decide(&mut conn, &ctx(), ada.id, Kind::Identity, None, proven(90)).await;
    assert!(
        matches!(
            other,
            Err(VerificationError::Refused(Refusal::DecidedAlready { .. }))
        ),
        "{other:?}"
    );
    let version = Some(done.version);
    let renewed = decide(
        &mut conn,
        &ctx(),
        ada.id,
        Kind::Identity,
        version,
        proven(90),
    )
    .await;
    assert_eq!(renewed.expect("renewed").version, done.version + 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_rejected_for_good_is_not_handed_in_again(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    in_review(&mut conn, ada.id, Kind::Address).await;
    let no = because(Verdict::Reject);
    let rejected = decide(&mut conn, &ctx(), ada.id, Kind::Address, None, no).await;
    assert_eq!(rejected.expect("rejected").resubmittable, Some(true));
    in_review(&mut conn, ada.id, Kind::Address).await;
    let for_good = NewVerdict {
        resubmittable: Some(false),
        ..because(Verdict::Reject)
    };
    decide(&mut conn, &ctx(), ada.id, Kind::Address, None, for_good)
        .await
        .expect("rejected");
    let again = submit(&mut conn, &ctx(), ada.id, Kind::Address, "a bill").await;
    let error = again.expect_err("for good").to_string();
    assert_eq!(
        error,
        "`submit` may not follow `rejected`; possible now: in_review, reject"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_proof_counts_for_what_was_on_file_and_for_nothing_else(pool: PgPool) {
    let id = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let person = creators::get(&mut conn, id)
        .await
        .expect("a creator")
        .person;
    in_review(&mut conn, id, Kind::Identity).await;
    let nameless = decide(&mut conn, &ctx(), id, Kind::Identity, None, proven(30)).await;
    assert!(
        matches!(nameless, Err(VerificationError::NothingOnFile { .. })),
        "{nameless:?}"
    );
    testing::papers(&mut conn, person, "Ada King").await;
    decide(&mut conn, &ctx(), id, Kind::Identity, None, proven(30))
        .await
        .expect("verified");
    let rename = async |conn: &mut PgConnection, name: &str| {
        let changes = PersonChanges {
            legal_name: Some(Some(name.into())),
            ..PersonChanges::default()
        };
        creators::change_person(conn, &ctx(), person, None, changes)
            .await
            .expect("changed");
    };
    rename(&mut conn, "ADA  King").await;
    let same = one(&mut conn, &ctx(), id, Kind::Identity).await;
    assert_eq!(
        same.state,
        State::Verified,
        "another spelling is the same name"
    );
    rename(&mut conn, "Eve Noll").await;
    let lapsed = one(&mut conn, &ctx(), id, Kind::Identity).await;
    assert_eq!(
        (lapsed.state, lapsed.lapse),
        (State::Expired, Some(Lapse::ChangedOnFile))
    );
    verified(&mut conn, id, Kind::Identity, 30).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_age_is_read_from_its_decisions_and_not_decided_here(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let age = one(&mut conn, &ctx(), ada.id, Kind::Age).await;
    assert_eq!(age.state, State::Unverified);
    let refused = submit(&mut conn, &ctx(), ada.id, Kind::Age, "passport").await;
    assert!(
        matches!(refused, Err(VerificationError::AgeIsElsewhere)),
        "{refused:?}"
    );
    for (verdict, state) in [
        (AgeVerdict::Verified, State::Verified),
        (AgeVerdict::Revoked, State::Revoked),
    ] {
        let decision = NewAgeDecision {
            verdict,
            birth_date: Some("1990-05-06".parse().expect("a date")),
            evidence: "ticket 1".into(),
        };
        creators::decide_age(&mut conn, &ctx(), ada.person, &decision)
            .await
            .expect("decided");
        let age = one(&mut conn, &ctx(), ada.id, Kind::Age).await;
        assert_eq!(
            (age.state, age.evidence.as_deref()),
            (state, Some("ticket 1"))
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn staff_of_another_cluster_finds_nobody(pool: PgPool) {
    let ada = ada(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    in_review(&mut conn, ada.id, Kind::Identity).await;
    let Actor::User(mut caller) = Actor::user("finn", &[Role::Compliance]) else {
        panic!("a user")
    };
    caller.clusters = Some(vec!["boyfanz".into()]);
    let foreign = Ctx::new(Actor::User(caller), &Clock::system());
    let read = verifications(&mut conn, &foreign, ada.id).await.err();
    let decided = decide(
        &mut conn,
        &foreign,
        ada.id,
        Kind::Identity,
        None,
        proven(30),
    )
    .await;
    for error in [read, decided.err()] {
        let Some(VerificationError::Creator(error)) = error else {
            panic!("{error:?}")
        };
        assert!(matches!(*error, CreatorError::NotFound(_)), "{error:?}");
    }
}
