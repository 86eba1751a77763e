//! What banks say of payouts, over HTTP.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use shared::kernel::Role;
use shared::providers::payout::files::statement::STATEMENT_MAX_BYTES;
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

async fn sent(app: &TestApp, role: Role, query: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/api/payout-statements{query}"))
        .header("authorization", format!("Bearer {}", app.token(role)))
        .header("content-type", "application/xml");
    let body = Body::from(body.to_owned());
    app.send(request.body(body).expect("a request")).await
}

/// A day's statement with a fee of the bank and money of somebody else; its account adds up.
fn statement(day: &str) -> String {
    let balance = |kind: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{amount}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    };
    let entry = |reference: &str, way: &str, amount: &str| {
        format!(
            "<Ntry><Amt Ccy=\"EUR\">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef><BkTxCd/></Ntry>"
        )
    };
    let (opening, closing) = (balance("OPBD", "100.00"), balance("CLBD", "148.50"));
    let entries = entry("B1", "DBIT", "1.50") + &entry("B2", "CRDT", "50.00");
    format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>S1</MsgId>\
         <CreDtTm>{day}T20:00:00Z</CreDtTm></GrpHdr><Stmt><Id>S1</Id>\
         <FrToDt><FrDtTm>{day}T00:00:00Z</FrDtTm><ToDtTm>{day}T23:59:59Z</ToDtTm></FrToDt>\
         <Acct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></Acct>{opening}{closing}{entries}</Stmt>\
         </BkToCstmrStmt></Document>"
    )
}

/// Does what the job does.
async fn matched(app: &TestApp, id: &str) {
    let id = id.parse().expect("an id");
    loop {
        let mut tx = app.app.db.begin().await.expect("begun");
        let step = shared::payouts::match_step(&mut tx, &app.ctx(), id).await;
        tx.commit().await.expect("committed");
        if !step.expect("looked at").more {
            return;
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_statement_is_sent_once_and_its_entries_are_decided_about(pool: PgPool) {
    let app = TestApp::new(pool);
    let day = app.app.clock.now().format("%Y-%m-%d").to_string();
    let text = statement(&day);
    let first = sent(&app, Role::Finance, "?fileName=monday.xml", &text).await;
    assert_eq!(first.status.as_u16(), 201, "{first:?}");
    let place = first.header("location").to_owned();
    let again = sent(&app, Role::Finance, "", &text).await;
    assert_eq!(again.status.as_u16(), 200, "{again:?}");
    assert_eq!(again.json()["id"], first.json()["id"]);
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(place, format!("/api/payout-statements/{id}"));
    matched(&app, &id).await;
    let shown = app.get(&place).await.json();
    assert_eq!(
        (&shown["format"], &shown["status"], &shown["fileName"]),
        (&json!("camt.053"), &json!("matched"), &json!("monday.xml"))
    );
    assert_eq!(shown["accounts"][0]["addsUp"], true);
    assert_eq!(
        shown["sums"],
        json!([{ "status": "unmatched", "currency": "EUR", "entries": 2, "debits": 1.5, "credits": 50.0 }])
    );
    let listed = app.get("/api/payout-statements").await.json();
    assert_eq!(listed["statements"][0]["id"], id);

    let page = app
        .get("/api/payout-statement-entries?theirs=true&limit=1")
        .await
        .json();
    let cursor = page["nextCursor"].as_str().expect("a second page");
    let next = format!("/api/payout-statement-entries?theirs=true&limit=1&cursor={cursor}");
    let next = app.get(&next).await.json();
    assert_eq!(next["nextCursor"], Value::Null);
    let fee = &next["entries"][0];
    assert_eq!(
        (&fee["place"], &fee["bankReference"]),
        (&json!(0), &json!("B1"))
    );
    let path = format!(
        "/api/payout-statement-entries/{}",
        fee["id"].as_str().expect("an id")
    );
    let dismiss = format!("{path}/dismiss");
    let silent = app.post(&dismiss, json!({ "reason": "" })).await;
    assert_eq!(silent.status.as_u16(), 422, "{silent:?}");
    let why = Some(json!({ "reason": "a fee of the bank" }));
    let stale = app
        .call(
            Method::POST,
            &dismiss,
            &[("if-match", "\"99\"")],
            why.clone(),
        )
        .await;
    assert_eq!(stale.status.as_u16(), 412, "{stale:?}");
    let done = app.call(Method::POST, &dismiss, &[], why.clone()).await;
    assert_eq!(done.json()["status"], "dismissed", "{done:?}");
    let twice = app.call(Method::POST, &dismiss, &[], why).await;
    assert_eq!(
        (twice.status.as_u16(), twice.problem().as_str()),
        (409, "statement-entry-decided")
    );
    let nobody = format!("payout_{:032x}", 1);
    let other = page["entries"][0]["id"].as_str().expect("an id");
    let unknown = app
        .post(
            &format!("/api/payout-statement-entries/{other}/match"),
            json!({ "payoutId": nobody, "reason": "it looks like it" }),
        )
        .await;
    assert_eq!(unknown.status.as_u16(), 404, "{unknown:?}");

    let report = app
        .get("/api/payout-reconciliation?method=bank_transfer&currency=EUR")
        .await
        .json();
    assert_eq!(report["balances"], true, "{report}");
    assert_eq!(report["missing"][0]["code"], "theirs_only");
    assert_eq!(
        report["theirsOnly"]["back"],
        json!({ "count": 1, "amount": 50.0 })
    );
    assert_eq!(
        report["dismissed"]["out"],
        json!({ "count": 1, "amount": 1.5 })
    );
    let ours = app
        .get("/api/payout-reconciliation/ours-only?method=bank_transfer&currency=EUR")
        .await;
    assert_eq!(ours.json()["payouts"], json!([]));
    let wrong = app
        .get("/api/payout-reconciliation?method=bank_transfer&currency=EUR&from=2026-02-01&to=2026-01-01")
        .await;
    assert_eq!(wrong.status.as_u16(), 422, "{wrong:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_statement_is_refused_and_so_is_who_may_not_send_one(pool: PgPool) {
    let app = TestApp::new(pool);
    let text = statement("2026-03-10");
    for (body, words) in [
        ("a letter", "neither pain.002"),
        (&text[..text.len() - 9], "camt.053 cannot be read"),
        ("", "neither pain.002"),
    ] {
        let refused = sent(&app, Role::Finance, "", body).await;
        assert_eq!(
            (refused.status.as_u16(), refused.problem().as_str()),
            (422, "unreadable-statement")
        );
        assert!(refused.text.contains(words), "{refused:?}");
    }
    let large = " ".repeat(STATEMENT_MAX_BYTES + 1);
    let large = sent(&app, Role::Finance, "", &large).await;
    assert_eq!(
        (large.status.as_u16(), large.problem().as_str()),
        (413, "file-too-large")
    );
    let support = sent(&app, Role::Support, "", &text).await;
    assert_eq!(support.status.as_u16(), 403, "{support:?}");
    let listed = app.get("/api/payout-statements").await.json();
    assert_eq!(listed["statements"], json!([]), "nothing was kept");
}
