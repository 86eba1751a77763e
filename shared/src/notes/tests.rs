//! Notes against a real database.

use sqlx::PgPool;

use super::*;
use crate::kernel::{Actor, Clock, Ctx, PageRequest, Role};
use crate::testing;

fn ctx(name: &str, role: Role) -> Ctx {
    Ctx::new(Actor::user(name, &[role]), &Clock::system())
}

fn note(visibility: Visibility) -> NewNote {
    NewNote {
        note_type: NoteType::General,
        priority: NotePriority::Medium,
        text: "**hot**".into(),
        visibility,
        pinned: false,
        follow_up_on: None,
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn each_reader_is_shown_what_its_visibility_allows(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let ada = ctx("ada", Role::Support);
    for visibility in Visibility::ALL {
        write(&mut conn, &ada, creator, note(*visibility))
            .await
            .expect("written");
    }
    for (who, shown) in [
        (ctx("ada", Role::Support), 3),
        (ctx("bea", Role::Support), 1),
        (ctx("cleo", Role::Compliance), 2),
    ] {
        let reader = Reader::of(&who.actor);
        let page = list(
            &mut conn,
            &who,
            creator,
            &NoteFilter::default(),
            &PageRequest::default(),
        )
        .await
        .expect("listed");
        assert_eq!(page.items.len(), shown, "{}", who.actor);
        for visibility in Visibility::ALL {
            let all = list(
                &mut conn,
                &ada,
                creator,
                &NoteFilter::default(),
                &PageRequest::default(),
            )
            .await
            .expect("listed");
            let one = all
                .items
                .iter()
                .find(|note| note.note.visibility == *visibility)
                .expect("written")
                .id;
            let may = reader.may_read(*visibility, "user:ada");
            assert_eq!(
                get(&mut conn, &who, one).await.is_ok(),
                may,
                "{} {visibility}",
                who.actor
            );
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn earlier_wordings_are_kept_and_only_the_author_changes_them(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let (ada, bea) = (ctx("ada", Role::Support), ctx("bea", Role::Support));
    let id = write(&mut conn, &ada, creator, note(Visibility::Team))
        .await
        .expect("written")
        .id;
    let reword = |text: &str| NoteChanges {
        text: Some(text.into()),
        ..NoteChanges::default()
    };

    let refused = change(&mut conn, &bea, id, reword("no"), None).await;
    assert!(matches!(refused, Err(NoteError::NotAuthor)), "{refused:?}");
    let pin = NoteChanges {
        pinned: Some(true),
        ..NoteChanges::default()
    };
    assert_eq!(
        change(&mut conn, &bea, id, pin, None)
            .await
            .expect("pinned")
            .version,
        2
    );

    let stale = change(&mut conn, &ada, id, reword("two"), Some(1)).await;
    assert!(matches!(stale, Err(NoteError::Stale(2))), "{stale:?}");
    change(&mut conn, &ada, id, reword("two"), Some(2))
        .await
        .expect("changed");
    change(&mut conn, &ada, id, reword("three"), None)
        .await
        .expect("changed");
    let earlier = revisions(&mut conn, &bea, id).await.expect("revisions");
    let texts: Vec<(i64, &str)> = earlier
        .iter()
        .map(|revision| (revision.version, revision.text.as_str()))
        .collect();
    assert_eq!(texts, [(3, "two"), (2, "**hot**")]);

    assert!(matches!(
        delete(&mut conn, &bea, id, None).await,
        Err(NoteError::NotAuthor)
    ));
    delete(&mut conn, &ada, id, None).await.expect("deleted");
    assert!(matches!(
        get(&mut conn, &ada, id).await,
        Err(NoteError::NotFound(_))
    ));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_private_once_stays_so_when_the_note_is_opened(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let (ada, bea) = (ctx("ada", Role::Support), ctx("bea", Role::Support));
    let id = write(&mut conn, &ada, creator, note(Visibility::Private))
        .await
        .expect("written")
        .id;
    let open = NoteChanges {
        visibility: Some(Visibility::Team),
        text: Some("for all".into()),
        ..NoteChanges::default()
    };
    change(&mut conn, &ada, id, open, None)
        .await
        .expect("opened");
    assert_eq!(revisions(&mut conn, &bea, id).await.expect("read"), []);
    assert_eq!(revisions(&mut conn, &ada, id).await.expect("read").len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn notes_to_come_back_to_are_listed_by_their_date(pool: PgPool) {
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let ada = ctx("ada", Role::Support);
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a date");
    for on in ["2026-03-02", "2026-03-01", "2026-04-01"] {
        let new = NewNote {
            follow_up_on: Some(day(on)),
            ..note(Visibility::Team)
        };
        write(&mut conn, &ada, creator, new).await.expect("written");
    }
    let due = follow_ups(&mut conn, &ada, day("2026-03-31"), &PageRequest::default())
        .await
        .expect("listed");
    let dates: Vec<_> = due
        .items
        .iter()
        .filter_map(|note| note.note.follow_up_on)
        .collect();
    assert_eq!(dates, [day("2026-03-01"), day("2026-03-02")]);
}
