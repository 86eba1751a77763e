//! The product's own handlers that move data: imports, exports, documents about people, erasures and removals, as a worker
//! process runs them.

use serde_json::Value;
use shared::creators::{self, CreatorFilter, CreatorId, NewCreator};
use shared::exports::{self, ExportState, NewExport};
use shared::files;
use shared::imports::{self, Existing, ImportId, ImportState, NewStart, Upload};
use shared::privacy::{self, MeasureKind, Request, RequestKind, RequestState};
use sqlx::PgPool;

use crate::stage::{Stage, ada, eventually};

/// No test here sends mail.
const NO_MAIL: &str = "smtp://127.0.0.1:1";

async fn uploaded(stage: &Stage, file: &str) -> ImportId {
    let mut upload = Upload::begin(stage.db(), &ada(), "a.csv").await.unwrap();
    upload
        .push(stage.db(), &ada(), file.as_bytes())
        .await
        .unwrap();
    upload.finish(stage.db(), &ada()).await.unwrap().id
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

/// Waits until an import stands at `state`; answers how many rows were written and refused.
async fn import_is(stage: &Stage, id: ImportId, state: ImportState) -> (i64, i64) {
    let counts = eventually(&format!("the import is {state}"), || async {
        let mut conn = stage.pool.acquire().await.unwrap();
        let import = imports::find(&mut conn, &ada(), id).await.unwrap();
        assert_ne!(import.state, ImportState::Failed, "{import:?}");
        (import.state == state).then_some(import.counts)
    })
    .await;
    (counts.created, counts.failed)
}

#[sqlx::test(migrations = "../migrations")]
async fn an_import_is_checked_run_and_undone(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.product(NO_MAIL);
    let rows = (0..700).map(|n| format!("user{n}@x.example,user{n}\n"));
    let file = format!(
        "email,username\nnonsense,nobody\n{}",
        rows.collect::<String>()
    );
    let id = uploaded(&stage, &file).await;
    let start = async |dry_run| {
        stage
            .doing(async |tx, ctx| {
                imports::start(tx, ctx, id, start_of(dry_run))
                    .await
                    .unwrap()
            })
            .await;
    };
    start(true).await;
    assert_eq!(import_is(&stage, id, ImportState::Checked).await, (700, 1));
    assert_eq!(stage.ask::<i64>("select count(*) from creators").await, 0);
    start(false).await;
    assert_eq!(
        import_is(&stage, id, ImportState::Completed).await,
        (700, 1)
    );
    assert_eq!(stage.ask::<i64>("select count(*) from creators").await, 700);
    stage
        .doing(async |tx, ctx| imports::undo(tx, ctx, id).await.unwrap())
        .await;
    import_is(&stage, id, ImportState::Undone).await;
    let left: i64 = stage
        .ask("select count(*) from creators where archived_at is null")
        .await;
    assert_eq!(left, 0);
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_import_whose_rows_never_end_is_told_so(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.product(NO_MAIL);
    // far more than a step reads, behind a quotation mark that nothing closes
    let file = format!("email,username\na@x.example,\"{}", "x".repeat(3 << 20));
    let id = uploaded(&stage, &file).await;
    stage
        .doing(async |tx, ctx| imports::start(tx, ctx, id, start_of(false)).await.unwrap())
        .await;
    let error = eventually("the import has failed", || async {
        let mut conn = stage.pool.acquire().await.unwrap();
        let import = imports::find(&mut conn, &ada(), id).await.unwrap();
        assert_ne!(import.state, ImportState::Completed);
        (import.state == ImportState::Failed).then_some(import.error)
    });
    let error = error.await.unwrap();
    assert!(error.contains("no row ends within"), "{error}");
    assert_eq!(stage.ask::<i64>("select count(*) from creators").await, 0);
    worker.drain().await.unwrap();
}

/// A creator who can be written to.
async fn creator(stage: &Stage, name: &str) -> CreatorId {
    let new = NewCreator {
        email: format!("{name}@x.example").parse().unwrap(),
        username: name.parse().unwrap(),
        cluster: "girlfanz".into(),
        phone: None,
        display_name: Some(format!("={name}")),
        first_name: None,
        time_zone: None,
        person: None,
        birth_date: None,
        consents: Vec::new(),
    };
    stage
        .doing(async |tx, ctx| creators::register(tx, ctx, &new).await.unwrap().id)
        .await
}

async fn content(stage: &Stage, file: files::FileId) -> String {
    let mut conn = stage.pool.acquire().await.unwrap();
    let (mut bytes, mut at) = (Vec::new(), 0);
    while let Some(part) = files::read(&mut conn, file, at).await.unwrap() {
        at += i64::try_from(part.content.len()).unwrap();
        bytes.extend(part.content);
    }
    String::from_utf8(bytes).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_is_written_for_its_owner(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.product(NO_MAIL);
    for name in ["ada_l", "bea_m"] {
        creator(&stage, name).await;
    }
    let columns = ["username", "displayName"].map(|name| name.parse().unwrap());
    let new = NewExport {
        filter: CreatorFilter::default(),
        columns: Some(columns.to_vec()),
        reason: None,
    };
    let export = stage
        .doing(async |tx, ctx| exports::start(tx, ctx, new).await.unwrap())
        .await;
    eventually("the export is completed", || async {
        let mut conn = stage.pool.acquire().await.unwrap();
        let found = exports::find(&mut conn, &ada(), export.id).await.unwrap();
        (found.state == ExportState::Completed).then_some(())
    })
    .await;
    let mut conn = stage.pool.acquire().await.unwrap();
    let file = exports::file(&mut conn, &ada(), export.id).await.unwrap();
    let text = content(&stage, file.id).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        ["username,displayName", "ada_l,'=ada_l", "bea_m,'=bea_m"]
    );
    worker.drain().await.unwrap();
}

async fn request_is(
    stage: &Stage,
    id: CreatorId,
    request: &Request,
    state: RequestState,
) -> Request {
    eventually(&format!("the request is {state}"), || async {
        let mut conn = stage.pool.acquire().await.unwrap();
        let found = privacy::find(&mut conn, &ada(), id, request.id, request.kind).await;
        Some(found.unwrap()).filter(|found| found.state == state)
    })
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_person_is_handed_out_and_erased(pool: PgPool) {
    let stage = Stage::new(pool);
    let worker = stage.product(NO_MAIL);
    let id = creator(&stage, "ada_l").await;
    let asked = stage
        .doing(async |tx, ctx| {
            privacy::ask_for_export(tx, ctx, id, "ticket 8")
                .await
                .unwrap()
        })
        .await;
    assert_eq!(asked.kind, RequestKind::Export);
    let done = request_is(&stage, id, &asked, RequestState::Completed).await;
    let document: Value = serde_json::from_str(&content(&stage, done.file.unwrap()).await).unwrap();
    assert_eq!(document["data"]["creators"][0]["email"], "ada_l@x.example");

    let planned = stage
        .doing(async |tx, ctx| {
            privacy::plan_erasure(tx, ctx, id, "ticket 7")
                .await
                .unwrap()
        })
        .await;
    // confirmed, and then a court is quicker than the worker
    let erasure = stage
        .doing(async |tx, ctx| {
            let running = privacy::confirm_erasure(tx, ctx, id, planned.id)
                .await
                .unwrap();
            let hold = MeasureKind::LegalHold;
            let hold = privacy::take_measure(tx, ctx, id, hold, "case 1")
                .await
                .unwrap();
            (running, hold)
        })
        .await;
    let (running, hold) = erasure;
    let failed = request_is(&stage, id, &running, RequestState::Failed).await;
    assert!(failed.error.unwrap().contains("legal hold"));
    let kept: i64 = stage
        .ask("select count(*) from creators where email = 'ada_l@x.example'")
        .await;
    assert_eq!(kept, 1);

    let planned = stage
        .doing(async |tx, ctx| {
            let lifted = privacy::lift_measure(tx, ctx, id, hold.id, "case closed").await;
            lifted.unwrap();
            let planned = privacy::plan_erasure(tx, ctx, id, "ticket 7")
                .await
                .unwrap();
            privacy::confirm_erasure(tx, ctx, id, planned.id)
                .await
                .unwrap()
        })
        .await;
    request_is(&stage, id, &planned, RequestState::Completed).await;
    let left: i64 = stage
        .ask("select count(*) from creators where email = 'ada_l@x.example'")
        .await;
    assert_eq!(left, 0);

    // years later
    stage
        .run("update people set erased_at = erased_at - interval '11 years'")
        .await;
    stage
        .doing(async |tx, ctx| privacy::remove(tx, ctx).await.unwrap())
        .await;
    eventually("a removal is over", || async {
        let mut conn = stage.pool.acquire().await.unwrap();
        let runs = privacy::retention_runs(&mut conn, &ada()).await.unwrap();
        runs.first().and_then(|run| run.finished_at)
    })
    .await;
    let left: i64 = stage
        .ask("select count(*) from creator_status_history")
        .await;
    assert_eq!(left, 0);
    worker.drain().await.unwrap();
}
