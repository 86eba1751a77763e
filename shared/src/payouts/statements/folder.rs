//! Taking in what banks put into the drop folder.

use std::io::ErrorKind;

use super::take::{refuse, take_statement};
use super::{StatementFile, StatementId};
use crate::kernel::{Ctx, Db};
use crate::payouts::{Carriers, PayoutError, StatementSource};
use crate::providers::payout::drop_folder::{DropFolder, Incoming};

/// What became of a file in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderFile {
    /// Its entries are kept, now or since it was here before.
    Taken(StatementId),
    /// It cannot be read, and was put aside with the reason.
    Refused(String),
    /// Somebody else took it, or it is being written.
    NotReady,
}

/// The files in the inbox that are whole, by name; none if there is no folder.
///
/// # Errors
/// If the folder cannot be read.
pub async fn waiting_files(ctx: &Ctx, carriers: &Carriers) -> Result<Vec<String>, PayoutError> {
    let now = ctx.now();
    match folder(carriers).await? {
        Some(folder) => blocking(move || folder.incoming(now)).await,
        None => Ok(Vec::new()),
    }
}

/// Takes in one file of the inbox, and puts it away once what it says is kept. Whoever dies in between leaves it there; the
/// next one finds that it is known.
///
/// # Errors
/// If the folder cannot be read or written, or the database refuses.
pub async fn take_file(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    name: &str,
) -> Result<FolderFile, PayoutError> {
    let Some(folder) = folder(carriers).await? else {
        return Ok(FolderFile::NotReady);
    };
    let (inbox, named) = (folder.clone(), name.to_owned());
    let read = tokio::task::spawn_blocking(move || inbox.read(&named)).await;
    let incoming = match read.map_err(std::io::Error::other)? {
        Ok(incoming) => incoming,
        Err(gone) if gone.kind() == ErrorKind::NotFound => return Ok(FolderFile::NotReady),
        Err(busy) if busy.kind() == ErrorKind::ResourceBusy => return Ok(FolderFile::NotReady),
        Err(error) => return Err(error.into()),
    };
    let (incoming, taken) = if incoming.is_too_large {
        let why = "it is larger than any statement that is read here";
        (incoming, Err(why.to_owned()))
    } else {
        keep(db, ctx, carriers, incoming).await?
    };
    match taken {
        Ok(id) => {
            blocking(move || folder.put_away(&incoming)).await?;
            Ok(FolderFile::Taken(id))
        }
        Err(why) => {
            refuse(db, ctx, incoming.sha256, incoming.size, name, &why).await?;
            let said = why.clone();
            blocking(move || folder.put_aside(&incoming, &said)).await?;
            Ok(FolderFile::Refused(why))
        }
    }
}

/// Answers the statement, or why it is none.
async fn keep(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    mut incoming: Incoming,
) -> Result<(Incoming, Result<StatementId, String>), PayoutError> {
    let file = StatementFile {
        source: StatementSource::DropFolder,
        name: Some(incoming.name.clone()),
        content: std::mem::take(&mut incoming.content),
    };
    match take_statement(db, ctx, carriers, file).await {
        Ok((statement, _)) => Ok((incoming, Ok(statement.id))),
        Err(PayoutError::Statement(error)) => Ok((incoming, Err(error.to_string()))),
        Err(error) => Err(error),
    }
}

async fn folder(carriers: &Carriers) -> Result<Option<DropFolder>, PayoutError> {
    match carriers.folder() {
        Some(path) => blocking(move || DropFolder::open(path)).await.map(Some),
        None => Ok(None),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, PayoutError> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.map_err(std::io::Error::other).and_then(|done| done)?)
}
