//! Rows of `creator_import_rows` and `creator_import_keys`.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::imports::apply::Before;
use crate::imports::model::{Import, ImportId};
use crate::kernel::{Ctx, TypedId};

/// What a row did.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::imports) struct DoneRow {
    /// Its number in the file.
    pub(in crate::imports) row: i64,
    pub(in crate::imports) creator: CreatorId,
    /// The creator's version since.
    pub(in crate::imports) version: i64,
    /// What the creator was; none if it was not there.
    pub(in crate::imports) before: Option<Before>,
}

pub(in crate::imports) async fn add_rows(
    conn: &mut PgConnection,
    id: ImportId,
    done: &[DoneRow],
) -> sqlx::Result<()> {
    let rows: Vec<i64> = done.iter().map(|done| done.row).collect();
    let creators: Vec<Uuid> = done.iter().map(|done| done.creator.uuid()).collect();
    let versions: Vec<i64> = done.iter().map(|done| done.version).collect();
    let before: Vec<Option<Json<&Before>>> = done
        .iter()
        .map(|done| done.before.as_ref().map(Json))
        .collect();
    sqlx::query!(
        "insert into creator_import_rows (import_id, row, creator_id, action, version, before)
         select $1, row, creator_id, case when before is null then 'created' else 'updated' end, version, before
         from unnest($2::int8[], $3::uuid[], $4::int8[], $5::jsonb[]) as g (row, creator_id, version, before)",
        id.uuid(),
        &rows,
        &creators,
        &versions,
        before.as_slice() as &[Option<Json<&Before>>],
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Those of the creators that an import did something to.
pub(in crate::imports) async fn touched(
    conn: &mut PgConnection,
    id: ImportId,
    creators: &[CreatorId],
) -> sqlx::Result<BTreeSet<CreatorId>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let found = sqlx::query_scalar!(
        "select creator_id from creator_import_rows where import_id = $1 and creator_id = any($2)",
        id.uuid(),
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(CreatorId::from).collect())
}

/// Those of the creators who are archived since an import that made them was undone.
pub(in crate::imports) async fn archived_by_undo(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> sqlx::Result<BTreeSet<CreatorId>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let found = sqlx::query_scalar!(
        "select c.id from creator_import_rows r join creators c on c.id = r.creator_id
         where r.creator_id = any($1) and r.undone_at = c.archived_at",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(CreatorId::from).collect())
}

/// Notes what rows of a check are about; answers the rows about what another one was.
pub(in crate::imports) async fn claim(
    conn: &mut PgConnection,
    import: &Import,
    claims: &[(i64, Uuid)],
) -> sqlx::Result<BTreeSet<i64>> {
    let keys: Vec<Uuid> = claims.iter().map(|(_, key)| *key).collect();
    let new = sqlx::query_scalar!(
        "insert into creator_import_keys (import_id, pass, key) select $1, $2, key from unnest($3::uuid[]) as g (key)
         on conflict do nothing returning key",
        import.id.uuid(),
        import.pass,
        &keys,
    )
    .fetch_all(conn)
    .await?;
    let new: BTreeSet<Uuid> = new.into_iter().collect();
    let again = claims.iter().filter(|(_, key)| !new.contains(key));
    Ok(again.map(|(row, _)| *row).collect())
}

/// Whether there is something to undo.
pub(in crate::imports) async fn wrote_something(
    conn: &mut PgConnection,
    id: ImportId,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from creator_import_rows where import_id = $1) as "exists!""#,
        id.uuid()
    )
    .fetch_one(conn)
    .await
}

/// The next rows to undo, in their order.
pub(in crate::imports) async fn rows_behind(
    conn: &mut PgConnection,
    import: &Import,
    most: i64,
) -> sqlx::Result<Vec<DoneRow>> {
    let rows = sqlx::query!(
        r#"select row, creator_id, version, before as "before: Json<Before>" from creator_import_rows
           where import_id = $1 and row > $2 order by row limit $3"#,
        import.id.uuid(),
        import.undone_row,
        most,
    )
    .fetch_all(conn)
    .await?;
    let done = rows.into_iter().map(|row| DoneRow {
        row: row.row,
        creator: row.creator_id.into(),
        version: row.version,
        before: row.before.map(|Json(before)| before),
    });
    Ok(done.collect())
}

/// Notes that the rows up to `last` were looked at, and which were undone.
pub(in crate::imports) async fn note_undone(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
    last: i64,
    rows: &[i64],
    refused: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with taken_back as (
            update creator_import_rows set undone_at = $5 where import_id = $1 and row = any($3)
         )
         update creator_imports
         set undone_row = $2, undone = undone + cardinality($3::int8[]), refused = refused + $4, updated_at = $5
         where id = $1",
        id.uuid(),
        last,
        rows,
        refused,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::imports) async fn forget(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "delete from creator_import_rows where creator_id = $1",
        creator.uuid()
    )
    .execute(conn)
    .await?;
    Ok(gone.rows_affected())
}
