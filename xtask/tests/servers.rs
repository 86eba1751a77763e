//! The private servers, against real Postgres and Redis.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may panic, as the tests themselves may"
)]

use std::process::Command;

use xtask::servers::{
    Durability, Postgres, PostgresOptions, Redis, RunFolder, StopMode, postgres_programs,
};

/// Runs one statement and answers the only value it returns.
fn ask(postgres: &Postgres, sql: &str) -> Result<String, String> {
    let psql = postgres_programs().unwrap().path("psql");
    let output = Command::new(psql)
        .args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--command",
            sql,
        ])
        .arg(postgres.url())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

#[test]
fn a_commit_survives_every_way_to_stop_postgres() {
    let folder = RunFolder::create().unwrap();
    let mut postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Safe)).unwrap();
    let port = postgres.port();
    assert_eq!(ask(&postgres, "show fsync").unwrap(), "on");
    ask(&postgres, "create table seen (n int)").unwrap();

    ask(&postgres, "insert into seen values (1)").unwrap();
    postgres.stop(StopMode::Fast).unwrap();
    assert!(ask(&postgres, "select 1").is_err());
    postgres.restart().unwrap();

    ask(&postgres, "insert into seen values (2)").unwrap();
    postgres.stop(StopMode::Immediate).unwrap();
    postgres.restart().unwrap();

    ask(&postgres, "insert into seen values (3)").unwrap();
    postgres.kill().unwrap();
    postgres.restart().unwrap();

    assert_eq!(ask(&postgres, "select sum(n) from seen").unwrap(), "6");
    assert_eq!(postgres.port(), port);
}

#[test]
fn extra_settings_and_fast_settings_arrive() {
    let folder = RunFolder::create().unwrap();
    let options = PostgresOptions::new(Durability::Fast)
        .with("work_mem", "5MB")
        .with("cluster_name", "it's ours");
    let postgres = Postgres::start(&folder, options).unwrap();
    assert_eq!(ask(&postgres, "show fsync").unwrap(), "off");
    assert_eq!(ask(&postgres, "show work_mem").unwrap(), "5MB");
    assert_eq!(ask(&postgres, "show cluster_name").unwrap(), "it's ours");
}

#[test]
fn strangers_without_the_password_are_refused() {
    let folder = RunFolder::create().unwrap();
    let postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Fast)).unwrap();
    let status = Command::new(postgres_programs().unwrap().path("psql"))
        .args(["--no-password", "--command", "select 1"])
        .arg(format!(
            "postgres://creatorcrm@127.0.0.1:{}/creatorcrm",
            postgres.port()
        ))
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
}

#[test]
fn redis_comes_back_empty_on_its_port_and_can_be_stalled() {
    let folder = RunFolder::create().unwrap();
    let mut redis = Redis::start(&folder).unwrap();
    let port = redis.port();
    redis.flush().unwrap();

    redis.stall().unwrap();
    assert!(redis.flush().is_err());
    redis.resume().unwrap();
    redis.flush().unwrap();

    redis.stop().unwrap();
    assert!(redis.flush().is_err());
    redis.restart().unwrap();
    redis.flush().unwrap();
    assert_eq!(redis.port(), port);
}
