//! `bench import`: how long a file of creators takes from upload to the last row, and how much memory.

use std::fmt::Write;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;
use shared::exports::{self, ExportState, NewExport};
use shared::imports::{self, Existing, Import, ImportId, NewStart, Upload};
use shared::kernel::{Actor, Clock, Ctx, Db, Role};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rows of the file.
    #[arg(long, default_value_t = 100_000)]
    rows: u32,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured; times in seconds.
#[derive(Debug, Serialize)]
struct Report {
    rows: u32,
    file_bytes: i64,
    upload_s: f64,
    check_s: f64,
    import_s: f64,
    created: i64,
    /// The same file again: every creator is there already and nothing changes.
    again_s: f64,
    unchanged: i64,
    export_s: f64,
    exported: i64,
    undo_s: f64,
    undone: i64,
    /// The most memory that the process ever held, before the first row and at the end, in KiB.
    memory_before_kib: u64,
    memory_peak_kib: u64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(&database)
        .await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    anyhow::ensure!(
        is_empty(&pool).await?,
        "the bench wants a database of its own"
    );
    let db = Db::new(pool, None);
    let memory_before_kib = memory_peak_kib()?;
    let (first, upload_s) = timed(upload(&db, options.rows)).await?;
    let (_, check_s) = timed(pass(&db, first.id, true)).await?;
    let (done, import_s) = timed(pass(&db, first.id, false)).await?;
    let (second, _) = timed(upload(&db, options.rows)).await?;
    let (again, again_s) = timed(pass(&db, second.id, false)).await?;
    let (exported, export_s) = timed(export(&db)).await?;
    let (undone, undo_s) = timed(undo(&db, first.id)).await?;
    let report = Report {
        rows: options.rows,
        file_bytes: first.file_bytes,
        upload_s,
        check_s,
        import_s,
        created: done.counts.created,
        again_s,
        unchanged: again.counts.unchanged,
        export_s,
        exported,
        undo_s,
        undone: undone.counts.undone,
        memory_before_kib,
        memory_peak_kib: memory_peak_kib()?,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

async fn is_empty(pool: &PgPool) -> anyhow::Result<bool> {
    let there: bool = sqlx::query_scalar("select exists (select 1 from creators)")
        .fetch_one(pool)
        .await?;
    Ok(!there)
}

async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(T, f64)> {
    let began = Instant::now();
    let done = work.await?;
    Ok((done, (began.elapsed().as_secs_f64() * 10.0).round() / 10.0))
}

fn ctx() -> Ctx {
    Ctx::new(Actor::user("bench", &[Role::Admin]), &Clock::system())
}

async fn upload(db: &Db, rows: u32) -> anyhow::Result<Import> {
    let ctx = ctx();
    let mut upload = Upload::begin(db, &ctx, "bench.csv").await?;
    let mut lines = "email,username,displayName,phone,aliases,handles,timeZone,owner\n".to_owned();
    for n in 0..rows {
        writeln!(
            lines,
            "creator{n}@mail.example,creator{n},Creator {n},'+1555{n:07},The {n}; Number {n},instagram=creator{n}_ig,\
             Europe/Berlin,staff{}",
            n % 40
        )?;
        if lines.len() > 60_000 {
            upload.push(db, &ctx, lines.as_bytes()).await?;
            lines.clear();
        }
    }
    upload.push(db, &ctx, lines.as_bytes()).await?;
    Ok(upload.finish(db, &ctx).await?)
}

/// A whole check or run, as the job does it.
async fn pass(db: &Db, id: ImportId, dry_run: bool) -> anyhow::Result<Import> {
    let start = NewStart {
        dry_run,
        mapping: None,
        cluster: Some("girlfanz".to_owned()),
        match_by: None,
        existing: Existing::Update,
        clear_empty: false,
    };
    let ctx = ctx();
    let mut tx = db.begin().await?;
    imports::start(&mut tx, &ctx, id, start).await?;
    db.commit(tx, &ctx).await?;
    work(db, id).await
}

async fn undo(db: &Db, id: ImportId) -> anyhow::Result<Import> {
    let ctx = ctx();
    let mut tx = db.begin().await?;
    imports::undo(&mut tx, &ctx, id).await?;
    db.commit(tx, &ctx).await?;
    work(db, id).await
}

async fn work(db: &Db, id: ImportId) -> anyhow::Result<Import> {
    loop {
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let mut tx = db.begin().await?;
        let import = imports::step(&mut tx, &ctx, id).await?;
        db.commit(tx, &ctx).await?;
        if !import.state.goes_on() {
            anyhow::ensure!(import.error.is_none(), "{:?}", import.error);
            return Ok(import);
        }
    }
}

async fn export(db: &Db) -> anyhow::Result<i64> {
    let ctx = ctx();
    let mut tx = db.begin().await?;
    let new = NewExport {
        reason: Some("bench".to_owned()),
        ..NewExport::default()
    };
    let export = exports::start(&mut tx, &ctx, new).await?;
    db.commit(tx, &ctx).await?;
    loop {
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let mut tx = db.begin().await?;
        let export = exports::step(&mut tx, &ctx, export.id).await?;
        db.commit(tx, &ctx).await?;
        if export.state != ExportState::Running {
            return Ok(export.rows);
        }
    }
}

/// The most memory that this process ever held, as Linux tells it.
fn memory_peak_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let text = line.context("no VmHWM")?.trim().trim_end_matches(" kB");
    Ok(text.trim().parse()?)
}
