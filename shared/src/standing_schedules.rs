//! Every schedule that the product itself needs, on one page. Bringing the database up to date makes those that are
//! missing; operators may change and pause them like any other.

use serde_json::json;
use sqlx::PgConnection;

use crate::earnings::{ConvertEarnings, MatureEarnings};
use crate::files::PurgeFiles;
use crate::fx::ImportRates;
use crate::kernel::Ctx;
use crate::ledger::{CheckLedger, ExpireHolds, MakePartitions};
use crate::onboarding::SweepOnboarding;
use crate::payouts::{BatchPayouts, ReadStatements, RunPayouts, SweepPayouts};
use crate::privacy::RemoveRetained;
use crate::queue::schedule::{self, Misfire, ScheduleError, ScheduleSpec};
use crate::queue::{Catalog, Job};
use crate::tiers::RecalculateTiers;
use crate::verification::ExpireVerifications;

/// A schedule of `J`, which takes no arguments, in UTC.
fn every<J: Job>(name: &str, cron: &str) -> ScheduleSpec {
    ScheduleSpec {
        name: name.to_owned(),
        kind: J::KIND.to_owned(),
        args: json!({}),
        queue: None,
        priority: None,
        cron: cron.to_owned(),
        timezone: "UTC".to_owned(),
        misfire: Misfire::Once,
    }
}

/// All of them.
fn all() -> Vec<ScheduleSpec> {
    vec![
        every::<SweepOnboarding>("onboarding sweep", "7 * * * *"),
        every::<PurgeFiles>("expired files", "37 * * * *"),
        // after midnight, when the day before is whole
        every::<RecalculateTiers>("tiers of all creators", "15 0 * * *"),
        // the bank publishes at 16:00 in Frankfurt, which is 15:00 in winter
        every::<ImportRates>("exchange rates", "30 15 * * *"),
        every::<RemoveRetained>("retained data whose time is over", "45 2 * * *"),
        // what was held for a creator who may be paid again is there within the hour
        every::<MatureEarnings>("earnings that mature", "5 * * * *"),
        // those of days that are over; after an import of rates it runs by itself
        every::<ConvertEarnings>("earnings in other currencies", "25 * * * *"),
        every::<ExpireHolds>("holds whose time is over", "*/10 * * * *"),
        every::<MakePartitions>("partitions of the ledger", "45 0 * * *"),
        every::<ExpireVerifications>("verifications that are over", "10 0 * * *"),
        every::<SweepPayouts>("payouts that are due", "* * * * *"),
        // when the night's check has passed
        every::<RunPayouts>("payouts by schedule", "0 6 * * *"),
        // when those are asked for, and before banks' first cut-off
        every::<BatchPayouts>("payouts in files", "30 7 * * 1-5"),
        every::<ReadStatements>("statements of banks", "*/10 * * * *"),
        // when the night's work is done
        every::<CheckLedger>("check of the ledger", "30 3 * * *"),
    ]
}

/// Makes those that are missing; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn ensure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
) -> Result<u64, ScheduleError> {
    schedule::ensure(conn, ctx, catalog, &all()).await
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::*;
    use crate::kernel::{Actor, Clock};

    #[sqlx::test(migrations = "../migrations")]
    async fn what_the_product_needs_is_made_once_and_stays_as_operators_leave_it(pool: PgPool) {
        let mut conn = pool.acquire().await.expect("a connection");
        let ctx = Ctx::new(Actor::System, &Clock::system());
        let catalog = crate::job_kinds::catalog();
        let made = ensure(&mut conn, &ctx, &catalog).await.expect("made");
        assert_eq!(usize::try_from(made), Ok(all().len()));
        sqlx::query("update schedules set paused_at = now()")
            .execute(&mut *conn)
            .await
            .expect("paused");
        assert_eq!(ensure(&mut conn, &ctx, &catalog).await.expect("made"), 0);
        let running: i64 =
            sqlx::query_scalar("select count(*) from schedules where paused_at is null")
                .fetch_one(&mut *conn)
                .await
                .expect("counted");
        assert_eq!(running, 0);
    }
}
