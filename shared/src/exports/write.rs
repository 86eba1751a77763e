//! Writing the file, a step at a time.

use csv::Writer;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Column, Export, ExportId, ExportState, Line, PlainColumn};
use super::{ExportError, store};
use crate::audit::{self, Entry};
use crate::cells;
use crate::creators::{self, CreatorId};
use crate::custom_fields;
use crate::files;
use crate::kernel::Ctx;
use crate::tags;

/// Creators that one step writes at the most.
pub const STEP_ROWS: i64 = 1_000;
/// Bytes of a file at the most.
pub const EXPORT_MAX_BYTES: i64 = 1024 * 1024 * 1024;

/// Writes the next creators of an export; answers how it stands then. One that has ended stays as it is.
///
/// # Errors
/// If there is none of that id, the file becomes too large, or the database refuses; then roll back, and doing it again
/// does the same.
pub async fn step(conn: &mut PgConnection, ctx: &Ctx, id: ExportId) -> Result<Export, ExportError> {
    let export = store::lock(conn, id).await?;
    let export = export.ok_or(ExportError::NotFound(id))?;
    if export.state != ExportState::Running {
        return Ok(export);
    }
    let Some(file) = export.file else {
        return Err(ExportError::Expired);
    };
    let (filter, at) = (&export.filter, export.created_at);
    let ids =
        creators::next_matching(conn, filter, export.by_email, at, export.last, STEP_ROWS).await?;
    match ids.last() {
        None => finish(conn, ctx, &export).await?,
        Some(last) => {
            let lines = lines(conn, &export, &ids).await?;
            let size = files::append(conn, file, &lines).await?;
            if size > EXPORT_MAX_BYTES {
                return Err(ExportError::TooLarge);
            }
            let rows = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            store::advance(conn, ctx, id, *last, rows).await?;
        }
    }
    let export = store::lock(conn, id).await?;
    export.ok_or(ExportError::NotFound(id))
}

async fn finish(conn: &mut PgConnection, ctx: &Ctx, export: &Export) -> Result<(), ExportError> {
    store::end(conn, ctx, export.id, ExportState::Completed, None).await?;
    let entry = Entry::new("creator.export_end", export.id).after(json!({ "rows": export.rows }));
    Ok(audit::record(conn, ctx, entry).await?)
}

/// The names of the columns as the file's first line.
pub(super) fn header(columns: &[Column]) -> Result<Vec<u8>, ExportError> {
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(ToString::to_string))?;
    Ok(bytes(writer)?)
}

async fn lines(
    conn: &mut PgConnection,
    export: &Export,
    ids: &[CreatorId],
) -> Result<Vec<u8>, ExportError> {
    let wants_tags = export.columns.contains(&Column::Plain(PlainColumn::Tags));
    let tags = if wants_tags {
        tags::of_many(conn, ids).await?
    } else {
        Default::default()
    };
    let values = if export
        .columns
        .iter()
        .any(|column| matches!(column, Column::Custom(_)))
    {
        custom_fields::values_of(conn, ids).await?
    } else {
        Default::default()
    };
    let mut writer = Writer::from_writer(Vec::new());
    for known in &creators::known(conn, ids).await? {
        let line = Line {
            known,
            tags: tags.get(&known.creator.id),
            values: values.get(&known.creator.id),
        };
        let cells = export.columns.iter().map(|column| line.cell(column));
        writer.write_record(cells.map(|cell| cells::guarded(&cell)))?;
    }
    Ok(bytes(writer)?)
}

fn bytes(writer: Writer<Vec<u8>>) -> Result<Vec<u8>, csv::Error> {
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}
