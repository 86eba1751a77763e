//! Rows of `payout_destinations`.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::kernel::{Ctx, TypedId, stored};
use crate::payouts::{Destination, DestinationId, DestinationState};

struct Row {
    id: Uuid,
    creator_id: Uuid,
    method: String,
    kind: String,
    masked: String,
    holder_matches: bool,
    state: String,
    entered_by: String,
    entered_at: DateTime<Utc>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    fingerprint: Vec<u8>,
}

impl TryFrom<Row> for Destination {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            creator: row.creator_id.into(),
            method: stored("method", &row.method)?,
            kind: row.kind,
            masked: row.masked,
            holder_matches: row.holder_matches,
            state: stored("state", &row.state)?,
            entered_by: row.entered_by,
            entered_at: row.entered_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            reason: row.reason,
            fingerprint: row.fingerprint,
        })
    }
}

/// A destination that is about to be written.
pub(in crate::payouts) struct NewRow<'a> {
    pub(in crate::payouts) id: DestinationId,
    pub(in crate::payouts) creator: CreatorId,
    pub(in crate::payouts) method: &'a str,
    pub(in crate::payouts) kind: &'a str,
    pub(in crate::payouts) sealed: &'a [u8],
    pub(in crate::payouts) fingerprint: &'a [u8],
    pub(in crate::payouts) masked: &'a str,
    pub(in crate::payouts) holder: &'a str,
}

/// Writes one; false if the creator has the same account already.
pub(in crate::payouts) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewRow<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into payout_destinations (id, creator_id, method, kind, sealed, fingerprint, masked, holder_matches, state,
                                          entered_by, entered_at)
         select $1, p.id, $3, $4, $5, $6, $7,
                coalesce(p.legal_name_key = regexp_replace(trim(search_form($8)), '\\s+', ' ', 'g'), false),
                'unverified', $9, $10
         from creator_payees p where p.id = $2
         on conflict (creator_id, fingerprint) where state <> 'retired' do nothing",
        new.id.uuid(),
        new.creator.uuid(),
        new.method,
        new.kind,
        new.sealed,
        new.fingerprint,
        new.masked,
        new.holder,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A creator's, the latest first; those that were retired only if they are asked for.
pub(in crate::payouts) async fn of_creator(
    conn: &mut PgConnection,
    creator: CreatorId,
    retired: bool,
) -> sqlx::Result<Vec<Destination>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, creator_id, method, kind, masked, holder_matches, state, entered_by, entered_at, decided_by, decided_at,
                reason, fingerprint
         from payout_destinations where creator_id = $1 and ($2 or state <> 'retired')
         order by entered_at desc, id desc limit 200",
        creator.uuid(),
        retired,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Destination::try_from).collect()
}

/// Those of many creators that were not retired, the latest first.
pub(in crate::payouts) async fn of_creators(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> sqlx::Result<HashMap<CreatorId, Vec<Destination>>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        "select id, creator_id, method, kind, masked, holder_matches, state, entered_by, entered_at, decided_by, decided_at,
                reason, fingerprint
         from payout_destinations where creator_id = any($1) and state <> 'retired' order by entered_at desc, id desc",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut all: HashMap<CreatorId, Vec<Destination>> = HashMap::new();
    for row in rows {
        let one = Destination::try_from(row)?;
        all.entry(one.creator).or_default().push(one);
    }
    Ok(all)
}

/// One of a creator's, locked.
pub(in crate::payouts) async fn lock(
    conn: &mut PgConnection,
    creator: CreatorId,
    id: DestinationId,
) -> sqlx::Result<Option<Destination>> {
    let row = sqlx::query_as!(
        Row,
        "select id, creator_id, method, kind, masked, holder_matches, state, entered_by, entered_at, decided_by, decided_at,
                reason, fingerprint
         from payout_destinations where id = $1 and creator_id = $2 for no key update",
        id.uuid(),
        creator.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Destination::try_from).transpose()
}

/// One, whoever's it is.
pub(in crate::payouts) async fn find(
    conn: &mut PgConnection,
    id: DestinationId,
) -> sqlx::Result<Option<Destination>> {
    let row = sqlx::query_as!(
        Row,
        "select id, creator_id, method, kind, masked, holder_matches, state, entered_by, entered_at, decided_by, decided_at,
                reason, fingerprint
         from payout_destinations where id = $1",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Destination::try_from).transpose()
}

/// What was sealed of one.
pub(in crate::payouts) async fn sealed(
    conn: &mut PgConnection,
    id: DestinationId,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select sealed from payout_destinations where id = $1",
        id.uuid()
    )
    .fetch_optional(conn)
    .await
}

/// Whether somebody else is paid to the same account.
pub(in crate::payouts) async fn is_elsewhere(
    conn: &mut PgConnection,
    of: &Destination,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from payout_destinations d join creators c on c.id = d.creator_id
               where d.fingerprint = $1 and d.state <> 'retired'
                 and c.person_id <> (select person_id from creators where id = $2)) as "found!""#,
        of.fingerprint,
        of.creator.uuid(),
    )
    .fetch_one(conn)
    .await
}

/// Notes what was decided about one.
pub(in crate::payouts) async fn decide(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: DestinationId,
    state: DestinationState,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_destinations set state = $2, decided_by = $3, decided_at = $4, reason = $5 where id = $1",
        id.uuid(),
        state.as_str(),
        ctx.actor.to_string(),
        ctx.now(),
        reason,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes one away; what was paid to it still names it.
pub(in crate::payouts) async fn retire(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: DestinationId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_destinations set state = 'retired', retired_at = $2 where id = $1 and state <> 'retired'",
        id.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Hands one creator's to another; an account that the other has, too, is retired.
pub(in crate::payouts) async fn follow_merge(
    conn: &mut PgConnection,
    ctx: &Ctx,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update payout_destinations d
         set creator_id = $2,
             state = case when t.twice then 'retired' else d.state end,
             retired_at = case when t.twice then $3 else d.retired_at end
         from (select o.id, o.state <> 'retired' and exists (
                   select from payout_destinations k
                   where k.creator_id = $2 and k.fingerprint = o.fingerprint and k.state <> 'retired') as twice
               from payout_destinations o where o.creator_id = $1) t
         where t.id = d.id",
        gone.uuid(),
        kept.uuid(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}
