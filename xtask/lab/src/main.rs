//! The laboratory: programs that run the product for real and count what came of it. `cargo xtask` starts the servers
//! they need and calls them.

mod bench_creators;
mod bench_dashboard;
mod bench_import;
mod bench_ledger;
mod bench_queue;
mod bench_send;
mod chaos;
mod demo;
mod template;

use clap::{Parser, Subcommand};
use lab::drill;

#[derive(Debug, Parser)]
#[command(about)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creators, a campaign over HTTP, and a count of what came of it.
    Demo(demo::Options),
    /// Measure.
    #[command(subcommand)]
    Bench(Bench),
    /// A campaign while workers, the leader, Redis and Postgres are killed and stopped.
    Chaos(chaos::Options),
    /// A worker for jobs that put the queue to the test; started by `chaos` and the tests.
    #[command(hide = true)]
    DrillWorker(drill::Options),
    /// Gives every database that the server makes from now on our tables; called before the tests.
    #[command(hide = true)]
    Template,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The queue with handlers that do nothing: enqueue, process, pick up.
    Queue(bench_queue::Options),
    /// Finding and listing creators, and evaluating their tiers, among very many.
    Creators(bench_creators::Options),
    /// The operators' pages on a full queue: each page, 200 of them open, and a bulk retry beside them.
    Dashboard(bench_dashboard::Options),
    /// Importing a file of creators, importing it again, exporting and undoing it.
    Import(bench_import::Options),
    /// The ledger: posting beside a plain insert of two rows, and reading balances.
    Ledger(bench_ledger::Options),
    /// A campaign over real SMTP, beside plain lettre.
    Send(bench_send::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // that a server which is stopped on purpose says so is no news
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "warn,sqlx::postgres::notice=error".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match Args::parse().command {
        Command::Demo(options) => demo::run(options).await,
        Command::Bench(Bench::Queue(options)) => bench_queue::run(options).await,
        Command::Bench(Bench::Creators(options)) => bench_creators::run(options).await,
        Command::Bench(Bench::Dashboard(options)) => bench_dashboard::run(options).await,
        Command::Bench(Bench::Import(options)) => bench_import::run(options).await,
        Command::Bench(Bench::Ledger(options)) => bench_ledger::run(options).await,
        Command::Bench(Bench::Send(options)) => bench_send::run(options).await,
        Command::Chaos(options) => chaos::run(options).await,
        Command::DrillWorker(options) => drill::run(options).await,
        Command::Template => template::run().await,
    }
}
