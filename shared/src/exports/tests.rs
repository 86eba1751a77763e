//! Exports against a real database.

use std::collections::BTreeMap;

use sqlx::PgPool;

use super::*;
use crate::access::Permission;
use crate::creators::{self, CreatorChanges, CreatorFilter};
use crate::custom_fields::{self, FieldType, Given, NewField};
use crate::files;
use crate::imports::tests::{start_and_work, upload};
use crate::imports::{Existing, MatchBy, NewStart};
use crate::kernel::{Actor, Clock, Ctx, Db, Role};
use crate::testing;

fn ctx(role: Role) -> Ctx {
    Ctx::new(Actor::user("ada", &[role]), &Clock::system())
}

async fn work(db: &Db, id: ExportId) -> Export {
    loop {
        let mut tx = db.begin().await.expect("a transaction");
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let export = step(&mut tx, &ctx, id).await.expect("a step");
        tx.commit().await.expect("committed");
        if export.state != ExportState::Running {
            return export;
        }
    }
}

async fn exported(db: &Db, ctx: &Ctx, new: NewExport) -> String {
    let mut tx = db.begin().await.expect("a transaction");
    let export = start(&mut tx, ctx, new).await.expect("started");
    tx.commit().await.expect("committed");
    let done = work(db, export.id).await;
    assert_eq!(done.state, ExportState::Completed, "{done:?}");
    let mut conn = db.pool().acquire().await.expect("a connection");
    let file = file(&mut conn, ctx, export.id).await.expect("a file");
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(part) = files::read(&mut conn, file.id, at).await.expect("read") {
        at += part.content.len() as i64;
        bytes.extend(part.content);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// Somebody whose every value is a trap.
async fn trap(db: &Db) -> creators::CreatorId {
    let id = testing::creator(db.pool(), "girlfanz", "trap").await;
    let mut conn = db.pool().acquire().await.expect("a connection");
    let changes = CreatorChanges {
        phone: Some(Some("+15550100123".parse().expect("a number"))),
        display_name: Some(Some("=1+1,\"x\"".to_owned())),
        first_name: Some(Some("'quoted".to_owned())),
        aliases: Some(vec!["a; b".to_owned(), "back\\slash".to_owned()]),
        handles: Some(BTreeMap::from([(
            "instagram".to_owned(),
            "@a=b;c".to_owned(),
        )])),
        time_zone: Some(Some(chrono_tz::Europe::Berlin)),
        owner: Some(Some("bea".to_owned())),
        ..CreatorChanges::default()
    };
    creators::change(&mut conn, &ctx(Role::Admin), id, None, changes)
        .await
        .expect("changed");
    let given = [
        (FieldType::Text, Given::Text("-2+3".to_owned())),
        (FieldType::Number, Given::Text("-0.50".to_owned())),
        (FieldType::Date, Given::Text("2026-02-28".to_owned())),
        (FieldType::Bool, Given::Bool(false)),
        (FieldType::Select, Given::Text("=red".to_owned())),
        (
            FieldType::MultiSelect,
            Given::List(vec!["green, or so".to_owned(), "=red".to_owned()]),
        ),
        (
            FieldType::Url,
            Given::Text("https://x.example/?a=b".to_owned()),
        ),
    ];
    for (field_type, value) in given {
        let chosen = matches!(field_type, FieldType::Select | FieldType::MultiSelect);
        let options = if chosen {
            vec!["=red", "green, or so"]
        } else {
            Vec::new()
        };
        let field = NewField {
            key: field_type.as_str().parse().expect("a key"),
            label: field_type.to_string(),
            field_type,
            options: options.into_iter().map(str::to_owned).collect(),
            minimum: None,
            maximum: None,
            currency: None,
        };
        let admin = ctx(Role::Admin);
        custom_fields::define(&mut conn, &admin, field)
            .await
            .expect("defined");
        let set = BTreeMap::from([(field_type.to_string(), Some(value))]);
        custom_fields::set(&mut conn, &admin, id, None, set)
            .await
            .expect("set");
    }
    id
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_exported_is_no_formula_and_is_imported_as_it_was(pool: PgPool) {
    let db = Db::new(pool, None);
    let id = trap(&db).await;
    let new = NewExport {
        reason: Some("to move".to_owned()),
        ..NewExport::default()
    };
    let file = exported(&db, &ctx(Role::Admin), new).await;
    let mut reader = csv::Reader::from_reader(file.as_bytes());
    let row = reader.records().next().expect("a row").expect("whole");
    for cell in row.iter() {
        assert!(
            !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
            "{cell:?}"
        );
    }

    let as_it_is = NewStart {
        dry_run: false,
        mapping: None,
        cluster: None,
        match_by: None,
        existing: Existing::Update,
        clear_empty: true,
    };
    let import = upload(&db, &file).await;
    let done = start_and_work(&db, import.id, as_it_is.clone()).await;
    assert_eq!(
        (done.counts.unchanged, done.counts.failed),
        (1, 0),
        "{done:?}"
    );

    // and whoever changed meanwhile becomes again as it was
    let mut conn = db.pool().acquire().await.expect("a connection");
    let before = creators::known(&mut conn, &[id]).await.expect("known");
    let values = custom_fields::values_of(&mut conn, &[id])
        .await
        .expect("values");
    let change = CreatorChanges {
        display_name: Some(None),
        aliases: Some(Vec::new()),
        handles: Some(BTreeMap::new()),
        phone: Some(None),
        ..CreatorChanges::default()
    };
    creators::change(&mut conn, &ctx(Role::Admin), id, None, change)
        .await
        .expect("changed");
    let none: BTreeMap<String, Option<Given>> =
        values[&id].keys().map(|key| (key.clone(), None)).collect();
    custom_fields::set(&mut conn, &ctx(Role::Admin), id, None, none)
        .await
        .expect("removed");
    let by_name = NewStart {
        match_by: Some(MatchBy::Username),
        ..as_it_is
    };
    let import = upload(&db, &file).await;
    let done = start_and_work(&db, import.id, by_name).await;
    assert_eq!(
        (done.counts.updated, done.counts.failed),
        (1, 0),
        "{done:?}"
    );
    let after = creators::known(&mut conn, &[id]).await.expect("known");
    let of = |known: &[creators::Known]| {
        let one = &known[0].creator;
        (
            one.display_name.clone(),
            one.first_name.clone(),
            one.aliases.clone(),
            one.handles.clone(),
            one.phone.clone(),
        )
    };
    assert_eq!(of(&after), of(&before));
    assert_eq!(
        custom_fields::values_of(&mut conn, &[id])
            .await
            .expect("values"),
        values
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_holds_only_what_its_owner_may_see_and_why_is_recorded(pool: PgPool) {
    let db = Db::new(pool.clone(), None);
    testing::creator(&pool, "girlfanz", "ada").await;
    testing::creator(&pool, "boyfanz", "bob").await;
    let plain = exported(&db, &ctx(Role::Marketing), NewExport::default()).await;
    assert!(!plain.contains("@x.example"), "{plain}");
    let mut conn = db.pool().acquire().await.expect("a connection");
    let email = NewExport {
        columns: Some(vec!["email".parse().expect("a column")]),
        reason: Some("a mailing".to_owned()),
        ..NewExport::default()
    };
    let refused = start(&mut conn, &ctx(Role::Marketing), email.clone()).await;
    assert!(
        matches!(
            refused,
            Err(ExportError::Lacking(Permission::RevealContact))
        ),
        "{refused:?}"
    );
    let unsaid = NewExport {
        reason: None,
        ..email.clone()
    };
    let refused = start(&mut conn, &ctx(Role::Support), unsaid).await;
    assert!(
        matches!(refused, Err(ExportError::Access(_))),
        "{refused:?}"
    );

    let one = NewExport {
        filter: CreatorFilter {
            clusters: vec!["boyfanz".to_owned()],
            ..CreatorFilter::default()
        },
        ..email
    };
    let file = exported(&db, &ctx(Role::Support), one).await;
    assert_eq!(file, "email\nbob@x.example\n");
    let actions: Vec<String> = sqlx::query_scalar(
        "select action from audit_entries e join audit_chain c on c.entry_id = e.id where subject_kind = 'export' order by c.seq",
    )
    .fetch_all(&mut *conn)
    .await
    .expect("entries");
    assert_eq!(
        actions[actions.len() - 4..],
        [
            "personal.reveal",
            "creator.export",
            "creator.export_end",
            "creator.export_fetch"
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_is_for_its_owner_until_it_expires(pool: PgPool) {
    let db = Db::new(pool.clone(), None);
    testing::creator(&pool, "girlfanz", "ada").await;
    let mut conn = db.pool().acquire().await.expect("a connection");
    let owner = ctx(Role::Support);
    let export = start(&mut conn, &owner, NewExport::default())
        .await
        .expect("started");
    let early = file(&mut conn, &owner, export.id).await;
    assert!(matches!(early, Err(ExportError::NotReady(_))), "{early:?}");
    work(&db, export.id).await;
    let other = Ctx::new(Actor::user("eve", &[Role::Admin]), &Clock::system());
    for refused in [
        find(&mut conn, &other, export.id).await.map(drop),
        file(&mut conn, &other, export.id).await.map(drop),
        cancel(&mut conn, &other, export.id).await.map(drop),
    ] {
        assert!(
            matches!(refused, Err(ExportError::NotFound(_))),
            "{refused:?}"
        );
    }
    let clock = Clock::system();
    clock.advance(chrono::Duration::days(FILE_DAYS + 1));
    let late = Ctx::new(Actor::user("ada", &[Role::Support]), &clock);
    let gone = file(&mut conn, &late, export.id).await;
    assert!(matches!(gone, Err(ExportError::Expired)), "{gone:?}");
    assert_eq!(files::purge(&mut conn, &late).await.expect("removed"), 1);
    let gone = file(&mut conn, &late, export.id).await;
    assert!(matches!(gone, Err(ExportError::Expired)), "{gone:?}");
}
