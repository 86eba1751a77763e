//! What the tests share: creators, a campaign, jobs that run, and what must hold at every end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use uuid::Uuid;

use crate::campaigns::*;
use crate::config::CampaignConfig;
use crate::creators::CreatorStatus;
use crate::kernel::{Actor, Clock, Ctx, Db, Role, TypedId};
use crate::messaging::{Content, Identity, Mailer, UnsubscribeLinks};
use crate::providers::email::FakeEmail;
use crate::queue::{Backoff, JobId, Lease, NewJob, enqueue_one};
use crate::seed::{self, Plan};

pub(super) const LIMITS: CampaignConfig = CampaignConfig {
    max_concurrent: 50,
    retry_attempts: 3,
};

pub(super) struct World {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) email: Arc<FakeEmail>,
    pub(super) sender: Sender,
}

/// Nobody stops the run.
pub(super) fn go_on() -> bool {
    true
}

impl World {
    /// A database with `creators` who can all be written to, and a provider with `sessions`.
    pub(super) async fn new(pool: PgPool, creators: usize, sessions: usize) -> Self {
        let clock = Clock::system();
        let creators = u32::try_from(creators).expect("a number of creators");
        let plan = Plan::all_reachable(creators, clock.now().date_naive());
        seed::populate(&pool, &Ctx::new(Actor::System, &clock), &plan, |_| ())
            .await
            .expect("seeded");
        let db = Db::new(pool, None);
        let email = Arc::new(FakeEmail::new(sessions));
        let public_url = "https://crm.example".parse().expect("a URL");
        let links = UnsubscribeLinks::new(&[7; 32], &public_url);
        let identity = Identity {
            from: "noreply@crm.example".parse().expect("an address"),
            from_name: "CreatorCRM".into(),
            postal_address: "1 Example Street".into(),
            public_url,
        };
        let mailer = Mailer::new(email.clone(), None, identity, links);
        let backoff = Backoff {
            base: Duration::from_secs(60),
            cap: Duration::from_secs(600),
        };
        let policy = SendPolicy {
            retries: 2,
            backoff,
        };
        let sender = Sender {
            db: db.clone(),
            mailer,
            policy,
        };
        Self {
            db,
            clock,
            email,
            sender,
        }
    }

    pub(super) fn ctx(&self) -> Ctx {
        Ctx::new(Actor::user("ada", &[Role::Marketing]), &self.clock)
    }

    pub(super) fn new_campaign(&self) -> NewCampaign {
        let statuses = vec![CreatorStatus::Active];
        NewCampaign {
            name: "Q1".into(),
            kind: CampaignKind::Retention,
            audience: Audience {
                clusters: Vec::new(),
                tiers: Vec::new(),
                statuses,
            },
            content: Content {
                subject: "We miss you, {firstName}!".into(),
                message: "Hi {firstName}".into(),
                action: None,
            },
            starts_at: None,
        }
    }

    pub(super) async fn draft(&self) -> CampaignId {
        let mut tx = self.db.begin().await.expect("a transaction");
        let new = self.new_campaign();
        let made = create(&mut tx, &self.ctx(), &new).await.expect("a draft");
        tx.commit().await.expect("committed");
        made.id
    }

    /// Does something with a campaign in a transaction of its own.
    pub(super) async fn steer(
        &self,
        id: CampaignId,
        with: Move,
    ) -> Result<Campaign, CampaignError> {
        self.steer_within(id, with, &LIMITS).await
    }

    pub(super) async fn steer_within(
        &self,
        id: CampaignId,
        with: Move,
        limits: &CampaignConfig,
    ) -> Result<Campaign, CampaignError> {
        let ctx = self.ctx();
        let mut tx = self.db.begin().await?;
        let done = match with {
            Move::Launch => launch(&mut tx, &ctx, limits, id).await?,
            Move::Pause => pause(&mut tx, &ctx, limits, id).await?,
            Move::Resume => resume(&mut tx, &ctx, limits, id).await?,
            Move::Cancel => cancel(&mut tx, &ctx, limits, id).await?,
            Move::Start | Move::Complete | Move::Reopen => unreachable!("not for people"),
        };
        self.db.commit(tx, &ctx).await?;
        Ok(done)
    }

    /// Runs the launch job to its end.
    pub(super) async fn run_launch(&self, id: CampaignId) -> Launched {
        let mut place = LaunchPlace::START;
        loop {
            let ctx = self.ctx();
            let mut tx = self.db.begin().await.expect("a transaction");
            let step = launch_step(&mut tx, &ctx, &LIMITS, id, place)
                .await
                .expect("a step");
            self.db.commit(tx, &ctx).await.expect("committed");
            match step {
                Launched::GoOn(next) => place = next,
                end @ (Launched::Done
                | Launched::WaitsForRoom
                | Launched::WaitsUntil(_)
                | Launched::NotUnderWay(_)) => {
                    return end;
                }
            }
        }
    }

    /// Runs the finish job to its end.
    pub(super) async fn run_finish(&self, id: CampaignId) -> Finished {
        let mut after = -1;
        loop {
            let ctx = self.ctx();
            let mut tx = self.db.begin().await.expect("a transaction");
            let step = finish(&mut tx, &ctx, &LIMITS, id, after)
                .await
                .expect("a step");
            self.db.commit(tx, &ctx).await.expect("committed");
            match step {
                Finished::GoOn(next) => after = next,
                end @ (Finished::Over | Finished::NotYet | Finished::InFlight) => return end,
            }
        }
    }

    /// A launched campaign whose recipients all have a row.
    pub(super) async fn launched(&self) -> CampaignId {
        let id = self.draft().await;
        self.steer(id, Move::Launch).await.expect("launched");
        assert_eq!(self.run_launch(id).await, Launched::Done);
        id
    }

    /// A job that runs, as the queue sees it, and its lease.
    pub(super) async fn running_job(&self, campaign_id: CampaignId, chunk: i32) -> Lease {
        let mut tx = self.db.begin().await.expect("a transaction");
        let mut job = NewJob::of(&SendDeliveries { campaign_id, chunk }).expect("a job");
        job.unique_key = None;
        let job = enqueue_one(&mut tx, &self.ctx(), job)
            .await
            .expect("enqueued")
            .id();
        let lease = Lease {
            job,
            id: Uuid::new_v4(),
        };
        sqlx::query(
            "update jobs set state = 'running', lease_id = $2, worker_id = $2, claimed_at = now() where id = $1",
        )
        .bind(job.uuid())
        .bind(lease.id)
        .execute(&mut *tx)
        .await
        .expect("running");
        tx.commit().await.expect("committed");
        lease
    }

    /// The queue no longer knows the lease: its worker was lost.
    pub(super) async fn lose(&self, lease: Lease) {
        sqlx::query("delete from jobs where id = $1")
            .bind(lease.job.uuid())
            .execute(self.db.pool())
            .await
            .expect("deleted");
    }

    pub(super) async fn send(&self, campaign_id: CampaignId, chunk: i32) -> ChunkEnd {
        let lease = self.running_job(campaign_id, chunk).await;
        let end = self.send_with(campaign_id, chunk, lease).await;
        self.lose(lease).await;
        end
    }

    pub(super) async fn send_with(
        &self,
        campaign_id: CampaignId,
        chunk: i32,
        lease: Lease,
    ) -> ChunkEnd {
        let job = SendDeliveries { campaign_id, chunk };
        let ctx = Ctx::new(Actor::Job(JobId::new()), &self.clock);
        self.sender
            .send_chunk(&ctx, &job, lease, &go_on)
            .await
            .expect("a run that ends well")
    }

    pub(super) async fn metrics(&self, id: CampaignId) -> Metrics {
        let mut conn = self.db.pool().acquire().await.expect("a connection");
        metrics(&mut conn, &self.ctx(), id).await.expect("metrics")
    }

    pub(super) async fn count(&self, id: CampaignId, status: DeliveryStatus) -> i64 {
        self.metrics(id).await.rows[status.as_str()]
    }

    pub(super) async fn deliveries(
        &self,
        id: CampaignId,
        status: Option<DeliveryStatus>,
    ) -> Vec<Delivery> {
        let mut conn = self.db.pool().acquire().await.expect("a connection");
        let (mut all, mut page) = (Vec::new(), crate::kernel::PageRequest::default());
        loop {
            let found = deliveries(&mut conn, &self.ctx(), id, status, &page)
                .await
                .expect("a page");
            all.extend(found.items);
            match found.next {
                Some(next) => page.cursor = Some(next),
                None => return all,
            }
        }
    }

    /// Kinds of jobs that wait, each with how many.
    pub(super) async fn waiting_jobs(&self) -> HashMap<String, i64> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select kind, count(*) from jobs where state = 'available' group by kind",
        )
        .fetch_all(self.db.pool())
        .await
        .expect("counts");
        rows.into_iter().collect()
    }

    /// What must hold at every moment when nothing runs: each row has as many mails as its status says.
    pub(super) async fn check_promises(&self, id: CampaignId) {
        let mut mails: HashMap<String, usize> = HashMap::new();
        for mail in self.email.accepted() {
            let message_id = mail
                .message
                .split("Message-ID: <")
                .nth(1)
                .and_then(|rest| rest.split('@').next());
            *mails
                .entry(message_id.expect("a Message-ID").to_owned())
                .or_default() += 1;
        }
        let rows = self.deliveries(id, None).await;
        for row in &rows {
            let arrived = mails.remove(&row.id.to_string()).unwrap_or(0);
            match row.status {
                DeliveryStatus::Sent => assert_eq!(arrived, 1, "{row:?}"),
                DeliveryStatus::Unknown => assert!(arrived <= 1, "{row:?}"),
                DeliveryStatus::Pending | DeliveryStatus::Failed | DeliveryStatus::Skipped => {
                    assert_eq!(arrived, 0, "{row:?}");
                }
                DeliveryStatus::Sending => panic!("nothing runs: {row:?}"),
            }
        }
        assert!(mails.is_empty(), "mails without a row: {mails:?}");
        let metrics = self.metrics(id).await;
        assert_eq!(metrics.rows.values().sum::<i64>(), metrics.audience);
        assert_eq!(
            metrics.audience,
            i64::try_from(rows.len()).expect("a small number")
        );
        for status in DeliveryStatus::ALL {
            let counted = rows.iter().filter(|row| row.status == *status).count();
            assert_eq!(metrics.rows[status.as_str()], counted as i64, "{status}");
        }
    }
}

/// Polls until `holds` does; for what happens in a task beside the test.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(
            std::time::Instant::now() < deadline,
            "it did not come to this: {what}"
        );
        tokio::task::yield_now().await;
    }
}
