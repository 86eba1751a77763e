//! Schedules that the product itself needs.

use sqlx::PgConnection;

use super::{ScheduleError, ScheduleId, ScheduleSpec};
use crate::kernel::{Ctx, TypedId};
use crate::queue::{Catalog, Priority};

/// Makes those of `wanted` whose name no schedule has; answers how many. One that was changed or paused stays as it is.
///
/// # Errors
/// If one of them is not acceptable or the database refuses.
pub async fn ensure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    wanted: &[ScheduleSpec],
) -> Result<u64, ScheduleError> {
    let mut made = 0;
    for spec in wanted {
        spec.check(catalog, ctx.now())?;
        let new = sqlx::query!(
            "insert into schedules (id, name, kind, args, queue, priority, cron, timezone, misfire, last_tick, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now(), $10)
             on conflict (name) do nothing",
            ScheduleId::new().uuid(),
            spec.name,
            spec.kind,
            spec.args,
            spec.queue,
            spec.priority.map(Priority::rank),
            spec.cron,
            spec.timezone,
            spec.misfire.as_str(),
            ctx.actor.to_string(),
        )
        .execute(&mut *conn)
        .await?;
        made += new.rows_affected();
    }
    Ok(made)
}
