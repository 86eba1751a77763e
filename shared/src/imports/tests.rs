//! Imports against a real database.

use std::collections::BTreeMap;

use chrono::Duration;
use sqlx::PgPool;

use super::*;
use crate::creators::{self, CreatorChanges, CreatorFilter, Sort};
use crate::custom_fields::{self, FieldType, NewField};
use crate::files;
use crate::kernel::{Actor, Clock, Ctx, Db, PageRequest, Role};

fn ada() -> Ctx {
    Ctx::new(Actor::user("ada", &[Role::Admin]), &Clock::system())
}

fn start_of(dry_run: bool) -> NewStart {
    NewStart {
        dry_run,
        mapping: None,
        cluster: Some("girlfanz".to_owned()),
        match_by: None,
        existing: Existing::Update,
        clear_empty: false,
    }
}

pub(crate) async fn upload(db: &Db, file: &str) -> Import {
    let mut upload = Upload::begin(db, &ada(), "a.csv").await.expect("begun");
    for piece in file.as_bytes().chunks(7_000) {
        upload.push(db, &ada(), piece).await.expect("taken");
    }
    upload.finish(db, &ada()).await.expect("received")
}

/// Does all steps of the present pass, each in its transaction.
pub(crate) async fn work(db: &Db, id: ImportId) -> Import {
    loop {
        let mut tx = db.begin().await.expect("a transaction");
        let import = step(&mut tx, &Ctx::new(Actor::System, &Clock::system()), id)
            .await
            .expect("a step");
        tx.commit().await.expect("committed");
        if !import.state.goes_on() {
            return import;
        }
    }
}

pub(crate) async fn start_and_work(db: &Db, id: ImportId, new: NewStart) -> Import {
    let mut tx = db.begin().await.expect("a transaction");
    start(&mut tx, &ada(), id, new).await.expect("started");
    tx.commit().await.expect("committed");
    work(db, id).await
}

async fn undo_and_work(db: &Db, id: ImportId) -> Import {
    let mut tx = db.begin().await.expect("a transaction");
    undo(&mut tx, &ada(), id).await.expect("begun");
    tx.commit().await.expect("committed");
    work(db, id).await
}

async fn report_of(db: &Db, id: ImportId) -> String {
    let mut conn = db.pool().acquire().await.expect("a connection");
    let file = report(&mut conn, &ada(), id).await.expect("a report");
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(part) = files::read(&mut conn, file.id, at).await.expect("read") {
        at += part.content.len() as i64;
        bytes.extend(part.content);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

async fn names(db: &Db) -> Vec<String> {
    let mut conn = db.pool().acquire().await.expect("a connection");
    let sort: Sort = "name".parse().expect("an order");
    let filter = CreatorFilter::default();
    let found = creators::list(&mut conn, &ada(), &filter, sort, &PageRequest::default()).await;
    let found = found.expect("listed").items;
    found.into_iter().map(|one| one.username).collect()
}

async fn count(db: &Db, what: &str) -> i64 {
    sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(format!("select count(*) from {what}")))
        .fetch_one(db.pool())
        .await
        .expect("counted")
}

async fn define(db: &Db, key: &str, field_type: FieldType, options: &[&str]) {
    let mut conn = db.pool().acquire().await.expect("a connection");
    let field = NewField {
        key: key.parse().expect("a key"),
        label: key.to_owned(),
        field_type,
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        minimum: None,
        maximum: None,
        currency: None,
    };
    custom_fields::define(&mut conn, &ada(), field)
        .await
        .expect("defined");
}

const FILE: &str = "email,username,displayName,birthDate,custom.fans,remarks\n\
    ada@x.example,ada,Ada,1990-01-01,12,\n\
    bea@x.example,bea,\"=HYPERLINK(\"\"x\"\")\",,many,\n\
    not an address,cleo,,2015-01-01,,\n\
    dora@x.example,ada,,,,the name is taken\n\
    eve@x.example,eve,'=Eve,,3,\n\
    ADA@x.example,ada2,,,,again\n\
    fay@x.example\n";

#[sqlx::test(migrations = "../migrations")]
async fn a_check_says_what_a_run_then_does_and_what_is_wrong_stands_in_the_report(pool: PgPool) {
    let db = Db::new(pool, None);
    define(&db, "fans", FieldType::Number, &[]).await;
    let import = upload(&db, FILE).await;
    let checked = start_and_work(&db, import.id, start_of(true)).await;
    assert_eq!(checked.state, ImportState::Checked, "{checked:?}");
    let told = |import: &Import| {
        let counts = import.counts;
        (
            counts.created,
            counts.updated,
            counts.failed,
            import.read_rows,
        )
    };
    assert_eq!(told(&checked), (2, 0, 5, 8));
    assert_eq!(names(&db).await, Vec::<String>::new());

    let done = start_and_work(&db, import.id, start_of(false)).await;
    assert_eq!(done.state, ImportState::Completed, "{done:?}");
    assert_eq!(told(&done), (2, 0, 5, 8));
    assert_eq!(names(&db).await, ["eve", "ada"]);
    assert_eq!(done.progress(), Some(1.0));
    check_report(&report_of(&db, import.id).await);

    // as if each had been registered alone
    for (what, wanted) in [
        ("audit_entries where action = 'creator.register'", 2),
        ("audit_entries where action = 'onboarding.begin'", 2),
        ("audit_entries where action = 'custom_field.set'", 2),
        ("people where birth_date = '1990-01-01'", 1),
        ("onboarding_runs", 2),
        ("creator_status_history", 2),
        ("creator_tier_history", 2),
    ] {
        assert_eq!(count(&db, what).await, wanted, "{what}");
    }
    let eve: String =
        sqlx::query_scalar("select display_name from creators where username = 'eve'")
            .fetch_one(db.pool())
            .await
            .expect("a name");
    assert_eq!(eve, "=Eve");
}

fn check_report(report: &str) {
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(
        lines[0],
        "email,username,displayName,birthDate,custom.fans,remarks,importRow,importErrors"
    );
    for (at, begins, ends) in [
        (
            1,
            "bea@x.example,bea,\"'=HYPERLINK(",
            "many,,3,\"custom.fans: use a decimal number of at most 28 digits, such as 12.50\"",
        ),
        (
            2,
            "not an address,cleo,",
            ",4,email: not an e-mail address; use the form name@domain.example",
        ),
        (
            3,
            "dora@x.example,ada,",
            "the name is taken,5,an earlier row of this file is about the same creator",
        ),
        (
            4,
            "ADA@x.example,ada2,",
            "again,7,an earlier row of this file is about the same creator",
        ),
        (
            5,
            "fay@x.example,,",
            ",8,\"there is no such creator yet, and a new one needs a username\"",
        ),
    ] {
        assert!(lines[at].starts_with(begins), "{}", lines[at]);
        assert!(lines[at].ends_with(ends), "{}", lines[at]);
    }
    assert_eq!(lines.len(), 6);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_step_that_dies_is_done_once_and_no_row_is_lost(pool: PgPool) {
    let db = Db::new(pool, None);
    let mut file = "email,username\n".to_owned();
    let rows = STEP_ROWS * 2 + 5;
    for n in 0..rows {
        file.push_str(&format!("c{n}@x.example,creator{n}\r\n"));
    }
    let import = upload(&db, &file).await;
    let mut tx = db.begin().await.expect("a transaction");
    start(&mut tx, &ada(), import.id, start_of(false))
        .await
        .expect("started");
    tx.commit().await.expect("committed");
    for commit in [false, true, false, false, true] {
        let mut tx = db.begin().await.expect("a transaction");
        let ctx = Ctx::new(Actor::System, &Clock::system());
        step(&mut tx, &ctx, import.id).await.expect("a step");
        if commit {
            tx.commit().await.expect("committed");
        } else {
            tx.rollback().await.expect("as if the process had died");
        }
    }
    let done = work(&db, import.id).await;
    assert_eq!(done.counts.created, rows as i64, "{done:?}");
    assert_eq!(count(&db, "creators").await, rows as i64);
    assert_eq!(
        count(&db, "audit_chain").await,
        count(&db, "audit_entries").await
    );
    // of the last line's end only the first half belongs to its row
    assert_eq!(done.read_bytes, done.file_bytes - 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_undo_takes_everything_back_except_what_somebody_changed_since(pool: PgPool) {
    let db = Db::new(pool, None);
    define(&db, "fans", FieldType::Number, &[]).await;
    let first = upload(
        &db,
        "email,username,displayName,custom.fans\nada@x.example,ada,Ada,1\n",
    )
    .await;
    start_and_work(&db, first.id, start_of(false)).await;
    let file = "email,username,displayName,custom.fans\n\
        ada@x.example,ada,Ada the Second,2\n\
        bea@x.example,bea,Bea,5\n\
        cleo@x.example,cleo,Cleo,\n";
    let second = upload(&db, file).await;
    let done = start_and_work(&db, second.id, start_of(false)).await;
    assert_eq!(
        (done.counts.created, done.counts.updated),
        (2, 1),
        "{done:?}"
    );

    let mut conn = db.pool().acquire().await.expect("a connection");
    let key = creators::Key {
        cluster: Some("girlfanz".to_owned()),
        username_key: Some("cleo".to_owned()),
        ..creators::Key::default()
    };
    let cleo = creators::named(&mut conn, &[key]).await;
    let cleo = cleo.expect("found").remove(0).creator;
    let rename = CreatorChanges {
        display_name: Some(Some("Cleo M.".to_owned())),
        ..CreatorChanges::default()
    };
    creators::change(&mut conn, &ada(), cleo.id, None, rename)
        .await
        .expect("changed");

    let undone = undo_and_work(&db, second.id).await;
    assert_eq!(undone.state, ImportState::Undone, "{undone:?}");
    assert_eq!((undone.counts.undone, undone.counts.refused), (2, 1));
    assert_eq!(names(&db).await, ["ada", "cleo"]);
    let (name, fans): (String, String) = sqlx::query_as(
        "select c.display_name, v.number_value::text from creators c join custom_field_values v on v.creator_id = c.id
         where c.username = 'ada'",
    )
    .fetch_one(&mut *conn)
    .await
    .expect("Ada");
    assert_eq!((name.as_str(), fans.as_str()), ("Ada", "1"));
    let told = report_of(&db, second.id).await;
    assert_eq!(
        told,
        format!(
            "importRow,id,importErrors\n4,{},it was changed since\n",
            cleo.id
        )
    );
    // who is archived only because of an undo comes back with the mended file
    let third = upload(&db, "email,username\nbea@x.example,bea\n").await;
    let again = start_and_work(&db, third.id, start_of(false)).await;
    assert_eq!(again.counts.updated, 1, "{again:?}");
    assert_eq!(names(&db).await, ["ada", "bea", "cleo"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_beyond_the_owners_clusters_or_about_nobody_is_refused(pool: PgPool) {
    let db = Db::new(pool.clone(), None);
    let other = crate::testing::creator(&pool, "boyfanz", "bob").await;
    let file = format!(
        "id,clusterId,displayName\n{other},,Bobby\n{},,X\n",
        creators::CreatorId::new()
    );
    let import = upload(&db, &file).await;
    let Actor::User(mut caller) = Actor::user("ada", &[Role::Support]) else {
        panic!("a user");
    };
    caller.clusters = Some(vec!["girlfanz".to_owned()]);
    let ctx = Ctx::new(Actor::User(caller), &Clock::system());
    let mut tx = db.begin().await.expect("a transaction");
    start(&mut tx, &ctx, import.id, start_of(false))
        .await
        .expect("started");
    tx.commit().await.expect("committed");
    let done = work(&db, import.id).await;
    assert_eq!(done.counts.failed, 2, "{done:?}");
    assert_eq!(
        report_of(&db, import.id)
            .await
            .matches("there is no creator of this id")
            .count(),
        2
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn an_endless_row_ends_the_import_and_says_where(pool: PgPool) {
    let db = Db::new(pool, None);
    let file = format!(
        "email,username\na@x.example,aaa\n\"{}",
        "x,\n".repeat(100_000)
    );
    let import = upload(&db, &file).await;
    let done = start_and_work(&db, import.id, start_of(false)).await;
    assert_eq!((done.state, done.counts.created), (ImportState::Failed, 1));
    assert!(
        done.error
            .as_deref()
            .is_some_and(|error| error.starts_with("behind row 2 ")),
        "{done:?}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn settings_that_do_not_fit_the_file_are_refused_by_their_fields(pool: PgPool) {
    let db = Db::new(pool, None);
    let import = upload(&db, "Mail;Name\na@x.example;aaa\n").await;
    assert_eq!(import.delimiter, b';');
    let mut conn = db.pool().acquire().await.expect("a connection");
    let custom = Target::Custom("none".to_owned());
    let wrong = NewStart {
        mapping: Some(BTreeMap::from([
            ("Mail".to_owned(), Some(custom)),
            ("Other".to_owned(), Some(Target::Email)),
        ])),
        cluster: None,
        match_by: Some(MatchBy::Username),
        ..start_of(false)
    };
    let refused = start(&mut conn, &ada(), import.id, wrong).await;
    let Err(ImportError::Invalid(fields)) = refused else {
        panic!("{refused:?}");
    };
    let fields: Vec<&str> = fields.iter().map(|field| field.field.as_ref()).collect();
    assert_eq!(
        fields,
        ["/mapping/Other", "/mapping", "/matchBy", "/clusterId"]
    );
    let other = Ctx::new(Actor::user("eve", &[Role::Admin]), &Clock::system());
    assert!(matches!(
        find(&mut conn, &other, import.id).await,
        Err(ImportError::NotFound(_))
    ));
    let clock = Clock::system();
    clock.advance(Duration::days(FILE_DAYS + 1));
    let late = Ctx::new(Actor::user("ada", &[Role::Admin]), &clock);
    assert!(matches!(
        start(&mut conn, &late, import.id, start_of(false)).await,
        Err(ImportError::FileGone)
    ));
}
