//! The SQL of the timeline.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Entry, TimelineError, TimelineKind};
use crate::creators::CreatorId;
use crate::kernel::{Cursor, Page, PageRequest, TypedId, stored};
use crate::notes::Reader;

/// Later than everything: where the first page begins.
fn end_of_time() -> (DateTime<Utc>, Uuid) {
    let far = chrono::NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(chrono::NaiveDate::MAX);
    (far.and_time(chrono::NaiveTime::MIN).and_utc(), Uuid::max())
}

/// A page of entries. Each view answers its own latest rows by its index, and only those are put in order.
pub(super) async fn entries(
    conn: &mut PgConnection,
    creator: CreatorId,
    kinds: &[TimelineKind],
    reader: &Reader,
    page: &PageRequest,
) -> Result<Page<Entry>, TimelineError> {
    let after: Option<(DateTime<Utc>, Uuid)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (at, id) = after.unwrap_or_else(end_of_time);
    let words: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    let limit = page.limit();
    let rows = sqlx::query!(
        r#"select at as "at!", id as "id!", kind as "kind!", by as "by!", details as "details!" from (
            (select at, id, kind, by, details from timeline_status
             where 'status' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_tier
             where 'tier' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_notes
             where 'note' = any($2) and creator_id = $1 and (at, id) < ($5, $6) and (visibility = 'team' or by = $3 or (visibility = 'compliance' and $4))
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_tasks
             where 'task' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_messages
             where 'message' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_consents
             where 'consent' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_onboarding
             where 'onboarding' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_tags
             where 'tag' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_earnings
             where 'earning' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_earning_reversals
             where 'earning' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_verifications
             where 'verification' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_age_decisions
             where 'verification' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
            union all
            (select at, id, kind, by, details from timeline_payouts
             where 'payout' = any($2) and creator_id = $1 and (at, id) < ($5, $6)
             order by at desc, id desc limit $7)
        ) entries
        order by at desc, id desc limit $7"#,
        creator.uuid(),
        &words,
        reader.name,
        reader.compliance,
        at,
        id,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let entries: sqlx::Result<Vec<Entry>> = rows
        .into_iter()
        .map(|row| {
            Ok(Entry {
                id: row.id,
                kind: stored("kind", &row.kind)?,
                at: row.at,
                by: row.by,
                details: row.details,
            })
        })
        .collect();
    Ok(Page::of(entries?, limit, |entry| (entry.at, entry.id)))
}
