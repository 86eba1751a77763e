//! The statement that decides a run: the rules of `model.rs`, for everybody at once.

use chrono::Duration;
use sqlx::PgConnection;

use crate::creators::Tier;
use crate::kernel::Ctx;
use crate::tiers::{TierPolicy, TierRun};

/// Memory that the statement may use for each of its sorts and hashes: a million creators fit.
const WORK_MEM: &str = "128MB";

/// Decides every change of a run and writes it down to be applied.
pub(in crate::tiers) async fn plan(
    conn: &mut PgConnection,
    ctx: &Ctx,
    run: &TierRun,
    policy: &TierPolicy,
) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('work_mem', $1, true) as a, set_config('jit', 'off', true) as b",
        WORK_MEM
    )
    .fetch_one(&mut *conn)
    .await?;
    let words: Vec<String> = Tier::ALL.iter().map(ToString::to_string).collect();
    let thresholds: Vec<i64> = policy.bands.iter().map(|band| band.from_minor).collect();
    let ranks: Vec<i32> = policy.bands.iter().map(|band| rank(band.tier)).collect();
    sqlx::query!(
        r#"
        with figures as (
            select creator_id, sum(share_minor)::bigint as figure
            from creator_earnings_daily
            where day between $2 and $3
            group by creator_id
        ), standing as materialized (
            select c.creator_id as id, c.tier_rank::int4 as shown, c.created_at, c.status = 'active' as active,
                   coalesce(f.figure, 0) as figure,
                   coalesce(array_position($4::text[], s.organic) - 1, c.tier_rank)::int4 as organic,
                   s.below_since, array_position($4, s.below_best) - 1 as best,
                   array_position($4, o.tier) - 1 as by_hand
            from creator_tiers c
            left join figures f using (creator_id)
            left join creator_tier_states s using (creator_id)
            left join tier_overrides o on o.creator_id = c.creator_id and o.ends_at > $5
            where not c.archived
        ), legends as (
            select id from standing
            where active and figure > 0
            order by figure desc, created_at, id
            limit (select case when count(*) >= $6 then count(*) / $7::int4 else 0 end from standing where active)
        ), earning as (
            select n.*, l.id is not null as legend,
                   ($8::int4[])[greatest(width_bucket(n.figure, $9::bigint[]), 1)] as band
            from standing n left join legends l on l.id = n.id
        ), judged as (
            select e.*, case when legend then $10::int4
                             when band < $11::int4 and created_at > $12 then 0
                             else band end as earned
            from earning e
        ), patient as (
            select j.*, coalesce(below_since, $3) as since, greatest(best, earned) as best_since,
                   (coalesce(below_since, $3) + make_interval(months => $13))::date <= $3 as lost
            from judged j
        ), decided as (
            select p.*,
                   case when earned >= organic then earned when lost then best_since else organic end as next_organic,
                   case when earned >= organic then null
                        when not lost then since
                        when earned < best_since then $3 end as next_since,
                   case when earned >= organic then null
                        when not lost then best_since
                        when earned < best_since then earned end as next_best
            from patient p
        ), changes as (
            select d.*, coalesce(by_hand, next_organic) as next_shown
            from decided d
            where (coalesce(by_hand, next_organic), next_organic, next_since, next_best)
                  is distinct from (shown, organic, below_since, best)
        ), kept as (
            insert into tier_changes (run_id, creator_id, from_tier, to_tier, organic, below_since, below_best, reason)
            select $1, id, ($4)[shown + 1], ($4)[next_shown + 1], ($4)[next_organic + 1], next_since, ($4)[next_best + 1],
                   case when legend then 'among the first ' || (select count(*) from legends) || ' of all active creators: '
                        when next_shown = 1 and shown = 0 then 'no newcomer any more: '
                        when next_shown < shown and since < $3 then 'below since ' || since || ': '
                        else '' end
                   || figure || ' minor units of ' || $14::text || ' earned from ' || $2::date || ' to ' || $3::date
            from changes
        )
        update tier_runs
        set planned_at = $5, evaluated = (select count(*) from standing),
            promoted = (select count(*) from changes where next_shown > shown),
            demoted = (select count(*) from changes where next_shown < shown)
        where id = $1
        "#,
        run.uuid(),
        policy.first_day(run.day),
        run.day,
        &words,
        ctx.now(),
        i64::from(policy.legend_min_active),
        policy.legend_one_in,
        &ranks,
        &thresholds,
        rank(Tier::Legend),
        rank(Tier::Rising),
        ctx.now() - Duration::days(i64::from(policy.newcomer_days)),
        policy.demote_after_months,
        policy.currency,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A tier's place from below, as the statement counts.
fn rank(tier: Tier) -> i32 {
    i32::from(tier.rank())
}
