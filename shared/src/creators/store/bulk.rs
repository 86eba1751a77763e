//! Rows of `creator_bulk_operations`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::creators::CreatorFilter;
use crate::creators::bulk::{
    BulkAction, CreatorBulk, CreatorBulkId, CreatorBulkPreview, CreatorBulkState, NewCreatorBulk,
};
use crate::kernel::{Ctx, TypedId, stored};

struct Row {
    id: Uuid,
    action: Json<BulkAction>,
    filter: Json<CreatorFilter>,
    reason: String,
    state: String,
    matched: i64,
    matched_at_least: bool,
    done: i64,
    skipped: i64,
    last_refusal: Option<String>,
    error: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    fn operation(self) -> sqlx::Result<CreatorBulk> {
        Ok(CreatorBulk {
            id: self.id.into(),
            action: self.action.0,
            filter: self.filter.0,
            reason: self.reason,
            state: stored("state", &self.state)?,
            matched: self.matched,
            at_least: self.matched_at_least,
            done: self.done,
            skipped: self.skipped,
            last_refusal: self.last_refusal,
            error: self.error,
            created_by: self.created_by,
            created_at: self.created_at,
            finished_at: self.finished_at,
        })
    }
}

pub(in crate::creators) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewCreatorBulk,
    seen: &CreatorBulkPreview,
) -> sqlx::Result<CreatorBulk> {
    sqlx::query_as!(
        Row,
        r#"insert into creator_bulk_operations (id, action, filter, reason, matched, matched_at_least, created_by, created_at,
                                                updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
           returning id, action as "action: Json<BulkAction>", filter as "filter: Json<CreatorFilter>", reason, state,
                     matched, matched_at_least, done, skipped, last_refusal, error, created_by, created_at, finished_at"#,
        CreatorBulkId::new().uuid(),
        Json(&new.action) as _,
        Json(&new.filter) as _,
        new.reason,
        seen.matched,
        seen.at_least,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await?
    .operation()
}

pub(in crate::creators) async fn find(
    conn: &mut PgConnection,
    id: CreatorBulkId,
) -> sqlx::Result<Option<CreatorBulk>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, action as "action: Json<BulkAction>", filter as "filter: Json<CreatorFilter>", reason, state, matched,
                  matched_at_least, done, skipped, last_refusal, error, created_by, created_at, finished_at
           from creator_bulk_operations where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::operation).transpose()
}

/// As [`find`], with the row locked until the transaction ends.
pub(in crate::creators) async fn lock(
    conn: &mut PgConnection,
    id: CreatorBulkId,
) -> sqlx::Result<Option<CreatorBulk>> {
    sqlx::query!(
        "select 1 as one from creator_bulk_operations where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(&mut *conn)
    .await?;
    find(conn, id).await
}

/// Ids up to this one were visited.
pub(in crate::creators) async fn last_id(
    conn: &mut PgConnection,
    id: CreatorBulkId,
) -> sqlx::Result<Uuid> {
    sqlx::query_scalar!(
        "select last_id from creator_bulk_operations where id = $1",
        id.uuid()
    )
    .fetch_one(conn)
    .await
}

/// Notes a step: creators for whom it was done, and who were skipped.
pub(in crate::creators) async fn advance(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
    last: Uuid,
    (done, skipped): (i64, i64),
    refusal: Option<String>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_bulk_operations
         set last_id = $2, done = done + $3, skipped = skipped + $4, last_refusal = coalesce($5, last_refusal), updated_at = $6
         where id = $1",
        id.uuid(),
        last,
        done,
        skipped,
        refusal,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Ends an operation that runs.
pub(in crate::creators) async fn end(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorBulkId,
    state: CreatorBulkState,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update creator_bulk_operations set state = $2, error = $3, updated_at = $4, finished_at = $4
         where id = $1 and state = 'running'",
        id.uuid(),
        state.as_str(),
        error,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}
