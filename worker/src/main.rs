//! The worker process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser;
use secrecy::ExposeSecret;
use shared::config::Config;
use sqlx::postgres::PgConnectOptions;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use worker::app::App;
use worker::handlers;
use worker::job_log::JobLogLayer;
use worker::lifecycle::{SLOTS_DEFAULT, Settings, Worker};
use worker::probe::{self, Probe};

/// Runs jobs.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// A queue to serve and how many of its jobs to run at once, such as `campaigns=64`; may be given several times.
    /// Without any, all queues are served.
    #[arg(long = "queue", value_name = "NAME[=SLOTS]")]
    queues: Vec<QueueSlots>,
    /// Where to serve health and metrics; port 0 takes a free one and prints it.
    #[arg(long, default_value = "127.0.0.1:0")]
    probe_addr: SocketAddr,
}

#[derive(Debug, Clone)]
struct QueueSlots {
    name: String,
    slots: usize,
}

impl FromStr for QueueSlots {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, slots) = text.split_once('=').unwrap_or((text, ""));
        let slots = if slots.is_empty() {
            Ok(SLOTS_DEFAULT)
        } else {
            slots.parse()
        };
        match slots {
            Ok(slots) if (1..=10_000).contains(&slots) && !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                slots,
            }),
            Ok(_) | Err(_) => Err(
                "expected NAME or NAME=SLOTS with 1 to 10000 slots, such as campaigns=64"
                    .to_owned(),
            ),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::registry()
        .with(filter)
        .with(tracing_subscriber::fmt::layer())
        .with(JobLogLayer::default())
        .init();
    let config = Config::from_env()?;
    let registry = handlers::all();
    let database =
        PgConnectOptions::from_str(config.database.url.expose_secret()).context("DATABASE_URL")?;
    let queues: BTreeMap<String, usize> = if args.queues.is_empty() {
        registry
            .queues()
            .into_iter()
            .map(|queue| (queue.to_owned(), SLOTS_DEFAULT))
            .collect()
    } else {
        args.queues
            .into_iter()
            .map(|queue| (queue.name, queue.slots))
            .collect()
    };
    let settings = Settings {
        direct: database.clone(),
        database,
        pool_size: config.database.max_connections,
        redis_url: config.redis_url.expose_secret().to_owned(),
        queues,
    };
    let worker = Worker::start(
        settings,
        registry,
        Arc::new(shared::job_kinds::catalog()),
        |db, clock| App::new(db, clock, &config),
    )?;
    let probe = Probe {
        running: worker.running.clone(),
        leads: worker.leads.clone(),
        drain: worker.draining(),
        metrics: worker.registry()?,
    };
    let bound = probe::serve(args.probe_addr, probe)
        .await
        .context("--probe-addr")?;
    println!("probe on http://{bound}");
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let asked = worker.draining();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = asked.cancelled() => {}
    }
    tracing::info!("draining");
    worker.drain().await
}
