//! Rows of `payouts`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::kernel::money::Currency;
use crate::kernel::{Ctx, Reach, TypedId, stored};
use crate::payouts::{Payout, PayoutFilter, PayoutId, PayoutParts, PayoutState};

/// Where a page of payouts ended.
pub(in crate::payouts) type Place = (DateTime<Utc>, Uuid);

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) creator_id: Uuid,
    pub(super) destination_id: Uuid,
    pub(super) method: String,
    pub(super) currency: String,
    pub(super) gross_minor: i64,
    pub(super) fee_minor: i64,
    pub(super) return_fee_minor: i64,
    pub(super) state: String,
    pub(super) content_hash: Vec<u8>,
    pub(super) approvals_needed: i16,
    pub(super) approve_by: DateTime<Utc>,
    pub(super) automatic: bool,
    pub(super) retry_of: Option<Uuid>,
    pub(super) hold_id: Uuid,
    pub(super) requested_by: String,
    pub(super) requested_at: DateTime<Utc>,
    pub(super) submissions: i32,
    pub(super) handed_over_at: Option<DateTime<Utc>>,
    pub(super) first_handed_at: Option<DateTime<Utc>>,
    pub(super) provider: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) next_step_at: Option<DateTime<Utc>>,
    pub(super) completed_at: Option<DateTime<Utc>>,
    pub(super) failure_code: Option<String>,
    pub(super) failure_message: Option<String>,
    pub(super) attention: Option<String>,
    pub(super) was_lost: bool,
    pub(super) version: i64,
}

impl TryFrom<Row> for Payout {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        let hash = row.content_hash.try_into();
        Ok(Self {
            id: row.id.into(),
            creator: row.creator_id.into(),
            destination: row.destination_id.into(),
            method: stored("method", &row.method)?,
            parts: PayoutParts {
                currency: stored("currency", &row.currency)?,
                gross: row.gross_minor,
                fee: row.fee_minor,
                return_fee: row.return_fee_minor,
            },
            state: stored("state", &row.state)?,
            content_hash: hash
                .map_err(|_| sqlx::Error::Decode("content_hash has another length".into()))?,
            approvals_needed: row.approvals_needed,
            approve_by: row.approve_by,
            automatic: row.automatic,
            retry_of: row.retry_of.map(PayoutId::from),
            hold: row.hold_id.into(),
            requested_by: row.requested_by,
            requested_at: row.requested_at,
            submissions: row.submissions,
            handed_over_at: row.handed_over_at,
            first_handed_at: row.first_handed_at,
            provider: row.provider,
            reference: row.reference,
            next_step_at: row.next_step_at,
            completed_at: row.completed_at,
            failure_code: row.failure_code,
            failure_message: row.failure_message,
            attention: row.attention,
            was_lost: row.was_lost,
            version: row.version,
        })
    }
}

/// Writes new payouts.
pub(in crate::payouts) async fn insert(
    conn: &mut PgConnection,
    payouts: &[Payout],
) -> sqlx::Result<()> {
    let all = payouts.iter();
    sqlx::query!(
        "insert into payouts (id, creator_id, destination_id, method, currency, gross_minor, fee_minor, net_minor,
                              return_fee_minor, state, content_hash, approvals_needed, approve_by, automatic, retry_of,
                              hold_id, requested_by, requested_at, updated_at, next_step_at)
         select t.id, t.creator_id, t.destination_id, t.method, t.currency, t.gross, t.fee, t.gross - t.fee, t.return_fee,
                t.state, t.hash, t.approvals, t.approve_by, t.automatic, t.retry_of, t.hold_id, t.requested_by,
                t.requested_at, t.requested_at, t.next_step_at
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int8[], $7::int8[], $8::int8[],
                     $9::text[], $10::bytea[], $11::int2[], $12::timestamptz[], $13::bool[], $14::uuid[], $15::uuid[],
                     $16::text[], $17::timestamptz[], $18::timestamptz[])
              t (id, creator_id, destination_id, method, currency, gross, fee, return_fee, state, hash, approvals,
                 approve_by, automatic, retry_of, hold_id, requested_by, requested_at, next_step_at)",
        &all.clone().map(|one| one.id.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.creator.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.destination.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.method.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.parts.currency.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.parts.gross).collect::<Vec<_>>(),
        &all.clone().map(|one| one.parts.fee).collect::<Vec<_>>(),
        &all.clone().map(|one| one.parts.return_fee).collect::<Vec<_>>(),
        &all.clone().map(|one| one.state.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.content_hash.to_vec()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.approvals_needed).collect::<Vec<_>>(),
        &all.clone().map(|one| one.approve_by).collect::<Vec<_>>(),
        &all.clone().map(|one| one.automatic).collect::<Vec<_>>(),
        &all.clone().map(|one| one.retry_of.map(TypedId::uuid)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.hold.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.requested_by.clone()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.requested_at).collect::<Vec<_>>(),
        &all.map(|one| one.next_step_at).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Writes what may change of a payout, which is locked.
pub(in crate::payouts) async fn update(
    conn: &mut PgConnection,
    ctx: &Ctx,
    payout: &Payout,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payouts set state = $2, submissions = $3, handed_over_at = $4, first_handed_at = $5, provider = $6,
                            reference = $7, next_step_at = $8, completed_at = $9, failure_code = $10, failure_message = $11,
                            attention = $12, was_lost = $13, updated_at = $14, version = version + 1
         where id = $1",
        payout.id.uuid(),
        payout.state.as_str(),
        payout.submissions,
        payout.handed_over_at,
        payout.first_handed_at,
        payout.provider,
        payout.reference,
        payout.next_step_at,
        payout.completed_at,
        payout.failure_code,
        payout.failure_message,
        payout.attention,
        payout.was_lost,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// A payout that the caller may know of.
pub(in crate::payouts) async fn find(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    id: PayoutId,
) -> sqlx::Result<Option<Payout>> {
    let row = sqlx::query_as!(
        Row,
        "select p.id, p.creator_id, p.destination_id, p.method, p.currency, p.gross_minor, p.fee_minor, p.return_fee_minor,
                p.state, p.content_hash, p.approvals_needed, p.approve_by, p.automatic, p.retry_of, p.hold_id,
                p.requested_by, p.requested_at, p.submissions, p.handed_over_at, p.first_handed_at, p.provider, p.reference,
                p.next_step_at, p.completed_at, p.failure_code, p.failure_message, p.attention, p.was_lost, p.version
         from payouts p join creator_payees c on c.id = p.creator_id
         where p.id = $1 and ($2::text[] is null or c.cluster_id = any($2)) and ($3::uuid is null or p.creator_id = $3)",
        id.uuid(),
        reach.clusters as _,
        reach.creator,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Payout::try_from).transpose()
}

/// As [`find`]; nobody else changes it until this transaction ends.
pub(in crate::payouts) async fn lock(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    id: PayoutId,
) -> sqlx::Result<Option<Payout>> {
    let row = sqlx::query_as!(
        Row,
        "select p.id, p.creator_id, p.destination_id, p.method, p.currency, p.gross_minor, p.fee_minor, p.return_fee_minor,
                p.state, p.content_hash, p.approvals_needed, p.approve_by, p.automatic, p.retry_of, p.hold_id,
                p.requested_by, p.requested_at, p.submissions, p.handed_over_at, p.first_handed_at, p.provider, p.reference,
                p.next_step_at, p.completed_at, p.failure_code, p.failure_message, p.attention, p.was_lost, p.version
         from payouts p
         where p.id = $1 and ($3::uuid is null or p.creator_id = $3)
           and ($2::text[] is null
                or exists (select from creator_payees c where c.id = p.creator_id and c.cluster_id = any($2)))
         for no key update of p",
        id.uuid(),
        reach.clusters as _,
        reach.creator,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Payout::try_from).transpose()
}

/// Those that match, the latest first.
pub(in crate::payouts) async fn list(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    filter: &PayoutFilter,
    before: Option<Place>,
    limit: i64,
) -> sqlx::Result<Vec<Payout>> {
    let (at, id) = before.unzip();
    let rows = sqlx::query_as!(
        Row,
        "select p.id, p.creator_id, p.destination_id, p.method, p.currency, p.gross_minor, p.fee_minor, p.return_fee_minor,
                p.state, p.content_hash, p.approvals_needed, p.approve_by, p.automatic, p.retry_of, p.hold_id,
                p.requested_by, p.requested_at, p.submissions, p.handed_over_at, p.first_handed_at, p.provider, p.reference,
                p.next_step_at, p.completed_at, p.failure_code, p.failure_message, p.attention, p.was_lost, p.version
         from payouts p
         where ($1::text[] is null
                or exists (select from creator_payees c where c.id = p.creator_id and c.cluster_id = any($1)))
           and ($2::uuid is null or p.creator_id = $2) and ($3::uuid is null or p.creator_id = $3)
           and ($4::text is null or p.state = $4) and ($5::text is null or p.method = $5)
           and (not $6 or p.attention is not null)
           and ($7::timestamptz is null or (p.requested_at, p.id) < ($7, $8::uuid))
         order by p.requested_at desc, p.id desc limit $9",
        reach.clusters as _,
        reach.creator,
        filter.creator.map(TypedId::uuid),
        filter.state.map(PayoutState::as_str),
        filter.method.map(|method| method.as_str()),
        filter.attention,
        at,
        id,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Payout::try_from).collect()
}

/// How many payouts creators asked for in a currency since a moment, and of how much in all; those that moved nothing do
/// not count. Who asked for none is not in it.
pub(in crate::payouts) async fn since(
    conn: &mut PgConnection,
    creators: &[CreatorId],
    currency: Currency,
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<CreatorId, (i64, i64)>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select creator_id, count(*) as "count!", sum(gross_minor)::int8 as "minor!" from payouts
           where creator_id = any($1) and currency = $2 and requested_at > $3
             and state not in ('rejected', 'cancelled', 'failed', 'expired')
           group by creator_id"#,
        &ids,
        currency.code(),
        since,
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter();
    Ok(all
        .map(|row| (row.creator_id.into(), (row.count, row.minor)))
        .collect())
}

/// A payout about which something is due.
pub(in crate::payouts) struct Due {
    pub(in crate::payouts) id: PayoutId,
    pub(in crate::payouts) state: PayoutState,
    pub(in crate::payouts) submissions: i32,
}

/// Payouts about which something is due by now, the earliest first; they are due again at `again`.
pub(in crate::payouts) async fn take_due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    again: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        "update payouts set next_step_at = $2
         where id in (select id from payouts where next_step_at <= $1 order by next_step_at limit $3
                      for no key update skip locked)
         returning id, state, submissions",
        now,
        again,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                id: row.id.into(),
                state: stored("state", &row.state)?,
                submissions: row.submissions,
            })
        })
        .collect()
}

/// Payouts that nobody approved in time and nobody else is at, locked.
pub(in crate::payouts) async fn lock_overdue(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    limit: i64,
) -> sqlx::Result<Vec<Payout>> {
    let rows = sqlx::query_as!(
        Row,
        "select p.id, p.creator_id, p.destination_id, p.method, p.currency, p.gross_minor, p.fee_minor, p.return_fee_minor,
                p.state, p.content_hash, p.approvals_needed, p.approve_by, p.automatic, p.retry_of, p.hold_id,
                p.requested_by, p.requested_at, p.submissions, p.handed_over_at, p.first_handed_at, p.provider, p.reference,
                p.next_step_at, p.completed_at, p.failure_code, p.failure_message, p.attention, p.was_lost, p.version
         from payouts p
         where p.approve_by <= $1 and p.state in ('requested', 'compliance_hold', 'awaiting_approval')
         order by p.approve_by limit $2 for no key update skip locked",
        now,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Payout::try_from).collect()
}

/// The payout that tries a failed one again, if there is one.
pub(in crate::payouts) async fn retry_of(
    conn: &mut PgConnection,
    id: PayoutId,
) -> sqlx::Result<Option<PayoutId>> {
    let found = sqlx::query_scalar!("select id from payouts where retry_of = $1", id.uuid())
        .fetch_optional(conn)
        .await?;
    Ok(found.map(PayoutId::from))
}

/// Hands one creator's to another.
pub(in crate::payouts) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payouts set creator_id = $2 where creator_id = $1",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
