//! `bench creators`: how fast creators are found and listed, and their tiers evaluated, among very many of them.

use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use serde::Serialize;
use shared::creators::{self, CreatorFilter, CreatorStatus, Sort, Tier};
use shared::kernel::{Actor, Clock, Ctx, Cursor, PageRequest};
use shared::seed::{self, Detail, Plan};
use shared::tiers::{self, RunStep, TierRun};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

/// Of a thousand creators, how many still have the tier they began with when the first run comes.
const UNEVALUATED_PER_MILLE: u32 = 380;
/// Pages of each list that are turned.
const PAGES: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Creators that there are.
    #[arg(long, default_value_t = 100_000)]
    creators: u32,
    /// Times that each search and list is asked for.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured; times in milliseconds, unless said otherwise.
#[derive(Debug, Serialize)]
struct Report {
    creators: u32,
    fill_s: f64,
    searches: usize,
    search_ms_p50: f64,
    search_ms_p95: f64,
    slowest_search: String,
    lists: usize,
    list_ms_p50: f64,
    list_ms_p95: f64,
    slowest_list: String,
    /// A third of the creators get another tier.
    first_tier_run_s: f64,
    first_tier_run_changed: i64,
    /// A night like any other.
    second_tier_run_s: f64,
    second_tier_run_changed: i64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let database = std::env::var("DATABASE_URL").context("DATABASE_URL")?;
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(&database)
        .await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    let began = Instant::now();
    fill(&pool, options.creators).await?;
    let fill_s = began.elapsed().as_secs_f64();

    let searches = measure(&pool, &searches(), options.rounds).await?;
    let lists = measure(&pool, &lists(), options.rounds).await?;
    let (first_tier_run_s, first) = evaluate(&pool).await?;
    nudge(&pool).await?;
    let (second_tier_run_s, second) = evaluate(&pool).await?;
    let report = Report {
        creators: options.creators,
        fill_s,
        searches: searches.times.len(),
        search_ms_p50: searches.percentile(50),
        search_ms_p95: searches.percentile(95),
        slowest_search: searches.slowest,
        lists: lists.times.len(),
        list_ms_p50: lists.percentile(50),
        list_ms_p95: lists.percentile(95),
        slowest_list: lists.slowest,
        first_tier_run_s,
        first_tier_run_changed: first.promoted + first.demoted,
        second_tier_run_s,
        second_tier_run_changed: second.promoted + second.demoted,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

/// What somebody may ask for.
type Question = (CreatorFilter, Sort);

fn searches() -> Vec<Question> {
    let texts = [
        "ada",
        "silverfox",
        "wren moonrose",
        "mae",
        "zqx",
        "ze",
        "k",
        "ocean",
        "ad nightfire",
        "ursastormkiss",
        "lady",
        "winter",
        "@girlfanz",
        "luca goldenstar",
        "ox",
        "12345",
        "moonrose777",
        "chloé",
    ];
    let plain = texts.iter().map(|text| text_filter(text));
    let narrowed = texts.iter().map(|text| CreatorFilter {
        clusters: vec!["pupfanz".to_owned()],
        statuses: vec![CreatorStatus::Active],
        ..text_filter(text)
    });
    plain
        .chain(narrowed)
        .map(|filter| (filter, Sort::default()))
        .collect()
}

fn text_filter(text: &str) -> CreatorFilter {
    CreatorFilter {
        q: Some(text.to_owned()),
        ..CreatorFilter::default()
    }
}

/// Every order with every combination of common and rare filters.
fn lists() -> Vec<Question> {
    let all = CreatorFilter::default;
    let filters = [
        all(),
        CreatorFilter {
            clusters: vec!["girlfanz".to_owned()],
            ..all()
        },
        CreatorFilter {
            statuses: vec![CreatorStatus::Banned],
            ..all()
        },
        CreatorFilter {
            tiers: vec![Tier::Star, Tier::Superstar],
            ..all()
        },
        CreatorFilter {
            clusters: vec!["taboofanz".to_owned(), "pupfanz".to_owned()],
            statuses: vec![CreatorStatus::Churned],
            tiers: vec![Tier::Established],
            ..all()
        },
        CreatorFilter {
            owner: Some("staff17".to_owned()),
            ..all()
        },
        CreatorFilter {
            owner: Some("staff5".to_owned()),
            statuses: vec![CreatorStatus::Suspended],
            ..all()
        },
    ];
    let orders = ["-created", "created", "name", "-lastActive", "-tier"];
    let pairs = filters
        .iter()
        .flat_map(|filter| orders.map(|order| (filter.clone(), order.parse().unwrap_or_default())));
    pairs.collect()
}

struct Measured {
    times: Vec<f64>,
    slowest: String,
}

impl Measured {
    fn percentile(&self, percent: usize) -> f64 {
        self.times[(self.times.len() - 1) * percent / 100]
    }
}

/// Asks every question as the API does, page after page.
async fn measure(pool: &PgPool, questions: &[Question], rounds: usize) -> anyhow::Result<Measured> {
    let clock = Clock::system();
    let mut all: Vec<(f64, String)> = Vec::new();
    for _ in 0..rounds {
        for (filter, sort) in questions {
            let mut cursor: Option<Cursor> = None;
            for page in 0..PAGES {
                let request = PageRequest {
                    cursor: cursor.take(),
                    limit: None,
                };
                let ctx = Ctx::new(Actor::System, &clock);
                let began = Instant::now();
                let mut tx = pool.begin().await?;
                let what = format!("{} by {sort}, page {page}", serde_json::to_string(filter)?);
                let found = creators::list(&mut tx, &ctx, filter, *sort, &request)
                    .await
                    .with_context(|| what.clone())?;
                tx.commit().await?;
                all.push((milliseconds(began.elapsed()), what));
                cursor = found.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
    }
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let slowest = all
        .last()
        .map(|(time, what)| format!("{time} ms: {what}"))
        .unwrap_or_default();
    let times = all.into_iter().map(|(time, _)| time).collect();
    Ok(Measured { times, slowest })
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}

/// Evaluates everybody, as the job does; answers how long it took, in seconds.
async fn evaluate(pool: &PgPool) -> anyhow::Result<(f64, TierRun)> {
    let clock = Clock::system();
    let began = Instant::now();
    loop {
        let ctx = Ctx::new(Actor::System, &clock);
        let mut tx = pool.begin().await?;
        let step = tiers::run_step(&mut tx, &ctx).await?;
        tx.commit().await?;
        if let RunStep::Finished(run) = step {
            return Ok(((began.elapsed().as_secs_f64() * 10.0).round() / 10.0, run));
        }
    }
}

/// What a day brings: one creator in a hundred earns much.
async fn nudge(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::query(
        "insert into creator_earnings_daily (creator_id, day, share_minor)
         select id, (now() at time zone 'utc')::date - 1, 3000000 from creators
         where ('x' || right(id::text, 4))::bit(16)::int4 % 100 = 0
         on conflict (creator_id, day) do update set share_minor = creator_earnings_daily.share_minor + excluded.share_minor",
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes up a population, a third of which no tier run has ever seen, so that the first one has much to do.
async fn fill(pool: &PgPool, creators: u32) -> anyhow::Result<()> {
    let clock = Clock::system();
    let ctx = Ctx::new(Actor::System, &clock);
    let there = seed::standing(&mut *pool.acquire().await?).await?;
    let as_of = there.map_or(clock.now().date_naive(), |plan| plan.as_of);
    let plan = Plan {
        detail: Detail::Core,
        unevaluated_per_mille: UNEVALUATED_PER_MILLE,
        ..Plan::lifelike(creators, as_of)
    };
    let bar = ProgressBar::new(creators.into());
    seed::populate(pool, &ctx, &plan, |stored| bar.set_position(stored)).await?;
    bar.finish_and_clear();
    Ok(())
}
