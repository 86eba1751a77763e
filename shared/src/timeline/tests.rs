//! The timeline against a real database.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::*;
use crate::creators::{self, Channel, ConsentState, CreatorId, NewConsent};
use crate::kernel::{Actor, Clock, Ctx, PageRequest, Role};
use crate::notes::{self, NewNote, NotePriority, NoteType, Visibility};
use crate::tasks::{self, NewTask};
use crate::{tags, testing};

fn ctx(name: &str, role: Role, clock: &Clock) -> Ctx {
    clock.advance(chrono::Duration::seconds(1));
    Ctx::new(Actor::user(name, &[role]), clock)
}

/// A creator with something of every kind but messages and tiers other than the first.
async fn story(pool: &PgPool, clock: &Clock) -> CreatorId {
    let creator = testing::creator(pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    for visibility in Visibility::ALL {
        let note = NewNote {
            note_type: NoteType::General,
            priority: NotePriority::Low,
            text: visibility.to_string(),
            visibility: *visibility,
            pinned: false,
            follow_up_on: None,
        };
        notes::write(&mut conn, &ctx("ada", Role::Support, clock), creator, note)
            .await
            .expect("written");
    }
    let task = NewTask {
        title: "call".into(),
        description: None,
        assignee: None,
        due_at: None,
        remind_at: None,
        repeat_days: None,
    };
    tasks::add(
        &mut conn,
        &ctx("ada", Role::Support, clock),
        Some(creator),
        task,
    )
    .await
    .expect("added");
    let tag: BTreeSet<tags::Tag> = [("vip".parse().expect("a tag"))].into();
    tags::set(
        &mut conn,
        &ctx("ada", Role::Support, clock),
        creator,
        None,
        &tag,
    )
    .await
    .expect("set");
    let consent = NewConsent {
        channel: Channel::Email,
        state: ConsentState::Granted,
        source: "form".into(),
        proof: None,
    };
    creators::record_consent(
        &mut conn,
        &ctx("ada", Role::Support, clock),
        creator,
        consent,
    )
    .await
    .expect("recorded");
    creator
}

async fn all(
    pool: &PgPool,
    ctx: &Ctx,
    creator: CreatorId,
    kinds: &[TimelineKind],
    limit: u32,
) -> Vec<Entry> {
    let mut conn = pool.acquire().await.expect("a connection");
    let mut page = PageRequest {
        cursor: None,
        limit: limit.try_into().ok(),
    };
    let mut entries = Vec::new();
    loop {
        let got = timeline(&mut conn, ctx, creator, kinds, &page)
            .await
            .expect("read");
        entries.extend(got.items);
        match got.next {
            Some(next) => page.cursor = Some(next),
            None => return entries,
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn everything_is_told_once_in_the_order_of_time_whatever_the_page(pool: PgPool) {
    let clock = Clock::system();
    let creator = story(&pool, &clock).await;
    testing::creator(&pool, "girlfanz", "bea").await;
    let ada = ctx("ada", Role::Admin, &clock);
    let whole = all(&pool, &ada, creator, &[], 200).await;
    let kinds: Vec<TimelineKind> = whole.iter().map(|entry| entry.kind).collect();
    let note = TimelineKind::Note;
    assert_eq!(
        kinds[..6],
        [
            TimelineKind::Consent,
            TimelineKind::Tag,
            TimelineKind::Task,
            note,
            note,
            note
        ]
    );
    let first: BTreeSet<TimelineKind> = kinds[6..].iter().copied().collect();
    assert_eq!(
        first,
        [
            TimelineKind::Status,
            TimelineKind::Tier,
            TimelineKind::Onboarding
        ]
        .into()
    );
    assert!(
        whole
            .windows(2)
            .all(|pair| (pair[0].at, pair[0].id) > (pair[1].at, pair[1].id))
    );
    assert_eq!(all(&pool, &ada, creator, &[], 1).await, whole);
    assert_eq!(all(&pool, &ada, creator, &[], 2).await, whole);
}

#[sqlx::test(migrations = "../migrations")]
async fn each_reader_sees_their_kinds_and_their_notes(pool: PgPool) {
    let clock = Clock::system();
    let creator = story(&pool, &clock).await;
    let notes = [TimelineKind::Note];
    for (who, role, shown) in [
        ("ada", Role::Support, 3),
        ("bea", Role::Support, 1),
        ("cleo", Role::Compliance, 2),
        ("dan", Role::Service, 0),
    ] {
        let seen = all(&pool, &ctx(who, role, &clock), creator, &notes, 50).await;
        assert_eq!(seen.len(), shown, "{who}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn another_clusters_creator_has_no_timeline(pool: PgPool) {
    let clock = Clock::system();
    let creator = story(&pool, &clock).await;
    let Actor::User(mut caller) = Actor::user("ada", &[Role::Support]) else {
        panic!("a user")
    };
    caller.clusters = Some(vec!["boyfanz".into()]);
    let ctx = Ctx::new(Actor::User(caller), &clock);
    let mut conn = pool.acquire().await.expect("a connection");
    let refused = timeline(&mut conn, &ctx, creator, &[], &PageRequest::default()).await;
    assert!(
        matches!(refused, Err(TimelineError::Creator(_))),
        "{refused:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_campaigns_message_is_told_with_what_became_of_it(pool: PgPool) {
    let clock = Clock::system();
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    sqlx::raw_sql(
        "insert into campaigns (id, name, type, status, clusters, tiers, statuses, subject, message, launched_at, created_by,
                                created_at, updated_at)
         values ('00000000-0000-7000-8000-000000000001', 'Q1', 'retention', 'active', '{}', '{}', '{active}', 's', 'm', now(), 'user:x',
                 now(), now());
         insert into campaign_deliveries (id, campaign_id, creator_id, chunk, status, ended_at)
         select uuid_v7(), '00000000-0000-7000-8000-000000000001', id, 0, 'sent', now() from creators;",
    )
    .execute(&mut *conn)
    .await
    .expect("stored");
    drop(conn);
    let told = all(
        &pool,
        &ctx("ada", Role::Support, &clock),
        creator,
        &[TimelineKind::Message],
        50,
    )
    .await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0].details["status"], &told[0].details["campaign"]),
        (&"sent".into(), &"Q1".into())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_duplicates_story_goes_with_whom_it_was_merged_into(pool: PgPool) {
    let clock = Clock::system();
    let gone = story(&pool, &clock).await;
    let kept = testing::creator(&pool, "girlfanz", "bea").await;
    let admin = ctx("ada", Role::Admin, &clock);
    let before = all(&pool, &admin, gone, &[], 200).await.len()
        + all(&pool, &admin, kept, &[], 200).await.len();
    let mut tx = pool.begin().await.expect("a transaction");
    creators::merge(&mut tx, &admin, gone, kept, "the same")
        .await
        .expect("merged");
    tx.commit().await.expect("committed");

    let told = all(&pool, &admin, kept, &[], 200).await;
    assert!(
        told.len() >= before,
        "{} of {before}: nothing is lost",
        told.len()
    );
    assert_eq!(
        all(&pool, &admin, gone, &[], 200).await,
        told,
        "both ids lead to it"
    );
    let mut conn = pool.acquire().await.expect("a connection");
    assert_eq!(
        tags::of_creator(&mut conn, &admin, kept)
            .await
            .expect("read"),
        ["vip"]
    );
    let runs: Vec<String> = sqlx::query_scalar("select state from onboarding_runs order by state")
        .fetch_all(&mut *conn)
        .await
        .expect("read");
    assert_eq!(runs, ["open", "superseded"]);
    let figures = crate::onboarding::figures(
        &mut conn,
        &ctx("ada", Role::Admin, &clock),
        &Default::default(),
    )
    .await
    .expect("figures");
    assert_eq!(
        (figures.started, figures.open),
        (1, 1),
        "a duplicate counts nowhere"
    );
}
