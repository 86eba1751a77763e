//! Tasks against a real database.

use chrono::{DateTime, Duration, Utc};
use sqlx::PgPool;

use super::*;
use crate::kernel::{Actor, Clock, Ctx, PageRequest};
use crate::testing;

fn task(title: &str, due_at: Option<DateTime<Utc>>) -> NewTask {
    NewTask {
        title: title.into(),
        description: None,
        assignee: Some("bea".into()),
        due_at,
        remind_at: None,
        repeat_days: None,
    }
}

fn ctx(clock: &Clock) -> Ctx {
    Ctx::new(Actor::user("ada", &[]), clock)
}

#[sqlx::test(migrations = "../migrations")]
async fn tasks_are_listed_by_their_dates_a_page_at_a_time(pool: PgPool) {
    let clock = Clock::system();
    let creator = testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = pool.acquire().await.expect("a connection");
    let now = ctx(&clock).now();
    for (title, due) in [
        ("last", None),
        ("second", Some(now + Duration::days(2))),
        ("first", Some(now + Duration::days(1))),
    ] {
        add(&mut conn, &ctx(&clock), Some(creator), task(title, due))
            .await
            .expect("added");
    }
    add(&mut conn, &ctx(&clock), None, task("about nobody", None))
        .await
        .expect("added");
    let filter = TaskFilter {
        creator: Some(creator),
        ..TaskFilter::default()
    };
    let mut titles = Vec::new();
    let mut page = PageRequest {
        cursor: None,
        limit: 1.try_into().ok(),
    };
    loop {
        let got = list(&mut conn, &ctx(&clock), &filter, &page)
            .await
            .expect("listed");
        titles.extend(got.items.into_iter().map(|task| task.task.title));
        match got.next {
            Some(next) => page.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(titles, ["first", "second", "last"]);
    let soon = TaskFilter {
        due_before: Some(now + Duration::hours(30)),
        assignee: Some("bea".into()),
        ..TaskFilter::default()
    };
    assert_eq!(
        list(&mut conn, &ctx(&clock), &soon, &PageRequest::default())
            .await
            .expect("listed")
            .items
            .len(),
        1
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reminder_comes_once_and_not_for_what_is_done_or_was_moved(pool: PgPool) {
    let clock = Clock::system();
    let mut conn = pool.acquire().await.expect("a connection");
    let at = ctx(&clock).now() + Duration::hours(1);
    let new = NewTask {
        remind_at: Some(at),
        ..task("call", None)
    };
    let id = add(&mut conn, &ctx(&clock), None, new)
        .await
        .expect("added")
        .id;
    let waiting: (DateTime<Utc>,) =
        sqlx::query_as("select run_at from jobs where kind = 'task.remind'")
            .fetch_one(&mut *conn)
            .await
            .expect("a job");
    assert_eq!(waiting.0, at);

    let later = at + Duration::hours(1);
    let moved = TaskChanges {
        remind_at: Some(Some(later)),
        ..TaskChanges::default()
    };
    change(&mut conn, &ctx(&clock), id, moved, Some(1))
        .await
        .expect("moved");
    assert!(
        !remind(
            &mut conn,
            &ctx(&clock),
            &RemindTask {
                task_id: id,
                remind_at: at
            }
        )
        .await
        .expect("answered")
    );
    let job = RemindTask {
        task_id: id,
        remind_at: later,
    };
    assert!(
        remind(&mut conn, &ctx(&clock), &job)
            .await
            .expect("answered")
    );
    assert!(
        !remind(&mut conn, &ctx(&clock), &job)
            .await
            .expect("answered"),
        "once"
    );

    let again = TaskChanges {
        remind_at: Some(Some(at)),
        ..TaskChanges::default()
    };
    change(&mut conn, &ctx(&clock), id, again, None)
        .await
        .expect("moved back");
    done(&mut conn, &ctx(&clock), id).await.expect("done");
    assert!(
        !remind(
            &mut conn,
            &ctx(&clock),
            &RemindTask {
                task_id: id,
                remind_at: at
            }
        )
        .await
        .expect("answered")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_recurs_comes_back_once(pool: PgPool) {
    let clock = Clock::system();
    let mut conn = pool.acquire().await.expect("a connection");
    let due = ctx(&clock).now() + Duration::hours(1);
    let weekly = NewTask {
        repeat_days: Some(7),
        ..task("review", Some(due))
    };
    let id = add(&mut conn, &ctx(&clock), None, weekly)
        .await
        .expect("added")
        .id;
    done(&mut conn, &ctx(&clock), id).await.expect("done");
    done(&mut conn, &ctx(&clock), id).await.expect("done");
    let reopened = reopen(&mut conn, &ctx(&clock), id).await.expect("reopened");
    assert_eq!(
        (reopened.state, reopened.task.repeat_days),
        (TaskState::Open, None)
    );
    done(&mut conn, &ctx(&clock), id).await.expect("done");
    let open = TaskFilter {
        state: Some(TaskState::Open),
        ..TaskFilter::default()
    };
    let open = list(&mut conn, &ctx(&clock), &open, &PageRequest::default())
        .await
        .expect("listed")
        .items;
    assert_eq!(
        open.iter().map(|task| task.task.due_at).collect::<Vec<_>>(),
        [Some(due + Duration::days(7))]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stale_change_is_refused(pool: PgPool) {
    let clock = Clock::system();
    let mut conn = pool.acquire().await.expect("a connection");
    let id = add(&mut conn, &ctx(&clock), None, task("call", None))
        .await
        .expect("added")
        .id;
    let rename = |title: &str| TaskChanges {
        title: Some(title.into()),
        ..TaskChanges::default()
    };
    change(&mut conn, &ctx(&clock), id, rename("write"), Some(1))
        .await
        .expect("changed");
    let stale = change(&mut conn, &ctx(&clock), id, rename("shout"), Some(1)).await;
    assert!(matches!(stale, Err(TaskError::Stale(2))), "{stale:?}");
}
