//! One lane of a run: sessions, rows, mails, endings, again and again.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rand::RngExt;
use sqlx::PgConnection;

use super::write::{Values, write};
use super::{LaneEnd, Run};
use crate::campaigns::store::sending::{Batch, Begun, Ended, begin, record};
use crate::campaigns::{CampaignError, CampaignStatus, DeliveryId, DeliveryStatus, service};
use crate::custom_fields::{self, CustomFieldError};
use crate::kernel::EmailAddress;
use crate::messaging::{DeadMailbox, Slot, Slots, suppress};
use crate::providers::email::Handover;

/// A batch takes this part of all sessions, so that others are on the wire while it is written down.
const BATCH_SHARE: usize = 4;
/// How long a lane goes on trying to write to a database that is away. What is not written by then is unknown.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait between two tries.
const PATIENCE_STEP: Duration = Duration::from_millis(250);
/// Characters of a reason that are kept.
const REASON_MAX_CHARS: usize = 400;

pub(super) struct Lane<'a> {
    pub(super) run: &'a Run<'a>,
}

/// What became of one row, and its address if nothing must be sent there again.
struct End {
    row: Ended,
    dead: Option<DeadMailbox>,
}

impl Lane<'_> {
    /// Sends until nothing is due, the campaign is no longer active, the server cannot be used, or the run is over.
    pub(super) async fn drain(self) -> Result<(), CampaignError> {
        let mailer = &self.run.sender.mailer;
        while self.run.goes_on() {
            let mut slots = mailer.slots(mailer.sessions() / BATCH_SHARE).await;
            // it may have taken long to get them
            if !self.run.goes_on() {
                break;
            }
            let ids = self.run.next(slots.count());
            if ids.is_empty() {
                break;
            }
            let (begun, values) = self.begin(&ids).await?;
            if begun.is_empty() && !self.is_active().await? {
                self.run.end(LaneEnd::NotActive);
            }
            let ends = self.send_all(&mut slots, &begun, &values).await;
            drop(slots);
            self.record(ends).await?;
        }
        Ok(())
    }

    /// Marks the batch as being sent, and reads what its mails say beside that.
    async fn begin(&self, ids: &[DeliveryId]) -> Result<(Vec<Begun>, Values), CampaignError> {
        let run = self.run;
        let batch = Batch {
            campaign: run.job.campaign_id,
            chunk: run.job.chunk,
            run: run.id,
            statuses: &run.statuses,
            ids,
            digests: run.sender.mailer.links().digests(),
        };
        let tries = Patience::new();
        loop {
            let tried = async {
                let mut conn = run.sender.db.pool().acquire().await?;
                let begun = begin(&mut conn, batch).await?;
                let values = self.values(&mut conn, &begun).await?;
                Ok((begun, values))
            };
            match tried.await {
                Ok(begun) => return Ok(begun),
                // The commit may have happened; asking again says so. Without it, nothing was begun.
                Err(CampaignError::Db(error)) if (run.go_on)() => tries.wait(error).await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The custom fields of those who are written to, if the content names any.
    async fn values(
        &self,
        conn: &mut PgConnection,
        begun: &[Begun],
    ) -> Result<Values, CampaignError> {
        if self.run.template.custom_fields().is_empty() {
            return Ok(Values::new());
        }
        let sent = begun.iter().filter(|row| !row.skipped);
        let creators: Vec<_> = sent.map(|row| row.creator_id.into()).collect();
        match custom_fields::values_of(conn, &creators).await {
            Err(CustomFieldError::Db(error)) => Err(error.into()),
            found => Ok(found?),
        }
    }

    async fn is_active(&self) -> Result<bool, CampaignError> {
        let mut conn = self.run.sender.db.pool().acquire().await?;
        let campaign = service::get(&mut conn, self.run.job.campaign_id).await?;
        Ok(campaign.status == CampaignStatus::Active)
    }

    async fn send_all(&self, slots: &mut Slots, begun: &[Begun], values: &Values) -> Vec<End> {
        let sent = begun.iter().filter(|row| !row.skipped);
        join_all(sent.filter_map(|row| Some(self.send(slots.take()?, row, values)))).await
    }

    async fn send(&self, slot: Slot, row: &Begun, values: &Values) -> End {
        let run = self.run;
        let written = write(&run.sender.mailer, &run.template, row, values, run.now());
        let (mail, address) = match written {
            Ok(written) => written,
            Err(why) => return self.end(row, DeliveryStatus::Failed, Some(why)),
        };
        if !(run.go_on)() {
            return self.not_begun(row, None);
        }
        match run.sender.mailer.send(slot, &mail).await {
            Handover::Accepted => self.end(row, DeliveryStatus::Sent, None),
            Handover::Unknown { why } => self.end(row, DeliveryStatus::Unknown, Some(why)),
            Handover::Deferred { reply } => self.deferred(row, reply),
            Handover::Refused {
                reply,
                dead_mailbox,
            } => self.refused(row, reply, dead_mailbox.then_some(address)),
            Handover::Unreachable { why } => {
                run.end(LaneEnd::Unreachable(why.clone()));
                self.not_begun(row, Some(why))
            }
        }
    }

    fn deferred(&self, row: &Begun, reply: String) -> End {
        let policy = &self.run.sender.policy;
        let attempts = u32::try_from(row.attempts).unwrap_or(1);
        if attempts > u32::from(policy.retries) {
            let reason = format!("given up after {attempts} attempts: {reply}");
            return self.end(row, DeliveryStatus::Failed, Some(reason));
        }
        let delay = policy.backoff.delay(attempts, rand::rng().random());
        let mut end = self.end(row, DeliveryStatus::Pending, Some(reply));
        end.row.next_attempt_at = Some(self.run.now() + delay);
        end
    }

    fn refused(&self, row: &Begun, reply: String, dead: Option<EmailAddress>) -> End {
        let dead = dead.map(|address| DeadMailbox {
            address,
            reply: reply.clone(),
        });
        End {
            dead,
            ..self.end(row, DeliveryStatus::Failed, Some(reply))
        }
    }

    /// The row was marked, but nothing was handed over: it is pending as before.
    fn not_begun(&self, row: &Begun, why: Option<String>) -> End {
        let mut end = self.end(row, DeliveryStatus::Pending, why);
        end.row.counts = false;
        end
    }

    fn end(&self, row: &Begun, status: DeliveryStatus, reason: Option<String>) -> End {
        let reason = reason.map(|text| text.chars().take(REASON_MAX_CHARS).collect());
        let row = Ended {
            id: row.id.into(),
            status,
            reason,
            next_attempt_at: None,
            counts: true,
        };
        End { row, dead: None }
    }

    /// Writes the endings down. They are known only here, so a database that is away is waited for.
    async fn record(&self, ends: Vec<End>) -> Result<(), CampaignError> {
        if ends.is_empty() {
            return Ok(());
        }
        let (rows, dead): (Vec<_>, Vec<_>) =
            ends.into_iter().map(|end| (end.row, end.dead)).unzip();
        let dead: Vec<DeadMailbox> = dead.into_iter().flatten().collect();
        let tries = Patience::new();
        loop {
            match self.try_record(&rows, &dead).await {
                Ok(written) => {
                    self.note_fenced(rows.len(), written);
                    return Ok(());
                }
                Err(CampaignError::Db(error)) => tries.wait(error).await?,
                Err(other) => return Err(other),
            }
        }
    }

    async fn try_record(&self, rows: &[Ended], dead: &[DeadMailbox]) -> Result<u64, CampaignError> {
        let db = &self.run.sender.db;
        if dead.is_empty() {
            let mut conn = db.pool().acquire().await?;
            return self.write_down(&mut conn, rows).await;
        }
        let mut tx = db.begin().await?;
        let written = self.write_down(&mut tx, rows).await?;
        suppress(&mut tx, dead, self.run.now()).await?;
        tx.commit().await?;
        Ok(written)
    }

    async fn write_down(
        &self,
        conn: &mut PgConnection,
        rows: &[Ended],
    ) -> Result<u64, CampaignError> {
        Ok(record(conn, self.run.id, rows).await?)
    }

    /// Rows that were not written were taken over: this worker was thought lost, or an earlier try had written them.
    fn note_fenced(&self, ended: usize, written: u64) {
        if (ended as u64) > written {
            let (campaign, chunk) = (self.run.job.campaign_id, self.run.job.chunk);
            tracing::warn!(%campaign, chunk, ended, written, "some endings were not written: another run holds the chunk");
        }
    }
}

/// Waits for a database that is away, for a while.
struct Patience {
    until: Instant,
}

impl Patience {
    fn new() -> Self {
        Self {
            until: Instant::now() + PATIENCE,
        }
    }

    /// Waits a step, or gives the error back when patience is over.
    async fn wait(&self, error: sqlx::Error) -> Result<(), CampaignError> {
        let away = matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_)
        ) || error
            .as_database_error()
            .and_then(|e| e.code())
            .is_some_and(|code| is_away(&code));
        if !away || Instant::now() >= self.until {
            return Err(error.into());
        }
        tracing::debug!(%error, "the database is away; trying again");
        tokio::time::sleep(PATIENCE_STEP).await;
        Ok(())
    }
}

/// Codes of a server that stops, starts, or cuts connections (classes 08 and 57P).
fn is_away(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("57P")
}
