//! What pages look at, kept for a moment: many who look at the same cost the database no more than one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use shared::campaigns::{self, CampaignId, Metrics};
use shared::kernel::{Ctx, Db, Page, PageRequest};
use shared::queue::control::{self, QueueControl, WorkerView};
use shared::queue::dead_letters::{self, DeadGroup};
use shared::queue::pace::{self, Pace, Span};
use shared::queue::search::{JobFilter, JobStatus, JobSummary, search};

use crate::error::{Problem, Result};

/// How long a look is good for.
pub const LOOK_TTL: Duration = Duration::from_secs(1);
/// How long the groups of dead letters are good for: forming them reads each dead job.
const DEAD_TTL: Duration = Duration::from_secs(3);
/// Different searches that are kept at the same time.
const SEARCHES_MAX: u64 = 500;
/// Campaigns whose figures are kept at the same time.
const CAMPAIGNS_MAX: u64 = 500;
/// Jobs that run, as the overview and the workers' page show them.
const RUNNING_SHOWN_MAX: u32 = 20;

/// The looks of this process; clones share them.
#[derive(Debug, Clone)]
pub struct Looks {
    pace: Cache<Span, Arc<Pace>>,
    workers: Cache<(), Arc<Vec<WorkerView>>>,
    controls: Cache<(), Arc<BTreeMap<String, QueueControl>>>,
    searches: Cache<String, Arc<Page<JobSummary>>>,
    campaigns: Cache<CampaignId, Arc<Metrics>>,
    dead: Cache<String, Arc<Page<DeadGroup>>>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            pace: Cache::builder().time_to_live(LOOK_TTL).build(),
            workers: Cache::builder().time_to_live(LOOK_TTL).build(),
            controls: Cache::builder().time_to_live(LOOK_TTL).build(),
            searches: Cache::builder()
                .time_to_live(LOOK_TTL)
                .max_capacity(SEARCHES_MAX)
                .build(),
            campaigns: Cache::builder()
                .time_to_live(LOOK_TTL)
                .max_capacity(CAMPAIGNS_MAX)
                .build(),
            dead: Cache::builder()
                .time_to_live(DEAD_TTL)
                .max_capacity(SEARCHES_MAX)
                .build(),
        }
    }
}

impl Looks {
    /// How fast it went.
    pub(super) async fn pace(&self, db: &Db, span: Span) -> Result<Arc<Pace>> {
        let look = async {
            let mut conn = db.pool().acquire().await?;
            Ok(Arc::new(pace::read(&mut conn, span).await?))
        };
        self.pace.try_get_with(span, look).await.map_err(own)
    }

    /// What operators set for the queues.
    pub(super) async fn controls(&self, db: &Db) -> Result<Arc<BTreeMap<String, QueueControl>>> {
        let look = async {
            let mut conn = db.pool().acquire().await?;
            Ok(Arc::new(control::queues(&mut conn).await?))
        };
        self.controls.try_get_with((), look).await.map_err(own)
    }

    /// Worker processes.
    pub(super) async fn workers(&self, db: &Db) -> Result<Arc<Vec<WorkerView>>> {
        let look = async {
            let mut conn = db.pool().acquire().await?;
            Ok(Arc::new(control::workers(&mut conn).await?))
        };
        self.workers.try_get_with((), look).await.map_err(own)
    }

    /// A page of the jobs that match.
    pub(super) async fn jobs(
        &self,
        db: &Db,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Arc<Page<JobSummary>>> {
        let key = format!("{filter:?} {page:?}");
        let look = async { Ok(Arc::new(search(db, filter, page).await?)) };
        self.searches.try_get_with(key, look).await.map_err(own)
    }

    /// What became of a campaign's recipients. Whether the caller may know of it, the caller has asked before.
    pub(super) async fn campaign(
        &self,
        db: &Db,
        ctx: &Ctx,
        id: CampaignId,
    ) -> Result<Arc<Metrics>> {
        let look = async {
            let mut conn = db.pool().acquire().await?;
            Ok(Arc::new(campaigns::metrics(&mut conn, ctx, id).await?))
        };
        self.campaigns.try_get_with(id, look).await.map_err(own)
    }

    /// Dead letters by what went wrong.
    pub(super) async fn dead(
        &self,
        db: &Db,
        queue: Option<&str>,
        page: &PageRequest,
    ) -> Result<Arc<Page<DeadGroup>>> {
        let key = format!("{queue:?} {page:?}");
        let look = async {
            let found = dead_letters::groups(db, queue, None, page).await?;
            Ok(Arc::new(found))
        };
        self.dead.try_get_with(key, look).await.map_err(own)
    }

    /// Some of the jobs that run.
    pub(super) async fn running(&self, db: &Db) -> Result<Arc<Page<JobSummary>>> {
        let filter = JobFilter {
            states: vec![JobStatus::Running],
            ..JobFilter::default()
        };
        let page = PageRequest {
            limit: RUNNING_SHOWN_MAX.to_string().parse().ok(),
            ..PageRequest::default()
        };
        self.jobs(db, &filter, &page).await
    }
}

fn own(problem: Arc<Problem>) -> Problem {
    Problem::clone(&problem)
}
