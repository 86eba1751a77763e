//! `bench send`: how fast a campaign is sent by a real worker process, beside what plain lettre reaches with the same
//! number of sessions and the same mail server.

use std::process::Stdio;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use lab::campaign;
use lab::outside::{Mailbox, rows_by_status};
use lab::programs::sibling;
use lettre::message::MultiPart;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::ExposeSecret;
use serde::Serialize;
use shared::campaigns::CampaignId;
use shared::config::Config;
use shared::kernel::{Actor, Clock, Ctx, Db, TypedId};
use shared::providers::email::{EmailProvider, Handover, OutgoingMail, SmtpOptions, SmtpProvider};
use shared::queue::Signals;
use shared::seed::{self, Plan};
use sqlx::PgPool;
use tokio::process::{Child, Command};

/// The longest that the campaign may take.
const PATIENCE: Duration = Duration::from_secs(900);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Recipients.
    #[arg(long, default_value_t = 20_000)]
    recipients: usize,
    /// Sessions with the mail server, ours and lettre's.
    #[arg(long, default_value_t = 16)]
    sessions: u16,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Report {
    recipients: usize,
    sessions: u16,
    messages_per_s: u64,
    /// Plain lettre, which waits for an acknowledgement in the middle of each message.
    lettre_per_s: u64,
    ratio: f64,
    /// Our own client by itself: no database, no queue, the same sessions. The harder line.
    client_per_s: u64,
    ratio_to_client: f64,
    worker_peak_rss_mb: f64,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let mailbox = Mailbox::from_env().context("SINK_URL")?;
    let pool = PgPool::connect(config.database.url.expose_secret()).await?;
    shared::kernel::MIGRATIONS.run(&pool).await?;
    let clock = Clock::system();
    let plan = Plan::all_reachable(u32::try_from(options.recipients)?, clock.now().date_naive());
    seed::populate(&pool, &Ctx::new(Actor::System, &clock), &plan, |_| ()).await?;
    let db = Db::new(
        pool.clone(),
        Some(Signals::new(config.redis_url.expose_secret())?),
    );

    let before = plain_lettre(&config, &options).await?;
    let client_before = client_alone(&config, &options).await?;
    mailbox.clear().await?;
    let mut worker = start_worker(&options)?;
    let id = campaign::launch(&db, &clock, &config.campaigns).await?;
    let (seconds, peak_mb) = wait(&pool, id, &worker).await?;
    worker.kill().await?;
    check(&pool, &mailbox, id, options.recipients).await?;
    mailbox.clear().await?;
    let client_after = client_alone(&config, &options).await?;
    let after = plain_lettre(&config, &options).await?;

    // one half before and one after, so that a machine that grows faster or slower favours neither
    let lettre = (before + after) / 2.0;
    let client = (client_before + client_after) / 2.0;
    let ours = options.recipients as f64 / seconds;
    let report = Report {
        recipients: options.recipients,
        sessions: options.sessions,
        messages_per_s: ours.round() as u64,
        lettre_per_s: lettre.round() as u64,
        ratio: (ours / lettre * 100.0).round() / 100.0,
        client_per_s: client.round() as u64,
        ratio_to_client: (ours / client * 100.0).round() / 100.0,
        worker_peak_rss_mb: peak_mb,
    };
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

/// Messages a second of lettre's own pool: the same sessions, a message as large as ours, nothing recorded.
async fn plain_lettre(config: &Config, options: &Options) -> anyhow::Result<f64> {
    let url = url_parts(config.email.smtp_url.expose_secret())?;
    let transport: AsyncSmtpTransport<Tokio1Executor> =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(url.0)
            .port(url.1)
            .pool_config(PoolConfig::new().max_size(u32::from(options.sessions)))
            .build();
    let next = Arc::new(AtomicUsize::new(0));
    let total = options.recipients / 2;
    let began = Instant::now();
    let senders: Vec<_> = (0..options.sessions)
        .map(|_| {
            let (transport, next) = (transport.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return anyhow::Ok(());
                    }
                    transport.send(message(n)?).await?;
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await??;
    }
    Ok(total as f64 / began.elapsed().as_secs_f64())
}

/// Messages a second of our own client: the same sessions and messages, nothing recorded.
async fn client_alone(config: &Config, options: &Options) -> anyhow::Result<f64> {
    let smtp = SmtpOptions {
        sessions: options.sessions.into(),
        ..SmtpOptions::default()
    };
    let provider = Arc::new(SmtpProvider::new(&config.email.smtp_url, &smtp)?);
    let next = Arc::new(AtomicUsize::new(0));
    let total = options.recipients / 2;
    let began = Instant::now();
    let senders: Vec<_> = (0..options.sessions)
        .map(|_| {
            let (provider, next) = (provider.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= total {
                        return anyhow::Ok(());
                    }
                    let mail = OutgoingMail {
                        from: "noreply@fanz.example".parse()?,
                        to: format!("creator{n}@mail.example").parse()?,
                        message: String::from_utf8(message(n)?.formatted())?,
                    };
                    let end = provider.hand_over(&mail).await;
                    ensure!(end == Handover::Accepted, "{end:?}");
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await??;
    }
    Ok(total as f64 / began.elapsed().as_secs_f64())
}

fn message(n: usize) -> anyhow::Result<Message> {
    let text = "Hi Ada,\n\nit has been a while. Your fans ask about you.\n\nGet back to creating: https://fanz.example/\n";
    let html = format!(
        "<!doctype html><html><body><p>Hi Ada,</p><p>it has been a while.</p>{}</body></html>",
        "<p style=\"color:#444444\">Your fans ask about you.</p>".repeat(12)
    );
    Ok(Message::builder()
        .from("CreatorCRM <noreply@fanz.example>".parse()?)
        .to(format!("creator{n}@mail.example").parse()?)
        .message_id(Some(format!(
            "<plain-{n}-{}@fanz.example>",
            uuid::Uuid::now_v7()
        )))
        .subject("We miss you, Ada!")
        .multipart(MultiPart::alternative_plain_html(text.to_owned(), html))?)
}

fn url_parts(url: &str) -> anyhow::Result<(&str, u16)> {
    let rest = url.split_once("://").context("SMTP_URL")?.1;
    let (host, port) = rest.rsplit_once(':').context("SMTP_URL without a port")?;
    Ok((host, u16::from_str(port.trim_end_matches('/'))?))
}

/// A worker process of its own, so that its memory is its own.
fn start_worker(options: &Options) -> anyhow::Result<Child> {
    let program = sibling("worker")?;
    Command::new(&program)
        .env("SMTP_SESSIONS", options.sessions.to_string())
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))
}

/// Waits for the campaign's end; answers the seconds from launch to the last row, and the worker's peak memory in MB.
async fn wait(pool: &PgPool, id: CampaignId, worker: &Child) -> anyhow::Result<(f64, f64)> {
    let process = worker.id().context("the worker has ended")?;
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    loop {
        pace.tick().await;
        let status: String = sqlx::query_scalar("select status from campaigns where id = $1")
            .bind(id.uuid())
            .fetch_one(pool)
            .await?;
        if status == "completed" {
            break;
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "the campaign did not end within {PATIENCE:?}"
        );
    }
    let seconds = sqlx::query_scalar(
        "select extract(epoch from max(d.ended_at) - min(c.launched_at))::float8
         from campaigns c join campaign_deliveries d on d.campaign_id = c.id where c.id = $1",
    )
    .bind(id.uuid())
    .fetch_one(pool)
    .await?;
    Ok((seconds, peak_rss_mb(process)?))
}

async fn check(
    pool: &PgPool,
    mailbox: &Mailbox,
    id: CampaignId,
    wanted: usize,
) -> anyhow::Result<()> {
    let rows = rows_by_status(pool, id.uuid()).await?;
    let mails = mailbox.counts().await?;
    let sent = rows.get("sent").copied().unwrap_or(0);
    ensure!(
        usize::try_from(sent)? == wanted,
        "not everybody was sent to: {rows:?}"
    );
    ensure!(
        mails.unique == wanted as u64 && mails.duplicates == 0,
        "the sink has {mails:?} for {wanted} recipients"
    );
    Ok(())
}

fn peak_rss_mb(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("VmHWM")?;
    let kb: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok((kb / 102.4).round() / 10.0)
}
