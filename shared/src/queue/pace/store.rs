//! The table of paces.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgPool};

use super::{BUCKETS, Pace, Pickup, Span, Tally};

/// How many times its span a step is kept.
const KEPT_SPANS: i32 = 4;

/// Adds what ended just now, to the present step of every span.
///
/// # Errors
/// If the database does not answer; then nothing is added.
pub async fn add(pool: &PgPool, tallies: &BTreeMap<String, Tally>) -> sqlx::Result<()> {
    if tallies.is_empty() {
        return Ok(());
    }
    let steps: Vec<i32> = Span::ALL.iter().map(|span| span.step_s()).collect();
    let queues: Vec<String> = tallies.keys().cloned().collect();
    let column = |of: fn(&Tally) -> u64| -> Vec<i64> {
        tallies.values().map(|tally| stored(of(tally))).collect()
    };
    // an array of arrays would come apart in unnest; so the counts travel as one text each
    let pickups: Vec<String> = tallies
        .values()
        .map(|tally| literal(&tally.pickup))
        .collect();
    sqlx::query!(
        r#"
        insert into queue_pace as p (step_s, at, queue, completed, failed, dead, pickup)
        select s.step, to_timestamp(floor(extract(epoch from now()) / s.step) * s.step), t.queue, t.completed, t.failed,
               t.dead, t.pickup::bigint[]
        from unnest($1::int[]) s(step),
             unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) t(queue, completed, failed, dead, pickup)
        -- the same order in every process, so that two that add at once wait for each other instead of blocking
        order by s.step, t.queue
        on conflict (step_s, at, queue) do update set
            completed = p.completed + excluded.completed, failed = p.failed + excluded.failed, dead = p.dead + excluded.dead,
            pickup = (select array_agg(coalesce(a, 0) + coalesce(b, 0) order by i)
                      from unnest(p.pickup, excluded.pickup) with ordinality u(a, b, i))
        "#,
        &steps,
        &queues,
        &column(|tally| tally.completed),
        &column(|tally| tally.failed),
        &column(|tally| tally.dead),
        &pickups,
    )
    .execute(pool)
    .await
    .map(drop)
}

/// How fast it went over `span` up to now.
///
/// # Errors
/// If the database does not answer.
pub async fn read(conn: &mut PgConnection, span: Span) -> sqlx::Result<Pace> {
    let rows = sqlx::query!(
        r#"select now() as "now!", p.at as "at?", p.queue as "queue?", p.completed as "completed?", p.failed as "failed?",
                  p.dead as "dead?", p.pickup as "pickup?"
           from (select 1) one left join queue_pace p on p.step_s = $1 and p.at > now() - make_interval(secs => $2)"#,
        span.step_s(),
        span.seconds(),
    )
    .fetch_all(conn)
    .await?;
    let until = rows.first().map_or_else(Default::default, |row| row.now);
    let tallies = rows.into_iter().filter_map(|row| {
        let tally = Tally {
            completed: row.completed?.unsigned_abs(),
            failed: row.failed?.unsigned_abs(),
            dead: row.dead?.unsigned_abs(),
            pickup: pickup_of(&row.pickup?),
        };
        Some(((row.at?, row.queue?), tally))
    });
    Ok(Pace {
        span,
        until,
        tallies: tallies.collect(),
    })
}

/// Deletes steps that no span looks back on any more.
///
/// # Errors
/// If the database does not answer.
pub async fn forget_old(pool: &PgPool) -> sqlx::Result<u64> {
    let steps: Vec<i32> = Span::ALL.iter().map(|span| span.step_s()).collect();
    let kept: Vec<i32> = Span::ALL
        .iter()
        .map(|span| span.step_s() * span.steps() * KEPT_SPANS)
        .collect();
    let done = sqlx::query!(
        "delete from queue_pace p using unnest($1::int[], $2::int[]) s(step, kept)
         where p.step_s = s.step and p.at < now() - make_interval(secs => s.kept)",
        &steps,
        &kept,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

fn stored(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn literal(pickup: &Pickup) -> String {
    let counts: Vec<String> = pickup.0.iter().map(u64::to_string).collect();
    format!("{{{}}}", counts.join(","))
}

fn pickup_of(counts: &[i64]) -> Pickup {
    let mut pickup = [0; BUCKETS];
    for (own, n) in pickup.iter_mut().zip(counts) {
        *own = n.unsigned_abs();
    }
    Pickup(pickup)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::queue::metrics::Ending;
    use crate::queue::pace::PaceBook;

    #[sqlx::test(migrations = "../migrations")]
    async fn what_processes_count_adds_up_in_every_span(pool: PgPool) -> sqlx::Result<()> {
        let book = PaceBook::default();
        for ending in [
            Ending::Completed,
            Ending::Completed,
            Ending::Failed,
            Ending::Dead,
            Ending::Again,
        ] {
            book.ended("mail", ending, Duration::from_millis(12));
        }
        let counted = book.take();
        assert!(
            book.take().is_empty(),
            "what was taken is not counted again"
        );
        add(&pool, &counted).await?;
        add(&pool, &counted).await?;
        let mut conn = pool.acquire().await?;
        for span in Span::ALL {
            let pace = read(&mut conn, span).await?;
            let tally = pace.of_queue("mail");
            // two additions may fall into two steps; their sum is the same
            assert_eq!(
                (tally.completed, tally.failed, tally.dead),
                (4, 2, 2),
                "{span:?}"
            );
            let median = tally.pickup.percentile(0.5).expect("jobs");
            assert!((0.010..=0.015).contains(&median), "{median}");
            assert_eq!(
                pace.points()
                    .iter()
                    .map(|(_, tally)| tally.completed)
                    .sum::<u64>(),
                4
            );
        }
        Ok(())
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn old_steps_go(pool: PgPool) -> sqlx::Result<()> {
        let book = PaceBook::default();
        book.ended("mail", Ending::Completed, Duration::ZERO);
        add(&pool, &book.take()).await?;
        sqlx::query("update queue_pace set at = at - interval '2 hours'")
            .execute(&pool)
            .await?;
        assert_eq!(
            forget_old(&pool).await?,
            1,
            "only the steps of ten seconds are that short-lived"
        );
        Ok(())
    }
}
