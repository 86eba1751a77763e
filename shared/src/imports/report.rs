//! The file that tells which rows were refused, and why: the rows as they came, so that they can be mended and sent again.

use chrono::Duration;
use csv::{StringRecord, WriterBuilder};
use sqlx::PgConnection;

use super::model::{Import, Problem, UNDO_DAYS};
use super::store;
use crate::cells;
use crate::files::{self, FileId, NewFile};
use crate::kernel::Ctx;

/// A row that was refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refused {
    pub(super) row: i64,
    pub(super) cells: StringRecord,
    pub(super) problems: Vec<Problem>,
}

/// Adds rows to the import's report.
pub(super) async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    refused: &[Refused],
) -> sqlx::Result<()> {
    if refused.is_empty() {
        return Ok(());
    }
    let rows = refused.iter().map(|refused| {
        let count = import.headers.len().max(refused.cells.len());
        let cells =
            (0..count).map(|at| cells::unguarded(refused.cells.get(at).unwrap_or_default()));
        let told = refused
            .problems
            .iter()
            .map(|problem| match &problem.column {
                Some(column) => format!("{column}: {}", problem.message),
                None => problem.message.clone(),
            });
        let told: Vec<String> = told.collect();
        let mut row: Vec<String> = cells.map(str::to_owned).collect();
        row.extend([refused.row.to_string(), told.join(" | ")]);
        row
    });
    let mut header = import.headers.clone();
    header.extend(["importRow".to_owned(), "importErrors".to_owned()]);
    append(conn, ctx, import, header, rows.collect()).await
}

/// Adds rows that were not taken back: which, whom, why.
pub(super) async fn add_not_undone(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    kept: Vec<[String; 3]>,
) -> sqlx::Result<()> {
    if kept.is_empty() {
        return Ok(());
    }
    let header = ["importRow", "id", "importErrors"].map(str::to_owned);
    let rows = kept.into_iter().map(Vec::from).collect();
    append(conn, ctx, import, header.to_vec(), rows).await
}

async fn append(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
) -> sqlx::Result<()> {
    let (file, mut lines) = match import.report {
        Some(file) => (file, Vec::new()),
        None => (begin(conn, ctx, import).await?, vec![header]),
    };
    lines.extend(rows);
    files::append(conn, file, &csv_of(&lines)?).await.map(drop)
}

async fn begin(conn: &mut PgConnection, ctx: &Ctx, import: &Import) -> sqlx::Result<FileId> {
    let new = NewFile {
        name: format!("{}-report.csv", import.id),
        media_type: "text/csv",
        owner: import.owner.clone(),
        expires_at: ctx.now() + Duration::days(UNDO_DAYS),
    };
    let file = files::create(conn, ctx, &new).await?;
    store::set_report(conn, import.id, file).await?;
    Ok(file)
}

/// Lines of a CSV file, whose cells no program takes for formulas.
fn csv_of(lines: &[Vec<String>]) -> sqlx::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    for line in lines {
        let cells = line.iter().map(|cell| cells::guarded(cell));
        // rows with too many cells are told with all of them
        writer
            .write_record(cells)
            .map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    }
    writer
        .into_inner()
        .map_err(|error| sqlx::Error::Encode(Box::new(error.into_error())))
}
