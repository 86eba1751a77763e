//! Files in and out: imports and exports of creators.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::exports::{self, ExportState};
use shared::imports;
use shared::kernel::Role;
use sqlx::PgPool;

use crate::creators::wrong_fields;
use crate::support::{Answer, TestApp};

async fn upload(app: &TestApp, file: impl Into<Body>, media_type: &str) -> Answer {
    let request = Request::post("/api/creator-imports?fileName=new.csv")
        .header(
            "authorization",
            format!("Bearer {}", app.token(Role::Admin)),
        )
        .header("content-type", media_type);
    app.send(request.body(file.into()).expect("a request"))
        .await
}

/// Does what the import's job would do.
async fn import_works(app: &TestApp, path: &str) -> Value {
    let id = path.rsplit('/').next().expect("an id");
    let id = id.parse().expect("an import's id");
    loop {
        let db = &app.app.db;
        let mut tx = db.begin().await.expect("a transaction");
        let import = imports::step(&mut tx, &app.ctx(), id)
            .await
            .expect("a step");
        tx.commit().await.expect("committed");
        if !import.state.goes_on() {
            return app.get(path).await.json();
        }
    }
}

async fn export_works(app: &TestApp, path: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let id = id.parse().expect("an export's id");
    loop {
        let db = &app.app.db;
        let mut tx = db.begin().await.expect("a transaction");
        let export = exports::step(&mut tx, &app.ctx(), id)
            .await
            .expect("a step");
        tx.commit().await.expect("committed");
        if export.state != ExportState::Running {
            return;
        }
    }
}

/// A path as somebody else than the tester sees it.
async fn as_another(app: &TestApp, method: Method, path: &str) -> Answer {
    let token = app.app.tokens.issue(
        "somebody-else",
        &[Role::Admin],
        app.app.clock.now(),
        std::time::Duration::from_secs(600),
    );
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = Body::from("{}");
    app.send(request.body(body).expect("a request")).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_is_uploaded_checked_run_and_undone(pool: PgPool) {
    let app = TestApp::new(pool);
    let file = "E-mail;Name;Remarks\nada@x.example;ada;=1\nno address;bea;\n";
    let made = upload(&app, file, "text/csv; charset=utf-8").await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = made.header("location").to_owned();
    let shown = made.json();
    assert_eq!(
        (&shown["state"], &shown["headers"], &shown["fileName"]),
        (
            &json!("uploaded"),
            &json!(["E-mail", "Name", "Remarks"]),
            &json!("new.csv")
        )
    );
    let start = format!("{path}/start");
    let unmapped = app.post(&start, json!({})).await;
    assert_eq!(wrong_fields(&unmapped), ["/mapping", "/clusterId"]);
    let unknown = app
        .post(
            &start,
            json!({ "mapping": { "E-mail": "status" }, "matchBy": "x" }),
        )
        .await;
    assert_eq!(wrong_fields(&unknown), ["/mapping/E-mail", "/matchBy"]);
    let mapping = json!({ "E-mail": "email", "Name": "username", "Remarks": null });
    let mut body = json!({ "mapping": mapping, "clusterId": "girlfanz", "dryRun": true });
    assert_eq!(app.post(&start, body.clone()).await.status, 202);
    let again = app.post(&start, body.clone()).await;
    assert_eq!(
        (again.status.as_u16(), again.problem()),
        (409, "import-not-now".to_owned())
    );
    let checked = import_works(&app, &path).await;
    assert_eq!(
        (&checked["state"], &checked["created"]),
        (&json!("checked"), &json!(1))
    );
    assert_eq!(app.get("/api/creators").await.json()["items"], json!([]));

    body["dryRun"] = json!(false);
    assert_eq!(app.post(&start, body).await.status, 202);
    let done = import_works(&app, &path).await;
    assert_eq!(
        (
            &done["state"],
            &done["created"],
            &done["failed"],
            &done["progress"]
        ),
        (&json!("completed"), &json!(1), &json!(1), &json!(1.0))
    );
    let report = app.get(&format!("{path}/report")).await;
    assert_eq!(
        report.text,
        "E-mail,Name,Remarks,importRow,importErrors\n\
         no address,bea,,3,E-mail: not an e-mail address; use the form name@domain.example\n"
    );
    assert_eq!(report.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        report
            .header("content-disposition")
            .starts_with("attachment; ")
    );

    assert_eq!(
        app.post(&format!("{path}/undo"), json!({})).await.status,
        202
    );
    let undone = import_works(&app, &path).await;
    assert_eq!(
        (&undone["state"], &undone["undone"], &undone["notUndone"]),
        (&json!("undone"), &json!(1), &json!(0))
    );
    assert_eq!(app.get("/api/creators").await.json()["items"], json!([]));
    let listed = app.get("/api/creator-imports").await.json();
    assert_eq!(listed["items"][0], undone);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_that_is_too_large_or_no_csv_is_refused_before_it_is_read(pool: PgPool) {
    let app = TestApp::new(pool);
    let wrong = upload(&app, "{}", "application/json").await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.problem()),
        (415, "unsupported-media-type".to_owned())
    );
    // without a length beforehand, as a stream has none
    let pieces = (0..=imports::IMPORT_MAX_BYTES / 65_536)
        .map(|_| Ok::<_, std::io::Error>(vec![b'a'; 65_536]));
    let stream = Body::from_stream(futures_util::stream::iter(pieces));
    let large = upload(&app, stream, "text/csv").await;
    assert_eq!(
        (large.status.as_u16(), large.problem()),
        (413, "file-too-large".to_owned())
    );
    let empty = upload(&app, "", "text/csv").await;
    assert_eq!(empty.status, 422, "{empty:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_is_fetched_by_its_owner_only(pool: PgPool) {
    let app = TestApp::new(pool);
    for name in ["ada", "bea"] {
        let body = json!({ "email": format!("{name}@x.example"), "username": name, "clusterId": "girlfanz" });
        assert_eq!(app.post("/api/creators", body).await.status, 201);
    }
    let wrong = json!({ "columns": ["id", "password", "custom.none"] });
    let nul = json!({ "filter": { "clusters": ["girl\u{0}fanz"] } });
    let nul = app.post("/api/creator-exports", nul).await;
    assert_eq!(nul.status, 422, "{nul:?}");
    let wrong = app.post("/api/creator-exports", wrong).await;
    assert_eq!(wrong_fields(&wrong), ["/columns/1"]);
    let body = json!({ "filter": { "q": "bea" }, "columns": ["username", "email"], "reason": "a mailing" });
    let made = app.post("/api/creator-exports", body).await;
    assert_eq!(made.status, 202, "{made:?}");
    let path = made.header("location").to_owned();
    let file = format!("{path}/file");
    assert_eq!(app.get(&file).await.problem(), "export-not-ready");
    export_works(&app, &path).await;
    assert_eq!(
        app.get(&file).await.text,
        "username,email\nbea,bea@x.example\n"
    );
    assert_eq!(app.get(&path).await.json()["progress"], 1.0);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::GET, file),
        (Method::POST, format!("{path}/cancel")),
    ] {
        assert_eq!(as_another(&app, method, &path).await.status, 404, "{path}");
    }
    assert_eq!(
        as_another(&app, Method::GET, "/api/creator-exports")
            .await
            .json()["items"],
        json!([])
    );
    let imported = upload(&app, "email\nx@x.example\n", "text/csv").await;
    let path = imported.header("location");
    for (method, path) in [
        (Method::GET, path.to_owned()),
        (Method::POST, format!("{path}/start")),
        (Method::POST, format!("{path}/undo")),
        (Method::POST, format!("{path}/cancel")),
        (Method::GET, format!("{path}/report")),
    ] {
        assert_eq!(as_another(&app, method, &path).await.status, 404, "{path}");
    }
}
