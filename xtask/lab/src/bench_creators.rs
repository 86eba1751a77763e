//! `bench creators`: how fast creators are found and listed, and their tiers evaluated, among very many of them.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde::Serialize;
use shared::creators::{self, CreatorFilter, CreatorStatus, Sort, Tier};
use shared::kernel::{Actor, Clock, Ctx, Cursor, PageRequest};
use shared::tiers::{self, RunStep, TierRun};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

/// Rows that one statement fills at the most.
const FILL_STEP: u64 = 100_000;
/// Days of the last thirty on which everybody earned something.
const EARNING_DAYS: u32 = 10;
/// Pages of each list that are turned.
const PAGES: usize = 5;

/// First names; the fill takes them in turn.
const FIRST: &str = "Ada,Ben,Chloé,Dario,Elif,Finn,Grace,Hugo,Imani,Jonas,Kaya,Leo,Mina,Nils,Olga,Pia,Quinn,Rosa,Sami,Tara,\
Uma,Vito,Wren,Xenia,Yara,Zoe,Alba,Bruno,Cleo,Dana,Ezra,Flora,Gabe,Hana,Ines,Jude,Kim,Luca,Mara,Noor,Otis,Pola,Rafe,Sina,\
Theo,Ursa,Vera,Wanda,Ximo,Yuki,Zane,Amir,Bea,Cira,Dov,Enzo,Faye,Gus,Hedi,Iris,Jara,Koa,Lior,Mae";
/// The beginnings and ends of second names.
const BEGIN: &str = "silver,moon,river,storm,velvet,ember,ocean,wild,night,golden,shadow,crystal,summer,winter,scarlet,midnight";
const END: &str =
    "fox,rose,bloom,light,heart,wave,song,dance,star,fire,leaf,stone,wing,kiss,spark,smoke";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Creators that there are.
    #[arg(long, default_value_t = 100_000)]
    creators: u64,
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
    creators: u64,
    fill_s: f64,
    searches: usize,
    search_ms_p50: f64,
    search_ms_p95: f64,
    slowest_search: String,
    lists: usize,
    list_ms_p50: f64,
    list_ms_p95: f64,
    slowest_list: String,
    /// Nearly everybody gets another tier.
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
    sqlx::migrate!("../../migrations").run(&pool).await?;
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
        "update creator_earnings_daily set share_minor = share_minor + 3000000
         where day = current_date - 1 and ('x' || right(creator_id::text, 4))::bit(16)::int4 % 100 = 0",
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes people, creators and earnings: always the same ones, spread over clusters, states, tiers and two years.
async fn fill(pool: &PgPool, creators: u64) -> anyhow::Result<()> {
    let there: i64 = sqlx::query_scalar("select count(*) from creators")
        .fetch_one(pool)
        .await?;
    if there.unsigned_abs() == creators {
        return Ok(());
    }
    anyhow::ensure!(
        there == 0,
        "the database holds other creators; the bench wants one of its own"
    );
    let names = format!(
        "create table bench_names as select f.o - 1 as f, (b.o - 1) * 16 + e.o - 1 as s, f.n as first_name, b.n || e.n as last_name
         from unnest(string_to_array('{FIRST}', ',')) with ordinality f (n, o),
              unnest(string_to_array('{BEGIN}', ',')) with ordinality b (n, o),
              unnest(string_to_array('{END}', ',')) with ordinality e (n, o)"
    );
    sqlx::query(AssertSqlSafe(names)).execute(pool).await?;
    let indexes = drop_indexes(pool).await?;
    for first in (0..creators).step_by(FILL_STEP as usize) {
        let last = creators.min(first + FILL_STEP) - 1;
        let step = FILL
            .replace("{first}", &first.to_string())
            .replace("{last}", &last.to_string())
            .replace("{all}", &creators.to_string());
        sqlx::query(AssertSqlSafe(step)).execute(pool).await?;
    }
    for index in indexes {
        sqlx::query(AssertSqlSafe(index)).execute(pool).await?;
    }
    for day in (0..EARNING_DAYS).rev() {
        // no more days than rows of the window lie together on disk, as they would if they had come day by day
        let earned = EARN.replace("{days_ago}", &(1 + day * 3).to_string());
        sqlx::query(AssertSqlSafe(earned)).execute(pool).await?;
    }
    for statement in [
        "drop table bench_names",
        "vacuum analyze creators",
        "vacuum analyze people",
        "vacuum analyze creator_earnings_daily",
    ] {
        sqlx::query(statement).execute(pool).await?;
    }
    Ok(())
}

/// Drops the indexes that no constraint needs, since filling is much faster without; answers what makes them again.
async fn drop_indexes(pool: &PgPool) -> anyhow::Result<Vec<String>> {
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "select indexname::text, indexdef from pg_indexes
         where tablename = 'creators' and indexdef not like 'create unique%' and indexdef not like 'CREATE UNIQUE%'",
    )
    .fetch_all(pool)
    .await?;
    for (name, _) in &indexes {
        sqlx::query(AssertSqlSafe(format!("drop index {name}")))
            .execute(pool)
            .await?;
    }
    Ok(indexes.into_iter().map(|(_, made)| made).collect())
}

/// Each property is drawn by a hash of its own, so that none tells of another.
const FILL: &str = "
with drawn as (
    -- one came after the other over two years, as the ids of real ones tell too
    select n, h.a, h.b, h.c, h.d, h.e, now() - make_interval(secs => ({all} - n) * (63072000.0 / {all})) as created_at
    from generate_series({first}, {last}) n
    cross join lateral (select abs(hashint8extended(n, 1)) as a, abs(hashint8extended(n, 2)) as b,
                               abs(hashint8extended(n, 3)) as c, abs(hashint8extended(n, 4)) as d,
                               abs(hashint8extended(n, 5)) as e) h
), made as (
    select d.*, (lpad(to_hex((extract(epoch from d.created_at) * 1000)::bigint), 12, '0') || '7' || substr(md5('c' || n), 1, 3)
                 || '8' || substr(md5('c' || n), 4, 15))::uuid as id, md5('person' || n)::uuid as person_id, b.first_name,
           b.first_name || ' ' || initcap(b.last_name) as display_name,
           left(regexp_replace(search_form(b.first_name), '[^a-z]', '', 'g') || b.last_name, 22) || n as username,
           (array['girlfanz', 'boyfanz', 'fanzlab', 'daddyfanz', 'pupfanz', 'taboofanz', 'transfanz', 'cougarfanz',
                  'fanzcock'])[1 + a / 7 % 9] as cluster_id,
           case when b / 11 % 100 < 88 then 'active'
                else (array['inactive', 'inactive', 'inactive', 'churned', 'churned', 'churned', 'pending_verification',
                            'pending_review', 'suspended', 'banned'])[1 + b / 1100 % 10] end as status,
           case when d.created_at > now() - interval '30 days' then 'newcomer'
                else (array['emerging', 'emerging', 'emerging', 'emerging', 'emerging', 'emerging', 'rising', 'rising',
                            'established', 'star'])[1 + c % 10] end as tier
    from drawn d join bench_names b on b.f = a % 64 and b.s = b % 256
), people_made as (
    insert into people (id, legal_name, birth_date, created_by, created_at, updated_at)
    select person_id, initcap(substr(md5('f' || n), 1, 6)) || ' ' || initcap(substr(md5('l' || n), 1, 8)),
           date '1965-01-01' + (c % 14000)::int4, 'bench', created_at, created_at
    from made
)
insert into creators (id, person_id, cluster_id, email, email_key, username, username_key, display_name, first_name, aliases,
                      handles, status, tier, owner, last_active_at, created_by, created_at, updated_at, status_since, tier_since)
select id, person_id, cluster_id, username || '@' || cluster_id || '.example', username || '@' || cluster_id || '.example',
       username, username, display_name, first_name,
       case when d % 10 = 0 then array['The ' || display_name] else '{}' end,
       case when d % 3 = 0 then jsonb_build_object('instagram', username || '_ig') else '{}' end,
       status, tier, case when d % 5 = 0 then 'staff' || (d / 5 % 40) end,
       case when d % 20 > 0 then now() - make_interval(secs => e / 7 % 20000000) end,
       'bench', created_at, created_at, created_at, created_at
from made";

const EARN: &str = "
insert into creator_earnings_daily (creator_id, day, share_minor)
select c.id, current_date - {days_ago},
       (10 + power(1.0 + (hashtextextended(c.id::text, 7) & 1023) / 100.0, 5))::bigint
from creators c order by c.id";
