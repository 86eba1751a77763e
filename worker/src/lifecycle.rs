//! A worker process from start to drain.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use apalis::prelude::WorkerBuilder;
use shared::kernel::{Clock, Db};
use shared::queue::metrics::QueueMetrics;
use shared::queue::rate::RateLimiter;
use shared::queue::workers::NewWorker;
use shared::queue::{Catalog, Signals, WorkerId, by_keys};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::backend::QueueBackend;
use crate::completer::{COMPLETE_MAX, Completer};
use crate::execute::{CANCEL_GRACE, Executor};
use crate::fetcher::Fetcher;
use crate::heart::Heart;
use crate::leader::Leader;
use crate::pace::PaceKeeper;
use crate::registry::Registry;
use crate::running::Running;

/// How long running handlers may take to finish while draining; then they are asked to stop, and after
/// [`CANCEL_GRACE`] dropped. Together this stays below the 30 s that schedulers commonly grant.
pub const DRAIN_GRACE: Duration = Duration::from_secs(20);
/// Jobs a queue runs at once in one process when nobody says.
pub const SLOTS_DEFAULT: usize = 16;

/// Connections for claims and completions.
const HOT_CONNECTIONS: u32 = 6;

/// What a worker process needs to know to start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How to reach the database.
    pub database: PgConnectOptions,
    /// How to reach it directly, for the leader's lock; the same unless a pooler stands in between.
    pub direct: PgConnectOptions,
    /// Connections for handlers.
    pub pool_size: u32,
    /// Redis.
    pub redis_url: String,
    /// Slots by queue.
    pub queues: BTreeMap<String, usize>,
}

/// A running worker process.
#[derive(Debug)]
pub struct Worker {
    /// What it runs.
    pub running: Arc<Running>,
    /// The database and signals its handlers use.
    pub db: Db,
    /// Whether it leads.
    pub leads: Arc<AtomicBool>,
    /// What it counts.
    pub metrics: QueueMetrics,
    drain: CancellationToken,
    stop: CancellationToken,
    fetchers: JoinSet<()>,
    runners: JoinSet<()>,
    completer: JoinHandle<()>,
    heart: std::thread::JoinHandle<()>,
    leader: std::thread::JoinHandle<()>,
    events: JoinHandle<()>,
    pace: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker with the handlers of `registry` for the queues of `settings`.
    ///
    /// It starts also while Postgres or Redis is away, and begins to work when they are back.
    ///
    /// # Errors
    /// If the Redis URL is wrong, `app` fails or the system gives no threads.
    pub fn start(
        settings: Settings,
        registry: Registry,
        catalog: Arc<Catalog>,
        app: impl FnOnce(Db, Clock) -> anyhow::Result<App>,
    ) -> anyhow::Result<Self> {
        let signals = Signals::new(&settings.redis_url)?;
        let patience = PgPoolOptions::new().acquire_timeout(Duration::from_secs(10));
        let plain = settings
            .database
            .clone()
            .application_name("creatorcrm worker");
        let handlers_pool = patience
            .clone()
            .max_connections(settings.pool_size)
            .connect_lazy_with(plain);
        let pool = patience
            .max_connections(HOT_CONNECTIONS)
            .connect_lazy_with(by_keys(settings.database.clone()));
        let db = Db::new(handlers_pool, Some(signals.clone()));
        let app = Arc::new(app(db.clone(), Clock::system())?);
        let (drain, stop) = (CancellationToken::new(), CancellationToken::new());
        let leads = Arc::new(AtomicBool::new(false));
        let metrics = signals.metrics.clone();
        let worker = this_process(&settings.queues, registry.kinds());
        let running = Arc::new(Running::new(worker.id));
        let (publish, watched) = watch::channel(HashMap::new());
        let heart = Heart {
            options: by_keys(settings.database.clone()),
            worker,
            running: running.clone(),
            settings: publish,
            drain: drain.clone(),
            stop: stop.clone(),
        }
        .start()?;
        let leader = Leader {
            options: settings.direct.clone(),
            signals: signals.clone(),
            catalog,
            leads: leads.clone(),
            metrics: metrics.clone(),
            stop: stop.clone(),
        }
        .start()?;
        let (settle, settlements) = mpsc::channel(2 * COMPLETE_MAX);
        let completer = Completer {
            pool: pool.clone(),
            running: running.clone(),
            events: signals.events.clone(),
            metrics: metrics.clone(),
        };
        let completer = tokio::spawn(completer.run(settlements));
        let keeper = PaceKeeper {
            pool: pool.clone(),
            metrics: metrics.clone(),
            stop: stop.clone(),
        };
        let pace = tokio::spawn(keeper.run());
        let executor = Executor::new(app, Arc::new(registry.clone()), running.clone(), settle);
        let kinds: Arc<[String]> = registry.kinds().into();
        let (mut fetchers, mut runners) = (JoinSet::new(), JoinSet::new());
        for (queue, slots) in settings.queues {
            let (claims, backend) = QueueBackend::new();
            let fetcher = Fetcher {
                queue: queue.clone(),
                kinds: kinds.clone(),
                slots: Arc::new(Semaphore::new(slots)),
                slots_total: slots,
                pool: pool.clone(),
                ready: signals.ready.clone(),
                limiter: RateLimiter::new(signals.ready.connection()),
                running: running.clone(),
                settings: watched.clone(),
                claims,
                stop: drain.clone(),
            };
            fetchers.spawn(fetcher.run());
            let runner = WorkerBuilder::new(queue.as_str())
                .backend(backend)
                .build(executor.clone());
            runners.spawn(async move {
                if let Err(error) = runner.run().await {
                    tracing::error!(%error, queue, "the queue's runner ended");
                }
            });
        }
        let events = signals.run();
        Ok(Self {
            running,
            db,
            leads,
            metrics,
            drain,
            stop,
            fetchers,
            runners,
            completer,
            heart,
            leader,
            events,
            pace,
        })
    }

    /// A registry of what this process counts, for its probe.
    ///
    /// # Errors
    /// If two metrics share a name.
    pub fn registry(&self) -> prometheus::Result<prometheus::Registry> {
        let registry = prometheus::Registry::new();
        self.metrics.register(&registry)?;
        Ok(registry)
    }

    /// Fires when the process is to drain; an operator may ask for it from the dashboard.
    pub fn draining(&self) -> CancellationToken {
        self.drain.clone()
    }

    /// Takes no more jobs, lets handlers finish within [`DRAIN_GRACE`], stops the others, writes what became of all,
    /// gives back what never started, and signs off.
    ///
    /// # Errors
    /// If one of the process's own threads panicked.
    pub async fn drain(mut self) -> anyhow::Result<()> {
        self.drain.cancel();
        while self.fetchers.join_next().await.is_some() {}
        // the runners end by themselves: their fetchers are gone, so no more claims can come
        let finish = async { while self.runners.join_next().await.is_some() {} };
        tokio::pin!(finish);
        if tokio::time::timeout(DRAIN_GRACE, &mut finish)
            .await
            .is_err()
        {
            tracing::warn!(
                running = self.running.len(),
                "handlers did not finish in time; asking them to stop"
            );
            self.running.cancel_all();
            if tokio::time::timeout(CANCEL_GRACE * 2, &mut finish)
                .await
                .is_err()
            {
                tracing::error!(
                    running = self.running.len(),
                    "some handlers cannot be stopped; leaving them leased"
                );
            }
        }
        if tokio::time::timeout(CANCEL_GRACE, &mut self.completer)
            .await
            .is_err()
        {
            tracing::error!("some endings could not be written; those jobs will be rescued");
        }
        self.stop.cancel();
        let threads = [self.heart, self.leader];
        let joined =
            tokio::task::spawn_blocking(move || threads.map(std::thread::JoinHandle::join)).await?;
        self.events.abort();
        if tokio::time::timeout(CANCEL_GRACE, self.pace).await.is_err() {
            tracing::warn!("the last figures of the pace could not be written");
        }
        self.leads.store(false, Ordering::Relaxed);
        anyhow::ensure!(
            joined.iter().all(Result::is_ok),
            "a thread of the worker panicked"
        );
        Ok(())
    }
}

fn this_process(queues: &BTreeMap<String, usize>, kinds: Vec<String>) -> NewWorker {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    NewWorker {
        id: WorkerId::new(),
        host: if host.trim().is_empty() {
            "unknown".to_owned()
        } else {
            host.trim().to_owned()
        },
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        queues: queues.clone(),
        kinds,
    }
}
