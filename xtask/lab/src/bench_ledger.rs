//! `bench ledger`: transfers posted a second, spread over many accounts and on one, beside a plain insert of two rows by
//! pgbench on the same server; and how fast balances are read among very many entries.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use chrono::Duration as Days;
use rand::RngExt;
use serde::Serialize;
use shared::creators::CreatorId;
use shared::kernel::money::Currency;
use shared::kernel::{Actor, Clock, Ctx};
use shared::ledger::{self, Account, AccountCode, Leg, NewTransfer, TransferId, TransferKind};
use shared::seed::{self, Detail, Plan};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

/// Transfers that are loaded at once.
const LOAD_PART: u64 = 20_000;
/// Days over which loaded transfers are spread.
const LOAD_DAYS: u64 = 365;
/// Transfers of one transaction where they come in sets.
const SET: usize = 100;
/// Times that balances are read.
const READS: usize = 5_000;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Entries that there are before anything is measured; two a transfer.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// Creators that the transfers are spread over.
    #[arg(long, default_value_t = 10_000)]
    creators: u32,
    /// Connections that post at once.
    #[arg(long, default_value_t = 8)]
    clients: u32,
    /// How long each way of posting is measured, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    entries: u64,
    clients: u32,
    load_entries_per_s: f64,
    /// Transactions of two plain inserts a second, by pgbench.
    plain_per_s: f64,
    /// Transfers a second, each in a transaction of its own, over all creators.
    spread_per_s: f64,
    spread_ratio: f64,
    /// The same on one creator's account, which every transfer waits for.
    hot_per_s: f64,
    hot_ratio: f64,
    /// The same in sets of 100.
    hot_in_sets_per_s: f64,
    balance_ms_p50: f64,
    balance_ms_p99: f64,
    /// Adding all entries up.
    check_ms: i64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(options.clients + 2)
        .connect(&database)
        .await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    let creators = people(&pool, options.creators).await?;
    let began = Instant::now();
    load(&pool, &creators, options.entries).await?;
    let load_s = began.elapsed().as_secs_f64();
    sqlx::query("vacuum analyze").execute(&pool).await?;

    let time = Duration::from_secs(options.seconds);
    let plain_per_s = plain(&pool, &database, &options).await?;
    let spread_per_s = post(&pool, &creators, &options, 1, time).await?;
    let hot_per_s = post(&pool, &creators[..1], &options, 1, time).await?;
    let hot_in_sets_per_s = post(&pool, &creators[..1], &options, SET, time).await?;
    let (balance_ms_p50, balance_ms_p99) = read(&pool, &creators).await?;
    let db = shared::kernel::Db::new(pool.clone(), None);
    let check = ledger::check(&db, &Ctx::new(Actor::System, &Clock::system())).await?;
    let report = Report {
        entries: options.entries,
        clients: options.clients,
        load_entries_per_s: (options.entries as f64 / load_s).round(),
        plain_per_s,
        spread_per_s,
        spread_ratio: ratio(spread_per_s, plain_per_s),
        hot_per_s,
        hot_ratio: ratio(hot_per_s, plain_per_s),
        hot_in_sets_per_s,
        balance_ms_p50,
        balance_ms_p99,
        check_ms: check.took_ms,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

fn ratio(one: f64, other: f64) -> f64 {
    (one / other * 100.0).round() / 100.0
}

/// Makes up creators and answers their ids.
async fn people(pool: &PgPool, creators: u32) -> anyhow::Result<Vec<CreatorId>> {
    let clock = Clock::system();
    let ctx = Ctx::new(Actor::System, &clock);
    let there = seed::standing(&mut *pool.acquire().await?).await?;
    let as_of = there.map_or(clock.now().date_naive(), |plan| plan.as_of);
    let plan = Plan {
        detail: Detail::Core,
        ..Plan::lifelike(creators, as_of)
    };
    seed::populate(pool, &ctx, &plan, |_| ()).await?;
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from creators order by id")
        .fetch_all(pool)
        .await?;
    Ok(ids.into_iter().map(CreatorId::from).collect())
}

fn gift(ctx: &Ctx, id: TransferId, to: CreatorId) -> NewTransfer {
    let own = Account::creator(to, AccountCode::CreatorAvailable, Currency::USD);
    let from = Account::platform(AccountCode::FanReceipts, Currency::USD);
    let legs = [Leg::debit(from, 100), Leg::credit(own, 100)];
    NewTransfer::posting(id, TransferKind::Earning, ctx.now(), legs)
}

/// Loads entries, spread over creators and a year.
async fn load(pool: &PgPool, creators: &[CreatorId], entries: u64) -> anyhow::Result<()> {
    let ctx = Ctx::new(Actor::System, &Clock::system());
    let transfers = entries / 2;
    let mut tx = pool.begin().await?;
    let mut loader = ledger::bulk_load(&mut tx).await?;
    for first in (0..transfers).step_by(LOAD_PART as usize) {
        let part: Vec<NewTransfer> = (first..transfers.min(first + LOAD_PART))
            .map(|n| {
                let age = LOAD_DAYS - n * LOAD_DAYS / transfers.max(1);
                let at = ctx.now() - Days::days(i64::try_from(age).unwrap_or(0));
                let to = creators[usize::try_from(n).unwrap_or(0) % creators.len()];
                gift(&ctx, TransferId::at(at), to)
            })
            .collect();
        loader.add(&mut tx, &ctx, &part).await?;
    }
    loader.finish(&mut tx, &ctx).await?;
    Ok(tx.commit().await?)
}

/// Two plain inserts a transaction, by pgbench.
async fn plain(pool: &PgPool, database: &str, options: &Options) -> anyhow::Result<f64> {
    sqlx::query(
        "create table if not exists bench_plain (id uuid primary key default gen_random_uuid(), account bigint not null,
                                                 amount bigint not null, at timestamptz not null default now())",
    )
    .execute(pool)
    .await?;
    let script = std::env::temp_dir().join(format!("bench-plain-{}.sql", std::process::id()));
    let insert = "insert into bench_plain (account, amount) values (:account, 100);\n";
    std::fs::write(
        &script,
        format!(
            "\\set account random(1, {})\nbegin;\n{insert}{insert}commit;\n",
            options.creators
        ),
    )?;
    let (clients, seconds) = (options.clients.to_string(), options.seconds.to_string());
    let output = Command::new(pgbench()?)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args(["--client", &clients, "--time", &seconds, "--file"])
        .arg(&script)
        .arg(database)
        .output();
    std::fs::remove_file(&script)?;
    let text = String::from_utf8_lossy(&output?.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let Some(tps) = line.and_then(|rest| rest.split(' ').next()) else {
        bail!("pgbench did not say how fast it was: {text}");
    };
    Ok(tps.parse::<f64>()?.round())
}

/// The program, which some systems keep beside the server's.
fn pgbench() -> anyhow::Result<PathBuf> {
    let beside = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin/pgbench"))
        .find(|path| path.exists());
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths)
        .map(|folder| folder.join("pgbench"))
        .find(|path| path.exists())
        .or(beside)
        .context("pgbench is not installed; it comes with PostgreSQL")
}

/// Posts sets of transfers from all connections for some time; answers how many transfers a second.
async fn post(
    pool: &PgPool,
    creators: &[CreatorId],
    options: &Options,
    set: usize,
    time: Duration,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    let clients: Vec<_> = (0..options.clients)
        .map(|_| {
            let (pool, creators) = (pool.clone(), creators.to_vec());
            tokio::spawn(async move {
                let clock = Clock::system();
                let mut done = 0_u64;
                let mut conn = pool.acquire().await?;
                while began.elapsed() < time {
                    let ctx = Ctx::new(Actor::System, &clock);
                    let gifts: Vec<NewTransfer> = (0..set)
                        .map(|_| {
                            let to = creators[rand::rng().random_range(0..creators.len())];
                            gift(&ctx, TransferId::at(ctx.now()), to)
                        })
                        .collect();
                    let mut tx = sqlx::Connection::begin(&mut *conn).await?;
                    ledger::post(&mut tx, &ctx, &gifts).await?;
                    tx.commit().await?;
                    done += set as u64;
                }
                anyhow::Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for client in clients {
        done += client.await??;
    }
    Ok((done as f64 / began.elapsed().as_secs_f64()).round())
}

/// How long reading a creator's balances takes, in milliseconds: the median and the 99th percentile.
async fn read(pool: &PgPool, creators: &[CreatorId]) -> anyhow::Result<(f64, f64)> {
    let mut conn = pool.acquire().await?;
    let mut times = Vec::with_capacity(READS);
    for _ in 0..READS {
        let of = creators[rand::rng().random_range(0..creators.len())];
        let began = Instant::now();
        ledger::creator_balances(&mut conn, of).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| (times[(READS - 1) * percent / 100] * 1e3).round() / 1e3;
    Ok((at(50), at(99)))
}
