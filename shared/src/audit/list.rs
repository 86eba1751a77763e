//! Reading the trail.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::entry::Body;
use super::{AuditId, Subject, store};
use crate::kernel::{Cursor, InvalidCursor, Page, PageRequest, TypedId};

/// Which entries are wanted; what is none is not looked at.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Who did it, as [`crate::kernel::Actor`] prints it.
    pub actor: Option<String>,
    /// What was done.
    pub action: Option<String>,
    /// The sort of thing it was done to.
    pub subject_kind: Option<String>,
    /// The thing it was done to.
    pub subject_id: Option<String>,
    /// Not before this.
    pub from: Option<DateTime<Utc>>,
    /// Before this.
    pub until: Option<DateTime<Utc>>,
}

/// An entry as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Which entry.
    pub id: AuditId,
    /// Its place in the chain.
    pub seq: i64,
    /// When the work began that it tells of.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub subject: Subject,
    /// As it was.
    pub before: Option<Value>,
    /// As it is.
    pub after: Option<Value>,
    /// Why.
    pub reason: Option<String>,
    /// People's data of the change.
    pub personal: Option<Value>,
    /// From which address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// In which request.
    pub request_id: String,
    /// Whether something that belonged to it was erased since.
    pub erased: bool,
}

/// Why the trail could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The cursor belongs to another list.
    #[error(transparent)]
    Cursor(#[from] InvalidCursor),
    /// The database refused.
    #[error("the audit trail could not be read")]
    Db(#[from] sqlx::Error),
}

impl crate::kernel::Classify for ListError {
    fn kind(&self) -> crate::kernel::ErrorKind {
        match self {
            Self::Cursor(error) => error.kind(),
            Self::Db(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Cursor(error) => error.code(),
            Self::Db(error) => error.code(),
        }
    }

    fn fields(&self) -> Vec<crate::kernel::FieldError> {
        match self {
            Self::Cursor(error) => error.fields(),
            Self::Db(_) => Vec::new(),
        }
    }
}

/// Entries, the newest first.
///
/// # Errors
/// If the cursor belongs to another list, or the database refuses.
pub async fn list(
    conn: &mut PgConnection,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<Recorded>, ListError> {
    let before: Option<(DateTime<Utc>, Uuid)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let limit = page.limit();
    let rows = store::page(conn, filter, before, limit + 1).await?;
    Ok(Page::of(rows, limit, |row| (row.at, row.id.uuid())))
}

impl Recorded {
    /// An entry out of its text and what is left of the people's data.
    pub(super) fn of(seq: i64, at: DateTime<Utc>, body: Body, contents: &[Value]) -> Self {
        let find = |pointer: &str| contents.iter().find_map(|content| content.pointer(pointer));
        let text = |pointer: &str| find(pointer).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: body.id,
            seq,
            at,
            actor: body.actor,
            action: body.action,
            subject: body.subject,
            before: body.before,
            after: body.after,
            reason: text("/reason"),
            personal: find("/data").cloned(),
            ip: text("/origin/ip"),
            user_agent: text("/origin/userAgent"),
            request_id: body.request_id,
            erased: contents.len() < body.sealed.len(),
        }
    }
}
