//! The leader's duties: ready lists, rescue, schedules, housekeeping. Every process is ready to take them over.
//!
//! It runs on a thread and connections of its own. Whoever holds the advisory lock leads; the lock is checked before
//! each round, and everything done here may be done twice, so two leaders for a moment do no harm.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use shared::queue::dispatch::{DispatchError, Dispatcher, Fleet, Round};
use shared::queue::installation::{self, NotAtHome};
use shared::queue::metrics::QueueMetrics;
use shared::queue::settings::{self, QueueSettings};
use shared::queue::watch::{Silent, Watch};
use shared::queue::workers::{self, Live};
use shared::queue::{Catalog, Signals, janitor, leadership, schedule};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::schedules::Wakeups;

/// How often those who do not lead try to.
const CANDIDATE_EVERY: Duration = Duration::from_secs(1);
/// The time between rounds while nothing waits.
const ROUND_IDLE: Duration = Duration::from_secs(1);
/// The time between rounds while a queue has more due jobs than its lists hold.
const ROUND_BUSY: Duration = Duration::from_millis(100);
/// The time between rounds while no worker has registered, which is only so for a moment: this process has one too.
const ROUND_ALONE: Duration = Duration::from_millis(20);
/// How often the fleet and the settings are read anew.
const FLEET_EVERY: Duration = Duration::from_secs(1);
/// How often schedules are looked at even without a wake-up, which covers clocks that jump.
const SCHEDULES_EVERY: Duration = Duration::from_secs(15);
/// How often the house is kept.
const JANITOR_EVERY: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub struct Leader {
    /// How to reach the database directly, not through a pooler.
    pub options: PgConnectOptions,
    /// The ready lists and events.
    pub signals: Signals,
    /// All kinds, for retention.
    pub catalog: Arc<Catalog>,
    /// Whether this process leads, for metrics.
    pub leads: Arc<AtomicBool>,
    /// What is counted.
    pub metrics: QueueMetrics,
    /// Fires when the process ends.
    pub stop: CancellationToken,
}

/// Why a lead ended.
#[derive(Debug, thiserror::Error)]
enum LeadEnd {
    #[error("the lock is no longer held")]
    LockGone,
    #[error("the database is away")]
    Db(#[from] sqlx::Error),
    #[error("this is not the database to lead in")]
    NotAtHome(#[from] NotAtHome),
    #[error("the wake-ups failed")]
    Wakeups(#[from] tokio_cron_scheduler::JobSchedulerError),
}

impl Leader {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(self) -> std::io::Result<std::thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("leader".to_owned())
            .spawn(move || {
                runtime.block_on(self.run());
                runtime.shutdown_background();
            })
    }

    async fn run(self) {
        let mut watch = Watch::default();
        while !self.stop.is_cancelled() {
            let end = tokio::select! {
                () = self.stop.cancelled() => return,
                end = self.candidate(&mut watch) => end,
            };
            self.leads.store(false, Ordering::Relaxed);
            match end {
                Ok(()) => {}
                // the heart says it loudly
                Err(LeadEnd::NotAtHome(NotAtHome::Foreign(error))) => tracing::debug!(%error),
                Err(error) => tracing::warn!(%error, "the lead ended, or could not be taken"),
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(CANDIDATE_EVERY) => {}
            }
        }
    }

    /// Waits for the lead, then leads until it is gone. Candidates watch the hearts too, and a leader notes silences, so
    /// that whoever takes the lead knows who has been silent and for how long; else each change of the lead would delay
    /// a rescue.
    async fn candidate(&self, watch: &mut Watch) -> Result<(), LeadEnd> {
        let mut conn = leadership::connect(&self.options).await?;
        let here = installation::identify(&mut conn, &self.options).await?;
        installation::ensure_home(&mut conn, &here).await?;
        while !leadership::try_lead(&mut conn).await? {
            watch.silent(&workers::live(&mut conn).await?, Instant::now());
            tokio::time::sleep(CANDIDATE_EVERY).await;
        }
        tracing::info!("leading");
        self.leads.store(true, Ordering::Relaxed);
        self.lead(conn, watch).await
    }

    async fn lead(&self, conn: PgConnection, watch: &mut Watch) -> Result<(), LeadEnd> {
        // for what must not hold up the rounds: rescues, schedules, housekeeping
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect_lazy_with(self.options.clone());
        let due = Arc::new(Notify::new());
        let mut lead = Lead {
            wakeups: Wakeups::start(due.clone()).await?,
            dispatcher: Dispatcher::default(),
            fleet: Fleet::default(),
            settings: HashMap::new(),
            fleet_read: None,
            schedules_read: None,
            cleaning: None,
            cleaned: None,
            due,
        };
        let end = self.rounds(conn, &pool, watch, &mut lead).await;
        lead.wakeups.stop().await;
        end
    }

    async fn rounds(
        &self,
        mut conn: PgConnection,
        pool: &PgPool,
        watch: &mut Watch,
        lead: &mut Lead,
    ) -> Result<(), LeadEnd> {
        loop {
            if !leadership::still_leads(&mut conn).await? {
                return Err(LeadEnd::LockGone);
            }
            let pause = self.round(&mut conn, pool, watch, lead).await?;
            tokio::select! {
                () = lead.due.notified() => lead.schedules_read = None,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One round; answers how long to wait for the next.
    async fn round(
        &self,
        conn: &mut PgConnection,
        pool: &PgPool,
        watch: &mut Watch,
        lead: &mut Lead,
    ) -> Result<Duration, LeadEnd> {
        if lead.fleet.kinds.is_empty() || is_due(lead.fleet_read, FLEET_EVERY) {
            let live = workers::live(conn).await?;
            let now = Instant::now();
            self.rescue(pool, watch.silent(&live, now)).await;
            workers::note_silences(conn, &watch.silences(now)).await?;
            lead.fleet = fleet(&live);
            lead.settings = settings::all(conn).await?;
            lead.fleet_read = Some(Instant::now());
        }
        if is_due(lead.schedules_read, SCHEDULES_EVERY) {
            let fired = schedule::fire_due(pool, &self.catalog).await?;
            lead.wakeups.keep(schedule::wakeups(conn).await?).await?;
            lead.schedules_read = Some(Instant::now());
            if fired > 0 {
                tracing::info!(fired, "schedules fired");
            }
        }
        self.keep_house(pool, lead);
        match lead
            .dispatcher
            .round(
                conn,
                &self.signals.ready,
                &lead.fleet,
                &lead.settings,
                Instant::now(),
            )
            .await
        {
            Ok(Round { backlog: true }) if lead.fleet.kinds.is_empty() => Ok(ROUND_ALONE),
            Ok(Round { backlog: true }) => Ok(ROUND_BUSY),
            Ok(Round { backlog: false }) => Ok(ROUND_IDLE),
            Err(DispatchError::Redis(error)) => {
                tracing::warn!(%error, "the ready lists are away; workers ask Postgres");
                lead.dispatcher = Dispatcher::default();
                Ok(ROUND_IDLE)
            }
            Err(DispatchError::Db(error)) => Err(error.into()),
        }
    }

    /// A worker that cannot be rescued now is silent in the next round too; meanwhile the lead goes on.
    async fn rescue(&self, pool: &PgPool, lost: Vec<Silent>) {
        for silent in lost {
            let worker = silent.worker;
            match workers::rescue(pool, silent).await {
                Ok(Some(rescue)) => {
                    tracing::warn!(%worker, again = rescue.again, poison = rescue.poison, cancelled = rescue.cancelled,
                                   "a worker was lost; its jobs were taken back");
                    self.metrics.rescued(rescue);
                    self.signals.events.worker(worker);
                }
                Ok(None) => tracing::info!(%worker, "a worker that seemed lost has beaten again"),
                Err(error) => {
                    tracing::error!(%worker, %error, "a lost worker's jobs could not be taken back yet")
                }
            }
        }
    }

    /// Starts the janitor beside the rounds, one at a time.
    fn keep_house(&self, pool: &PgPool, lead: &mut Lead) {
        let busy = lead
            .cleaning
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        if busy || !is_due(lead.cleaned, JANITOR_EVERY) {
            return;
        }
        lead.cleaned = Some(Instant::now());
        let (pool, catalog) = (pool.clone(), self.catalog.clone());
        lead.cleaning = Some(tokio::spawn(async move {
            match janitor::keep_house(&pool, &catalog).await {
                Ok(kept) => tracing::debug!(?kept, "kept house"),
                Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again"),
            }
        }));
    }
}

/// What a leader remembers between rounds.
struct Lead {
    wakeups: Wakeups,
    dispatcher: Dispatcher,
    fleet: Fleet,
    settings: HashMap<String, QueueSettings>,
    fleet_read: Option<Instant>,
    schedules_read: Option<Instant>,
    cleaning: Option<tokio::task::JoinHandle<()>>,
    cleaned: Option<Instant>,
    due: Arc<Notify>,
}

fn is_due(last: Option<Instant>, every: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= every)
}

/// What the running workers can do together.
fn fleet(live: &[Live]) -> Fleet {
    let mut fleet = Fleet::default();
    for worker in live.iter().filter(|worker| worker.running) {
        fleet.kinds.extend(worker.kinds.iter().cloned());
        for (queue, slots) in &worker.queues {
            *fleet.slots.entry(queue.clone()).or_default() += slots;
        }
    }
    fleet.kinds.sort_unstable();
    fleet.kinds.dedup();
    fleet
}
