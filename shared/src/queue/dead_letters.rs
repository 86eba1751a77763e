//! Dead letters grouped by what went wrong.

use chrono::{DateTime, Utc};

use super::JobId;
use super::search::{SearchError, bound};
use crate::kernel::{Cursor, Db, Page, PageRequest};

/// Dead jobs that are looked at to form the groups, the newest.
pub const GROUPED_MAX: i64 = 100_000;

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
        with letters as (
            select id, kind, queue, coalesce(fingerprint, '') as fingerprint, dead_at, last_error from jobs
            where state = 'dead' and ($1::text is null or queue = $1) and ($2::text is null or kind = $2)
            order by id desc limit $3
        ),
        grouped as (
            select fingerprint, kind, count(*) as count, min(dead_at) as first_at, max(dead_at) as last_at,
                   (array_agg(id order by dead_at desc, id desc))[1] as sample_id
            from letters group by fingerprint, kind
        ),
        hours as (
            select fingerprint, kind, floor(extract(epoch from now() - dead_at) / 3600)::int4 as ago, count(*) as count
            from letters where dead_at > now() - make_interval(hours => $8) group by 1, 2, 3
        )
        select g.fingerprint as "fingerprint!", g.kind as "kind!", j.queue as "queue!", g.count as "count!",
               g.first_at as "first_at!", g.last_at as "last_at!", g.sample_id as "sample!: JobId",
               coalesce(j.last_error, '') as "error!",
               array(select coalesce(h.count, 0)
                     from generate_series($8 - 1, 0, -1) with ordinality as s (ago, place)
                     left join hours h on h.ago = s.ago and h.fingerprint = g.fingerprint and h.kind = g.kind
                     order by s.place) as "by_hour!"
        from grouped g join jobs j on j.id = g.sample_id
        where $4::int8 is null or g.count < $4 or (g.count = $4 and (g.fingerprint, g.kind) > ($5, $6))
        order by g.count desc, g.fingerprint, g.kind limit $7
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
