//! Figures over runs and their history.

use sqlx::PgConnection;

use crate::kernel::stored;
use crate::onboarding::{Figures, FiguresFilter, StepFigures};

/// The figures of runs; without the steps.
pub(in crate::onboarding) async fn run_figures(
    conn: &mut PgConnection,
    filter: &FiguresFilter,
    reach: Option<&[String]>,
) -> sqlx::Result<Figures> {
    let row = sqlx::query!(
        r#"
        select count(*) as "started!",
               count(*) filter (where state = 'completed') as "completed!",
               count(*) filter (where state = 'abandoned') as "abandoned!",
               count(*) filter (where state = 'open') as "open!",
               count(*) filter (where state = 'open' and stalled_at is not null) as "stalled!",
               count(*) filter (where state = 'completed')::float8
                   / nullif(count(*) filter (where state <> 'open'), 0) as completion_rate,
               (avg(extract(epoch from ended_at - started_at) / 60) filter (where state = 'completed'))::float8 as average_minutes,
               percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8 / 60)
                   filter (where state = 'completed') as median_minutes
        from onboarding_runs
        where state <> 'superseded' and ($1::text is null or cluster_id = $1) and ($4::text[] is null or cluster_id = any($4))
          and ($2::timestamptz is null or started_at >= $2)
          and ($3::timestamptz is null or started_at < $3)
        "#,
        filter.cluster,
        filter.from,
        filter.to,
        reach,
    )
    .fetch_one(conn)
    .await?;
    Ok(Figures {
        started: row.started,
        completed: row.completed,
        abandoned: row.abandoned,
        open: row.open,
        stalled: row.stalled,
        completion_rate: row.completion_rate,
        average_minutes: row.average_minutes,
        median_minutes: row.median_minutes,
        steps: Vec::new(),
    })
}

/// The figures of each step. A step that was reopened counts as it stands now; its minutes are those of the last time.
pub(in crate::onboarding) async fn step_figures(
    conn: &mut PgConnection,
    filter: &FiguresFilter,
    reach: Option<&[String]>,
) -> sqlx::Result<Vec<StepFigures>> {
    let rows = sqlx::query!(
        r#"
        with runs as (
            select id, state, ended_at from onboarding_runs
            where state <> 'superseded' and ($1::text is null or cluster_id = $1) and ($4::text[] is null or cluster_id = any($4))
              and ($2::timestamptz is null or started_at >= $2)
              and ($3::timestamptz is null or started_at < $3)
        ), given_up as (
            select e.step, count(*) as count
            from runs join onboarding_events e on e.run_id = runs.id and e.kind = 'run_abandoned' and e.at = runs.ended_at
            where runs.state = 'abandoned'
            group by e.step
        ), went as (
            select s.step,
                   count(s.started_at) as started,
                   count(*) filter (where s.state = 'completed') as completed,
                   count(*) filter (where s.state = 'skipped') as skipped,
                   (avg(extract(epoch from s.ended_at - s.started_at) / 60) filter (where s.state = 'completed'))::float8 as average,
                   percentile_cont(0.5) within group (order by extract(epoch from s.ended_at - s.started_at)::float8 / 60)
                       filter (where s.state = 'completed') as median
            from runs join onboarding_steps s on s.run_id = runs.id
            group by s.step
        )
        select w.step as "step!", w.started as "started!", w.completed as "completed!", w.skipped as "skipped!",
               w.average, w.median, coalesce(g.count, 0) as "abandoned_here!"
        from went w left join given_up g on g.step = w.step
        "#,
        filter.cluster,
        filter.from,
        filter.to,
        reach,
    )
    .fetch_all(conn)
    .await?;
    let steps: sqlx::Result<Vec<StepFigures>> = rows
        .into_iter()
        .map(|row| {
            Ok(StepFigures {
                step: stored("step", &row.step)?,
                started: row.started,
                completed: row.completed,
                skipped: row.skipped,
                abandoned_here: row.abandoned_here,
                average_minutes: row.average,
                median_minutes: row.median,
            })
        })
        .collect();
    let mut steps = steps?;
    steps.sort_by_key(|step| step.step);
    Ok(steps)
}
