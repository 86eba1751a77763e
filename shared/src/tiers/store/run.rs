//! Rows of `tier_runs`, and applying what was decided.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::kernel::{Ctx, TypedId};
use crate::tiers::{TierRun, TierRunId};

struct Row {
    id: Uuid,
    day: NaiveDate,
    started_at: DateTime<Utc>,
    planned_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    evaluated: i64,
    promoted: i64,
    demoted: i64,
    created_by: String,
}

impl From<Row> for TierRun {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            day: row.day,
            started_at: row.started_at,
            planned_at: row.planned_at,
            finished_at: row.finished_at,
            evaluated: row.evaluated,
            promoted: row.promoted,
            demoted: row.demoted,
            created_by: row.created_by,
        }
    }
}

/// The run that is under way, held until the transaction ends.
pub(in crate::tiers) async fn lock_open(conn: &mut PgConnection) -> sqlx::Result<Option<TierRun>> {
    let row = sqlx::query_as!(
        Row,
        "select id, day, started_at, planned_at, finished_at, evaluated, promoted, demoted, created_by
         from tier_runs where finished_at is null for update",
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(TierRun::from))
}

/// Opens a run, unless another one came first.
pub(in crate::tiers) async fn begin(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: TierRunId,
    day: NaiveDate,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into tier_runs (id, day, started_at, created_by) values ($1, $2, $3, $4) on conflict do nothing",
        id.uuid(),
        day,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Applies the next changes of a run; answers how many it took. A creator whose tier was changed meanwhile stays as it is
/// until the next run.
pub(in crate::tiers) async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    run: TierRunId,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        with picked as (
            delete from tier_changes t
            where t.run_id = $1 and t.creator_id in (
                select creator_id from tier_changes where run_id = $1 order by creator_id limit $2)
            returning t.*
        ), there as (
            -- the creator before its tier, as whoever changes one creator locks them; the history's foreign key asks for
            -- this lock anyway
            select r.id as creator_id from creators r join picked p on p.creator_id = r.id order by r.id for key share of r
        ), held as (
            select p.*
            from there join creator_tiers c using (creator_id) join picked p using (creator_id)
            where c.tier = p.from_tier and not c.archived
              and not exists (select 1 from tier_overrides o join tier_runs r on r.id = $1
                              where o.creator_id = c.creator_id and o.set_at > r.planned_at)
            order by c.creator_id
            for no key update of c
        ), shown as (
            update creator_tiers c set tier = h.to_tier, since = $3
            from held h where c.creator_id = h.creator_id and h.to_tier <> h.from_tier
        ), told as (
            insert into creator_tier_history (id, creator_id, from_tier, to_tier, reason, actor, effective_from, recorded_at)
            select uuid_v7(), creator_id, from_tier, to_tier, reason, $4, $3, $3 from held where to_tier <> from_tier
        ), forgotten as (
            delete from creator_tier_states s using held h
            where s.creator_id = h.creator_id and h.organic = h.to_tier and h.below_since is null
        ), remembered as (
            insert into creator_tier_states (creator_id, organic, below_since, below_best)
            select creator_id, organic, below_since, below_best from held
            where organic <> to_tier or below_since is not null
            on conflict (creator_id) do update
            set organic = excluded.organic, below_since = excluded.below_since, below_best = excluded.below_best
        )
        select count(*) as "taken!" from picked
        "#,
        run.uuid(),
        most,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .fetch_one(conn)
    .await
}

/// Ends a run, and forgets the tiers set by hand whose time was over when it was decided.
pub(in crate::tiers) async fn finish(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: TierRunId,
) -> sqlx::Result<TierRun> {
    sqlx::query!(
        "delete from tier_overrides o using tier_runs r where r.id = $1 and o.ends_at <= r.planned_at",
        id.uuid(),
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query_as!(
        Row,
        "update tier_runs set finished_at = $2 where id = $1
         returning id, day, started_at, planned_at, finished_at, evaluated, promoted, demoted, created_by",
        id.uuid(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok(row.into())
}

/// The last runs, the newest first.
pub(in crate::tiers) async fn list(
    conn: &mut PgConnection,
    limit: i64,
) -> sqlx::Result<Vec<TierRun>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, day, started_at, planned_at, finished_at, evaluated, promoted, demoted, created_by
         from tier_runs order by id desc limit $1",
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(TierRun::from).collect())
}
