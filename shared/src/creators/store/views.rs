//! Rows of `creator_views`.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::creators::views::{NewView, View, ViewId};
use crate::creators::{CreatorError, CreatorFilter};
use crate::kernel::{Ctx, TypedId, stored};

/// Views that are listed at the most.
const LISTED_MAX: i64 = 1_000;

struct Row {
    id: Uuid,
    owner: String,
    name: String,
    shared: bool,
    filter: Json<CreatorFilter>,
    sort: String,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn view(self) -> sqlx::Result<View> {
        Ok(View {
            id: self.id.into(),
            owner: self.owner,
            name: self.name,
            shared: self.shared,
            filter: self.filter.0,
            sort: stored("sort", &self.sort)?,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A person's own views, then those that others share.
pub(in crate::creators) async fn list(
    conn: &mut PgConnection,
    owner: &str,
) -> sqlx::Result<Vec<View>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, owner, name, shared, filter as "filter: Json<CreatorFilter>", sort, version, created_at, updated_at
           from creator_views where owner = $1 or shared order by (owner = $1) desc, name, id limit $2"#,
        owner,
        LISTED_MAX,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::view).collect()
}

pub(in crate::creators) async fn count(conn: &mut PgConnection, owner: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "n!" from creator_views where owner = $1"#,
        owner
    )
    .fetch_one(conn)
    .await
}

/// None if the owner has one of this name.
pub(in crate::creators) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    owner: &str,
    new: &NewView,
) -> sqlx::Result<Option<View>> {
    let row = sqlx::query_as!(
        Row,
        r#"insert into creator_views (id, owner, name, shared, filter, sort, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $7)
           on conflict do nothing
           returning id, owner, name, shared, filter as "filter: Json<CreatorFilter>", sort, version, created_at, updated_at"#,
        ViewId::new().uuid(),
        owner,
        new.name,
        new.shared,
        Json(&new.filter) as _,
        new.sort.to_string(),
        ctx.now(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::view).transpose()
}

/// The version of one of the owner's views, which nobody else changes until the transaction ends.
pub(in crate::creators) async fn lock(
    conn: &mut PgConnection,
    owner: &str,
    id: ViewId,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "select version from creator_views where id = $1 and owner = $2 for update",
        id.uuid(),
        owner,
    )
    .fetch_optional(conn)
    .await
}

/// None if the owner has none of this id.
pub(in crate::creators) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    owner: &str,
    id: ViewId,
    new: &NewView,
) -> Result<Option<View>, CreatorError> {
    let row = sqlx::query_as!(
        Row,
        r#"update creator_views set name = $3, shared = $4, filter = $5, sort = $6, updated_at = $7, version = version + 1
           where id = $1 and owner = $2
           returning id, owner, name, shared, filter as "filter: Json<CreatorFilter>", sort, version, created_at, updated_at"#,
        id.uuid(),
        owner,
        new.name,
        new.shared,
        Json(&new.filter) as _,
        new.sort.to_string(),
        ctx.now(),
    )
    .fetch_optional(conn)
    .await
    .map_err(|error| {
        let taken = error
            .as_database_error()
            .is_some_and(|error| error.is_unique_violation());
        if taken {
            CreatorError::ViewNameTaken
        } else {
            CreatorError::Db(error)
        }
    })?;
    Ok(row.map(Row::view).transpose()?)
}

/// Whether there was one.
pub(in crate::creators) async fn delete(
    conn: &mut PgConnection,
    owner: &str,
    id: ViewId,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from creator_views where id = $1 and owner = $2",
        id.uuid(),
        owner
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
