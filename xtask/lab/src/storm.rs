//! A storm: worker processes of the real program send a campaign, while they, the leader, Redis and Postgres are killed,
//! stopped, emptied and cut off at random. Afterwards the rows in the database are held against the mails in the sink.
//!
//! The same seed gives the same faults in the same order; when each strikes depends on the machine.

mod check;
mod fleet;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use shared::campaigns::CampaignId;
use shared::config::CampaignConfig;
use shared::kernel::{Actor, Clock, Ctx, Db, TypedId};
use shared::queue::Signals;
use shared::seed::{self, Plan as Population};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use xtask::servers::{
    Durability, Postgres, PostgresOptions, Redis, RunFolder, Sink, SinkOptions, StopMode,
};

use crate::campaign;
use crate::outside::{Mailbox, rows_by_status};
use crate::programs::sibling;
pub use check::Report;
use fleet::Fleet;

/// The time between two looks at what is to be healed, and at how far the campaign is.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long the campaign may go on once nothing is broken any more: deferred mails wait for minutes.
const CALM_MAX: Duration = Duration::from_secs(600);
/// Rows that are being sent.
const IN_FLIGHT: &str = "select count(*) from campaign_deliveries where status = 'sending'";

/// What is sent, and for how long it storms.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Recipients of the campaign.
    pub recipients: usize,
    /// How long faults are made; the campaign is paced so that it takes about as long.
    pub lasting: Duration,
    /// Of the dice.
    pub seed: u64,
    /// Worker processes.
    pub workers: usize,
}

/// Something that happens to the servers or to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    KillWorker,
    KillLeader,
    StopWorker,
    StopLeader,
    DrainWorker,
    FlushRedis,
    StallRedis,
    RestartRedis,
    StopPostgres,
    CutConnections,
}

impl Fault {
    /// How often each comes, in proportion.
    const ALL: [(Self, u32); 10] = [
        (Self::KillWorker, 4),
        (Self::KillLeader, 2),
        (Self::StopWorker, 2),
        (Self::StopLeader, 1),
        (Self::DrainWorker, 1),
        (Self::FlushRedis, 3),
        (Self::StallRedis, 2),
        (Self::RestartRedis, 1),
        (Self::StopPostgres, 2),
        (Self::CutConnections, 2),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::KillWorker => "workers killed",
            Self::KillLeader => "leaders killed",
            Self::StopWorker => "workers stopped for a while",
            Self::StopLeader => "leaders stopped for a while",
            Self::DrainWorker => "workers replaced",
            Self::FlushRedis => "Redis emptied",
            Self::StallRedis => "Redis stalled",
            Self::RestartRedis => "Redis restarted",
            Self::StopPostgres => "Postgres stopped at once",
            Self::CutConnections => "connections cut",
        }
    }
}

/// What ends by itself after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heal {
    /// The process with this id goes on.
    Worker(i32),
    StalledRedis,
    AbsentRedis,
}

struct Storm {
    // dropped in this order: workers first, the databases after them, their files last
    fleet: Fleet,
    sink: Sink,
    redis: Redis,
    postgres: Postgres,
    pool: PgPool,
    rng: StdRng,
    campaign: CampaignId,
    heals: Vec<(Instant, Heal)>,
    struck: BTreeMap<Fault, u32>,
    /// Rows whose mail was in the hands of a process when it was killed or stopped, or when Postgres was.
    in_doubt: i64,
    _folder: RunFolder,
}

/// Sends a campaign through a storm and counts what came of it; `bar` shows how far it is.
///
/// # Errors
/// If a server is not installed, something does not start, or the campaign does not end once the storm is over.
pub async fn run(plan: Plan, bar: &ProgressBar) -> Result<Report> {
    let mut storm = Storm::open(plan).await?;
    let began = Instant::now();
    bar.set_length(plan.recipients as u64);
    storm.blow(plan, bar).await?;
    storm.calm(bar).await?;
    let seconds = began.elapsed().as_secs_f64();
    storm.fleet.drain_all()?;
    storm.count(plan, seconds).await
}

impl Storm {
    async fn open(plan: Plan) -> Result<Self> {
        let folder = RunFolder::create()?;
        let postgres = Postgres::start(&folder, PostgresOptions::new(Durability::Safe))?;
        let redis = Redis::start(&folder)?;
        let sink = Sink::start(&folder, &sibling("sink")?, SinkOptions::default())?;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(30))
            .connect(&postgres.url())
            .await?;
        shared::kernel::MIGRATIONS.run(&pool).await?;
        let clock = Clock::system();
        let population =
            Population::all_reachable(u32::try_from(plan.recipients)?, clock.now().date_naive());
        let ctx = Ctx::new(Actor::System, &clock);
        seed::populate(&pool, &ctx, &population, |_| ()).await?;
        // some took their word back after the campaign was planned: they are in the audience and get nothing
        sqlx::query(
            "insert into creator_consents (id, creator_id, channel, state, source, recorded_by, recorded_at)
             select uuid_v7(), id, 'email', 'withdrawn', 'support', 'storm', now()
             from (select id, row_number() over (order by id) as n from creators) c where n % 50 = 0",
        )
        .execute(&pool)
        .await?;
        Mailbox::at(sink.http_url())
            .misbehave(&mishaps(plan))
            .await?;
        let db = Db::new(pool.clone(), Some(Signals::new(&redis.url())?));
        let limits = CampaignConfig {
            max_concurrent: 50,
            retry_attempts: 3,
        };
        let campaign = campaign::launch(&db, &clock, &limits).await?;
        // a little faster than the storm, so that there is something to send all the time and the end is not far
        let pace = (plan.recipients as f64 / (plan.lasting.as_secs_f64() * 0.9)).ceil();
        let mut fleet = Fleet::new(
            &folder,
            vec![
                ("DATABASE_URL".to_owned(), postgres.url()),
                ("REDIS_URL".to_owned(), redis.url()),
                ("SMTP_URL".to_owned(), sink.smtp_url().to_owned()),
                ("EMAIL_RATE_PER_SECOND".to_owned(), pace.to_string()),
            ],
        )?;
        for _ in 0..plan.workers {
            fleet.start()?;
        }
        Ok(Self {
            fleet,
            sink,
            redis,
            postgres,
            pool,
            rng: StdRng::seed_from_u64(plan.seed),
            campaign,
            heals: Vec::new(),
            struck: BTreeMap::new(),
            in_doubt: 0,
            _folder: folder,
        })
    }

    /// Makes one fault after another until the time is up or the campaign is over.
    async fn blow(&mut self, plan: Plan, bar: &ProgressBar) -> Result<()> {
        let began = Instant::now();
        let mut next = began + Duration::from_secs(1);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        while began.elapsed() < plan.lasting {
            looks.tick().await;
            self.heal(Instant::now())?;
            if Instant::now() < next {
                continue;
            }
            let (fault, _) = *Fault::ALL.choose_weighted(&mut self.rng, |(_, weight)| *weight)?;
            if self.strike(fault).await? {
                *self.struck.entry(fault).or_default() += 1;
                bar.set_message(fault.name());
            }
            next = Instant::now() + Duration::from_millis(self.rng.random_range(300..2_500));
            if self.is_over(bar).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Mends everything and waits for the campaign's end.
    async fn calm(&mut self, bar: &ProgressBar) -> Result<()> {
        for (_, heal) in std::mem::take(&mut self.heals) {
            self.mend(heal)?;
        }
        bar.set_message("calm");
        let began = Instant::now();
        let mut looks = tokio::time::interval(Duration::from_millis(500));
        loop {
            looks.tick().await;
            if self.is_over(bar).await? {
                return Ok(());
            }
            ensure!(
                began.elapsed() < CALM_MAX,
                "the campaign did not end within {CALM_MAX:?} after the storm: {:?}\n{}",
                rows_by_status(&self.pool, self.campaign.uuid()).await?,
                self.fleet.tails()
            );
        }
    }

    async fn is_over(&self, bar: &ProgressBar) -> Result<bool> {
        let rows = rows_by_status(&self.pool, self.campaign.uuid()).await?;
        let open = ["pending", "sending"].map(|status| rows.get(status).copied().unwrap_or(0));
        let ended = rows.values().sum::<i64>() - open.iter().sum::<i64>();
        bar.set_position(ended.unsigned_abs());
        let status: String = sqlx::query_scalar("select status from campaigns where id = $1")
            .bind(self.campaign.uuid())
            .fetch_one(&self.pool)
            .await?;
        Ok(status == "completed")
    }

    fn heal(&mut self, now: Instant) -> Result<()> {
        let (due, rest) = self.heals.iter().partition(|(at, _)| *at <= now);
        self.heals = rest;
        let due: Vec<(Instant, Heal)> = due;
        due.into_iter().try_for_each(|(_, heal)| self.mend(heal))
    }

    fn mend(&mut self, heal: Heal) -> Result<()> {
        match heal {
            Heal::Worker(pid) => self.fleet.go_on(pid),
            Heal::StalledRedis => self.redis.resume(),
            Heal::AbsentRedis => self.redis.restart(),
        }
    }

    /// Makes a fault; false if there is nothing that it could strike now.
    async fn strike(&mut self, fault: Fault) -> Result<bool> {
        match fault {
            Fault::KillWorker => {
                let pid = self.fleet.any(&mut self.rng);
                self.kill(pid).await
            }
            Fault::KillLeader => {
                let pid = self.fleet.leader().await;
                self.kill(pid).await
            }
            Fault::StopWorker => {
                let pid = self.fleet.any(&mut self.rng);
                self.stop(pid).await
            }
            Fault::StopLeader => {
                let pid = self.fleet.leader().await;
                self.stop(pid).await
            }
            Fault::DrainWorker => {
                let Some(pid) = self.fleet.any(&mut self.rng) else {
                    return Ok(false);
                };
                self.fleet.start()?;
                self.fleet.drain(pid)?;
                Ok(true)
            }
            Fault::FlushRedis | Fault::StallRedis | Fault::RestartRedis => self.hit_redis(fault),
            Fault::StopPostgres => self.stop_postgres().await,
            Fault::CutConnections => self.cut_connections().await,
        }
    }

    async fn kill(&mut self, pid: Option<i32>) -> Result<bool> {
        let Some(pid) = pid else { return Ok(false) };
        self.fleet.kill(pid)?;
        self.in_doubt += self.in_flight_of(pid).await?;
        self.fleet.start()?;
        Ok(true)
    }

    async fn stop(&mut self, pid: Option<i32>) -> Result<bool> {
        let Some(pid) = pid.filter(|_| self.fleet.going() > 1) else {
            return Ok(false);
        };
        self.fleet.stop(pid)?;
        self.in_doubt += self.in_flight_of(pid).await?;
        // some come back before they are taken for lost, some after
        let until = self.in_a_while(3..25);
        self.heals.push((until, Heal::Worker(pid)));
        Ok(true)
    }

    fn hit_redis(&mut self, fault: Fault) -> Result<bool> {
        let away =
            |(_, heal): &(Instant, Heal)| matches!(heal, Heal::StalledRedis | Heal::AbsentRedis);
        if self.heals.iter().any(away) {
            return Ok(false);
        }
        if fault == Fault::FlushRedis {
            self.redis.flush()?;
        } else if fault == Fault::StallRedis {
            self.redis.stall()?;
            let until = self.in_a_while(1..6);
            self.heals.push((until, Heal::StalledRedis));
        } else {
            self.redis.stop()?;
            let until = self.in_a_while(0..10);
            self.heals.push((until, Heal::AbsentRedis));
        }
        Ok(true)
    }

    async fn stop_postgres(&mut self) -> Result<bool> {
        let unknown = self.unknown().await?;
        self.postgres.stop(StopMode::Immediate)?;
        let until = self.in_a_while(0..6);
        tokio::time::sleep_until(until.into()).await;
        self.postgres.restart()?;
        // nobody could write meanwhile; some may have since
        let in_flight: i64 = sqlx::query_scalar(IN_FLIGHT).fetch_one(&self.pool).await?;
        self.in_doubt += in_flight + self.unknown().await? - unknown;
        Ok(true)
    }

    /// Ends connections that are at work: claims, hearts, handlers in the middle of a commit.
    async fn cut_connections(&mut self) -> Result<bool> {
        let cut: i64 = sqlx::query_scalar(
            "select count(pg_terminate_backend(pid)) from (
                 select pid from pg_stat_activity
                 where datname = current_database() and application_name like 'creatorcrm %'
                 order by (state = 'idle'), random() limit 4) victims",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(cut > 0)
    }

    /// Rows whose mail a process has in hand.
    async fn in_flight_of(&self, pid: i32) -> Result<i64> {
        let rows = sqlx::query_scalar(
            "select count(*) from campaign_deliveries d
             join campaign_chunks k on k.campaign_id = d.campaign_id and k.chunk = d.chunk
             join jobs j on j.id = k.job_id
             join workers w on w.id = j.worker_id
             where d.status = 'sending' and w.pid = $1",
        )
        .bind(pid)
        .fetch_one(&self.pool)
        .await?;
        Ok(rows)
    }

    async fn unknown(&self) -> Result<i64> {
        let sql = "select count(*) from campaign_deliveries where status = 'unknown'";
        Ok(sqlx::query_scalar(sql).fetch_one(&self.pool).await?)
    }

    fn in_a_while(&mut self, seconds: std::ops::Range<u64>) -> Instant {
        let ms = self
            .rng
            .random_range(seconds.start * 1_000..seconds.end * 1_000);
        Instant::now() + Duration::from_millis(ms)
    }

    async fn count(&self, plan: Plan, seconds: f64) -> Result<Report> {
        let mailbox = Mailbox::at(self.sink.http_url());
        let report = check::report(&self.pool, &mailbox, self.campaign, self.in_doubt)
            .await
            .context("the campaign could not be counted")?;
        ensure!(
            report.audience == plan.recipients as i64,
            "{} of {} recipients have a row",
            report.audience,
            plan.recipients
        );
        Ok(Report {
            seed: plan.seed,
            seconds,
            faults: self.struck.iter().map(|(f, n)| (f.name(), *n)).collect(),
            ..report
        })
    }
}

/// What the mail server does by itself, as mail servers do: it takes its time, refuses some for good, puts some off, and
/// hangs up in the middle of a few.
fn mishaps(plan: Plan) -> serde_json::Value {
    let mut rules = vec![
        json!({ "effect": { "delay": { "ms": 30 } } }),
        json!({ "recipient": "*77@*", "effect": { "reply": { "at": "rcpt", "code": 550 } } }),
        json!({ "percent": 0.05, "effect": { "cut": "afterStoring" } }),
        json!({ "percent": 0.05, "effect": { "cut": "beforeStoring" } }),
    ];
    // who is put off is tried again after half a minute, which only a long storm has time for
    if plan.lasting >= Duration::from_secs(60) {
        rules.push(json!({ "percent": 1.0, "effect": { "reply": { "at": "data", "code": 451 } } }));
    }
    json!({ "seed": plan.seed, "rules": rules })
}
