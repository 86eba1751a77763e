//! Receiving a file, piece by piece.

use std::collections::BTreeSet;

use chrono::Duration;
use serde_json::json;

use super::model::{Import, ImportId};
use super::reader::{self, COLUMNS_MAX};
use super::{ImportError, store};
use crate::audit::{self, Entry};
use crate::files::{self, FileId, NewFile, PART_MAX_BYTES};
use crate::kernel::{Ctx, Db, FieldError};

/// Bytes of a file at the most.
pub const IMPORT_MAX_BYTES: u64 = 32 * 1024 * 1024;
/// Days for which an uploaded file is kept.
pub const FILE_DAYS: i64 = 7;
/// Hours after which an upload that never ended is removed.
const UPLOAD_HOURS: i64 = 1;
/// Bytes of a header at the most.
const HEAD_MAX_BYTES: usize = 64 * 1024;

/// An upload that is under way; each part is stored as soon as it is whole, so that none is held in memory twice. One that
/// is dropped leaves a file behind that goes by itself.
#[derive(Debug)]
pub struct Upload {
    file: FileId,
    name: String,
    bytes: u64,
    head: Vec<u8>,
    pending: Vec<u8>,
}

impl Upload {
    /// Begins.
    ///
    /// # Errors
    /// If the name cannot be a file's, or the database refuses.
    pub async fn begin(db: &Db, ctx: &Ctx, name: &str) -> Result<Self, ImportError> {
        let name = name.trim();
        let chars = name.chars().count();
        if chars == 0 || chars > files::NAME_MAX_CHARS || name.chars().any(char::is_control) {
            let message = format!(
                "use 1 to {} characters, without control characters",
                files::NAME_MAX_CHARS
            );
            return Err(ImportError::Invalid(vec![FieldError::new(
                "fileName", message,
            )]));
        }
        let new = NewFile {
            name: name.to_owned(),
            media_type: "text/csv",
            owner: ctx.actor.to_string(),
            expires_at: ctx.now() + Duration::hours(UPLOAD_HOURS),
        };
        let mut tx = db.begin().await?;
        let file = files::create(&mut tx, ctx, &new).await?;
        db.commit(tx, ctx).await?;
        Ok(Self {
            file,
            name: new.name,
            bytes: 0,
            head: Vec::new(),
            pending: Vec::new(),
        })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If they are too many, or the database refuses.
    pub async fn push(&mut self, db: &Db, ctx: &Ctx, bytes: &[u8]) -> Result<(), ImportError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > IMPORT_MAX_BYTES {
            return Err(ImportError::TooLarge);
        }
        let missing = HEAD_MAX_BYTES.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PART_MAX_BYTES {
            self.store(db, ctx).await?;
        }
        Ok(())
    }

    async fn store(&mut self, db: &Db, ctx: &Ctx) -> Result<(), ImportError> {
        let mut tx = db.begin().await?;
        files::append(&mut tx, self.file, &self.pending).await?;
        db.commit(tx, ctx).await?;
        self.pending.clear();
        Ok(())
    }

    /// Ends: the file is an import from now on, whose columns are known.
    ///
    /// # Errors
    /// If there is no header, its names are not distinct, or the database refuses.
    pub async fn finish(mut self, db: &Db, ctx: &Ctx) -> Result<Import, ImportError> {
        self.store(db, ctx).await?;
        let delimiter = reader::delimiter(&self.head);
        let whole = self.bytes == self.head.len() as u64;
        let (headers, data_at) = header(&self.head, whole, delimiter)
            .map_err(|remedy| ImportError::Invalid(vec![FieldError::new("", remedy)]))?;
        let new = store::NewImport {
            id: ImportId::new(),
            file: self.file,
            file_name: &self.name,
            file_bytes: i64::try_from(self.bytes).unwrap_or(i64::MAX),
            headers: &headers,
            delimiter,
            data_at,
        };
        let mut tx = db.begin().await?;
        files::keep_until(&mut tx, self.file, ctx.now() + Duration::days(FILE_DAYS)).await?;
        store::insert(&mut tx, ctx, &new).await?;
        let entry = Entry::new("creator.import_upload", new.id)
            .after(json!({ "fileName": self.name, "bytes": self.bytes }));
        audit::record(&mut tx, ctx, entry).await?;
        let owner = ctx.actor.to_string();
        let import = store::find(&mut tx, new.id, &owner).await?;
        db.commit(tx, ctx).await?;
        import.ok_or(ImportError::NotFound(new.id))
    }
}

/// The names of the columns, and where the rows begin.
fn header(head: &[u8], whole: bool, delimiter: u8) -> Result<(Vec<String>, i64), String> {
    let first = reader::records(head, whole, delimiter, 1).pop();
    let Some(first) = first else {
        return Err(format!(
            "begin the file with a header of at most {HEAD_MAX_BYTES} bytes"
        ));
    };
    let names: Result<Vec<String>, _> = first
        .cells
        .iter()
        .map(|cell| std::str::from_utf8(cell).map(str::to_owned))
        .collect();
    let names = names.map_err(|_| "the file is not UTF-8; save it as \"CSV UTF-8\"".to_owned())?;
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() < names.len() || names.iter().any(|name| name.trim().is_empty()) {
        return Err("give each column of the header a name of its own".to_owned());
    }
    if names.len() > COLUMNS_MAX || names.iter().any(|name| name.contains('\0')) {
        return Err(format!(
            "use at most {COLUMNS_MAX} columns, without control characters in their names"
        ));
    }
    Ok((names, i64::try_from(first.ends_at).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_each_column_once() {
        let (names, at) = header(b"email,username\r\na,b\r\n", true, b',').expect("a header");
        assert_eq!(names, ["email", "username"]);
        assert!((15..=16).contains(&at), "{at}");
        for wrong in ["", "a,a\n", "a,\n", "\n\n"] {
            assert!(header(wrong.as_bytes(), true, b',').is_err(), "{wrong:?}");
        }
        assert!(header(b"a,\xff\n", true, b',').is_err());
        assert!(header(b"a,b", false, b',').is_err(), "it may go on");
    }
}
