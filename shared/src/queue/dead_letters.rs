//! Dead letters grouped by what went wrong.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::JobId;
use super::search::{SearchError, bound};
use crate::kernel::{Cursor, Db, Page, PageRequest};

/// Groups that are looked at, in the order of their fingerprints; more than that are not told.
pub const GROUPS_MAX: i32 = 10_000;

/// How far a group is counted.
pub const COUNT_MAX: i64 = 500_000;

/// Hours that a group tells its deaths of.
pub const HOURS_TOLD: i32 = 24;

/// Dead jobs of one kind with the same sort of error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadGroup {
    /// The same for errors that differ only in numbers, ids and quoted values.
    pub fingerprint: String,
    /// Their kind.
    pub kind: String,
    /// The queue of the newest.
    pub queue: String,
    /// How many; at most [`COUNT_MAX`] are counted.
    pub count: i64,
    /// When the first of them died.
    pub first_at: DateTime<Utc>,
    /// When the last one died.
    pub last_at: DateTime<Utc>,
    /// The newest of them.
    pub sample: JobId,
    /// Its error.
    pub error: String,
    /// How many died in each of the last [`HOURS_TOLD`] hours, the present one last.
    pub by_hour: Vec<i64>,
}

/// Where a page of groups ended: groups are ordered by size, then by name.
type Place = (i64, String, String);

/// The groups of dead jobs, the largest first; of one queue or kind if that is asked for.
///
/// # Errors
/// If there are too many dead jobs to group in time, or the cursor is not ours.
pub async fn groups(
    db: &Db,
    queue: Option<&str>,
    kind: Option<&str>,
    page: &PageRequest,
) -> Result<Page<DeadGroup>, SearchError> {
    let after: Option<Place> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (count, fingerprint, after_kind) = match after {
        Some((count, fingerprint, kind)) => (Some(count), Some(fingerprint), Some(kind)),
        None => (None, None, None),
    };
    let limit = page.limit();
    let mut tx = db.begin().await?;
    bound(&mut tx).await?;
    read_in_order(&mut tx).await?;
    // From group to group by the index, then along each of them: rows of jobs are not touched.
    let rows = sqlx::query_as!(
        Group,
        r#"
        with recursive found as (
            (select fingerprint, kind, 1 as nth from jobs where state = 'dead' order by fingerprint, kind limit 1)
            union all
            select next.fingerprint, next.kind, f.nth + 1
            from found f cross join lateral (
                select fingerprint, kind from jobs
                where state = 'dead' and (fingerprint, kind) > (f.fingerprint, f.kind)
                order by fingerprint, kind limit 1) next
            where f.nth < $3
        ),
        counted as (
            select f.fingerprint, f.kind, letters.count
            from found f cross join lateral (
                select count(*) as count
                from (select from jobs j
                      where j.state = 'dead' and j.fingerprint = f.fingerprint and j.kind = f.kind
                        and ($1::text is null or j.queue = $1)
                      order by j.dead_at limit $9) l) letters
            where ($2::text is null or f.kind = $2) and letters.count > 0
        ),
        wanted as (
            select * from counted
            where $4::int8 is null or count < $4 or (count = $4 and (fingerprint, kind) > ($5, $6))
            order by count desc, fingerprint, kind limit $7
        )
        select g.fingerprint as "fingerprint!", g.kind as "kind!", g.count as "count!", newest.queue as "queue!",
               oldest.dead_at as "first_at!", newest.dead_at as "last_at!", newest.id as "sample!",
               array(select (select count(*)
                             from (select from jobs j
                                   where j.state = 'dead' and j.fingerprint = g.fingerprint and j.kind = g.kind
                                     and ($1::text is null or j.queue = $1)
                                     and j.dead_at > now() - make_interval(hours => s.ago + 1)
                                     and j.dead_at <= now() - make_interval(hours => s.ago)
                                   order by j.dead_at limit $9) l)
                     from generate_series($8 - 1, 0, -1) with ordinality as s (ago, place)
                     order by s.place) as "by_hour!"
        from wanted g
        cross join lateral (
            select j.dead_at from jobs j
            where j.state = 'dead' and j.fingerprint = g.fingerprint and j.kind = g.kind
              and ($1::text is null or j.queue = $1)
            order by j.dead_at limit 1) oldest
        cross join lateral (
            select j.dead_at, j.id, j.queue from jobs j
            where j.state = 'dead' and j.fingerprint = g.fingerprint and j.kind = g.kind
              and ($1::text is null or j.queue = $1)
            order by j.dead_at desc limit 1) newest
        order by g.count desc, g.fingerprint, g.kind
        "#,
        queue,
        kind,
        GROUPS_MAX,
        count,
        fingerprint,
        after_kind,
        limit + 1,
        HOURS_TOLD,
        COUNT_MAX,
    )
    .fetch_all(&mut *tx)
    .await?;
    let mut errors = errors(&mut tx, rows.iter().map(|group| group.sample).collect()).await?;
    let told = rows.into_iter().map(|group| DeadGroup {
        error: errors.remove(&group.sample).unwrap_or_default(),
        fingerprint: group.fingerprint,
        kind: group.kind,
        queue: group.queue,
        count: group.count,
        first_at: group.first_at,
        last_at: group.last_at,
        sample: group.sample.into(),
        by_hour: group.by_hour,
    });
    Ok(Page::of(told.collect(), limit, |group| {
        (group.count, group.fingerprint.clone(), group.kind.clone())
    }))
}

/// A group without its error.
struct Group {
    fingerprint: String,
    kind: String,
    queue: String,
    count: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    sample: Uuid,
    by_hour: Vec<i64>,
}

/// For the rest of this transaction, has the planner read in the order of an index rather than sort. After a burst of
/// deaths it believes that there are none yet, and would take any index of dead jobs for as good as that of the groups;
/// since each look wants the order that only this one has, it is left with no other.
async fn read_in_order(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!(
        "select set_config('enable_sort', 'off', true) as a, set_config('enable_incremental_sort', 'off', true) as b"
    )
    .fetch_one(conn)
    .await
    .map(drop)
}

/// What these jobs' last errors say.
async fn errors(conn: &mut PgConnection, ids: Vec<Uuid>) -> sqlx::Result<HashMap<Uuid, String>> {
    let rows = sqlx::query!(
        r#"select id, coalesce(last_error, '') as "error!" from jobs where id = any($1)"#,
        &ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.error)).collect())
}
