//! Ending attempts: completion, retry, death, cancellation, giving back. Always under the lease; a lease that is gone
//! changes nothing. That a job is running need not be asked beside it: a constraint ties the lease to that state.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::batch;
use super::{Failure, JobId, Lease, Next};
use crate::kernel::TypedId;

/// Bytes of an output that are kept; a larger one is replaced by a note that says so.
pub const OUTPUT_MAX_BYTES: usize = 16 * 1024;
/// Characters of one error's text that are kept.
pub const ERROR_MAX_CHARS: usize = 2_000;
/// Log lines of one attempt that are kept.
pub const LOG_LINES_MAX: usize = 200;
/// Characters of a log line that are kept.
pub const LOG_LINE_MAX_CHARS: usize = 500;
/// The longest wait before another attempt: a year. A longer one is cut, as the database could not add it to a time.
pub const DELAY_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// An attempt that succeeded.
#[derive(Debug, Clone, PartialEq)]
pub struct Success {
    /// Under which lease.
    pub lease: Lease,
    /// What the handler had to tell; null for nothing.
    pub output: Value,
    /// What it logged.
    pub logs: Vec<LogLine>,
}

/// An attempt that did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Setback {
    /// Under which lease.
    pub lease: Lease,
    /// What follows, and why.
    pub failure: Failure,
    /// See [`fingerprint`].
    pub fingerprint: String,
    /// The wait before the next attempt, if there is one.
    pub delay: Duration,
    /// What it logged.
    pub logs: Vec<LogLine>,
}

/// A line that a handler logged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LogLine {
    /// When, RFC 3339.
    pub at: String,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// What.
    pub message: String,
}

/// What became of a job whose attempt did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It waits for its next attempt.
    Again,
    /// It is a dead letter.
    Dead,
    /// It is over, as was asked.
    Cancelled,
}

/// Text that Postgres can store, of a bounded length.
pub(crate) fn clean(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}

/// Groups errors that are the same but for their numbers, ids and quoted values: SHA-256 over the kind and the error
/// chain with those replaced, first 16 hexadecimal digits.
pub fn fingerprint(kind: &str, chain: &[String]) -> String {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    for text in chain {
        hash.update(b"\n");
        hash.update(generalise(text).as_bytes());
    }
    hex::encode(&hash.finalize()[..8])
}

/// The text with every word that has a digit in it, and everything between quotes, replaced by one sign.
fn generalise(text: &str) -> String {
    let mut general = String::with_capacity(text.len());
    let mut quoted = false;
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_' && c != '-') {
        let (body, end) = match word.char_indices().next_back() {
            Some((at, c)) if !c.is_alphanumeric() && c != '_' && c != '-' => (&word[..at], Some(c)),
            _ => (word, None),
        };
        if !quoted {
            general.push_str(if body.contains(|c: char| c.is_ascii_digit()) {
                "#"
            } else {
                body
            });
        }
        match end {
            Some('"' | '`' | '\'') => {
                if !quoted {
                    general.push('#');
                }
                quoted = !quoted;
            }
            Some(c) if !quoted => general.push(c),
            Some(_) | None => {}
        }
    }
    general
}

fn stored_output(output: &Value) -> Option<String> {
    if output.is_null() {
        return None;
    }
    let text = output.to_string();
    if text.len() > OUTPUT_MAX_BYTES {
        return Some(serde_json::json!({ "truncated": true, "bytes": text.len() }).to_string());
    }
    Some(if has_nul(output) {
        without_nul(output.clone()).to_string()
    } else {
        text
    })
}

/// Whether a text in the value has a NUL character, which Postgres cannot store.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name.replace('\0', ""), without_nul(value)))
            .collect(),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain,
    }
}

fn stored_logs(logs: &[LogLine]) -> Option<String> {
    let lines: Vec<LogLine> = logs
        .iter()
        .take(LOG_LINES_MAX)
        .map(|line| LogLine {
            message: clean(&line.message, LOG_LINE_MAX_CHARS),
            ..line.clone()
        })
        .collect();
    (!lines.is_empty()).then(|| serde_json::json!(lines).to_string())
}

/// Completes jobs in one statement; answers those that were completed, which leaves out those whose lease is gone.
///
/// The commit does not wait for the disk: losing it in a crash of the server only means that the job runs again.
///
/// # Errors
/// If the database refuses; then none was completed.
pub async fn complete(pool: &PgPool, successes: &[Success]) -> sqlx::Result<Vec<JobId>> {
    let mut conn = pool.acquire().await?;
    let (done, batches) = complete_rows(&mut conn, successes, "off").await?;
    batch::finish(&mut *conn, &batches).await?;
    Ok(done)
}

/// Completes a job within the transaction of its effect: both happen, or neither. Commits wait for the disk.
///
/// # Errors
/// [`LeaseLost`](CompleteError::LeaseLost) if another attempt owns the job by now: roll back then.
pub async fn complete_in(
    conn: &mut PgConnection,
    lease: Lease,
    output: &Value,
) -> Result<(), CompleteError> {
    let success = Success {
        lease,
        output: output.clone(),
        logs: Vec::new(),
    };
    let (done, batches) = complete_rows(conn, std::slice::from_ref(&success), "on").await?;
    if done.is_empty() {
        return Err(CompleteError::LeaseLost(lease.job));
    }
    batch::finish(conn, &batches).await?;
    Ok(())
}

/// Why a job was not completed together with its effect.
#[derive(Debug, thiserror::Error)]
pub enum CompleteError {
    /// The lease is gone, so the effect must not happen.
    #[error("{0} is no longer leased to this attempt")]
    LeaseLost(JobId),
    /// The database refused.
    #[error("the completion could not be stored")]
    Db(#[from] sqlx::Error),
}

async fn complete_rows(
    conn: &mut PgConnection,
    successes: &[Success],
    synchronous: &str,
) -> sqlx::Result<(Vec<JobId>, Vec<Uuid>)> {
    let ids: Vec<Uuid> = successes.iter().map(|s| s.lease.job.uuid()).collect();
    let leases: Vec<Uuid> = successes.iter().map(|s| s.lease.id).collect();
    let outputs: Vec<Option<String>> = successes.iter().map(|s| stored_output(&s.output)).collect();
    let logs: Vec<Option<String>> = successes.iter().map(|s| stored_logs(&s.logs)).collect();
    let rows = sqlx::query!(
        r#"
        with relaxed as materialized (select set_config('synchronous_commit', $4, true)),
        done as (
            delete from jobs j using unnest($1::uuid[], $2::uuid[], $3::text[], $5::text[]) as f (id, lease_id, output, logs)
            where j.id = f.id and j.lease_id = f.lease_id
            returning j.*, f.output as result, f.logs
        ),
        -- attempts that completed in silence have no row of their own; those that logged do
        told as (
            insert into job_attempts (job_id, attempt, lease_id, worker_id, started_at, ended_at, outcome, logs)
            select id, attempt, lease_id, worker_id, started_at, now(), 'completed', logs::jsonb
            from done where logs is not null
        ),
        moved as (
            insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                finished_at, output, last_error, fingerprint)
            select id, kind, queue, priority, 'completed', group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                now(), result::jsonb, last_error, fingerprint
            from done
        ),
        counted as (
            update batches b set succeeded = b.succeeded + n.jobs
            from (select batch_id, count(*) as jobs from done where batch_id is not null group by batch_id) n
            where b.id = n.batch_id
        )
        select d.id, d.batch_id from done d cross join relaxed
        "#,
        &ids,
        &leases,
        &outputs as &[Option<String>],
        synchronous,
        &logs as &[Option<String>],
    )
    .fetch_all(conn)
    .await?;
    let mut batches: Vec<Uuid> = rows.iter().filter_map(|row| row.batch_id).collect();
    batches.sort_unstable();
    batches.dedup();
    Ok((
        rows.into_iter().map(|row| JobId::from(row.id)).collect(),
        batches,
    ))
}

/// Ends attempts that did not succeed; answers what became of each job whose lease still stood.
///
/// A cancellation that was asked for wins over another attempt. A snooze or a hand-back does not count as an attempt,
/// and what is handed back keeps its place in the queue. A handler that stopped as if cancelled although nobody asked
/// for it, because its process drains, hands its job back.
///
/// # Errors
/// If the database refuses; then nothing changed.
pub async fn set_back(pool: &PgPool, setbacks: &[Setback]) -> sqlx::Result<Vec<(JobId, Fate)>> {
    let mut conn = pool.acquire().await?;
    set_back_on(&mut conn, setbacks).await
}

/// As [`set_back`], on a connection that is in no transaction.
///
/// # Errors
/// As [`set_back`].
pub async fn set_back_on(
    conn: &mut PgConnection,
    setbacks: &[Setback],
) -> sqlx::Result<Vec<(JobId, Fate)>> {
    match try_set_back(conn, setbacks).await {
        // an enqueuer took a unique key between our look and our write; it has committed, so now we see it
        Err(error) if is_taken_key(&error) => try_set_back(conn, setbacks).await,
        answer => answer,
    }
}

/// Whether a job could not go back to waiting because another one waits under its unique key.
pub(super) fn is_taken_key(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.constraint() == Some("jobs_unique"))
}

async fn try_set_back(
    conn: &mut PgConnection,
    setbacks: &[Setback],
) -> sqlx::Result<Vec<(JobId, Fate)>> {
    let ids: Vec<Uuid> = setbacks.iter().map(|s| s.lease.job.uuid()).collect();
    let leases: Vec<Uuid> = setbacks.iter().map(|s| s.lease.id).collect();
    let verdicts: Vec<String> = setbacks.iter().map(|s| verdict(s).to_owned()).collect();
    let delays: Vec<f64> = setbacks
        .iter()
        .map(|s| s.delay.min(DELAY_MAX).as_secs_f64())
        .collect();
    // error chains differ in length, so they travel as JSON texts
    let chains: Vec<String> = setbacks.iter().map(|s| stored_chain(&s.failure)).collect();
    let logs: Vec<Option<String>> = setbacks.iter().map(|s| stored_logs(&s.logs)).collect();
    let prints: Vec<Option<String>> = setbacks.iter().map(print).collect();
    let rows = sqlx::query!(
        r#"
        with ended as (
            select j.id, j.kind, j.unique_key, j.lease_id, f.delay, f.logs, j.batch_id,
                   case when f.verdict = 'cancelled' and j.cancel_requested_at is null then 'released'
                        else f.verdict end as verdict,
                   array(select jsonb_array_elements_text(f.chain::jsonb)) as chain,
                   case when j.cancel_requested_at is not null then 'cancelled'
                        when f.verdict = 'failed' or (f.verdict = 'retry' and j.attempt >= j.max_attempts) then 'dead'
                        else 'again' end as fate
            from jobs j
            join unnest($1::uuid[], $2::uuid[], $3::text[], $4::float8[], $5::text[], $6::text[])
                 as f (id, lease_id, verdict, delay, chain, logs)
              on j.id = f.id and j.lease_id = f.lease_id
            for update of j
        ),
        noted as (
            insert into job_attempts (job_id, attempt, lease_id, worker_id, started_at, ended_at, outcome, error_chain,
                                      fingerprint, logs)
            select j.id, j.attempt, j.lease_id, j.worker_id, j.started_at, now(),
                   case when e.fate = 'cancelled' then 'cancelled' else e.verdict end,
                   e.chain, p.print, e.logs::jsonb
            from ended e join jobs j on j.id = e.id
            left join unnest($1::uuid[], $7::text[]) as p (id, print) on p.id = e.id
        ),
        again as (
            update jobs j
            set state = 'available',
                run_at = case when e.verdict = 'released' then j.run_at else now() + make_interval(secs => e.delay) end,
                attempt = j.attempt - (e.verdict in ('snoozed', 'released'))::int,
                lease_id = null, worker_id = null, claimed_at = null, started_at = null,
                progress = null, progress_note = null,
                last_error = case when e.verdict = 'released' then j.last_error else coalesce(e.chain[1], j.last_error) end,
                -- while this one ran, another may have taken its place under the key, and even run beside it
                unique_key = case when not j.unique_running and (e.twin > 1 or exists (
                    select from jobs o where o.kind = j.kind and o.unique_key = j.unique_key and o.id <> j.id
                      and o.state = 'available')) then null else j.unique_key end
            from (select *, row_number() over (partition by kind, unique_key order by id) as twin
                  from ended where fate = 'again') e
            where j.id = e.id
        ),
        dead as (
            update jobs j
            set state = 'dead', dead_at = now(), lease_id = null, worker_id = null, claimed_at = null,
                last_error = e.chain[1], fingerprint = p.print
            from ended e left join unnest($1::uuid[], $7::text[]) as p (id, print) on p.id = e.id
            where j.id = e.id and e.fate = 'dead'
        ),
        gone as (
            delete from jobs j using ended e where j.id = e.id and e.fate = 'cancelled' returning j.*
        ),
        moved as (
            insert into job_history (id, kind, queue, priority, state, group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                finished_at, last_error, fingerprint, cancel_reason)
            select id, kind, queue, priority, 'cancelled', group_key, run_at, attempt, max_attempts, args,
                tags, unique_key, batch_id, parent_id, created_by, trace, created_at, worker_id, started_at,
                now(), last_error, fingerprint, cancel_reason
            from gone
        ),
        counted as (
            update batches b set dead = b.dead + n.dead, cancelled = b.cancelled + n.cancelled
            from (select batch_id, count(*) filter (where fate = 'dead') as dead,
                         count(*) filter (where fate = 'cancelled') as cancelled
                  from ended where batch_id is not null and fate <> 'again' group by batch_id) n
            where b.id = n.batch_id
        )
        select id, fate as "fate!", batch_id from ended
        "#,
        &ids,
        &leases,
        &verdicts,
        &delays,
        &chains,
        &logs as &[Option<String>],
        &prints as &[Option<String>],
    )
    .fetch_all(&mut *conn)
    .await?;
    let over: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.fate != "again")
        .filter_map(|row| row.batch_id)
        .collect();
    batch::finish(conn, &over).await?;
    Ok(rows
        .into_iter()
        .map(|row| (JobId::from(row.id), fate(&row.fate)))
        .collect())
}

fn fate(text: &str) -> Fate {
    match text {
        "dead" => Fate::Dead,
        "cancelled" => Fate::Cancelled,
        _ => Fate::Again,
    }
}

fn verdict(setback: &Setback) -> &'static str {
    match setback.failure.next {
        Next::Retry(_) => "retry",
        Next::Fail => "failed",
        Next::Snooze(_) => "snoozed",
        Next::Cancelled => "cancelled",
        Next::Release => "released",
    }
}

fn stored_chain(failure: &Failure) -> String {
    let texts: Vec<String> = failure
        .chain
        .iter()
        .map(|text| clean(text, ERROR_MAX_CHARS))
        .collect();
    serde_json::json!(texts).to_string()
}

/// The fingerprint of what counts as an error.
fn print(setback: &Setback) -> Option<String> {
    matches!(setback.failure.next, Next::Retry(_) | Next::Fail).then(|| setback.fingerprint.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_in_ids_and_numbers_share_a_fingerprint() {
        let a = fingerprint(
            "x",
            &["creator creator_0192aa not found after 3 tries".into()],
        );
        let b = fingerprint(
            "x",
            &["creator creator_77ffe0 not found after 12 tries".into()],
        );
        assert_eq!(a, b);
    }

    #[test]
    fn quoted_values_do_not_count() {
        let a = fingerprint("x", &["no such column \"abc\" here".into()]);
        let b = fingerprint("x", &["no such column \"other thing\" here".into()]);
        assert_eq!(a, b);
    }

    #[test]
    fn other_words_and_other_kinds_differ() {
        let base = fingerprint("x", &["refused".into()]);
        assert_ne!(base, fingerprint("x", &["timed out".into()]));
        assert_ne!(base, fingerprint("y", &["refused".into()]));
    }

    #[test]
    fn nul_and_length_are_taken_care_of() {
        assert_eq!(clean("a\0bcd", 3), "abc");
        let huge = Value::String("x".repeat(OUTPUT_MAX_BYTES));
        assert!(stored_output(&huge).is_some_and(|text| text.contains("truncated")));
        assert_eq!(
            stored_output(&serde_json::json!("a\u{0}b")),
            Some("\"ab\"".to_owned())
        );
    }
}
