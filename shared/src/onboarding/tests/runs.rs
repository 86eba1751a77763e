//! Going through a flow.

use super::*;
use crate::creators::CreatorStatus;
use crate::kernel::PageRequest;
use crate::onboarding::model::Refusal;
use crate::tasks::{self, TaskFilter};
use crate::testing;
use crate::verification::VerificationKind;

#[sqlx::test(migrations = "../migrations")]
async fn registering_begins_a_run_and_what_can_be_done_is_started(pool: PgPool) {
    let world = World::new(pool).await;
    let run = world.run().await;
    assert_eq!(
        (run.flow_version, run.state, run.percent()),
        (1, RunState::Open, 0)
    );
    let started: Vec<StepKey> = run
        .steps
        .iter()
        .filter(|step| step.started_at.is_some())
        .map(|step| step.flow.key)
        .collect();
    assert_eq!(started, [StepKey::Welcome, StepKey::Completed]);
    assert_eq!(run.due_at(), Some(run.started_at + Duration::days(1)));
    let again = start(
        &mut *world.conn().await,
        &world.ctx(),
        world.creator,
        "girlfanz",
    )
    .await
    .expect("found");
    assert_eq!(again, Some(run));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_step_before_its_turn_is_refused_with_what_comes_first(pool: PgPool) {
    let world = World::new(pool).await;
    let refused = world.complete(StepKey::PricingSetup, json!({})).await;
    let Err(OnboardingError::Refused(Refusal::OutOfOrder { missing, .. })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(missing, [StepKey::ContentSetup]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_profile_is_not_complete_because_somebody_says_so(pool: PgPool) {
    let world = World::new(pool).await;
    sqlx::query("update creators set first_name = null, time_zone = null")
        .execute(&world.pool)
        .await
        .expect("emptied");
    world.end(StepKey::Welcome).await;
    let told = world
        .complete(StepKey::ProfileSetup, json!({ "profileComplete": true }))
        .await;
    let Err(OnboardingError::NotProven { missing, .. }) = told else {
        panic!("{told:?}")
    };
    assert_eq!(missing, ["firstName", "timeZone"]);
    let (run, blockers) = get(&mut *world.conn().await, &world.ctx(), world.creator)
        .await
        .expect("a run");
    let at = run
        .steps
        .iter()
        .position(|step| step.flow.key == StepKey::ProfileSetup)
        .expect("the step");
    assert_eq!(
        blockers[at],
        [Blocker::Missing("firstName"), Blocker::Missing("timeZone")]
    );

    sqlx::query("update creators set first_name = 'Ada', time_zone = 'UTC'")
        .execute(&world.pool)
        .await
        .expect("filled");
    world.end(StepKey::ProfileSetup).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn marketing_setup_wants_a_choice_on_record_be_it_no(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let told = world.complete(StepKey::MarketingSetup, json!({})).await;
    assert!(
        matches!(told, Err(OnboardingError::NotProven { .. })),
        "{told:?}"
    );
    let no = NewConsent {
        channel: Channel::Email,
        state: ConsentState::Withdrawn,
        source: "form".into(),
        proof: None,
    };
    creators::record_consent(&mut *world.conn().await, &world.ctx(), world.creator, no)
        .await
        .expect("recorded");
    world.end(StepKey::MarketingSetup).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_staff_decides_nobody_else_completes(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let told = world.complete(StepKey::Verification, json!({})).await;
    assert!(
        matches!(
            told,
            Err(OnboardingError::NeedsDecision(StepKey::Verification))
        ),
        "{told:?}"
    );

    let run = world
        .decide(StepKey::Verification, false)
        .await
        .expect("rejected");
    assert_eq!(
        step_of(&run, StepKey::Verification).state,
        StepState::Pending
    );
    let run = world
        .decide(StepKey::Verification, true)
        .await
        .expect("approved");
    assert_eq!(
        step_of(&run, StepKey::Verification).ended_by.as_deref(),
        Some("user:ada")
    );
    let told = history(
        &mut *world.conn().await,
        &world.ctx(),
        world.creator,
        &PageRequest::default(),
    )
    .await
    .expect("a history");
    let about: Vec<_> = told
        .items
        .iter()
        .filter(|event| event.step == Some(StepKey::Verification))
        .map(|event| (event.kind, event.reason.as_deref()))
        .collect();
    assert_eq!(
        about,
        [
            (EventKind::StepCompleted, Some("seen")),
            (EventKind::StepRejected, Some("seen")),
            (EventKind::StepStarted, None)
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn data_must_fit_the_steps_schema(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    for (data, field) in [
        (json!({}), "/data"),
        (
            json!({ "categories": ["war"], "contentTypes": ["photos"] }),
            "/data/categories/0",
        ),
        (
            json!({ "categories": ["art"], "contentTypes": ["photos"], "more": 1 }),
            "/data",
        ),
    ] {
        let told = world.complete(StepKey::ContentSetup, data).await;
        let Err(OnboardingError::Invalid(wrong)) = told else {
            panic!("{told:?}")
        };
        assert_eq!(wrong[0].field, field);
    }
    assert!(
        world
            .complete(StepKey::ContentSetup, json!({ "x": "a\u{0}" }))
            .await
            .is_err(),
        "a NUL cannot be stored"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_cluster_does_not_show_cannot_be_chosen_on_it(pool: PgPool) {
    let world = World::on(pool, "fanzlab").await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let told = world
        .complete(
            StepKey::ContentSetup,
            json!({ "categories": ["fetish"], "contentTypes": ["photos"] }),
        )
        .await;
    assert!(matches!(told, Err(OnboardingError::Invalid(_))), "{told:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn repeating_is_completing_once_and_other_data_are_refused(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.after_minutes(5);
    let before = world.run().await;
    world.end(StepKey::Welcome).await;
    assert_eq!(world.run().await, before);
    let other = world
        .complete(StepKey::Welcome, json!({ "acknowledged": true }))
        .await;
    assert!(
        matches!(other, Err(OnboardingError::Refused(Refusal::Ended { .. }))),
        "{other:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_required_step_completes_the_run_and_reopening_it_takes_it_up_again(pool: PgPool) {
    let world = World::new(pool).await;
    world.all_but(StepKey::PayoutSetup).await;
    let run = world.run().await;
    assert_eq!((run.state, run.percent()), (RunState::Open, 87));
    world.after_minutes(90);
    let run = world
        .decide(StepKey::PayoutSetup, true)
        .await
        .expect("approved");
    assert_eq!((run.state, run.percent()), (RunState::Completed, 100));
    assert_eq!(step_of(&run, StepKey::Completed).minutes(), Some(90));
    assert_eq!(world.run().await, run, "what is stored is what was told");
    let creator = creators::get(&mut *world.conn().await, world.creator)
        .await
        .expect("a creator");
    assert_eq!(creator.status, CreatorStatus::PendingReview);
    let of_creator = TaskFilter {
        creator: Some(world.creator),
        ..TaskFilter::default()
    };
    let todo = tasks::list(
        &mut *world.conn().await,
        &world.ctx(),
        &of_creator,
        &PageRequest::default(),
    )
    .await
    .expect("tasks");
    assert_eq!(todo.items.len(), 1, "staff is asked to review them");

    let mut conn = world.conn().await;
    let run = reopen(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::Verification,
        "expired".into(),
    )
    .await
    .expect("reopened");
    assert_eq!((run.state, run.ended_at), (RunState::Open, None));
    assert_eq!(
        step_of(&run, StepKey::PayoutSetup).state,
        StepState::Completed,
        "what is done stays done"
    );
    drop(conn);
    assert_eq!(world.run().await, run);
    assert_eq!(
        world
            .decide(StepKey::Verification, true)
            .await
            .expect("approved")
            .state,
        RunState::Completed
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_is_not_required_can_be_skipped(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let mut conn = world.conn().await;
    let run = skip(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::MarketingSetup,
        None,
    )
    .await
    .expect("skipped");
    assert_eq!(
        step_of(&run, StepKey::MarketingSetup).state,
        StepState::Skipped
    );
    let again = skip(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::MarketingSetup,
        None,
    )
    .await
    .expect("skipped");
    assert_eq!(again.steps, run.steps);
    let refused = skip(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::Verification,
        None,
    )
    .await;
    assert!(
        matches!(
            refused,
            Err(OnboardingError::Refused(Refusal::Required { .. }))
        ),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_last_two_steps_at_once_complete_the_run_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.all_but(StepKey::FirstContent).await;
    let mut conn = world.conn().await;
    reopen(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::PayoutSetup,
        "again".into(),
    )
    .await
    .expect("reopened");
    drop(conn);
    let (a, b) = tokio::join!(
        world.decide(StepKey::PayoutSetup, true),
        world.decide(StepKey::FirstContent, true)
    );
    a.expect("approved");
    b.expect("approved");
    assert_eq!(world.run().await.state, RunState::Completed);
    let told = history(
        &mut *world.conn().await,
        &world.ctx(),
        world.creator,
        &PageRequest::default(),
    )
    .await
    .expect("a history");
    let completed = told
        .items
        .iter()
        .filter(|event| event.kind == EventKind::RunCompleted)
        .count();
    assert_eq!(completed, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn another_slice_can_prove_a_step_and_is_told_nothing_when_it_comes_early(pool: PgPool) {
    let world = World::new(pool).await;
    let mut conn = world.conn().await;
    let early = prove(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::Verification,
        json!({}),
    )
    .await
    .expect("taken");
    assert_eq!(
        step_of(&early, StepKey::Verification).state,
        StepState::Pending
    );
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let run = prove(
        &mut conn,
        &world.ctx(),
        world.creator,
        StepKey::Verification,
        json!({}),
    )
    .await
    .expect("proven");
    assert_eq!(
        step_of(&run, StepKey::Verification).state,
        StepState::Completed
    );
}

/// Proves who the creator is and that they are of age, the age first or last.
async fn proven(world: &World, age_first: bool) {
    let mut conn = world.conn().await;
    let ctx = Ctx::new(Actor::System, &world.clock);
    let person = creators::get(&mut conn, world.creator)
        .await
        .expect("a creator")
        .person;
    testing::papers(&mut conn, person, "Ada King").await;
    if !age_first {
        testing::verify(&mut conn, world.creator, VerificationKind::Identity).await;
    }
    let age = creators::NewAgeDecision {
        verdict: creators::AgeVerdict::Verified,
        birth_date: Some(testing::BIRTH_DATE.parse().expect("a date")),
        evidence: "ticket 1".into(),
    };
    creators::decide_age(&mut conn, &ctx, person, &age)
        .await
        .expect("decided");
    if age_first {
        testing::verify(&mut conn, world.creator, VerificationKind::Identity).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_verified_needs_no_decision_about_it_in_the_onboarding(pool: PgPool) {
    let world = World::new(pool).await;
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    proven(&world, true).await;
    let step = |run: &Run| step_of(run, StepKey::Verification).clone();
    let done = step(&world.run().await);
    assert_eq!(done.state, StepState::Completed);
    assert_eq!(
        done.ended_by.as_deref(),
        Some("system"),
        "by whoever proved the last of the two"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_verified_before_their_turn_completes_the_step_when_they_come_to_it(pool: PgPool) {
    let world = World::new(pool).await;
    let asked = async || {
        let refused = world.complete(StepKey::Verification, json!({})).await;
        refused.err().map(|error| error.to_string())
    };
    proven(&world, false).await;
    assert!(
        asked()
            .await
            .is_some_and(|told| told.contains("profile_setup"))
    );
    world.end(StepKey::Welcome).await;
    world.end(StepKey::ProfileSetup).await;
    let (run, blockers) = get(&mut *world.conn().await, &world.ctx(), world.creator)
        .await
        .expect("a run");
    let at = run
        .steps
        .iter()
        .position(|step| step.flow.key == StepKey::Verification)
        .expect("the step");
    assert_eq!(blockers[at], [], "nobody has to decide any more");
    assert_eq!(asked().await, None);
}
