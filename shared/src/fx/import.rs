//! Taking a document of rates in.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::{EcbDocument, FxError, FxImportId, ImportRates, RateSource, store};
use crate::audit::{self, Entry, Subject};
use crate::kernel::Ctx;
use crate::providers::fx::Span;
use crate::queue::{self, JobId};
use crate::reactions;

/// Rates that are written by one statement.
const CHUNK_RATES: usize = 10_000;

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxImport {
    /// Which.
    pub id: FxImportId,
    /// Whose rates.
    pub source: RateSource,
    /// Where they were read.
    pub origin: String,
    /// SHA-256 of the document.
    pub sha256: [u8; 32],
    /// The oldest day in it.
    pub first_day: NaiveDate,
    /// The newest day in it.
    pub last_day: NaiveDate,
    /// Rates that were new.
    pub added: u64,
    /// Rates that took the place of another one of the same day.
    pub corrected: u64,
    /// Rates that were known.
    pub unchanged: u64,
    /// By whom.
    pub imported_by: String,
    /// When.
    pub imported_at: DateTime<Utc>,
}

/// Has the rates imported by a job; one that waits already will do.
///
/// # Errors
/// If the database refuses.
pub async fn start_import(
    conn: &mut PgConnection,
    ctx: &Ctx,
    span: Span,
) -> Result<JobId, FxError> {
    let job = queue::enqueue(conn, ctx, &ImportRates { span }).await?.id();
    let subject = Subject::named("fx_rates", "ecb");
    let entry = Entry::new("fx.ask_import", subject).after(json!({ "jobId": job, "span": span }));
    audit::record(conn, ctx, entry).await?;
    Ok(job)
}

/// Takes in a document of the European Central Bank that was read at `origin`. The same document again changes nothing; a
/// rate that differs from that of an earlier document takes its place, and the earlier one stays in the records.
///
/// # Errors
/// If the document cannot be used; then nothing of it is.
pub async fn import(
    conn: &mut PgConnection,
    ctx: &Ctx,
    origin: &str,
    document: &[u8],
) -> Result<FxImport, FxError> {
    let read = EcbDocument::read(document, ctx.now().date_naive())?;
    store::rates::lock(conn).await?;
    let (first_day, last_day) = read.span();
    let mut import = FxImport {
        id: FxImportId::new(),
        source: RateSource::Ecb,
        origin: origin.to_owned(),
        sha256: Sha256::digest(document).into(),
        first_day,
        last_day,
        added: 0,
        corrected: 0,
        unchanged: 0,
        imported_by: ctx.actor.to_string(),
        imported_at: ctx.now(),
    };
    // first, as the rates refer to it; what it did is noted at the end
    store::imports::insert(conn, &import).await?;
    let rates: Vec<_> = read.rates().collect();
    for chunk in rates.chunks(CHUNK_RATES) {
        let (added, corrected) = store::rates::take_in(conn, &import, chunk).await?;
        import.added += added;
        import.corrected += corrected;
        import.unchanged += chunk.len() as u64 - added - corrected;
    }
    store::imports::note_counts(conn, &import).await?;
    let entry = Entry::new("fx.import", import.id).after(json!({
        "origin": import.origin,
        "sha256": hex::encode(import.sha256),
        "firstDay": first_day,
        "lastDay": last_day,
        "added": import.added,
        "corrected": import.corrected,
        "unchanged": import.unchanged,
    }));
    audit::record(conn, ctx, entry).await?;
    reactions::rates_known(conn, ctx).await?;
    Ok(import)
}
