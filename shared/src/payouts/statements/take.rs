//! Taking in a bank's file.

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::audit::{self, Entry};
use crate::kernel::{Ctx, Db};
use crate::payouts::batches::ensure_unlimited;
use crate::payouts::model::{Fingerprints, shown};
use crate::payouts::store::entries::NewEntry;
use crate::payouts::{
    BankStatement, Carriers, Fact, MatchStatement, PayoutError, REASON_MAX_CHARS, StatementEntryId,
    StatementId, StatementSource, StatementState, store,
};
use crate::providers::payout::files::statement::{
    self, Statement, StatementError, StatementFormat, StatementLine,
};
use crate::queue::enqueue;

/// Entries that one statement of SQL writes at the most.
const INSERT_MAX: usize = 1_000;
/// Files that one process reads at a time: each may take some hundred megabytes while it is read.
static READING: Semaphore = Semaphore::const_new(1);

/// A file that may be a statement.
#[derive(Debug, Clone)]
pub struct StatementFile {
    /// How it came here.
    pub source: StatementSource,
    /// What it is called.
    pub name: Option<String>,
    /// What is in it.
    pub content: Vec<u8>,
}

/// Takes a file in: it is read, its entries are kept, and a job looks at them. The same file again is the statement that is
/// there; answers whether it is new.
///
/// # Errors
/// If the caller is limited to some clusters, or the file cannot be read, which says what is wrong and where.
pub async fn take_statement(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    file: StatementFile,
) -> Result<(BankStatement, bool), PayoutError> {
    ensure_unlimited(ctx)?;
    let sha256: [u8; 32] = Sha256::digest(&file.content).into();
    let mut conn = db.pool().acquire().await?;
    if let Some(known) = store::statements::of_file(&mut conn, &sha256, false).await? {
        return Ok((known, false));
    }
    drop(conn);
    let size = file.content.len();
    let read = read(file.content).await?;
    let new = BankStatement {
        id: StatementId::new(),
        source: file.source,
        format: Some(read.format),
        sha256,
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        file_name: file.name,
        bank_id: Some(read.id.clone()).filter(|id| !id.is_empty()),
        state: StatementState::Read,
        entries: i32::try_from(read.lines.len()).unwrap_or(i32::MAX),
        taken_at: ctx.now(),
        taken_by: ctx.actor.to_string(),
        matched_at: None,
        failure: None,
    };
    keep(db, ctx, carriers, new, &read).await
}

/// Reads a file, off the threads that answer.
async fn read(content: Vec<u8>) -> Result<Statement, PayoutError> {
    let turn = READING.acquire().await;
    let _turn = turn.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    let read = tokio::task::spawn_blocking(move || statement::read(&content)).await;
    let read = read.map_err(|error| sqlx::Error::Io(std::io::Error::other(error)))?;
    Ok(read?)
}

/// Keeps a statement, its entries and the job that looks at them, or none of it.
async fn keep(
    db: &Db,
    ctx: &Ctx,
    carriers: &Carriers,
    new: BankStatement,
    read: &Statement,
) -> Result<(BankStatement, bool), PayoutError> {
    let mut tx = db.begin().await?;
    if !store::statements::insert(&mut tx, &new).await? {
        let known = store::statements::of_file(&mut tx, &new.sha256, false).await?;
        tx.rollback().await?;
        return Ok((known.ok_or(PayoutError::NoStatement(new.id))?, false));
    }
    store::statements::insert_accounts(&mut tx, new.id, &read.accounts).await?;
    let mut fingerprints = Fingerprints::default();
    for lines in read.lines.chunks(INSERT_MAX) {
        let entries: Vec<NewEntry<'_>> = lines
            .iter()
            .map(|line| entry(carriers, &mut fingerprints, read.format, line))
            .collect();
        store::entries::insert(&mut tx, new.id, &entries).await?;
    }
    let job = MatchStatement {
        statement_id: new.id,
    };
    enqueue(&mut tx, ctx, &job).await?;
    let entry = Entry::new("payout_statement.take", new.id).after(json!({
        "source": new.source,
        "format": read.format,
        "sha256": new.sha256_hex(),
        "entries": new.entries,
    }));
    audit::record(&mut tx, ctx, entry).await?;
    db.commit(tx, ctx).await?;
    Ok((new, true))
}

fn entry<'a>(
    carriers: &Carriers,
    fingerprints: &mut Fingerprints,
    format: StatementFormat,
    line: &'a StatementLine,
) -> NewEntry<'a> {
    let id = StatementEntryId::new();
    let sealed = |text: &String| {
        let sealed = carriers.sealer.seal(&id.to_string(), text.as_bytes());
        (sealed, shown(text))
    };
    NewEntry {
        id,
        fact: Fact::of(format, line.outcome),
        fingerprint: fingerprints.next(line),
        correction: line.correction.as_ref().map(sealed),
        line,
    }
}

/// Notes that a file cannot be read. The same file again is noted once.
pub(super) async fn refuse(
    db: &Db,
    ctx: &Ctx,
    sha256: [u8; 32],
    size: u64,
    name: &str,
    why: &str,
) -> Result<(), PayoutError> {
    let refused = BankStatement {
        id: StatementId::new(),
        source: StatementSource::DropFolder,
        format: None,
        sha256,
        size_bytes: i64::try_from(size).unwrap_or(i64::MAX),
        file_name: Some(name.to_owned()),
        bank_id: None,
        state: StatementState::Refused,
        entries: 0,
        taken_at: ctx.now(),
        taken_by: ctx.actor.to_string(),
        matched_at: None,
        failure: Some(why.chars().take(REASON_MAX_CHARS).collect()),
    };
    let mut tx = db.begin().await?;
    if store::statements::insert(&mut tx, &refused).await? {
        let entry = Entry::new("payout_statement.refuse", refused.id)
            .after(json!({ "sha256": refused.sha256_hex() }))
            .reason_if(refused.failure.as_deref());
        audit::record(&mut tx, ctx, entry).await?;
    }
    db.commit(tx, ctx).await?;
    Ok(())
}

impl From<StatementError> for PayoutError {
    fn from(error: StatementError) -> Self {
        Self::Statement(error)
    }
}
