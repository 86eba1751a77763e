//! Runs that have fallen silent, in sets.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Marks open runs as stalled whose time has come, at most `limit`; answers how many. Runs that somebody works on
/// right now are not silent and are left alone.
pub(in crate::onboarding) async fn stall(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    by: &str,
    limit: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        with silent as (
            select id from onboarding_runs
            where state = 'open' and stalled_at is null and stalls_at <= $1 and abandons_at > $1
            order by stalls_at limit $3
            for update skip locked
        ), stalled as (
            update onboarding_runs r set stalled_at = $1 from silent where r.id = silent.id
            returning r.id, r.creator_id, r.cluster_id, r.flow_version
        ), told as (
            insert into onboarding_events (id, run_id, creator_id, kind, step, caused_by, at)
            select uuid_v7(), s.id, s.creator_id, 'run_stalled', stood.step, $2, $1
            from stalled s
            left join lateral (
                select f.step from onboarding_steps p
                join onboarding_flow_steps f on f.cluster_id = s.cluster_id and f.version = s.flow_version and f.step = p.step
                where p.run_id = s.id and p.state = 'pending' and p.started_at is not null and f.required
                  and f.proof <> 'other_steps'
                order by f.position limit 1
            ) stood on true
            returning 1
        )
        select count(*) as "count!" from told
        "#,
        now,
        by,
        limit,
    )
    .fetch_one(conn)
    .await
}

/// Gives up open runs that were silent for too long, at most `limit`; answers how many.
pub(in crate::onboarding) async fn abandon(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    by: &str,
    limit: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"
        with silent as (
            select id from onboarding_runs
            where state = 'open' and abandons_at <= $1
            order by abandons_at limit $3
            for update skip locked
        ), given_up as (
            update onboarding_runs r set state = 'abandoned', ended_at = $1, stalled_at = coalesce(r.stalled_at, r.stalls_at)
            from silent where r.id = silent.id
            returning r.id, r.creator_id, r.cluster_id, r.flow_version, r.started_at
        ), told as (
            insert into onboarding_events (id, run_id, creator_id, kind, step, minutes, caused_by, at)
            select uuid_v7(), g.id, g.creator_id, 'run_abandoned', stood.step,
                   floor(extract(epoch from $1 - g.started_at) / 60)::bigint, $2, $1
            from given_up g
            left join lateral (
                select f.step from onboarding_steps p
                join onboarding_flow_steps f on f.cluster_id = g.cluster_id and f.version = g.flow_version and f.step = p.step
                where p.run_id = g.id and p.state = 'pending' and p.started_at is not null and f.required
                  and f.proof <> 'other_steps'
                order by f.position limit 1
            ) stood on true
            returning 1
        )
        select count(*) as "count!" from told
        "#,
        now,
        by,
        limit,
    )
    .fetch_one(conn)
    .await
}
