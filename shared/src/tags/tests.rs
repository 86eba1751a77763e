//! Tags against a real database.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::*;
use crate::creators::CreatorId;
use crate::kernel::{Actor, Clock, Ctx};
use crate::testing;

fn ctx() -> Ctx {
    Ctx::new(Actor::System, &Clock::system())
}

fn tag(text: &str) -> Tag {
    text.parse().expect("a tag")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_set_is_tagged_at_once_and_tells_what_it_changed(pool: PgPool) {
    let mut all = Vec::new();
    for name in ["ada", "bea", "cleo"] {
        all.push(testing::creator(&pool, "girlfanz", name).await);
    }
    let mut conn = pool.acquire().await.expect("a connection");
    let nobody = CreatorId::new();
    add(&mut conn, &ctx(), &tag("vip"), &all[..1])
        .await
        .expect("added");
    let told = add(
        &mut conn,
        &ctx(),
        &tag("VIP"),
        &[all[0], all[1], all[1], nobody],
    )
    .await
    .expect("added");
    assert_eq!(
        told,
        Tagged {
            changed: 1,
            unchanged: 1,
            unknown: vec![nobody]
        }
    );
    let told = remove(&mut conn, &ctx(), &tag("vip"), &all)
        .await
        .expect("removed");
    assert_eq!((told.changed, told.unchanged), (2, 1));
    assert_eq!(counts(&mut conn, &ctx()).await.expect("counted"), []);
    let events: i64 = sqlx::query_scalar("select count(*) from creator_tag_events")
        .fetch_one(&mut *conn)
        .await
        .expect("counted");
    assert_eq!(events, 4);
    assert!(matches!(
        add(&mut conn, &ctx(), &tag("x"), &[]).await,
        Err(TagError::TooMany)
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_creator_is_left_with_exactly_the_tags_that_are_set(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    for (wanted, events) in [
        (vec!["a", "b"], 2),
        (vec!["b", "c"], 4),
        (vec!["b", "c"], 4),
        (vec![], 6),
    ] {
        let tags: BTreeSet<Tag> = wanted.iter().map(|text| tag(text)).collect();
        assert_eq!(
            set(&mut conn, &ctx(), creator, None, &tags)
                .await
                .expect("set"),
            wanted
        );
        let told: i64 = sqlx::query_scalar("select count(*) from creator_tag_events")
            .fetch_one(&mut *conn)
            .await
            .expect("counted");
        assert_eq!(told, events);
    }
    let many: BTreeSet<Tag> = (0..=TAGS_MAX).map(|n| tag(&format!("t{n}"))).collect();
    assert!(matches!(
        set(&mut conn, &ctx(), creator, None, &many).await,
        Err(TagError::Full)
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_did_not_see_a_tag_does_not_take_it_away(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let seen = version(&of_creator(&mut conn, &ctx(), creator).await.expect("read"));
    add(&mut conn, &ctx(), &tag("vip"), &[creator])
        .await
        .expect("added");
    let wanted = BTreeSet::from([tag("berlin")]);
    let stale = set(&mut conn, &ctx(), creator, Some(seen), &wanted).await;
    assert!(matches!(stale, Err(TagError::Stale)), "{stale:?}");
    let now = of_creator(&mut conn, &ctx(), creator).await.expect("read");
    assert_eq!(now, ["vip"]);
    let set = set(&mut conn, &ctx(), creator, Some(version(&now)), &wanted).await;
    assert_eq!(set.expect("set"), ["berlin"]);
}
