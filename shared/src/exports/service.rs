//! What can be done with exports.

use std::collections::BTreeSet;

use chrono::Duration;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Column, Export, ExportId, ExportState, NewExport, PlainColumn};
use super::{ExportError, ExportWork, store, write};
use crate::access::{self, PersonalField};
use crate::audit::{self, Entry};
use crate::creators;
use crate::custom_fields;
use crate::files::{self, File, NewFile};
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest, TypedId};
use crate::queue::{NewJob, enqueue_one};

/// Creators in one file at the most.
pub const EXPORT_ROWS_MAX: i64 = 1_000_000;
/// Days for which a file is kept.
pub const FILE_DAYS: i64 = 3;
/// Days after which an export is forgotten; that it was made stays in the audit.
const EXPORT_DAYS: i64 = 30;
/// Exports that one transaction forgets at the most.
const PURGE_BATCH: i64 = 500;

/// Begins to write the creators that match into a file; those who are registered later are left out.
///
/// # Errors
/// If the filter or a column is wrong, the caller may not see one of the columns or gives no reason to, or too many match.
pub async fn start(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewExport,
) -> Result<Export, ExportError> {
    let filter = creators::within_callers_reach(ctx, &new.filter).map_err(ExportError::Invalid)?;
    let columns = columns(conn, ctx, &new).await?;
    let by_email = creators::by_address(ctx, &filter);
    if by_email {
        creators::record_address_search(conn, ctx).await?;
    }
    let most = EXPORT_ROWS_MAX + 1;
    let matched = creators::count_matching(conn, &filter, by_email, most).await?;
    if matched > EXPORT_ROWS_MAX {
        let message = format!("more than {EXPORT_ROWS_MAX} creators match; narrow it");
        return Err(ExportError::Invalid(vec![FieldError::new(
            "/filter", message,
        )]));
    }
    let id = ExportId::new();
    let file = NewFile {
        name: format!("creators-{}.csv", ctx.now().format("%Y-%m-%d-%H%M%S")),
        media_type: "text/csv",
        owner: ctx.actor.to_string(),
        expires_at: ctx.now() + Duration::days(FILE_DAYS),
    };
    let file = files::create(conn, ctx, &file).await?;
    files::append(conn, file, &write::header(&columns)?).await?;
    let export = store::NewRow {
        id,
        filter: &filter,
        by_email,
        columns: &columns,
        matched,
        file,
    };
    store::insert(conn, ctx, &export).await?;
    let personal: Vec<PersonalField> = columns.iter().filter_map(Column::personal).collect();
    if !personal.is_empty() {
        let reason = new.reason.as_deref().unwrap_or_default();
        access::record_reveal(conn, ctx, id, &personal, reason).await?;
    }
    let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let entry = Entry::new("creator.export", id)
        .after(json!({ "columns": names, "matched": matched }))
        .reason_if(new.reason.as_deref());
    audit::record(conn, ctx, entry).await?;
    enqueue_one(conn, ctx, NewJob::of(&ExportWork { export_id: id })?).await?;
    find(conn, ctx, id).await
}

/// The columns that are wanted, of which the caller may see each.
async fn columns(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewExport,
) -> Result<Vec<Column>, ExportError> {
    let fields = custom_fields::definitions(conn).await?;
    let keys: BTreeSet<String> = fields
        .iter()
        .map(|field| field.field.key.to_string())
        .collect();
    let allowed = |column: &Column| {
        let field = column.personal();
        field.is_none_or(|field| field.permission().granted_to(&ctx.actor))
    };
    let Some(columns) = new.columns.clone() else {
        let plain = PlainColumn::ALL.iter().copied().map(Column::Plain);
        let all = plain.chain(keys.into_iter().map(Column::Custom));
        let shown = |column: &Column| {
            column.personal().is_none() || (new.reason.is_some() && allowed(column))
        };
        return Ok(all.filter(shown).collect());
    };
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    if columns.is_empty() {
        wrong.push(FieldError::new("/columns", "name at least one column"));
    }
    for (at, column) in columns.iter().enumerate() {
        let unknown = matches!(column, Column::Custom(key) if !keys.contains(key));
        let message = if unknown {
            "there is no such custom field; GET /api/custom-fields lists them"
        } else if !seen.insert(column) {
            "this column is there already"
        } else {
            continue;
        };
        wrong.push(FieldError::new(format!("/columns/{at}"), message));
    }
    if !wrong.is_empty() {
        return Err(ExportError::Invalid(wrong));
    }
    let lacking = columns.iter().find(|column| !allowed(column));
    if let Some(field) = lacking.and_then(Column::personal) {
        return Err(ExportError::Lacking(field.permission()));
    }
    Ok(columns)
}

/// One export of the caller's.
///
/// # Errors
/// If the caller has none of that id.
pub async fn find(conn: &mut PgConnection, ctx: &Ctx, id: ExportId) -> Result<Export, ExportError> {
    store::find(conn, id, &ctx.actor.to_string())
        .await?
        .ok_or(ExportError::NotFound(id))
}

/// The caller's exports, the newest first.
///
/// # Errors
/// If the cursor is not of this list.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    page: &PageRequest,
) -> Result<Page<Export>, ExportError> {
    let before: Option<uuid::Uuid> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::list(conn, &ctx.actor.to_string(), before, limit + 1).await?;
    Ok(Page::of(rows, limit, |export| export.id.uuid()))
}

/// Ends an export after its present step; there will be no file. Saying it twice is allowed.
///
/// # Errors
/// If the caller has none of that id.
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ExportId,
) -> Result<Export, ExportError> {
    let export = find(conn, ctx, id).await?;
    if export.state == ExportState::Running {
        store::end(conn, ctx, id, ExportState::Cancelled, None).await?;
        audit::record(conn, ctx, Entry::new("creator.export_cancel", id)).await?;
    }
    find(conn, ctx, id).await
}

/// The file of an export, about to be fetched; that it is, is recorded.
///
/// # Errors
/// If the caller has none of that id, it is not whole, or it has expired.
pub async fn file(conn: &mut PgConnection, ctx: &Ctx, id: ExportId) -> Result<File, ExportError> {
    let export = find(conn, ctx, id).await?;
    if export.state != ExportState::Completed {
        return Err(ExportError::NotReady(export.state));
    }
    let file = export.file.ok_or(ExportError::Expired)?;
    let file = files::find(conn, ctx, file).await?;
    let file = file.ok_or(ExportError::Expired)?;
    let entry = Entry::new("creator.export_fetch", id).after(json!({ "rows": export.rows }));
    audit::record(conn, ctx, entry).await?;
    Ok(file)
}

/// Notes that an export cannot go on.
///
/// # Errors
/// If the database refuses.
pub async fn fail(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ExportId,
    why: &str,
) -> Result<(), ExportError> {
    Ok(store::end(conn, ctx, id, ExportState::Failed, Some(why)).await?)
}

/// Forgets old exports, some at a time; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn purge(conn: &mut PgConnection, ctx: &Ctx) -> sqlx::Result<u64> {
    let before = ctx.now() - Duration::days(EXPORT_DAYS);
    store::purge(conn, before, PURGE_BATCH).await
}
