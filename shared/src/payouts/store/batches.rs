//! Rows of `payout_batches`, and moving payouts in sets.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::payouts::Place;
use crate::creators::CreatorId;
use crate::kernel::money::Money;
use crate::kernel::{Ctx, TypedId, stored};
use crate::payouts::{
    Batch, BatchFormat, BatchId, DestinationId, DestinationState, PayoutId, PayoutState,
};

/// A payout with where it goes, as that is kept.
pub(in crate::payouts) struct Sealed {
    pub(in crate::payouts) id: PayoutId,
    pub(in crate::payouts) net: Money,
    pub(in crate::payouts) destination: DestinationId,
    pub(in crate::payouts) sealed: Vec<u8>,
}

/// A payout that may go into a file.
pub(in crate::payouts) struct Candidate {
    pub(in crate::payouts) sealed: Sealed,
    pub(in crate::payouts) creator: CreatorId,
    pub(in crate::payouts) destination_state: DestinationState,
    pub(in crate::payouts) approvals_needed: i16,
    /// People who have approved what it says.
    pub(in crate::payouts) approvals: i64,
}

/// Scheduled payouts of a format, the oldest first, that nobody else is at; locked.
pub(in crate::payouts) async fn take(
    conn: &mut PgConnection,
    format: BatchFormat,
    limit: usize,
) -> sqlx::Result<Vec<Candidate>> {
    let (method, currency) = format.pays();
    let rows = sqlx::query!(
        r#"select p.id, p.creator_id, p.destination_id, p.net_minor, p.approvals_needed, d.state as destination_state,
                  d.sealed,
                  (select count(*) from payout_approvals a
                   where a.payout_id = p.id and a.content_hash = p.content_hash) as "approvals!"
           from payouts p join payout_destinations d on d.id = p.destination_id
           where p.state = 'scheduled' and p.method = $1 and p.currency = $2
           order by p.id limit $3 for no key update of p skip locked"#,
        method.as_str(),
        currency.code(),
        i64::try_from(limit).unwrap_or(i64::MAX),
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| {
        Ok(Candidate {
            sealed: Sealed {
                id: row.id.into(),
                net: Money::new(currency, row.net_minor),
                destination: row.destination_id.into(),
                sealed: row.sealed,
            },
            creator: row.creator_id.into(),
            destination_state: stored("state", &row.destination_state)?,
            approvals_needed: row.approvals_needed,
            approvals: row.approvals,
        })
    });
    all.collect()
}

/// A file's payouts, in its order.
pub(in crate::payouts) async fn items(
    conn: &mut PgConnection,
    batch: &Batch,
) -> sqlx::Result<Vec<Sealed>> {
    let rows = sqlx::query!(
        "select p.id, p.destination_id, p.net_minor, d.sealed
         from payouts p join payout_destinations d on d.id = p.destination_id where p.batch_id = $1 order by p.id",
        batch.id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| Sealed {
        id: row.id.into(),
        net: Money::new(batch.currency, row.net_minor),
        destination: row.destination_id.into(),
        sealed: row.sealed,
    });
    Ok(all.collect())
}

/// How many payouts went out in a format before, and how many files of it today.
pub(in crate::payouts) async fn numbers(
    conn: &mut PgConnection,
    ctx: &Ctx,
    format: BatchFormat,
) -> sqlx::Result<(i64, i32)> {
    let row = sqlx::query!(
        r#"select coalesce((select counted_before + payouts from payout_batches where format = $1
                            order by counted_before desc limit 1), 0) as "counted!",
                  (select count(*)::int4 from payout_batches
                   where format = $1 and created_at >= date_trunc('day', $2::timestamptz, 'UTC')) as "today!""#,
        format.as_str(),
        ctx.now(),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.counted, row.today))
}

/// Writes a new one.
pub(in crate::payouts) async fn insert(conn: &mut PgConnection, batch: &Batch) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into payout_batches (id, method, currency, format, state, file_name, sha256, size_bytes, payouts,
                                     total_minor, counted_before, nth_of_day, created_at, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        batch.id.uuid(),
        batch.method.as_str(),
        batch.currency.code(),
        batch.format.as_str(),
        batch.state.as_str(),
        batch.file_name,
        &batch.sha256,
        batch.size_bytes,
        batch.payouts,
        batch.total_minor,
        batch.counted_before,
        batch.nth_of_day,
        batch.created_at,
        batch.created_by,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Puts scheduled payouts, which are locked, into a file.
pub(in crate::payouts) async fn fill(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: BatchId,
    ids: &[PayoutId],
    traces: &[String],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "update payouts p set state = 'batched', batch_id = $1, trace = t.trace, next_step_at = null, updated_at = $4,
                              version = p.version + 1
         from unnest($2::uuid[], $3::text[]) t (id, trace) where p.id = t.id",
        batch.uuid(),
        &ids,
        traces,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Holds scheduled payouts, which are locked, each for its reason.
pub(in crate::payouts) async fn hold(
    conn: &mut PgConnection,
    ctx: &Ctx,
    held: &[(PayoutId, Option<String>)],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = held.iter().map(|(id, _)| id.uuid()).collect();
    let reasons: Vec<Option<String>> = held.iter().map(|(_, why)| why.clone()).collect();
    sqlx::query!(
        "update payouts p set state = 'compliance_hold', attention = t.why, updated_at = $3, version = p.version + 1
         from unnest($1::uuid[], $2::text[]) t (id, why) where p.id = t.id",
        &ids,
        &reasons as _,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A file's payouts are with the bank.
pub(in crate::payouts) async fn send(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: BatchId,
    provider: &str,
    reference: &str,
) -> sqlx::Result<Vec<PayoutId>> {
    let ids = sqlx::query_scalar!(
        "update payouts set state = 'in_transit', submissions = submissions + 1, provider = $2, reference = $3,
                            first_handed_at = coalesce(first_handed_at, $4), updated_at = $4, version = version + 1
         where batch_id = $1 and state = 'batched' returning id",
        batch.uuid(),
        provider,
        reference,
        ctx.now(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PayoutId::from).collect())
}

/// A file's payouts go out with another one.
pub(in crate::payouts) async fn give_back(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: BatchId,
) -> sqlx::Result<Vec<PayoutId>> {
    let ids = sqlx::query_scalar!(
        "update payouts set state = 'scheduled', batch_id = null, trace = null, updated_at = $2, version = version + 1
         where batch_id = $1 and state = 'batched' returning id",
        batch.uuid(),
        ctx.now(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PayoutId::from).collect())
}

/// Nobody knows whether the bank has a file's payouts.
pub(in crate::payouts) async fn doubt(
    conn: &mut PgConnection,
    ctx: &Ctx,
    batch: BatchId,
    why: &str,
) -> sqlx::Result<Vec<PayoutId>> {
    let ids = sqlx::query_scalar!(
        "update payouts set state = 'unknown', was_lost = true, attention = $2, updated_at = $3, version = version + 1
         where batch_id = $1 and state = 'batched' returning id",
        batch.uuid(),
        format!("nobody knows whether the bank has its file: {why}"),
        ctx.now(),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PayoutId::from).collect())
}

/// Counts that a file is about to be handed over.
pub(in crate::payouts) async fn count_attempt(
    conn: &mut PgConnection,
    id: BatchId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_batches set attempts = attempts + 1 where id = $1",
        id.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::payouts) async fn handed_over(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BatchId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_batches set state = 'handed_over', handed_over_at = $2 where id = $1",
        id.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(in crate::payouts) async fn failed(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: BatchId,
    why: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_batches set state = 'failed', failed_at = $2, failure = $3 where id = $1",
        id.uuid(),
        ctx.now(),
        why,
    )
    .execute(conn)
    .await
    .map(drop)
}

struct Row {
    id: Uuid,
    method: String,
    currency: String,
    format: String,
    state: String,
    file_name: String,
    sha256: Vec<u8>,
    size_bytes: i64,
    payouts: i32,
    total_minor: i64,
    counted_before: i64,
    nth_of_day: i32,
    attempts: i32,
    created_at: DateTime<Utc>,
    created_by: String,
    handed_over_at: Option<DateTime<Utc>>,
    failed_at: Option<DateTime<Utc>>,
    failure: Option<String>,
}

impl TryFrom<Row> for Batch {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        let hash = row.sha256.try_into();
        Ok(Self {
            id: row.id.into(),
            method: stored("method", &row.method)?,
            currency: stored("currency", &row.currency)?,
            format: stored("format", &row.format)?,
            state: stored("state", &row.state)?,
            file_name: row.file_name,
            sha256: hash.map_err(|_| sqlx::Error::Decode("sha256 has another length".into()))?,
            size_bytes: row.size_bytes,
            payouts: row.payouts,
            total_minor: row.total_minor,
            counted_before: row.counted_before,
            nth_of_day: row.nth_of_day,
            attempts: row.attempts,
            created_at: row.created_at,
            created_by: row.created_by,
            handed_over_at: row.handed_over_at,
            failed_at: row.failed_at,
            failure: row.failure,
        })
    }
}

/// The oldest of a format that is to be handed over.
pub(in crate::payouts) async fn next(
    conn: &mut PgConnection,
    format: BatchFormat,
) -> sqlx::Result<Option<BatchId>> {
    let (method, currency) = format.pays();
    let found = sqlx::query_scalar!(
        "select id from payout_batches where state = 'written' and method = $1 and currency = $2 order by id limit 1",
        method.as_str(),
        currency.code(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(BatchId::from))
}

pub(in crate::payouts) async fn find(
    conn: &mut PgConnection,
    id: BatchId,
) -> sqlx::Result<Option<Batch>> {
    let row = sqlx::query_as!(
        Row,
        "select id, method, currency, format, state, file_name, sha256, size_bytes, payouts, total_minor, counted_before,
                nth_of_day, attempts, created_at, created_by, handed_over_at, failed_at, failure
         from payout_batches where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// As [`find`]; nobody else changes it until this transaction ends.
pub(in crate::payouts) async fn lock(
    conn: &mut PgConnection,
    id: BatchId,
) -> sqlx::Result<Option<Batch>> {
    let row = sqlx::query_as!(
        Row,
        "select id, method, currency, format, state, file_name, sha256, size_bytes, payouts, total_minor, counted_before,
                nth_of_day, attempts, created_at, created_by, handed_over_at, failed_at, failure
         from payout_batches where id = $1 for no key update",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// The latest first.
pub(in crate::payouts) async fn list(
    conn: &mut PgConnection,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Batch>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select id, method, currency, format, state, file_name, sha256, size_bytes, payouts, total_minor, counted_before,
                nth_of_day, attempts, created_at, created_by, handed_over_at, failed_at, failure
         from payout_batches where $1::timestamptz is null or (created_at, id) < ($1, $2::uuid)
         order by created_at desc, id desc limit $3",
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// How many of a file's payouts stand where.
pub(in crate::payouts) async fn states(
    conn: &mut PgConnection,
    id: BatchId,
) -> sqlx::Result<BTreeMap<PayoutState, i64>> {
    let rows = sqlx::query!(
        r#"select state, count(*) as "count!" from payouts where batch_id = $1 group by state"#,
        id.uuid(),
    )
    .fetch_all(conn)
    .await?;
    let all = rows
        .into_iter()
        .map(|row| Ok((stored("state", &row.state)?, row.count)));
    all.collect()
}
