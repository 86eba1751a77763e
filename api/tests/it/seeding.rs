//! The command that makes up creators, as it is run.

use std::process::{Command, Output};

use sqlx::{ConnectOptions, PgPool};

/// What production needs besides its database; nothing here is reached.
const PRODUCTION: [(&str, &str); 8] = [
    ("NODE_ENV", "production"),
    ("REDIS_URL", "redis://127.0.0.1:1/0"),
    ("SMTP_URL", "smtps://u:p@mail.example.com:465"),
    ("EMAIL_FROM_ADDRESS", "noreply@example.com"),
    ("EMAIL_POSTAL_ADDRESS", "1 Real Street, Town"),
    ("PUBLIC_URL", "https://crm.example.com/"),
    ("JWT_SECRET", "3fd1c2a4b5d6e7f8091a2b3c4d5e6f70"),
    (
        "ENCRYPTION_KEY",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    ),
];

fn seed(pool: &PgPool, environment: &[(&str, &str)]) -> Output {
    let database = pool.connect_options().to_url_lossy();
    Command::new(env!("CARGO_BIN_EXE_api"))
        .args(["seed", "--creators", "3", "--as-of", "2026-11-22"])
        // no .env file of a developer
        .current_dir(std::env::temp_dir())
        .env("DATABASE_URL", database.as_str())
        .envs(environment.iter().copied())
        .output()
        .expect("the program runs")
}

async fn creators(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from creators")
        .fetch_one(pool)
        .await
        .expect("counted")
}

#[sqlx::test(migrations = "../migrations")]
async fn creators_are_not_made_up_in_production(pool: PgPool) {
    let refused = seed(&pool, &PRODUCTION);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{refused:?}");
    assert!(said.contains("NODE_ENV is production"), "{said}");
    assert_eq!(creators(&pool).await, 0);
    // the same call is fine anywhere else
    let done = seed(&pool, &[("NODE_ENV", "test")]);
    assert!(done.status.success(), "{done:?}");
    assert_eq!(creators(&pool).await, 3);
}
