//! The document with everything about a person: written part by part, so that no process holds more than one of it.

use chrono::{Duration, SecondsFormat};
use serde_json::json;
use sqlx::PgConnection;

use super::requests::{person, record};
use super::store::{self, Row, Subjects};
use super::{HOLDINGS, Holding, PrivacyError, RequestId, RequestKind, RequestState};
use crate::creators::CreatorId;
use crate::files::{self, File, FileId, NewFile};
use crate::kernel::Ctx;

/// Days for which a document can be fetched.
pub const EXPORT_KEPT_DAYS: i64 = 7;
/// Bytes of a document at the most.
pub const EXPORT_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Bytes gathered before a part is stored.
const PART_BYTES: usize = 256 * 1024;
/// Rows read at once.
const ROWS_AT_ONCE: i64 = 200;
/// What the document is, for programs.
const FORMAT: &str = "creatorcrm-person-export/1";

/// Writes the document of an export in the caller's transaction; one that is over stays as it is.
///
/// # Errors
/// If there is no such request, it would be too large, or the database refuses.
pub async fn write(conn: &mut PgConnection, ctx: &Ctx, id: RequestId) -> Result<(), PrivacyError> {
    // all of it as of one moment
    store::read_one_moment(conn).await?;
    let request = store::lock(conn, id)
        .await?
        .ok_or(PrivacyError::NotFound(id))?;
    if request.state != RequestState::Running {
        return Ok(());
    }
    let subjects = store::subjects(conn, request.person).await?;
    let new = NewFile {
        name: format!("{id}.json"),
        media_type: "application/json",
        owner: request.asked_by.clone(),
        expires_at: ctx.now() + Duration::days(EXPORT_KEPT_DAYS),
    };
    let mut document = Document::new(files::create(conn, ctx, &new).await?);
    let at = ctx.now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let head =
        json!({ "format": FORMAT, "personId": request.person, "exportedAt": at }).to_string();
    document.push(conn, &head[..head.len() - 1]).await?;
    document.push(conn, ",\"data\":{").await?;
    for (place, holding) in HOLDINGS.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let title = format!("{comma}\"{}\":[", holding.table);
        document.push(conn, &title).await?;
        table(conn, holding, &subjects, &mut document).await?;
        document.push(conn, "]").await?;
    }
    document.push(conn, "}}\n").await?;
    document.store(conn).await?;
    store::complete_export(conn, ctx, id, document.file).await?;
    Ok(record(conn, ctx, "privacy.export", person(request.person), id).await?)
}

async fn table(
    conn: &mut PgConnection,
    holding: &Holding,
    subjects: &Subjects,
    document: &mut Document,
) -> Result<(), PrivacyError> {
    let mut place: Option<String> = None;
    loop {
        let rows = store::rows(conn, holding, subjects, place.as_deref(), ROWS_AT_ONCE).await?;
        let Some(last) = rows.last() else {
            return Ok(());
        };
        let first_page = place.is_none();
        place = Some(last.place.clone());
        for (n, Row { json, .. }) in rows.iter().enumerate() {
            let comma = if first_page && n == 0 { "" } else { "," };
            document.push(conn, comma).await?;
            document.push(conn, json).await?;
        }
    }
}

/// A document under way.
struct Document {
    file: FileId,
    gathered: Vec<u8>,
    bytes: u64,
}

impl Document {
    fn new(file: FileId) -> Self {
        Self {
            file,
            gathered: Vec::with_capacity(PART_BYTES),
            bytes: 0,
        }
    }

    async fn push(&mut self, conn: &mut PgConnection, text: &str) -> Result<(), PrivacyError> {
        self.bytes += text.len() as u64;
        if self.bytes > EXPORT_BYTES_MAX {
            return Err(PrivacyError::TooLarge(EXPORT_BYTES_MAX));
        }
        self.gathered.extend_from_slice(text.as_bytes());
        if self.gathered.len() >= PART_BYTES {
            self.store(conn).await?;
        }
        Ok(())
    }

    async fn store(&mut self, conn: &mut PgConnection) -> sqlx::Result<()> {
        files::append(conn, self.file, &self.gathered).await?;
        self.gathered.clear();
        Ok(())
    }
}

/// The document of a completed export, to be fetched; each time is recorded.
///
/// # Errors
/// If there is no such request within reach, or its document is not there or not any more.
pub async fn open_document(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: CreatorId,
    request: RequestId,
) -> Result<File, PrivacyError> {
    let found = super::find(conn, ctx, id, request, RequestKind::Export).await?;
    let file = match found.file {
        Some(file) => files::find(conn, ctx, file).await?,
        None => None,
    };
    let file = file.ok_or(PrivacyError::NoDocument)?;
    record(conn, ctx, "privacy.fetch_export", id, request).await?;
    Ok(file)
}
