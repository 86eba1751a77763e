//! A look at the whole queue, for the list of queues and for Prometheus: taken when somebody asks, and kept for a moment,
//! so that many who ask cost no more than one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::Mutex;

use super::depth::{self, Depth};
use super::leadership::somebody_leads;
use super::{Catalog, ReadyLists};
use crate::kernel::Db;

/// How long a look is good for.
pub const SAMPLE_TTL: Duration = Duration::from_secs(2);
/// How long looking may take, in milliseconds.
const SAMPLE_TIMEOUT_MS: u32 = 3_000;

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// What stands in each queue.
    pub queues: BTreeMap<String, Depth>,
    /// Ids in each queue's ready lists, by priority; none if Redis did not answer.
    pub listed: Option<BTreeMap<String, [usize; 4]>>,
    /// Whether any process leads.
    pub led: bool,
    /// Workers that run.
    pub workers_running: u64,
    /// Workers that drain.
    pub workers_draining: u64,
    /// The age of the oldest transaction that is open in this database, in seconds: what holds back clean-up.
    pub oldest_transaction_s: f64,
    /// Connections of this process's pool, and how many of them are idle.
    pub pool: (u32, usize),
}

/// Looks, at most every [`SAMPLE_TTL`].
#[derive(Debug)]
pub struct Sampler {
    db: Db,
    ready: ReadyLists,
    catalog: Arc<Catalog>,
    last: Mutex<Option<(Instant, Arc<Sample>)>>,
}

impl Sampler {
    /// A sampler that has not looked yet.
    pub fn new(db: Db, ready: ReadyLists, catalog: Arc<Catalog>) -> Self {
        Self {
            db,
            ready,
            catalog,
            last: Mutex::default(),
        }
    }

    /// What stands now, or stood a moment ago.
    ///
    /// # Errors
    /// If the database does not answer in time.
    pub async fn sample(&self) -> sqlx::Result<Arc<Sample>> {
        // whoever comes while one looks waits for what it sees
        let mut last = self.last.lock().await;
        if let Some((at, sample)) = &*last
            && at.elapsed() < SAMPLE_TTL
        {
            return Ok(sample.clone());
        }
        let sample = Arc::new(self.look().await?);
        *last = Some((Instant::now(), sample.clone()));
        Ok(sample)
    }

    async fn look(&self) -> sqlx::Result<Sample> {
        let mut tx = self.db.begin().await?;
        bound(&mut tx).await?;
        let queues = depth::all(&mut tx, &self.catalog).await?;
        let led = somebody_leads(&mut tx).await?;
        let row = sqlx::query!(
            r#"
            select now() as "now!",
                   (select count(*) from workers where state = 'running') as "running!",
                   (select count(*) from workers where state = 'draining') as "draining!",
                   (select coalesce(extract(epoch from max(clock_timestamp() - xact_start)), 0)::float8
                    from pg_stat_activity
                    where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()) as "oldest!"
            "#
        )
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        let listed = self.listed(queues.keys()).await;
        Ok(Sample {
            at: row.now,
            queues,
            listed,
            led,
            workers_running: row.running.unsigned_abs(),
            workers_draining: row.draining.unsigned_abs(),
            oldest_transaction_s: row.oldest,
            pool: (self.db.pool().size(), self.db.pool().num_idle()),
        })
    }

    async fn listed(
        &self,
        queues: impl Iterator<Item = &String>,
    ) -> Option<BTreeMap<String, [usize; 4]>> {
        let mut listed = BTreeMap::new();
        for queue in queues {
            match self.ready.lengths(queue).await {
                Ok(lengths) => listed.insert(queue.clone(), lengths),
                Err(error) => {
                    tracing::debug!(%error, "ready lists could not be measured");
                    return None;
                }
            };
        }
        Some(listed)
    }
}

/// Bounds the look, and keeps it on the indexes: a table that jobs come and go in by the million has pages without any,
/// which a scan of the table would read.
async fn bound(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as a, set_config('max_parallel_workers_per_gather', '0', true) as b,
                set_config('jit', 'off', true) as c, set_config('enable_seqscan', 'off', true) as d,
                set_config('enable_bitmapscan', 'off', true) as e",
        SAMPLE_TIMEOUT_MS.to_string(),
    )
    .fetch_one(conn)
    .await
    .map(drop)
}
