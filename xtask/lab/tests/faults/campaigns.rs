//! A campaign through a storm.

use std::time::Duration;

use anyhow::Result;
use indicatif::ProgressBar;
use lab::storm::{self, Plan};

use crate::support::alone;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_second_mail_and_nobody_is_forgotten() -> Result<()> {
    let _one = alone().await?;
    let plan = Plan {
        recipients: 3_000,
        lasting: Duration::from_secs(20),
        seed: 7,
        workers: 3,
    };
    let report = storm::run(plan, &ProgressBar::hidden()).await?;
    println!("{report}");
    report.ensure_whole()?;
    assert!(report.sent > 2_000, "{report}");
    assert!(report.failed > 0 && report.skipped > 0, "{report}");
    assert!(report.faults.len() >= 4, "{report}");
    Ok(())
}
