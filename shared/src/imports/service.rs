//! What can be done with imports.

use std::collections::BTreeSet;

use chrono::Duration;
use serde_json::json;
use sqlx::PgConnection;

use super::model::{Import, ImportId, ImportState, NewStart, UNDO_DAYS};
use super::{ImportError, ImportWork, store};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorId};
use crate::custom_fields;
use crate::files::{self, File};
use crate::kernel::{Ctx, Cursor, FieldError, Page, PageRequest, TypedId};
use crate::queue::{NewJob, enqueue_one};

/// Imports that one transaction forgets at the most.
const PURGE_BATCH: i64 = 5;

/// One import of the caller's.
///
/// # Errors
/// If the caller has none of that id.
pub async fn find(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<Import, ImportError> {
    store::find(conn, id, &ctx.actor.to_string())
        .await?
        .ok_or(ImportError::NotFound(id))
}

/// The caller's imports, the newest first.
///
/// # Errors
/// If the cursor is not of this list.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    page: &PageRequest,
) -> Result<Page<Import>, ImportError> {
    let before: Option<uuid::Uuid> = page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::list(conn, &ctx.actor.to_string(), before, limit + 1).await?;
    Ok(Page::of(rows, limit, |import| import.id.uuid()))
}

/// Begins to check an import, or to run it.
///
/// # Errors
/// If the caller has none of that id, it is not where it can be started, its file has expired, or the settings do not fit.
pub async fn start(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
    new: NewStart,
) -> Result<Import, ImportError> {
    let import = own(conn, ctx, id).await?;
    if !matches!(import.state, ImportState::Uploaded | ImportState::Checked) {
        return Err(ImportError::NotNow {
            state: import.state,
            remedy: "only one that is `uploaded` or `checked` is started; upload the file again",
        });
    }
    let file = import.file.ok_or(ImportError::FileGone)?;
    if files::find(conn, ctx, file).await?.is_none() {
        return Err(ImportError::FileGone);
    }
    let dry = new.dry_run;
    check_cluster(conn, ctx, new.cluster.as_deref()).await?;
    let fields = custom_fields::definitions(conn).await?;
    let usable: BTreeSet<String> = fields
        .iter()
        .filter(|field| field.archived_at.is_none())
        .map(|field| field.field.key.to_string())
        .collect();
    let settings = new
        .settings(&import.headers, &usable)
        .map_err(ImportError::Invalid)?;
    let state = if dry {
        ImportState::Checking
    } else {
        ImportState::Running
    };
    store::begin(conn, ctx, &import, state, &settings).await?;
    let entry = Entry::new("creator.import", id).after(json!({
        "dryRun": dry, "fileName": import.file_name, "settings": settings,
    }));
    audit::record(conn, ctx, entry).await?;
    enqueue(conn, ctx, id).await
}

async fn check_cluster(
    conn: &mut PgConnection,
    ctx: &Ctx,
    cluster: Option<&str>,
) -> Result<(), ImportError> {
    let Some(cluster) = cluster else {
        return Ok(());
    };
    let known = creators::clusters(conn).await?;
    let reached = ctx.actor.reach().covers_cluster(cluster);
    if reached && known.iter().any(|known| known.id == cluster) {
        return Ok(());
    }
    let message = "there is no such cluster; GET /api/clusters lists them";
    Err(ImportError::Invalid(vec![FieldError::new(
        "/clusterId",
        message,
    )]))
}

/// The import as it is now, with a job that carries it on.
async fn enqueue(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<Import, ImportError> {
    let import = find(conn, ctx, id).await?;
    let work = ImportWork {
        import_id: id,
        pass: import.pass,
    };
    enqueue_one(conn, ctx, NewJob::of(&work)?).await?;
    Ok(import)
}

/// Ends a check or a run after its present step; what it wrote stays, and can be undone. Saying it twice is allowed.
///
/// # Errors
/// If the caller has none of that id, or it is being undone.
pub async fn cancel(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
) -> Result<Import, ImportError> {
    let import = own(conn, ctx, id).await?;
    match import.state {
        ImportState::Checking
        | ImportState::Running
        | ImportState::Uploaded
        | ImportState::Checked => {
            store::end(conn, ctx, id, ImportState::Cancelled, None).await?;
            audit::record(conn, ctx, Entry::new("creator.import_cancel", id)).await?;
            find(conn, ctx, id).await
        }
        ImportState::Undoing => Err(ImportError::NotNow {
            state: import.state,
            remedy: "wait until everything is taken back",
        }),
        ImportState::Completed
        | ImportState::Cancelled
        | ImportState::Failed
        | ImportState::Undone => Ok(import),
    }
}

/// Begins to take back what an import wrote: creators that it made are archived, those that it changed become as they were.
/// Those whom somebody changed since stay as they are, and the report names them.
///
/// # Errors
/// If the caller has none of that id, or it has not ended or wrote nothing.
pub async fn undo(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<Import, ImportError> {
    let import = own(conn, ctx, id).await?;
    let ended = matches!(
        import.state,
        ImportState::Completed | ImportState::Cancelled | ImportState::Failed
    );
    if !ended || !store::wrote_something(conn, id).await? {
        return Err(ImportError::NotNow {
            state: import.state,
            remedy: "only one that has ended and wrote something is undone",
        });
    }
    store::begin_undo(conn, ctx, id).await?;
    audit::record(conn, ctx, Entry::new("creator.import_undo", id)).await?;
    enqueue(conn, ctx, id).await
}

/// The file with the rows that were refused in the last pass, each with why; of an undone import those that were not taken
/// back.
///
/// # Errors
/// If the caller has none of that id, or there is no such file.
pub async fn report(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<File, ImportError> {
    let import = find(conn, ctx, id).await?;
    let report = import.report.ok_or(ImportError::NoReport)?;
    files::find(conn, ctx, report)
        .await?
        .ok_or(ImportError::NoReport)
}

/// Notes that an import cannot go on.
///
/// # Errors
/// If the database refuses.
pub async fn fail(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: ImportId,
    why: &str,
) -> Result<(), ImportError> {
    Ok(store::end(conn, ctx, id, ImportState::Failed, Some(why)).await?)
}

/// Forgets what imports remember of a creator, for its erasure: an import can then not be undone for it. Files that were
/// uploaded go by themselves after [`super::FILE_DAYS`] days, reports after [`UNDO_DAYS`].
///
/// # Errors
/// If the database refuses.
pub async fn forget(conn: &mut PgConnection, creator: CreatorId) -> sqlx::Result<u64> {
    store::forget(conn, creator).await
}

/// Forgets imports that can be undone no more, a few at a time; answers how many.
///
/// # Errors
/// If the database refuses.
pub async fn purge(conn: &mut PgConnection, ctx: &Ctx) -> sqlx::Result<u64> {
    let before = ctx.now() - Duration::days(UNDO_DAYS);
    store::purge(conn, before, PURGE_BATCH).await
}

/// The caller's import, which nobody else changes until the transaction ends.
async fn own(conn: &mut PgConnection, ctx: &Ctx, id: ImportId) -> Result<Import, ImportError> {
    let import = store::lock(conn, id).await?;
    import
        .filter(|import| import.owner == ctx.actor.to_string())
        .ok_or(ImportError::NotFound(id))
}
