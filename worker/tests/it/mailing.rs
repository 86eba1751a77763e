//! The product's own handlers that mail people about their accounts, over real SMTP to a sink.

use std::net::{Ipv4Addr, SocketAddr};

use secrecy::SecretString;
use serde_json::{Value, json};
use shared::access::{Access, Grant, NewUser};
use shared::creators::{self, CreatorId, NewCreator};
use shared::kernel::Role;
use sink::{Options, Server};
use sqlx::PgPool;

use crate::stage::{Stage, ada, config, eventually};

/// Messages that the sink keeps.
const KEPT: usize = 10;

/// A mail server; its SMTP and HTTP URLs.
async fn mail_server() -> (String, String) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = Options {
        smtp: any,
        http: any,
        keep: KEPT,
    };
    let server = Server::bind(options).await.unwrap();
    let smtp = format!("smtp://{}", server.smtp_address().unwrap());
    let http = format!("http://{}", server.http_address().unwrap());
    tokio::spawn(server.serve());
    (smtp, http)
}

async fn arrived(http: &str) -> Vec<Value> {
    let answer = reqwest::get(format!("{http}/api/messages")).await.unwrap();
    let list: Value = answer.json().await.unwrap();
    list.as_array().unwrap().clone()
}

async fn with_user(stage: &Stage, email: &str) -> Access {
    let config = config(&[]);
    let access = Access::new(stage.db().clone(), &config.secrets, config.second_factor);
    let new = NewUser {
        email: email.parse().unwrap(),
        name: "Ada".to_owned(),
        grant: Grant {
            roles: vec![Role::Support],
            clusters: None,
            creator: None,
        },
    };
    let password = SecretString::from("correct horse battery");
    access.add_user(&ada(), new, Some(password)).await.unwrap();
    access
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_an_account_is_sent_a_link_and_nobody_else(pool: PgPool) {
    let stage = Stage::new(pool);
    let (smtp, http) = mail_server().await;
    let access = with_user(&stage, "ada@x.example").await;
    let worker = stage.product(&smtp);
    for email in ["nobody@x.example", "ADA@x.example"] {
        access
            .request_reset(&ada(), &email.parse().unwrap())
            .await
            .unwrap();
    }
    stage.adopt().await;
    eventually("both jobs are completed", || async {
        let done: i64 = stage
            .ask("select count(*) from job_history where kind = 'access.password_mail' and state = 'completed'")
            .await;
        (done == 2).then_some(())
    })
    .await;
    let mails = arrived(&http).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0]["to"], json!(["ada@x.example"]));
    let links: i64 = stage.ask("select count(*) from password_tokens").await;
    assert_eq!(links, 1);
    worker.drain().await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_link_is_tried_again_when_the_mail_server_defers_and_not_when_it_refuses(pool: PgPool) {
    let stage = Stage::new(pool);
    let (smtp, http) = mail_server().await;
    let access = with_user(&stage, "ada@x.example").await;
    let faults = |plan: Value| {
        let put = reqwest::Client::new().put(format!("{http}/api/faults"));
        async move {
            put.json(&plan)
                .send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap()
        }
    };
    let refusing =
        |code: u16| json!({ "rules": [{ "effect": { "reply": { "at": "rcpt", "code": code } } }] });
    faults(refusing(550)).await;
    let worker = stage.product(&smtp);
    access
        .request_reset(&ada(), &"ada@x.example".parse().unwrap())
        .await
        .unwrap();
    stage.adopt().await;
    eventually("the job is dead", || async {
        let dead: i64 = stage
            .ask("select count(*) from jobs where kind = 'access.password_mail' and state = 'dead'")
            .await;
        (dead == 1).then_some(())
    })
    .await;
    faults(refusing(450)).await;
    access
        .request_reset(&ada(), &"ada@x.example".parse().unwrap())
        .await
        .unwrap();
    stage.adopt().await;
    eventually("the job waits for its next attempt", || async {
        let waits: i64 = stage
            .ask("select count(*) from jobs where kind = 'access.password_mail' and attempt = 1 and state = 'available' and run_at > now()")
            .await;
        (waits == 1).then_some(())
    })
    .await;
    assert_eq!(arrived(&http).await.len(), 0);
    worker.drain().await.unwrap();
}

async fn active_creator(stage: &Stage, name: &str) -> CreatorId {
    let new = NewCreator {
        email: format!("{name}@x.example").parse().unwrap(),
        username: name.parse().unwrap(),
        cluster: "girlfanz".into(),
        phone: None,
        display_name: None,
        first_name: None,
        time_zone: None,
        person: None,
        birth_date: None,
        consents: Vec::new(),
    };
    let id = stage
        .doing(async |tx, ctx| creators::register(tx, ctx, &new).await.unwrap().id)
        .await;
    stage.run("update creators set status = 'active'").await;
    id
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_suspended_is_told_so_once_and_not_at_a_dead_address(pool: PgPool) {
    let stage = Stage::new(pool);
    let (smtp, http) = mail_server().await;
    let worker = stage.product(&smtp);
    let told = active_creator(&stage, "ada_l").await;
    let unreachable = active_creator(&stage, "bea_m").await;
    stage
        .run("insert into suppressions (channel, address, reason, detail, created_at) values ('email', 'bea_m@x.example', 'hard_bounce', 'x', now())")
        .await;
    for id in [told, unreachable] {
        stage
            .doing(async |tx, ctx| {
                let reason = "the words of staff";
                creators::suspend(tx, ctx, id, None, reason, 86_400)
                    .await
                    .unwrap()
            })
            .await;
    }
    eventually("both jobs are completed", || async {
        let done: i64 = stage
            .ask("select count(*) from job_history where kind = 'creator.notify_suspension' and state = 'completed'")
            .await;
        (done == 2).then_some(())
    })
    .await;
    let mails = arrived(&http).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0]["to"], json!(["ada_l@x.example"]));
    assert_eq!(mails[0]["subject"], "Your GirlFanz profile is suspended");
    worker.drain().await.unwrap();
}
