//! Brings one queue's jobs into the process: waits on the ready lists, claims, hands over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::RedisResult;
use shared::queue::claim::{self, CLAIM_MAX, Claimant, Claimed, DIRECT_CLAIM_MAX};
use shared::queue::rate::{Grant, RateLimiter};
use shared::queue::ready_list::{POP_WAIT_MAX, Popper};
use shared::queue::settings::{QueueSettings, Rate};
use shared::queue::{JobId, ReadyLists};
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backend::Claim;
use crate::running::Running;

/// How long a fetcher waits for more free slots before it asks for few jobs, while others run: fewer and larger claims.
const LINGER: Duration = Duration::from_millis(2);
/// How often Postgres is asked directly while Redis is away or nobody leads.
const DIRECT_EVERY: Duration = Duration::from_secs(1);
/// How long an unconfirmed heartbeat is waited out before it is looked at again, which costs nothing.
const HEART_PAUSE: Duration = Duration::from_millis(20);
/// How long a used-up limit is waited out before it is looked at again.
const LIMIT_PAUSE: Duration = Duration::from_millis(100);

/// The settings of all queues, as the heart last read them.
pub type SettingsWatch = watch::Receiver<std::collections::HashMap<String, QueueSettings>>;

/// Fetches for one queue.
#[derive(Debug)]
pub struct Fetcher {
    /// The queue.
    pub queue: String,
    /// Kinds this process has handlers for.
    pub kinds: Arc<[String]>,
    /// Jobs of this queue the process runs at once.
    pub slots: Arc<Semaphore>,
    /// How many those are.
    pub slots_total: usize,
    /// Where claims are made.
    pub pool: PgPool,
    /// Where ids come from.
    pub ready: ReadyLists,
    /// The fleet's rate buckets.
    pub limiter: RateLimiter,
    /// What the process runs.
    pub running: Arc<Running>,
    /// Pauses and limits.
    pub settings: SettingsWatch,
    /// Where claims go.
    pub claims: mpsc::UnboundedSender<Claim>,
    /// Fires when no more jobs are to be taken.
    pub stop: CancellationToken,
}

impl Fetcher {
    /// Fetches until told to stop.
    pub async fn run(mut self) {
        let mut source = Source {
            popper: None,
            next_direct: Instant::now(),
            overlooked: false,
        };
        while let Some(slots) = self.free_slots().await {
            self.fetch(slots, &mut source).await;
        }
    }

    /// Waits for free slots; none when it is time to stop.
    async fn free_slots(&self) -> Option<Vec<OwnedSemaphorePermit>> {
        let first = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            permit = self.slots.clone().acquire_owned() => permit.ok()?,
        };
        let enough = (self.slots_total / 4).clamp(1, CLAIM_MAX);
        if self.slots.available_permits() + 1 < enough {
            tokio::time::sleep(LINGER).await;
        }
        let mut slots = vec![first];
        while slots.len() < CLAIM_MAX {
            let Ok(permit) = self.slots.clone().try_acquire_owned() else {
                break;
            };
            slots.push(permit);
        }
        Some(slots)
    }

    /// One round: as many jobs as there are slots and limits allow.
    async fn fetch(&mut self, mut slots: Vec<OwnedSemaphorePermit>, source: &mut Source) {
        self.settings.mark_unchanged();
        let settings = self.current_settings();
        if settings.paused {
            drop(slots);
            self.wait_for_settings().await;
            return;
        }
        if !self.running.may_act() {
            drop(slots);
            self.pause(HEART_PAUSE).await;
            return;
        }
        let room = self.room(&settings).await;
        if room == 0 {
            drop(slots);
            self.pause(LIMIT_PAUSE).await;
            return;
        }
        slots.truncate(room);
        let Some(rate) = settings.rate else {
            let claimed = self.take(slots.len(), &settings, source).await;
            self.hand_over(claimed, slots);
            return;
        };
        let Grant { tokens, wait } = self
            .limiter
            .take(&self.bucket(), rate, slots.len() as u32)
            .await;
        if tokens == 0 {
            drop(slots);
            self.pause(
                wait.max(Duration::from_millis(1))
                    .min(Duration::from_secs(1)),
            )
            .await;
            return;
        }
        slots.truncate(tokens as usize);
        let claimed = self.take(slots.len(), &settings, source).await;
        self.give_back_tokens(rate, tokens as usize - claimed.len())
            .await;
        self.hand_over(claimed, slots);
    }

    /// How many jobs the fleet's concurrency limit leaves; a used-up limit stops the fetching, so that nothing is
    /// popped only to be refused.
    async fn room(&self, settings: &QueueSettings) -> usize {
        let Some(limit) = settings.concurrency_limit else {
            return usize::MAX;
        };
        let running = async {
            let mut conn = self.pool.acquire().await?;
            claim::count_running(&mut conn, &self.queue).await
        };
        match running.await {
            Ok(n) => usize::try_from(i64::from(limit) - n).unwrap_or(0),
            Err(error) => {
                tracing::warn!(%error, queue = self.queue, "the running jobs could not be counted");
                0
            }
        }
    }

    fn current_settings(&self) -> QueueSettings {
        self.settings
            .borrow()
            .get(&self.queue)
            .cloned()
            .unwrap_or_default()
    }

    async fn take(
        &self,
        most: usize,
        settings: &QueueSettings,
        source: &mut Source,
    ) -> Vec<Claimed> {
        let ids = source.next_ids(self, most).await;
        // The settings may have changed while we waited, and a limit that is new must hold for these jobs too. They
        // are left to the next sweep, which lists them again.
        let changed = self.current_settings() != *settings;
        if ids.is_empty() || changed || !self.running.may_act() {
            return Vec::new();
        }
        let lease = Uuid::new_v4();
        self.running.claiming(lease);
        let who = Claimant {
            worker: self.running.worker(),
            queue: &self.queue,
            kinds: &self.kinds,
        };
        let claimed = match settings.concurrency_limit {
            None => claim::claim(&self.pool, who, lease, &ids).await,
            Some(limit) => claim::claim_within(&self.pool, who, lease, &ids, limit).await,
        };
        match claimed {
            Ok(jobs) if self.running.claimed(lease, &jobs) => jobs,
            Ok(_) => Vec::new(),
            Err(error) => {
                self.running.claim_failed(lease);
                tracing::warn!(%error, queue = self.queue, "a claim failed; if it happened, its jobs are given back");
                self.pause(LIMIT_PAUSE).await;
                Vec::new()
            }
        }
    }

    fn hand_over(&self, claimed: Vec<Claimed>, slots: Vec<OwnedSemaphorePermit>) {
        for (job, slot) in claimed.into_iter().zip(slots) {
            if self.claims.send(Claim { job, slot }).is_err() {
                tracing::error!(
                    queue = self.queue,
                    "the executor is gone; claimed jobs will be given back"
                );
                return;
            }
        }
    }

    fn bucket(&self) -> String {
        format!("{{{}}}:rate", self.queue)
    }

    async fn give_back_tokens(&self, rate: Rate, unused: usize) {
        self.limiter
            .put_back(&self.bucket(), rate, unused as u32)
            .await;
    }

    async fn wait_for_settings(&mut self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = self.settings.changed() => if changed.is_err() { self.stop.cancelled().await },
        }
    }

    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }
}

/// Where ids come from: the ready lists, or Postgres itself when they yield nothing.
struct Source {
    popper: Option<Popper>,
    next_direct: Instant,
    /// Postgres had jobs that no list told of: perhaps nobody leads, so the next wait is short.
    overlooked: bool,
}

impl Source {
    async fn next_ids(&mut self, fetcher: &Fetcher, most: usize) -> Vec<JobId> {
        match self.pop(fetcher, most).await {
            Ok(ids) if !ids.is_empty() => return ids,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, queue = fetcher.queue, "the ready lists are away; asking Postgres");
                self.popper = None;
                let pause = self.next_direct.saturating_duration_since(Instant::now());
                fetcher.pause(pause).await;
            }
        }
        if fetcher.stop.is_cancelled() || Instant::now() < self.next_direct {
            return Vec::new();
        }
        self.next_direct = Instant::now() + DIRECT_EVERY;
        let who = Claimant {
            worker: fetcher.running.worker(),
            queue: &fetcher.queue,
            kinds: &fetcher.kinds,
        };
        let due = claim::due_now(&fetcher.pool, who, most.min(DIRECT_CLAIM_MAX)).await;
        let ids = due.unwrap_or_else(|error| {
            tracing::warn!(%error, queue = fetcher.queue, "due jobs could not be read");
            Vec::new()
        });
        self.overlooked = !ids.is_empty();
        ids
    }

    async fn pop(&mut self, fetcher: &Fetcher, most: usize) -> RedisResult<Vec<JobId>> {
        let wait = if self.overlooked {
            DIRECT_EVERY
        } else {
            POP_WAIT_MAX
        };
        let popper = match &mut self.popper {
            Some(popper) => popper,
            none => none.insert(fetcher.ready.popper(&fetcher.queue).await?),
        };
        tokio::select! {
            biased;
            ids = popper.pop(most, wait) => ids,
            // what the abandoned wait might still pop is listed again by the next sweep
            () = fetcher.stop.cancelled() => Ok(Vec::new()),
        }
    }
}
