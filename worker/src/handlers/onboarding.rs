//! Onboarding: looking for runs that have fallen silent.

use serde_json::json;
use shared::onboarding::{self, SweepOnboarding};
use shared::queue::{Done, Outcome, retry};

use super::follow;
use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<SweepOnboarding, _, _>(sweep)
}

async fn sweep(_: SweepOnboarding, cx: JobCx) -> Outcome {
    let (mut stalled, mut abandoned) = (0, 0);
    loop {
        cx.ensure_wanted()?;
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let swept = onboarding::sweep(&mut tx, &ctx).await.map_err(follow)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        stalled += swept.stalled;
        abandoned += swept.abandoned;
        if !swept.may_go_on() {
            return Ok(Done::Output(
                json!({ "stalled": stalled, "abandoned": abandoned }),
            ));
        }
    }
}
