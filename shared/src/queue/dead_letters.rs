//! Dead letters grouped by what went wrong.

use chrono::{DateTime, Utc};

use super::JobId;
use super::search::{SearchError, bound};
use crate::kernel::{Cursor, Db, Page, PageRequest};

/// Dead jobs that are looked at to form the groups. Of more than that, some groups are not told.
pub const GROUPED_MAX: i64 = 500_000;

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
    /// How many.
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
    let rows = sqlx::query_as!(
        DeadGroup,
        r#"
        with hours as (
            select fingerprint, kind, floor(date_part('epoch', now() - dead_at) / 3600)::int4 as ago, count(*) as count,
                   min(dead_at) as first_at, max(dead_at) as last_at
            from (select fingerprint, kind, dead_at from jobs
                  where state = 'dead' and ($1::text is null or queue = $1) and ($2::text is null or kind = $2)
                  order by fingerprint, kind, dead_at limit $3) letters
            group by 1, 2, 3
        ),
        grouped as (
            select fingerprint, kind, sum(count)::int8 as count, min(first_at) as first_at, max(last_at) as last_at
            from hours group by 1, 2
        ),
        wanted as (
            select * from grouped
            where $4::int8 is null or count < $4 or (count = $4 and (fingerprint, kind) > ($5, $6))
            order by count desc, fingerprint, kind limit $7
        )
        select g.fingerprint as "fingerprint!", g.kind as "kind!", newest.queue as "queue!", g.count as "count!",
               g.first_at as "first_at!", g.last_at as "last_at!", newest.id as "sample!: JobId",
               coalesce(newest.last_error, '') as "error!",
               array(select coalesce(h.count, 0)
                     from generate_series($8 - 1, 0, -1) with ordinality as s (ago, place)
                     left join hours h on h.ago = s.ago and h.fingerprint = g.fingerprint and h.kind = g.kind
                     order by s.place) as "by_hour!"
        from wanted g cross join lateral (
            select j.id, j.queue, j.last_error from jobs j
            where j.state = 'dead' and j.fingerprint = g.fingerprint and j.kind = g.kind
              and ($1::text is null or j.queue = $1)
            order by j.dead_at desc limit 1) newest
        order by g.count desc, g.fingerprint, g.kind
        "#,
        queue,
        kind,
        GROUPED_MAX,
        count,
        fingerprint,
        after_kind,
        limit + 1,
        HOURS_TOLD,
    )
    .fetch_all(&mut *tx)
    .await?;
    Ok(Page::of(rows, limit, |group| {
        (group.count, group.fingerprint.clone(), group.kind.clone())
    }))
}
