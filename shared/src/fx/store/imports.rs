//! The stored imports.

use sqlx::PgConnection;

use crate::fx::FxImport;
use crate::kernel::TypedId;

pub(in crate::fx) async fn insert(conn: &mut PgConnection, import: &FxImport) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into fx_imports (id, source, origin, sha256, first_day, last_day, added, corrected, unchanged,
                                 imported_by, imported_at)
         values ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8)",
        import.id.uuid(),
        import.source.as_str(),
        import.origin,
        &import.sha256[..],
        import.first_day,
        import.last_day,
        import.imported_by,
        import.imported_at,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::fx) async fn note_counts(
    conn: &mut PgConnection,
    import: &FxImport,
) -> sqlx::Result<()> {
    // a document has far fewer rates than an i32 counts
    let count = |rates: u64| i32::try_from(rates).unwrap_or(i32::MAX);
    sqlx::query!(
        "update fx_imports set added = $2, corrected = $3, unchanged = $4 where id = $1",
        import.id.uuid(),
        count(import.added),
        count(import.corrected),
        count(import.unchanged),
    )
    .execute(conn)
    .await
    .map(drop)
}
