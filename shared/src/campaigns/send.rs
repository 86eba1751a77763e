//! Sending one chunk of a campaign.
//!
//! A row is marked as being sent, on disk, before its mail is handed over, and only when a session is in hand for it.
//! So after a crash every row that is still marked may have been mailed and becomes `unknown`, and no other row has
//! been; there is no third kind that was reserved and not begun. The rows in doubt after a crash are those in flight,
//! as many as the process has sessions, and those whose endings were about to be written. The price is one commit before and one after each small batch,
//! which costs no throughput as long as other batches are on the wire meanwhile: hence the lanes.

mod lane;
mod write;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use uuid::Uuid;

use super::{Campaign, CampaignError, CampaignStatus, DeliveryId, SendDeliveries, service, store};
use crate::kernel::{Ctx, Db};
use crate::messaging::{Mailer, MessageTemplate};
use crate::queue::{Backoff, Lease, claim};
use lane::Lane;

/// Batches of one chunk that are under way at the same time: while one is written down, the other is on the wire.
const LANES: usize = 2;
/// How long one run goes on before it gives the others a turn.
const RUN_MAX: Duration = Duration::from_secs(60);
/// How soon a chunk that somebody else works on is looked at again.
const BUSY_DELAY: Duration = Duration::from_secs(2);
/// How soon a mail server that cannot be used is tried again.
const UNREACHABLE_DELAY: Duration = Duration::from_secs(10);

/// Whether the run may go on: false once its worker is to stop or is no longer sure of its lease.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// How often a mail that was deferred is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendPolicy {
    /// Tries after the first.
    pub retries: u16,
    /// The wait before each.
    pub backoff: Backoff,
}

impl SendPolicy {
    /// `retries` tries, after 30 s at first, an hour at the most.
    pub const fn with_retries(retries: u16) -> Self {
        let backoff = Backoff {
            base: Duration::from_secs(30),
            cap: Duration::from_secs(3600),
        };
        Self { retries, backoff }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkEnd {
    /// Every row of the chunk has ended.
    Closed,
    /// The campaign is not active; when it is again, launching finds the chunk.
    NotActive,
    /// The worker is to stop; the rest of the chunk waits for the next run.
    Stopped,
    /// There is more to do, after this.
    Later {
        /// How long to wait.
        delay: Duration,
        /// For what.
        why: String,
    },
}

/// Sends chunks.
#[derive(Debug, Clone)]
pub struct Sender {
    /// The database.
    pub db: Db,
    /// The way out.
    pub mailer: Mailer,
    /// How often to try.
    pub policy: SendPolicy,
}

/// What the lanes of one run share.
struct Run<'a> {
    sender: &'a Sender,
    ctx: &'a Ctx,
    job: &'a SendDeliveries,
    /// Fences every write of this run.
    id: Uuid,
    statuses: Vec<String>,
    template: MessageTemplate,
    go_on: GoOn<'a>,
    began: Instant,
    due: Mutex<VecDeque<DeliveryId>>,
    end: Mutex<Option<LaneEnd>>,
}

/// Why the lanes stop before the chunk is through.
#[derive(Debug, Clone, PartialEq, Eq)]
enum LaneEnd {
    NotActive,
    Unreachable(String),
}

/// What a run finds when it asks for its chunk.
enum Found {
    Mine(Arc<Campaign>, Vec<DeliveryId>),
    Not(ChunkEnd),
}

impl Sender {
    /// Sends what is due of a chunk. `lease` is the job's: as long as the queue knows it, nobody else touches the chunk.
    ///
    /// May be run twice, at the same time or after a crash: each row is mailed at most once without a person's word.
    ///
    /// # Errors
    /// If the database fails for longer than a run is patient, or the campaign is gone.
    pub async fn send_chunk(
        &self,
        ctx: &Ctx,
        job: &SendDeliveries,
        lease: Lease,
        go_on: GoOn<'_>,
    ) -> Result<ChunkEnd, CampaignError> {
        let id = Uuid::now_v7();
        let (campaign, due) = match self.take_over(ctx, job, lease, id).await? {
            Found::Mine(campaign, due) => (campaign, due),
            Found::Not(end) => return Ok(end),
        };
        let template =
            MessageTemplate::compile(&campaign.content).map_err(CampaignError::Invalid)?;
        let run = Run {
            sender: self,
            ctx,
            job,
            id,
            statuses: campaign
                .audience
                .statuses
                .iter()
                .map(ToString::to_string)
                .collect(),
            template,
            go_on,
            began: Instant::now(),
            due: Mutex::new(due.into()),
            end: Mutex::default(),
        };
        let lanes = join_all((0..LANES).map(|_| Lane { run: &run }.drain())).await;
        let ended = self.let_go(ctx, &run).await;
        lanes.into_iter().collect::<Result<Vec<()>, _>>()?;
        ended
    }

    /// Makes the run the chunk's holder, unless another one works on it; what a lost one was sending becomes unknown.
    async fn take_over(
        &self,
        ctx: &Ctx,
        job: &SendDeliveries,
        lease: Lease,
        run: Uuid,
    ) -> Result<Found, CampaignError> {
        let (id, chunk) = (job.campaign_id, job.chunk);
        let mut tx = self.db.begin().await?;
        let Some(found) = store::chunks::lock(&mut tx, id, chunk).await? else {
            return Err(CampaignError::NotFound(id));
        };
        let campaign = service::get(&mut tx, id).await?;
        if found.closed {
            return Ok(Found::Not(ChunkEnd::Closed));
        }
        if campaign.status != CampaignStatus::Active {
            return Ok(Found::Not(ChunkEnd::NotActive));
        }
        if let Some(holder) = found.holder.filter(|holder| *holder != lease)
            && claim::is_running(&mut tx, holder).await?
        {
            let why = format!("{} works on this chunk", holder.job);
            return Ok(Found::Not(ChunkEnd::Later {
                delay: BUSY_DELAY,
                why,
            }));
        }
        let lost = store::sending::give_up_lost(&mut tx, id, chunk, ctx.now()).await?;
        if lost > 0 {
            tracing::warn!(campaign = %id, chunk, lost, "a worker was lost while it was sending; those mails are unknown");
        }
        store::chunks::hold(&mut tx, id, chunk, run, lease).await?;
        let due = store::sending::due(&mut tx, id, chunk, ctx.now()).await?;
        self.db.commit(tx, ctx).await?;
        Ok(Found::Mine(Arc::new(campaign), due))
    }

    /// Closes the chunk if every row of it has ended, else lets go of it and says when to come back.
    async fn let_go(&self, ctx: &Ctx, run: &Run<'_>) -> Result<ChunkEnd, CampaignError> {
        let (id, chunk) = (run.job.campaign_id, run.job.chunk);
        let mut tx = self.db.begin().await?;
        let campaign = service::lock(&mut tx, id).await?;
        let rest = store::chunks::rest(&mut tx, id, chunk).await?;
        let closes = rest.open == 0 && store::chunks::is_held(&mut tx, id, chunk, run.id).await?;
        if closes {
            store::chunks::close(&mut tx, id, chunk, run.now()).await?;
            service::end_if_done(&mut tx, ctx, &campaign).await?;
        } else {
            store::chunks::release(&mut tx, id, chunk, run.id).await?;
        }
        self.db.commit(tx, ctx).await?;
        if rest.open == 0 {
            return Ok(ChunkEnd::Closed);
        }
        Ok(match run.take_end() {
            Some(LaneEnd::NotActive) => ChunkEnd::NotActive,
            Some(LaneEnd::Unreachable(why)) => ChunkEnd::Later {
                delay: UNREACHABLE_DELAY,
                why,
            },
            None if !(run.go_on)() => ChunkEnd::Stopped,
            None => ChunkEnd::Later {
                delay: rest.next_at.map_or(Duration::ZERO, |at| {
                    (at - run.now()).to_std().unwrap_or_default()
                }),
                why: format!("{} deliveries of this chunk are left", rest.open),
            },
        })
    }
}

impl Run<'_> {
    /// Whether lanes may begin another batch.
    fn goes_on(&self) -> bool {
        let ended = self
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some();
        !ended && self.began.elapsed() < RUN_MAX && (self.go_on)()
    }

    /// The next rows that nobody has taken.
    fn next(&self, most: usize) -> Vec<DeliveryId> {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        let count = most.min(due.len());
        due.drain(..count).collect()
    }

    fn end(&self, why: LaneEnd) {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(why);
    }

    /// Now: the moment the run began and what has passed since.
    fn now(&self) -> DateTime<Utc> {
        let elapsed = chrono::Duration::from_std(self.began.elapsed()).unwrap_or_default();
        self.ctx.now() + elapsed
    }

    fn take_end(&self) -> Option<LaneEnd> {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}
