//! What pages look at, kept for a moment: many who look at the same cost the database no more than one.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use shared::kernel::{Db, Page, PageRequest};
use shared::queue::control::{self, WorkerView};
use shared::queue::pace::{self, Pace, Span};
use shared::queue::search::{JobFilter, JobStatus, JobSummary, search};

use crate::error::{Problem, Result};

/// How long a look is good for.
pub const LOOK_TTL: Duration = Duration::from_secs(1);
/// Different searches that are kept at the same time.
const SEARCHES_MAX: u64 = 500;
/// Jobs that run, as the overview and the workers' page show them.
const RUNNING_SHOWN_MAX: u32 = 20;

/// The looks of this process; clones share them.
#[derive(Debug, Clone)]
pub struct Looks {
    pace: Cache<Span, Arc<Pace>>,
    workers: Cache<(), Arc<Vec<WorkerView>>>,
    searches: Cache<String, Arc<Page<JobSummary>>>,
}

impl Default for Looks {
    fn default() -> Self {
        Self {
            pace: Cache::builder().time_to_live(LOOK_TTL).build(),
            workers: Cache::builder().time_to_live(LOOK_TTL).build(),
            searches: Cache::builder()
                .time_to_live(LOOK_TTL)
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
