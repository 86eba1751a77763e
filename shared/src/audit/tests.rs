//! The trail against a real database.

use serde_json::json;
use sqlx::PgPool;

use super::*;
use crate::kernel::{Actor, Clock, Cursor, Origin, PageRequest, Role};

fn ctx(subject: &str) -> Ctx {
    Ctx::new(Actor::user(subject, &[Role::Support]), &Clock::system()).from_origin(Origin {
        ip: Some([192, 0, 2, 7].into()),
        user_agent: Some("tests/1".to_owned()),
    })
}

fn change(name: &str) -> Entry {
    Entry::new("thing.change", Subject::named("thing", name))
        .before(json!({ "size": 1 }))
        .after(json!({ "size": 2 }))
}

/// Records in a transaction of its own.
async fn commit(pool: &PgPool, ctx: &Ctx, entries: Vec<Entry>) {
    let mut tx = pool.begin().await.expect("a transaction");
    record_all(&mut tx, ctx, entries).await.expect("recorded");
    tx.commit().await.expect("committed");
}

async fn verified(pool: &PgPool) -> Verification {
    let mut conn = pool.acquire().await.expect("a connection");
    verify(&mut conn, 0, None).await.expect("verified")
}

async fn run(pool: &PgPool, sql: &'static str) -> sqlx::Result<u64> {
    Ok(sqlx::query(sql).execute(pool).await?.rows_affected())
}

/// Changes the tables as somebody does who may switch the triggers off.
async fn tamper(pool: &PgPool, sql: &'static str) {
    let mut tx = pool.begin().await.expect("a transaction");
    for statement in ["set local session_replication_role = replica", sql] {
        sqlx::query(statement)
            .execute(&mut *tx)
            .await
            .expect(statement);
    }
    tx.commit().await.expect("committed");
}

#[sqlx::test(migrations = "../migrations")]
async fn entries_of_many_at_once_form_one_chain(pool: PgPool) {
    let writers = (0..20).map(|n| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let who = ctx(&format!("writer{n}"));
            for round in 0..5 {
                let entries = vec![change(&format!("a{n}-{round}")), change("b")];
                commit(&pool, &who, entries).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("wrote");
    }
    let found = verified(&pool).await;
    assert_eq!(
        (found.checked, found.complete, found.broken),
        (200, true, None)
    );
    assert_eq!(found.head.map(|head| head.seq), Some(200));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_rolled_back_leaves_no_entry_and_no_gap(pool: PgPool) {
    let who = ctx("ada");
    commit(&pool, &who, vec![change("a")]).await;
    let mut tx = pool.begin().await.expect("a transaction");
    record(&mut tx, &who, change("never"))
        .await
        .expect("recorded");
    drop(tx);
    commit(&pool, &who, vec![change("b")]).await;
    let found = verified(&pool).await;
    assert_eq!((found.checked, found.broken), (2, None));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_recorder_waits_for_nobody_who_has_not_begun_to_commit(pool: PgPool) {
    let mut slow = pool.begin().await.expect("a transaction");
    record(&mut slow, &ctx("slow"), change("first"))
        .await
        .expect("recorded");
    // would wait for ever if recording held the chain
    commit(&pool, &ctx("fast"), vec![change("second")]).await;
    slow.commit().await.expect("committed");
    assert_eq!(verified(&pool).await.checked, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_trail_cannot_be_changed_or_emptied(pool: PgPool) {
    commit(&pool, &ctx("ada"), vec![change("a").reason("because")]).await;
    for sql in [
        "update audit_entries set actor = 'user:somebody'",
        "delete from audit_entries",
        "update audit_chain set seq = seq + 1",
        "delete from audit_chain",
        "truncate audit_chain",
        "truncate audit_entries cascade",
        "truncate audit_personal",
        "update audit_personal set content = '{}'",
    ] {
        let refused = run(&pool, sql).await.expect_err(sql);
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_altered_entry_is_named(pool: PgPool) {
    for name in ["a", "b", "c", "d"] {
        commit(&pool, &ctx("ada"), vec![change(name).reason("because")]).await;
    }
    let cases = [
        (
            "update audit_entries set entry = replace(entry, 'ada', 'eve'), actor = 'user:eve' where subject_id = 'c'",
            "update audit_entries set entry = replace(entry, 'eve', 'ada'), actor = 'user:ada' where subject_id = 'c'",
            (Some(3), Fault::Altered),
        ),
        (
            "update audit_entries set actor = 'user:eve' where subject_id = 'b'",
            "update audit_entries set actor = 'user:ada' where subject_id = 'b'",
            (Some(2), Fault::Columns),
        ),
        (
            "update audit_personal set content = replace(content, 'because', 'no matter') where about = 'thing:b'",
            "update audit_personal set content = replace(content, 'no matter', 'because') where about = 'thing:b'",
            (Some(2), Fault::Personal),
        ),
        (
            "update audit_chain set seq = 30 where seq = 3",
            "update audit_chain set seq = 3 where seq = 30",
            (Some(3), Fault::Gap),
        ),
    ];
    for (alter, mend, expected) in cases {
        tamper(&pool, alter).await;
        let broken = verified(&pool).await.broken.expect(alter);
        assert_eq!((broken.seq, broken.fault), expected, "{alter}");
        tamper(&pool, mend).await;
        assert_eq!(verified(&pool).await.broken, None, "{mend}");
    }
    tamper(&pool, "delete from audit_entries where subject_id = 'a'").await;
    let broken = verified(&pool).await.broken.expect("missing");
    assert_eq!((broken.seq, broken.fault), (Some(1), Fault::Missing));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_end_that_was_cut_off_shows_by_what_was_noted(pool: PgPool) {
    for name in ["a", "b", "c"] {
        commit(&pool, &ctx("ada"), vec![change(name)]).await;
    }
    let noted = verified(&pool).await.head.expect("a head");
    tamper(&pool, "delete from audit_chain where seq = 3").await;
    let broken = verified(&pool).await.broken.expect("an entry is left out");
    assert_eq!((broken.seq, broken.fault), (None, Fault::Unlinked));
    tamper(&pool, "delete from audit_entries where subject_id = 'c'").await;
    assert_eq!(verified(&pool).await.broken, None);
    let mut conn = pool.acquire().await.expect("a connection");
    let found = verify(&mut conn, 0, Some(&noted)).await.expect("verified");
    assert_eq!(found.broken.map(|b| b.fault), Some(Fault::Anchor));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_verification_goes_on_where_another_ended(pool: PgPool) {
    for name in ["a", "b", "c"] {
        commit(&pool, &ctx("ada"), vec![change(name)]).await;
    }
    let mut conn = pool.acquire().await.expect("a connection");
    let rest = verify(&mut conn, 2, None).await.expect("verified");
    assert_eq!((rest.checked, rest.complete, rest.broken), (1, true, None));
    let beyond = verify(&mut conn, 9, None).await.expect("verified");
    assert_eq!(beyond.broken.map(|b| b.fault), Some(Fault::Gap));
}

#[sqlx::test(migrations = "../migrations")]
async fn erasing_a_person_keeps_the_chain_and_forgets_the_data(pool: PgPool) {
    let entry = change("a")
        .reason("Ada Lovelace asked for it")
        .personal(json!({ "email": "ada@x.example" }));
    commit(&pool, &ctx("ada"), vec![entry, change("b")]).await;
    let shown = all(&pool, AuditFilter::default()).await;
    let of_a = &shown[1];
    assert_eq!(of_a.reason.as_deref(), Some("Ada Lovelace asked for it"));
    assert_eq!(of_a.personal, Some(json!({ "email": "ada@x.example" })));
    assert_eq!(of_a.ip.as_deref(), Some("192.0.2.7"));

    let mut conn = pool.acquire().await.expect("a connection");
    for (person, entries) in [
        (Subject::named("thing", "a"), 1),
        (Subject::named("user", "ada"), 2),
    ] {
        let gone = erase_personal(&mut conn, &person).await.expect("erased");
        assert_eq!(gone, entries, "{person:?}");
    }
    let shown = all(&pool, AuditFilter::default()).await;
    for entry in &shown {
        assert!(entry.erased);
        assert_eq!((&entry.reason, &entry.personal), (&None, &None));
        assert_eq!((&entry.ip, &entry.user_agent), (&None, &None));
        assert_eq!(entry.after, Some(json!({ "size": 2 })));
    }
    let found = verified(&pool).await;
    assert_eq!((found.checked, found.broken), (2, None));
    let left: Option<String> =
        sqlx::query_scalar("select string_agg(entry, '') from audit_entries")
            .fetch_one(&pool)
            .await
            .expect("read");
    let left = left.expect("entries");
    assert!(
        !left.contains("Lovelace") && !left.contains("x.example") && !left.contains("192.0.2"),
        "{left}"
    );
}

async fn all(pool: &PgPool, filter: AuditFilter) -> Vec<Recorded> {
    let mut conn = pool.acquire().await.expect("a connection");
    let page = list(&mut conn, &filter, &PageRequest::default()).await;
    page.expect("listed").items
}

#[sqlx::test(migrations = "../migrations")]
async fn the_trail_is_read_by_who_what_when_and_on_what(pool: PgPool) {
    let clock = Clock::system();
    let old = Ctx::new(Actor::System, &clock);
    let other = Entry::new("thing.remove", Subject::named("thing", "b"));
    commit(&pool, &old, vec![change("a"), other]).await;
    clock.advance(chrono::Duration::hours(1));
    let new = Ctx::new(Actor::System, &clock);
    commit(&pool, &new, vec![change("b")]).await;
    commit(&pool, &ctx("ada"), vec![change("c")]).await;

    let names = |found: Vec<Recorded>| -> Vec<String> {
        found.into_iter().map(|entry| entry.subject.id).collect()
    };
    let text = |text: &str| Some(text.to_owned());
    let cases: [(AuditFilter, &[&str]); 5] = [
        (
            AuditFilter {
                actor: text("user:ada"),
                ..AuditFilter::default()
            },
            &["c"],
        ),
        (
            AuditFilter {
                action: text("thing.remove"),
                ..AuditFilter::default()
            },
            &["b"],
        ),
        (
            AuditFilter {
                subject_kind: text("thing"),
                subject_id: text("b"),
                ..AuditFilter::default()
            },
            &["b", "b"],
        ),
        (
            AuditFilter {
                actor: text("system"),
                from: Some(new.now()),
                ..AuditFilter::default()
            },
            &["b"],
        ),
        (
            AuditFilter {
                actor: text("system"),
                until: Some(new.now()),
                ..AuditFilter::default()
            },
            &["b", "a"],
        ),
    ];
    for (filter, expected) in cases {
        let told = format!("{filter:?}");
        assert_eq!(names(all(&pool, filter).await), expected, "{told}");
    }

    let mut conn = pool.acquire().await.expect("a connection");
    let (mut seen, mut cursor): (Vec<i64>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = PageRequest {
            cursor: cursor.take(),
            limit: Some(1.try_into().expect("a limit")),
        };
        let page = list(&mut conn, &AuditFilter::default(), &page)
            .await
            .expect("listed");
        seen.extend(page.items.iter().map(|entry| entry.seq));
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 2, 3, 4]);
}
