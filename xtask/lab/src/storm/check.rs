//! What came of a campaign: each row of the database held against the mails in the sink.

use std::collections::HashMap;
use std::fmt;

use anyhow::Result;
use serde::Serialize;
use shared::campaigns::{CampaignId, DeliveryId};
use shared::kernel::TypedId;
use sqlx::PgPool;
use uuid::Uuid;

use crate::outside::Mailbox;

/// What was counted after a storm.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Of the dice.
    pub seed: u64,
    /// From the first worker to the last row.
    pub seconds: f64,
    /// How often each fault was made.
    pub faults: Vec<(&'static str, u32)>,
    /// Rows of the campaign.
    pub audience: i64,
    /// Of these, by what became of them.
    pub sent: i64,
    /// See [`Report::sent`].
    pub failed: i64,
    /// See [`Report::sent`].
    pub skipped: i64,
    /// See [`Report::sent`].
    pub unknown: i64,
    /// Mails in the sink.
    pub mails: u64,
    /// Rows that were in the hands of something when it was struck, and messages during which the sink hung up: as many
    /// may be unknown.
    pub in_doubt: i64,
    /// Lost workers that were rescued.
    pub rescued: i64,
    /// What must not be, in words; empty if everything holds.
    pub violations: Vec<String>,
}

/// Counts and compares.
///
/// # Errors
/// If the database or the sink does not answer.
pub(super) async fn report(
    pool: &PgPool,
    mailbox: &Mailbox,
    campaign: CampaignId,
    in_doubt: i64,
) -> Result<Report> {
    let mut mails = mailbox.message_ids().await?;
    let counts = mailbox.counts().await?;
    let rows: Vec<(Uuid, String)> =
        sqlx::query_as("select id, status from campaign_deliveries where campaign_id = $1")
            .bind(campaign.uuid())
            .fetch_all(pool)
            .await?;
    let cut = i64::try_from(counts.cut_after_storing + counts.cut_before_storing)?;
    let mut report = Report {
        audience: i64::try_from(rows.len())?,
        mails: counts.messages,
        in_doubt: in_doubt + cut,
        ..Report::default()
    };
    let mut wrong: HashMap<&str, Vec<String>> = HashMap::new();
    for (id, status) in rows {
        let id = DeliveryId::from(id);
        let came = mails.remove(&id.to_string()).unwrap_or(0);
        let (counter, most, least) = match status.as_str() {
            "sent" => (&mut report.sent, 1, 1),
            "unknown" => (&mut report.unknown, 1, 0),
            "failed" => (&mut report.failed, 0, 0),
            "skipped" => (&mut report.skipped, 0, 0),
            _ => {
                wrong
                    .entry("have not ended")
                    .or_default()
                    .push(id.to_string());
                continue;
            }
        };
        *counter += 1;
        if !(least..=most).contains(&came) {
            let what = if came > most {
                "have more mails than their status allows"
            } else {
                "are sent and have no mail"
            };
            let example = format!("{id} ({status}, {came} mails)");
            wrong.entry(what).or_default().push(example);
        }
    }
    for (what, rows) in wrong {
        let some = rows[..rows.len().min(5)].join(", ");
        report
            .violations
            .push(format!("{} rows {what}: {some}", rows.len()));
    }
    report.hold_totals(&mails);
    report.hold_queue(pool).await?;
    Ok(report)
}

impl Report {
    /// What does not concern a single row.
    fn hold_totals(&mut self, strangers: &HashMap<String, u64>) {
        let ended = self.sent + self.failed + self.skipped + self.unknown;
        if ended != self.audience {
            let open = self.audience - ended;
            self.violations
                .push(format!("{open} rows are missing from the sum"));
        }
        if !strangers.is_empty() {
            let n = strangers.len();
            self.violations.push(format!("{n} mails belong to no row"));
        }
        if self.unknown > self.in_doubt {
            self.violations.push(format!(
                "{} rows are unknown, and only {} were in flight when something was struck",
                self.unknown, self.in_doubt
            ));
        }
    }

    /// What the queue must look like afterwards.
    async fn hold_queue(&mut self, pool: &PgPool) -> Result<()> {
        let (dead, waiting): (i64, i64) = sqlx::query_as(
            "select count(*) filter (where state = 'dead'),
                    count(*) filter (where state <> 'dead' and run_at <= now()) from jobs",
        )
        .fetch_one(pool)
        .await?;
        if dead + waiting > 0 {
            self.violations.push(format!(
                "{dead} jobs are dead and {waiting} were left behind"
            ));
        }
        self.rescued = sqlx::query_scalar("select count(*) from workers where state = 'lost'")
            .fetch_one(pool)
            .await?;
        Ok(())
    }

    /// # Errors
    /// With all violations, if there are any.
    pub fn ensure_whole(&self) -> Result<()> {
        anyhow::ensure!(
            self.violations.is_empty(),
            "the storm broke a promise:\n  {}\n{self}",
            self.violations.join("\n  ")
        );
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  seed {}, {:.0} s", self.seed, self.seconds)?;
        for (fault, times) in &self.faults {
            writeln!(f, "  {times:>8}   {fault}")?;
        }
        writeln!(
            f,
            "  {:>8}   lost workers whose jobs were taken back",
            self.rescued
        )?;
        writeln!(f, "  {:>8}   recipients", self.audience)?;
        writeln!(f, "  {:>8}   sent", self.sent)?;
        writeln!(f, "  {:>8}   failed", self.failed)?;
        writeln!(f, "  {:>8}   skipped", self.skipped)?;
        writeln!(
            f,
            "  {:>8}   unknown, of {} that were in flight when something was struck",
            self.unknown, self.in_doubt
        )?;
        writeln!(f, "  {:>8}   mails in the sink", self.mails)?;
        write!(f, "  {:>8}   promises broken", self.violations.len())
    }
}
