//! A restored copy of the database: nothing is run in it until somebody says so.

use std::time::Duration;

use anyhow::Result;
use lab::drill;
use shared::queue::installation;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};

use crate::support::{SOON, assert_each_once, patient_arena};

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_runs_nothing_until_it_is_accepted() -> Result<()> {
    let (mut arena, _one) = patient_arena().await?;
    let worker = arena.worker(&[])?;
    arena.put_effects(10, 0).await?;
    arena.all_over(SOON).await?;
    arena.drain(worker)?;
    arena.put_effects(20, 0).await?;

    // a template copy is what a restored dump is: the same rows, another database
    arena.pool.close().await;
    let mut admin = PgConnection::connect(&arena.postgres.url_of("postgres")).await?;
    sqlx::query("create database restored template creatorcrm")
        .execute(&mut admin)
        .await?;
    let (original, copy) = (arena.postgres.url(), arena.postgres.url_of("restored"));

    let mut stranger = arena.launch(&copy, &[])?;
    let told = stranger.announced(
        "this database looks like a copy: it is ",
        Duration::from_secs(30),
    )?;
    assert!(told.ends_with("/restored"), "{told}");

    // meanwhile the original goes on as before
    arena.pool = PgPoolOptions::new().connect(&original).await?;
    arena.worker(&[])?;
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 30).await?;

    let restored = PgPoolOptions::new().connect(&copy).await?;
    let untouched: bool = sqlx::query_scalar(
        "select count(*) = 20 and bool_and(state = 'available' and attempt = 0)
           and (select count(*) from workers where state = 'running') = 0 from jobs",
    )
    .fetch_one(&restored)
    .await?;
    assert!(
        untouched,
        "the copy was left alone for as long as the original took"
    );

    installation::accept_here(&restored, "test").await?;
    let up = stranger.announced(drill::UP, Duration::from_secs(30))?;
    assert!(up.starts_with("worker_"));
    arena.pool = restored;
    arena.all_over(SOON).await?;
    assert_each_once(&arena, 30).await
}
