//! `demo`: creators, a campaign over HTTP, workers that send it, and a count of what came of it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use lab::outside::{Api, Mailbox, rows_by_status};
use secrecy::ExposeSecret;
use serde_json::Value;
use shared::campaigns::CampaignId;
use shared::config::Config;
use shared::kernel::{Actor, Clock, Ctx, TypedId};
use shared::seed::{self, Detail, Plan};
use sqlx::PgPool;

/// The longest that the demo waits for the campaign to end.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often it asks.
const ASK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Creators to make up.
    #[arg(long, default_value_t = 1000)]
    creators: u32,
    /// Mail goes to a server of the caller's, so there is no sink to count in.
    #[arg(long)]
    allow_external_smtp: bool,
}

/// What came of the campaign.
#[derive(Debug)]
struct Summary {
    audience: i64,
    sent: i64,
    skipped: i64,
    failed: i64,
    unknown: i64,
    /// Messages and duplicates in the sink; none without one.
    mails: Option<(u64, u64)>,
    per_second: f64,
    pickup_ms: (f64, f64),
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let pool = PgPool::connect(config.database.url.expose_secret()).await?;
    let mailbox = Mailbox::from_env();
    ensure!(
        mailbox.is_some() || options.allow_external_smtp,
        "there is no SINK_URL; the demo mails only its own sink without --allow-external-smtp"
    );
    let before = match &mailbox {
        Some(mailbox) => mailbox.counts().await?,
        None => Default::default(),
    };
    make_up(&pool, options.creators).await?;

    let api = Api::from_env(&config)?;
    let text = api.launch_campaign("Demo: we miss you").await?;
    let id: CampaignId = text.parse()?;
    println!("campaign {text} launched over HTTP");
    follow(&api, &text).await?;

    let mut summary = count(&pool, id).await?;
    if let Some(mailbox) = &mailbox {
        let after = mailbox.counts().await?;
        summary.mails = Some((
            after.messages - before.messages,
            after.duplicates - before.duplicates,
        ));
    }
    print(&summary);
    summary.check()
}

/// Makes up creators, unless the database holds made-up ones already.
async fn make_up(pool: &PgPool, creators: u32) -> anyhow::Result<()> {
    if let Some(there) = seed::standing(&mut *pool.acquire().await?).await? {
        println!("{} made-up creators are there already", there.creators);
        return Ok(());
    }
    let clock = Clock::system();
    let plan = Plan {
        detail: Detail::Everything,
        ..Plan::lifelike(creators, clock.now().date_naive())
    };
    seed::populate(pool, &Ctx::new(Actor::System, &clock), &plan, |_| ()).await?;
    println!("{creators} creators made up");
    Ok(())
}

/// Shows the campaign's progress until it is completed.
async fn follow(api: &Api, campaign: &str) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0);
    let style = "{bar:40.green} {pos}/{len} recipients  {per_sec}  {msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    let began = Instant::now();
    let mut pace = tokio::time::interval(ASK_EVERY);
    loop {
        pace.tick().await;
        let metrics = api.metrics(campaign).await?;
        let number = |name: &str| metrics[name].as_u64().unwrap_or(0);
        bar.set_length(number("audience"));
        bar.set_position(
            ["sent", "failed", "skipped", "unknown"]
                .map(number)
                .iter()
                .sum(),
        );
        match metrics["status"].as_str() {
            Some("completed") => break,
            Some(status) => bar.set_message(status.to_owned()),
            None => anyhow::bail!("metrics without a status: {}", Value::clone(&metrics)),
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "the campaign did not end within {PATIENCE:?}"
        );
    }
    bar.finish_and_clear();
    Ok(())
}

async fn count(pool: &PgPool, id: CampaignId) -> anyhow::Result<Summary> {
    let rows = rows_by_status(pool, id.uuid()).await?;
    let number = |status: &str| rows.get(status).copied().unwrap_or(0);
    let seconds: Option<f64> = sqlx::query_scalar(
        "select extract(epoch from max(d.ended_at) - min(c.launched_at))::float8
         from campaigns c join campaign_deliveries d on d.campaign_id = c.id where c.id = $1",
    )
    .bind(id.uuid())
    .fetch_one(pool)
    .await?;
    let seconds = seconds.context("a campaign without recipients")?;
    let (p50, p99): (Option<f64>, Option<f64>) = sqlx::query_as(
        "select percentile_cont(0.5) within group (order by waited),
                percentile_cont(0.99) within group (order by waited)
         from (select extract(epoch from started_at - greatest(run_at, created_at))::float8 * 1000 as waited
               from job_history where kind like 'campaign.%' and attempt = 1) jobs",
    )
    .fetch_one(pool)
    .await?;
    let sent = number("sent");
    Ok(Summary {
        audience: rows.values().sum(),
        sent,
        skipped: number("skipped"),
        failed: number("failed"),
        unknown: number("unknown"),
        mails: None,
        per_second: sent as f64 / seconds.max(0.001),
        pickup_ms: (p50.unwrap_or(0.0), p99.unwrap_or(0.0)),
    })
}

fn print(s: &Summary) {
    println!("\n  recipients   {:>8}", s.audience);
    println!("  sent         {:>8}", s.sent);
    println!(
        "  skipped      {:>8}   no consent, suppressed, or not active",
        s.skipped
    );
    println!("  failed       {:>8}", s.failed);
    println!("  unknown      {:>8}", s.unknown);
    if let Some((messages, duplicates)) = s.mails {
        println!("  in the sink  {messages:>8}");
        println!("  duplicates   {duplicates:>8}");
    }
    println!(
        "  messages/s   {:>8.0}   from launch to the last row written",
        s.per_second
    );
    println!(
        "  pick-up      {:>8.1}   ms at p50, {:.1} ms at p99\n",
        s.pickup_ms.0, s.pickup_ms.1
    );
}

impl Summary {
    /// Whether the sink and the database tell the same story.
    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.audience > 0, "nobody was written to");
        let ended = self.sent + self.skipped + self.failed + self.unknown;
        ensure!(
            ended == self.audience,
            "{} rows have not ended",
            self.audience - ended
        );
        if let Some((messages, duplicates)) = self.mails {
            ensure!(duplicates == 0, "{duplicates} mails came twice");
            let (sent, most) = (
                self.sent.unsigned_abs(),
                (self.sent + self.unknown).unsigned_abs(),
            );
            ensure!(
                (sent..=most).contains(&messages),
                "{messages} mails came for {sent} rows that are sent and {} unknown",
                self.unknown
            );
        }
        Ok(())
    }
}
