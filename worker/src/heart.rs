//! The heartbeat, on a thread and a connection of its own, so that neither a busy runtime nor a full pool can make a
//! living process look dead.
//!
//! Each beat also reads what the database says this process runs, passes cancellations on, gives strangers back,
//! writes progress, and reads the queues' settings.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::queue::installation::{self, NotAtHome};
use shared::queue::settings::{self, QueueSettings};
use shared::queue::settle::{self, Setback};
use shared::queue::workers::{self, Beat, NewWorker};
use shared::queue::{Failure, Lease, Next, WorkerId};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::running::Running;

/// The time between two beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// How long one beat may take before its connection is given up.
const BEAT_MAX: Duration = Duration::from_secs(4);

/// See the module.
#[derive(Debug)]
pub struct Heart {
    /// How to reach the database.
    pub options: PgConnectOptions,
    /// What this process is; its id changes when the process was declared lost.
    pub worker: NewWorker,
    /// What it runs.
    pub running: Arc<Running>,
    /// Where settings are published.
    pub settings: watch::Sender<HashMap<String, QueueSettings>>,
    /// Fires when the process is to drain: from outside, or because an operator asked for it.
    pub drain: CancellationToken,
    /// Fires when nothing runs any more and the process is about to end.
    pub stop: CancellationToken,
}

impl Heart {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(self) -> std::io::Result<std::thread::JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("heart".to_owned())
            .spawn(move || runtime.block_on(self.beat_on()))
    }

    async fn beat_on(mut self) {
        let (mut conn, mut told) = (None, None);
        let mut ticks = tokio::time::interval(BEAT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            // a process that was stopped for a while stops its handlers before it does anything else
            if self.running.fence_if_unconfirmed() {
                tracing::warn!("no confirmed heartbeat; stopping all handlers");
            }
            match timeout(BEAT_MAX, self.beat(&mut conn)).await {
                Ok(Ok(())) => {}
                Ok(Err(NotAtHome::Foreign(foreign))) => {
                    // told once, not every second
                    if told.as_ref() != Some(&foreign) {
                        tracing::error!("{foreign}");
                        self.running.fence(None);
                        told = Some(foreign);
                    }
                    conn = None;
                }
                Ok(Err(NotAtHome::Db(error))) => {
                    tracing::warn!(%error, "a heartbeat failed");
                    conn = None;
                }
                Err(_) => {
                    tracing::warn!("a heartbeat took too long");
                    conn = None;
                }
            }
        }
        match timeout(BEAT_MAX, self.say_goodbye(conn)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => {
                tracing::warn!("jobs are left in this worker's name; it will be found silent");
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the worker could not sign off; it will be found silent");
            }
            Err(_) => {
                tracing::warn!("the worker could not sign off in time; it will be found silent");
            }
        }
    }

    async fn beat(&mut self, conn: &mut Option<PgConnection>) -> Result<(), NotAtHome> {
        let (sent, fresh) = (Instant::now(), conn.is_none());
        let conn = match conn {
            Some(conn) => conn,
            none => none.insert(self.connect().await?),
        };
        match workers::beat(conn, self.running.worker()).await? {
            Beat::Confirmed { drain } => {
                self.running.confirm(sent);
                if drain {
                    self.drain.cancel();
                }
                if self.drain.is_cancelled() {
                    workers::draining(conn, self.running.worker()).await?;
                }
            }
            Beat::Lost => return Ok(self.register(conn, sent, fresh).await?),
        }
        let held = workers::held(conn, self.running.worker()).await?;
        let strangers = self.running.compare(&held);
        self.give_back(conn, strangers).await?;
        workers::report_progress(conn, &self.running.take_reports()).await?;
        self.publish(settings::all(conn).await?);
        Ok(())
    }

    /// A connection to the database that this fleet works for: another may have been put in its place meanwhile.
    async fn connect(&self) -> Result<PgConnection, NotAtHome> {
        let options = self.options.clone().application_name("creatorcrm heart");
        let mut conn = options.connect().await?;
        let here = installation::identify(&mut conn, &options).await?;
        installation::ensure_home(&mut conn, &here).await?;
        Ok(conn)
    }

    /// Registers for the first time, or under a new id after the fleet took this process for lost.
    async fn register(
        &mut self,
        conn: &mut PgConnection,
        sent: Instant,
        first: bool,
    ) -> sqlx::Result<()> {
        if !first || self.running.may_act() {
            tracing::warn!(worker = %self.running.worker(), "declared lost; going on under a new id");
        }
        self.worker.id = WorkerId::new();
        self.running.fence(Some(self.worker.id));
        workers::register(conn, &self.worker).await?;
        self.running.confirm(sent);
        self.publish(settings::all(conn).await?);
        tracing::info!(worker = %self.worker.id, "registered");
        Ok(())
    }

    fn publish(&self, new: HashMap<String, QueueSettings>) {
        self.settings.send_if_modified(|old| {
            let changed = *old != new;
            *old = new;
            changed
        });
    }

    async fn give_back(&self, conn: &mut PgConnection, strangers: Vec<Lease>) -> sqlx::Result<()> {
        if strangers.is_empty() {
            return Ok(());
        }
        tracing::warn!(
            n = strangers.len(),
            "giving back jobs that this process does not run"
        );
        let setbacks: Vec<Setback> = strangers
            .into_iter()
            .map(|lease| Setback {
                lease,
                failure: Failure::told(Next::Release, "claimed, but not run here"),
                fingerprint: String::new(),
                delay: Duration::ZERO,
                logs: Vec::new(),
            })
            .collect();
        settle::set_back_on(conn, &setbacks).await?;
        Ok(())
    }

    async fn say_goodbye(&self, conn: Option<PgConnection>) -> sqlx::Result<bool> {
        let mut conn = match conn {
            Some(conn) => conn,
            None => self.options.connect().await?,
        };
        workers::stopped(&mut conn, self.running.worker()).await
    }
}
