//! `chaos`: a campaign through a storm, and a count of what came of it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lab::storm::{self, Plan};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Minutes of storm.
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// Recipients.
    #[arg(long, default_value_t = 20_000)]
    recipients: usize,
    /// Worker processes.
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Of the dice; a seed of an earlier storm repeats its faults. Drawn if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Print one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let plan = Plan {
        recipients: options.recipients,
        lasting: Duration::try_from_secs_f64(options.minutes * 60.0)?,
        seed: options
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>())),
        workers: options.workers,
    };
    let bar = ProgressBar::new(0);
    let style = "{bar:40.green} {pos}/{len} recipients  {elapsed}  {msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    bar.println(format!("storm with seed {}", plan.seed));
    let report = storm::run(plan, &bar).await?;
    bar.finish_and_clear();
    if options.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report}");
    }
    report.ensure_whole()
}
