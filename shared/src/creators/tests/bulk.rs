//! Operations on many creators.

use sqlx::PgPool;

use super::{active, ctx, new_creator};
use crate::creators::*;
use crate::kernel::{Actor, Clock, Ctx, Role};

fn inactive(filter: CreatorFilter) -> NewCreatorBulk {
    NewCreatorBulk {
        action: BulkAction::SetStatus {
            status: CreatorStatus::Inactive,
        },
        filter,
        reason: "not seen for a year".into(),
    }
}

fn on_girlfanz() -> CreatorFilter {
    CreatorFilter {
        clusters: vec!["girlfanz".into()],
        ..CreatorFilter::default()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_creator_is_visited_once_and_the_rules_hold_for_each(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let willing = active(&mut conn, "ada").await;
    let pending = new_creator("girlfanz", "eve@x.example", "eve");
    let pending = register(&mut conn, &ctx(), &pending)
        .await
        .expect("registered");
    let seen = preview_bulk(&mut conn, &ctx(), &inactive(on_girlfanz()))
        .await
        .expect("a preview");
    assert_eq!((seen.matched, seen.at_least), (2, false));
    let operation = start_bulk(&mut conn, &ctx(), inactive(on_girlfanz()))
        .await
        .expect("begun");
    let late = new_creator("girlfanz", "late@x.example", "late");
    register(&mut conn, &ctx(), &late)
        .await
        .expect("registered");

    let mut steps = 0;
    let ended = loop {
        let now = step_bulk(&mut conn, &ctx(), operation.id)
            .await
            .expect("a step");
        steps += 1;
        if now.state != CreatorBulkState::Running {
            break now;
        }
    };
    assert_eq!(steps, 2);
    assert_eq!((ended.done, ended.skipped), (1, 1), "{ended:?}");
    let refusal = ended.last_refusal.expect("a refusal");
    assert!(refusal.contains("`inactive` may not follow"), "{refusal}");
    let status =
        async |conn: &mut sqlx::PgConnection, id| get(conn, id).await.expect("found").status;
    assert_eq!(status(&mut conn, willing.id).await, CreatorStatus::Inactive);
    assert_eq!(
        status(&mut conn, pending.id).await,
        CreatorStatus::PendingVerification
    );
    let again = step_bulk(&mut conn, &ctx(), operation.id)
        .await
        .expect("over");
    assert_eq!(
        again.state,
        CreatorBulkState::Completed,
        "a job may run twice"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn who_may_not_do_it_to_one_may_not_do_it_to_many(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let everybody = preview_bulk(&mut conn, &ctx(), &inactive(CreatorFilter::default())).await;
    assert!(
        matches!(everybody, Err(CreatorError::Invalid(_))),
        "{everybody:?}"
    );
    let marketing = Ctx::new(Actor::user("mia", &[Role::Marketing]), &Clock::system());
    let refused = preview_bulk(&mut conn, &marketing, &inactive(on_girlfanz())).await;
    assert!(
        matches!(refused, Err(CreatorError::Lacking(_))),
        "{refused:?}"
    );
    let Actor::User(mut caller) = Actor::user("bob", &[Role::Support]) else {
        panic!("a user");
    };
    caller.clusters = Some(vec!["boyfanz".into()]);
    let bob = Ctx::new(Actor::User(caller), &Clock::system());
    let refused = preview_bulk(&mut conn, &bob, &inactive(on_girlfanz())).await;
    assert!(
        matches!(refused, Err(CreatorError::Invalid(_))),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_operation_does_no_more(pool: PgPool) {
    let mut conn = pool.acquire().await.expect("a connection");
    let creator = active(&mut conn, "ada").await;
    let operation = start_bulk(&mut conn, &ctx(), inactive(on_girlfanz()))
        .await
        .expect("begun");
    cancel_bulk(&mut conn, &ctx(), operation.id)
        .await
        .expect("cancelled");
    let now = step_bulk(&mut conn, &ctx(), operation.id)
        .await
        .expect("over");
    assert_eq!(now.state, CreatorBulkState::Cancelled);
    let creator = get(&mut conn, creator.id).await.expect("found");
    assert_eq!(creator.status, CreatorStatus::Active);
}
