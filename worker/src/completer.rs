//! Writes what became of jobs, many in one statement.
//!
//! While one statement is under way the next endings gather, so batches are small when little happens and large when
//! much does. A batch that the database refuses is halved until the culprit stands alone.

use std::sync::Arc;
use std::time::Duration;

use shared::kernel::ErrorKind;
use shared::queue::claim::Claimed;
use shared::queue::metrics::{self, QueueMetrics};
use shared::queue::settle::{self, Fate, Setback, Success};
use shared::queue::{Events, Failure, JobId, Lease, Next};
use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::running::Running;

/// Endings written in one statement at the most.
pub const COMPLETE_MAX: usize = 500;
/// The wait before a statement that failed because the database was away is tried again.
const AWAY_PAUSE: Duration = Duration::from_millis(250);

/// How an attempt ended.
#[derive(Debug)]
pub enum Ending {
    /// With success, to be written.
    Success(Success),
    /// With success, which the handler wrote itself.
    Recorded(Lease),
    /// Otherwise.
    Setback(Setback),
}

impl Ending {
    const fn lease(&self) -> &Lease {
        match self {
            Self::Success(success) => &success.lease,
            Self::Recorded(lease) => lease,
            Self::Setback(setback) => &setback.lease,
        }
    }
}

/// What the metrics and events need to know of the job.
#[derive(Debug, Clone)]
pub struct Label {
    /// Its id.
    pub id: JobId,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// From due to claimed.
    pub waited: Duration,
}

impl From<Claimed> for Label {
    fn from(job: Claimed) -> Self {
        let waited = (job.claimed_at - job.due_at).to_std().unwrap_or_default();
        Self {
            id: job.lease.job,
            kind: job.kind,
            queue: job.queue,
            waited,
        }
    }
}

/// An ending with its job.
#[derive(Debug)]
pub struct Settlement {
    /// How it ended.
    pub ending: Ending,
    /// Which job.
    pub job: Label,
    /// How long the handler ran.
    pub ran: Duration,
}

/// Writes endings until every executor is gone.
#[derive(Debug)]
pub struct Completer {
    /// Where to write.
    pub pool: PgPool,
    /// What the process runs.
    pub running: Arc<Running>,
    /// Who watches live.
    pub events: Events,
    /// What is counted.
    pub metrics: QueueMetrics,
}

impl Completer {
    /// Runs until the channel is closed and empty.
    pub async fn run(self, mut settlements: mpsc::Receiver<Settlement>) {
        let mut gathered = Vec::with_capacity(COMPLETE_MAX);
        while settlements.recv_many(&mut gathered, COMPLETE_MAX).await > 0 {
            let batch = std::mem::take(&mut gathered);
            self.write(batch).await;
        }
    }

    async fn write(&self, batch: Vec<Settlement>) {
        let leases: Vec<Lease> = batch
            .iter()
            .map(|settlement| *settlement.ending.lease())
            .collect();
        let (mut successes, mut done) = (Vec::new(), Vec::new());
        let (mut setbacks, mut failed) = (Vec::new(), Vec::new());
        for Settlement { ending, job, ran } in batch {
            match ending {
                Ending::Success(success) => {
                    successes.push(success);
                    done.push((job, ran));
                }
                Ending::Recorded(_) => done.push((job, ran)),
                Ending::Setback(setback) => {
                    setbacks.push(setback);
                    failed.push((job, ran));
                }
            }
        }
        self.complete(&successes).await;
        for (job, ran) in &done {
            self.tell(job, *ran, "completed", metrics::Ending::Completed);
        }
        for (id, fate) in self.set_back(&setbacks).await {
            if let Some(at) = failed.iter().position(|(job, _)| job.id == id) {
                let (job, ran) = &failed[at];
                let (state, ending) = told(fate, &setbacks[at]);
                self.tell(job, *ran, state, ending);
            }
        }
        self.running.settled(leases.iter());
    }

    fn tell(&self, job: &Label, ran: Duration, state: &'static str, ending: metrics::Ending) {
        self.events.job(job.id, &job.kind, &job.queue, state);
        self.metrics.picked_up(&job.queue, &job.kind, job.waited);
        self.metrics.ended(&job.queue, &job.kind, ending, ran);
        self.metrics.pace.ended(&job.queue, ending, job.waited);
    }

    async fn complete(&self, successes: &[Success]) {
        let mut pieces = vec![successes];
        while let Some(piece) = pieces.pop().filter(|piece| !piece.is_empty()) {
            match settle::complete(&self.pool, piece).await {
                Ok(done) if done.len() < piece.len() => {
                    tracing::warn!(
                        lost = piece.len() - done.len(),
                        "jobs ended here whose lease was gone"
                    );
                }
                Ok(_) => {}
                Err(error) if is_away(&error) => {
                    tracing::warn!(%error, "the database is away; completions wait");
                    pieces.push(piece);
                    tokio::time::sleep(AWAY_PAUSE).await;
                }
                Err(error) if piece.len() == 1 => self.cannot_complete(&piece[0], &error).await,
                Err(_) => {
                    let (a, b) = piece.split_at(piece.len() / 2);
                    pieces.extend([b, a]);
                }
            }
        }
    }

    /// A completion that the database refuses for what it contains fails its job, in plain words.
    async fn cannot_complete(&self, success: &Success, error: &sqlx::Error) {
        tracing::error!(job = %success.lease.job, %error, "the completion was refused");
        let failure = Failure::told(
            Next::Fail,
            "the job succeeded but its result could not be stored",
        );
        let setback = Setback {
            lease: success.lease,
            failure,
            fingerprint: "refused-completion".to_owned(),
            delay: Duration::ZERO,
            logs: Vec::new(),
        };
        self.set_back(std::slice::from_ref(&setback)).await;
    }

    async fn set_back(&self, setbacks: &[Setback]) -> Vec<(JobId, Fate)> {
        let mut fates = Vec::with_capacity(setbacks.len());
        let mut pieces = vec![setbacks];
        while let Some(piece) = pieces.pop().filter(|piece| !piece.is_empty()) {
            match settle::set_back(&self.pool, piece).await {
                Ok(done) => fates.extend(done),
                Err(error) if is_away(&error) => {
                    tracing::warn!(%error, "the database is away; endings wait");
                    pieces.push(piece);
                    tokio::time::sleep(AWAY_PAUSE).await;
                }
                Err(error) if piece.len() == 1 => {
                    // the heart gives the lease back as a stranger's, so the job is not lost
                    tracing::error!(job = %piece[0].lease.job, %error, "an ending was refused; the job is given back");
                }
                Err(_) => {
                    let (a, b) = piece.split_at(piece.len() / 2);
                    pieces.extend([b, a]);
                }
            }
        }
        fates
    }
}

/// What watchers and the counters are told of an attempt that did not succeed.
const fn told(fate: Fate, setback: &Setback) -> (&'static str, metrics::Ending) {
    match (fate, setback.failure.next) {
        (Fate::Dead, _) => ("dead", metrics::Ending::Dead),
        (Fate::Cancelled, _) => ("cancelled", metrics::Ending::Cancelled),
        (Fate::Again, Next::Snooze(_) | Next::Release) => ("available", metrics::Ending::Again),
        (Fate::Again, Next::Retry(_) | Next::Fail | Next::Cancelled) => {
            ("retry", metrics::Ending::Failed)
        }
    }
}

/// Whether the database could not be reached or is restarting, as opposed to refusing what it was given.
fn is_away(error: &sqlx::Error) -> bool {
    ErrorKind::of_db(error) == ErrorKind::Unavailable
}
