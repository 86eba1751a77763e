//! Verification: noting what is over.

use serde_json::json;
use shared::queue::{Done, Failure, Next, Outcome, retry};
use shared::verification::{self, EXPIRE_STEP_MAX, ExpireVerifications};

use crate::job_cx::JobCx;
use crate::registry::Registry;

pub(super) fn register(registry: Registry) -> Registry {
    registry.on::<ExpireVerifications, _, _>(expire)
}

async fn expire(_: ExpireVerifications, cx: JobCx) -> Outcome {
    let mut expired = 0;
    loop {
        cx.ensure_live()?;
        if cx.cancelled().is_cancelled() {
            return Err(Failure::told(Next::Cancelled, "asked to stop"));
        }
        let ctx = cx.ctx();
        let mut tx = cx.app.db.begin().await.map_err(retry)?;
        let step = verification::expire_step(&mut tx, &ctx)
            .await
            .map_err(retry)?;
        cx.app.db.commit(tx, &ctx).await.map_err(retry)?;
        expired += step;
        if i64::try_from(step).unwrap_or(i64::MAX) < EXPIRE_STEP_MAX {
            return Ok(Done::output(&json!({ "expired": expired })));
        }
    }
}
