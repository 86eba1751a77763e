//! Rows of `payout_statement_entries` and `payout_destination_notices`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::CreatorId;
use crate::kernel::money::Money;
use crate::kernel::{Ctx, TypedId, stored};
use crate::payouts::model::{about_of, about_parts};
use crate::payouts::{
    BatchId, DestinationId, DestinationNotice, EntryFilter, EntryState, Fact, PayoutId,
    StatementEntry, StatementEntryId, StatementId,
};
use crate::providers::payout::files::statement::{About, LineReason, StatementLine};

/// An entry that is about to be written.
pub(in crate::payouts) struct NewEntry<'a> {
    pub(in crate::payouts) id: StatementEntryId,
    pub(in crate::payouts) line: &'a StatementLine,
    pub(in crate::payouts) fact: Option<Fact>,
    pub(in crate::payouts) fingerprint: Option<Vec<u8>>,
    /// What is kept encrypted of a correction, and what may be shown of it.
    pub(in crate::payouts) correction: Option<(Vec<u8>, String)>,
}

/// Writes new ones, which wait.
pub(in crate::payouts) async fn insert(
    conn: &mut PgConnection,
    statement: StatementId,
    new: &[NewEntry<'_>],
) -> sqlx::Result<()> {
    let all = new.iter();
    let text = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    sqlx::query!(
        "insert into payout_statement_entries (id, statement_id, place, about, reference, bank_reference, account,
                                               amount_minor, currency, direction, booked_on, outcome, reason_code,
                                               reason_text, correction, correction_shown, fact, fingerprint, state)
         select t.id, $1, t.place, t.about, t.reference, t.bank_reference, t.account, t.amount, t.currency, t.direction,
                t.booked_on, t.outcome, t.reason_code, t.reason_text, t.correction, t.shown, t.fact, t.fingerprint, 'waiting'
         from unnest($2::uuid[], $3::int4[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int8[], $9::text[],
                     $10::text[], $11::date[], $12::text[], $13::text[], $14::text[], $15::bytea[], $16::text[], $17::text[],
                     $18::bytea[])
              t (id, place, about, reference, bank_reference, account, amount, currency, direction, booked_on, outcome,
                 reason_code, reason_text, correction, shown, fact, fingerprint)",
        statement.uuid(),
        &all.clone().map(|one| one.id.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| i32::try_from(one.line.place).unwrap_or(i32::MAX)).collect::<Vec<_>>(),
        &all.clone().map(|one| about_parts(&one.line.about).0.to_owned()).collect::<Vec<_>>(),
        &all.clone().map(|one| about_parts(&one.line.about).1.map(str::to_owned)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| text(&one.line.bank_reference)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| text(&one.line.account)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.amount.map(|amount| amount.minor)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.amount.map(|amount| amount.currency.to_string())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.direction.map(|way| way.to_string())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.day).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.outcome.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.line.reason.as_ref().map(|why| why.code.clone())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.line.reason.as_ref().map(|why| why.text.clone())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.correction.as_ref().map(|(sealed, _)| sealed.clone())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.correction.as_ref().map(|(_, shown)| shown.clone())).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.fact.map(|fact| fact.to_string())).collect::<Vec<_>>() as _,
        &all.map(|one| one.fingerprint.clone()).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

struct Row {
    id: Uuid,
    statement_id: Uuid,
    place: i32,
    about: String,
    reference: Option<String>,
    bank_reference: Option<String>,
    account: Option<String>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    direction: Option<String>,
    booked_on: Option<NaiveDate>,
    outcome: String,
    reason_code: Option<String>,
    reason_text: Option<String>,
    correction_shown: Option<String>,
    fact: Option<String>,
    fingerprint: Option<Vec<u8>>,
    state: String,
    payout_id: Option<Uuid>,
    batch_id: Option<Uuid>,
    why: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    version: i64,
}

impl TryFrom<Row> for StatementEntry {
    type Error = sqlx::Error;
    fn try_from(row: Row) -> sqlx::Result<Self> {
        let about = about_of(&row.about, row.reference);
        let amount = match row.amount_minor.zip(row.currency) {
            Some((minor, code)) => Some(Money::new(stored("currency", &code)?, minor)),
            None => None,
        };
        let direction = row.direction.map(|word| stored("direction", &word));
        let fact = row.fact.map(|word| stored("fact", &word));
        let text = row.reason_text.unwrap_or_default();
        Ok(Self {
            id: row.id.into(),
            statement: row.statement_id.into(),
            place: row.place,
            about: about.ok_or_else(|| sqlx::Error::Decode("about is none of our words".into()))?,
            bank_reference: row.bank_reference,
            account: row.account,
            amount,
            direction: direction.transpose()?,
            booked_on: row.booked_on,
            outcome: stored("outcome", &row.outcome)?,
            reason: row.reason_code.map(|code| LineReason { code, text }),
            correction_shown: row.correction_shown,
            fact: fact.transpose()?,
            fingerprint: row.fingerprint,
            state: stored("state", &row.state)?,
            payout: row.payout_id.map(PayoutId::from),
            batch: row.batch_id.map(BatchId::from),
            why: row.why,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            version: row.version,
        })
    }
}

/// Those of a statement that wait, the first ones first.
pub(in crate::payouts) async fn waiting(
    conn: &mut PgConnection,
    statement: StatementId,
    limit: i64,
) -> sqlx::Result<Vec<StatementEntry>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, statement_id, place, about, reference, bank_reference, account, amount_minor, currency, direction,
                booked_on, outcome, reason_code, reason_text, correction_shown, fact, fingerprint, state, payout_id, batch_id,
                why, decided_by, decided_at, version
         from payout_statement_entries where statement_id = $1 and state = 'waiting' order by place limit $2",
        statement.uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(StatementEntry::try_from).collect()
}

/// One, which nobody else changes until this transaction ends.
pub(in crate::payouts) async fn lock(
    conn: &mut PgConnection,
    id: StatementEntryId,
) -> sqlx::Result<Option<StatementEntry>> {
    let row = sqlx::query_as!(
        Row,
        "select id, statement_id, place, about, reference, bank_reference, account, amount_minor, currency, direction,
                booked_on, outcome, reason_code, reason_text, correction_shown, fact, fingerprint, state, payout_id, batch_id,
                why, decided_by, decided_at, version
         from payout_statement_entries where id = $1 for no key update",
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(StatementEntry::try_from).transpose()
}

/// Those that match, the latest taken in first.
pub(in crate::payouts) async fn list(
    conn: &mut PgConnection,
    filter: &EntryFilter,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<StatementEntry>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, statement_id, place, about, reference, bank_reference, account, amount_minor, currency, direction,
                booked_on, outcome, reason_code, reason_text, correction_shown, fact, fingerprint, state, payout_id, batch_id,
                why, decided_by, decided_at, version
         from payout_statement_entries
         where ($1::uuid is null or statement_id = $1) and ($2::uuid is null or payout_id = $2)
           and ($3::text is null or state = $3) and (not $4 or state in ('unmatched', 'attention'))
           and ($5::text is null or currency is null or currency = $5)
           and ($6::date is null or booked_on >= $6) and ($7::date is null or booked_on <= $7)
           and ($8::uuid is null or id < $8)
         order by id desc limit $9",
        filter.statement.map(TypedId::uuid),
        filter.payout.map(TypedId::uuid),
        filter.state.map(EntryState::as_str),
        filter.theirs,
        filter.currency.map(|currency| currency.code()),
        filter.from,
        filter.to,
        before,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(StatementEntry::try_from).collect()
}

/// Writes where entries stand, which are locked or nobody else's turn.
pub(in crate::payouts) async fn update(
    conn: &mut PgConnection,
    entries: &[StatementEntry],
) -> sqlx::Result<()> {
    let all = entries.iter();
    sqlx::query!(
        "update payout_statement_entries e
         set state = t.state, payout_id = t.payout_id, batch_id = t.batch_id, why = t.why, decided_by = t.decided_by,
             decided_at = t.decided_at, fact = t.fact, version = e.version + 1
         from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
              t (id, state, payout_id, batch_id, why, decided_by, decided_at, fact)
         where e.id = t.id",
        &all.clone().map(|one| one.id.uuid()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.state.to_string()).collect::<Vec<_>>(),
        &all.clone().map(|one| one.payout.map(TypedId::uuid)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.batch.map(TypedId::uuid)).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.why.clone()).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.decided_by.clone()).collect::<Vec<_>>() as _,
        &all.clone().map(|one| one.decided_at).collect::<Vec<_>>() as _,
        &all.map(|one| one.fact.map(|fact| fact.to_string())).collect::<Vec<_>>() as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What the payouts and the files are that entries name.
#[derive(Debug, Default)]
pub(in crate::payouts) struct Named {
    payouts: HashMap<(&'static str, String), PayoutId>,
    batches: HashMap<String, BatchId>,
}

impl Named {
    pub(in crate::payouts) fn payout(&self, about: &About) -> Option<PayoutId> {
        let (kind, reference) = about_parts(about);
        self.payouts.get(&(kind, reference?.to_owned())).copied()
    }

    pub(in crate::payouts) fn batch(&self, about: &About) -> Option<BatchId> {
        let About::Message(id) = about else {
            return None;
        };
        self.batches.get(id).copied()
    }
}

/// Finds what entries name: of the payouts that go out in files, by the end-to-end id, the trace number (the latest, as
/// numbers begin again) or the cheque's number; and those files, by the message's id.
pub(in crate::payouts) async fn named(
    conn: &mut PgConnection,
    about: impl Iterator<Item = &About>,
) -> sqlx::Result<Named> {
    let (mut ids, mut traces, mut cheques, mut files) = (vec![], vec![], vec![], vec![]);
    for one in about {
        match one {
            About::EndToEnd(id) => ids.extend(Uuid::try_parse(id).map(|uuid| (uuid, id.clone()))),
            About::Trace(number) => traces.push(number.clone()),
            About::Cheque(number) => cheques.push(number.clone()),
            About::Message(id) => files.extend(Uuid::try_parse(id).map(|uuid| (uuid, id.clone()))),
            About::Unknown => {}
        }
    }
    let (uuids, texts): (Vec<Uuid>, Vec<String>) = ids.into_iter().unzip();
    let rows = sqlx::query!(
        r#"select 'end_to_end' as "kind!", t.said as "reference!", p.id as "id!"
           from unnest($1::uuid[], $2::text[]) t (id, said) join payouts p on p.id = t.id
           where p.batch_id is not null and p.method = 'bank_transfer'
           union all
           select * from (select distinct on (p.trace) 'trace', p.trace, p.id
                          from payouts p where p.trace = any($3) and p.method = 'bank_transfer' order by p.trace, p.id desc) a
           union all
           select * from (select distinct on (p.trace) 'cheque', p.trace, p.id
                          from payouts p where p.trace = any($4) and p.method = 'check' order by p.trace, p.id desc) b"#,
        &uuids,
        &texts,
        &traces,
        &cheques,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut named = Named::default();
    for row in rows {
        let kind = match row.kind.as_str() {
            "end_to_end" => "end_to_end",
            "trace" => "trace",
            _ => "cheque",
        };
        named.payouts.insert((kind, row.reference), row.id.into());
    }
    let (uuids, texts): (Vec<Uuid>, Vec<String>) = files.into_iter().unzip();
    let rows = sqlx::query!(
        r#"select t.said as "reference!", b.id as "id!" from unnest($1::uuid[], $2::text[]) t (id, said)
           join payout_batches b on b.id = t.id"#,
        &uuids,
        &texts,
    )
    .fetch_all(conn)
    .await?;
    let batches = rows.into_iter().map(|row| (row.reference, row.id.into()));
    named.batches = batches.collect();
    Ok(named)
}

/// What is proven of payouts already, by entries of their own or of their whole file.
pub(in crate::payouts) async fn facts(
    conn: &mut PgConnection,
    payouts: &[PayoutId],
) -> sqlx::Result<HashSet<(PayoutId, Fact)>> {
    let ids: Vec<Uuid> = payouts.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select e.payout_id as "id!", e.fact as "fact!" from payout_statement_entries e
           where e.payout_id = any($1) and e.state = 'matched' and e.fact is not null
           union
           select p.id, e.fact from payouts p join payout_statement_entries e on e.batch_id = p.batch_id
           where p.id = any($1) and e.state = 'matched' and e.fact is not null"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let all = rows
        .into_iter()
        .map(|row| Ok((row.id.into(), stored("fact", &row.fact)?)));
    all.collect()
}

/// Whether a whole file was proven something already.
pub(in crate::payouts) async fn is_proven(
    conn: &mut PgConnection,
    batch: BatchId,
    fact: Fact,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from payout_statement_entries
                          where batch_id = $1 and fact = $2 and state = 'matched') as "found!""#,
        batch.uuid(),
        fact.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// Those of the fingerprints that other entries have, which count.
pub(in crate::payouts) async fn seen(
    conn: &mut PgConnection,
    fingerprints: &[Vec<u8>],
) -> sqlx::Result<HashSet<Vec<u8>>> {
    let found = sqlx::query_scalar!(
        r#"select fingerprint as "fingerprint!" from payout_statement_entries
           where fingerprint = any($1) and state not in ('waiting', 'repeated')"#,
        fingerprints,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().collect())
}

/// What a file's payouts come to.
pub(in crate::payouts) struct BatchSums {
    /// What the payees get of those that did not fail, in minor units.
    pub(in crate::payouts) net: i64,
    /// How many were completed, or came back later.
    pub(in crate::payouts) completed: i64,
    /// Of how much entries of their own say that it was booked, and of how many.
    pub(in crate::payouts) booked: i64,
    pub(in crate::payouts) booked_entries: i64,
    /// Whether somebody asked for one of them, or entered where one goes.
    pub(in crate::payouts) is_own: bool,
}

/// Adds up a file's payouts; `who` sent the statement.
pub(in crate::payouts) async fn batch_sums(
    conn: &mut PgConnection,
    batch: BatchId,
    who: &str,
) -> sqlx::Result<BatchSums> {
    let row = sqlx::query!(
        r#"select coalesce(sum(p.net_minor) filter (where p.state <> 'failed'), 0)::int8 as "net!",
                  count(*) filter (where p.state in ('completed', 'returned', 'reversed')) as "completed!",
                  coalesce(sum(e.amount_minor), 0)::int8 as "booked!", count(e.amount_minor) as "booked_entries!",
                  coalesce(bool_or(p.requested_by = $2 or d.entered_by = $2), false) as "is_own!"
           from payouts p join payout_destinations d on d.id = p.destination_id
                left join payout_statement_entries e
                     on e.payout_id = p.id and e.fact = 'booked_out' and e.state = 'matched'
           where p.batch_id = $1"#,
        batch.uuid(),
        who,
    )
    .fetch_one(conn)
    .await?;
    Ok(BatchSums {
        net: row.net,
        completed: row.completed,
        booked: row.booked,
        booked_entries: row.booked_entries,
        is_own: row.is_own,
    })
}

/// Payouts of a file of which nobody knows yet how they end, the first ones first.
pub(in crate::payouts) async fn open_of_batch(
    conn: &mut PgConnection,
    batch: BatchId,
    limit: i64,
) -> sqlx::Result<Vec<PayoutId>> {
    let ids = sqlx::query_scalar!(
        "select id from payouts where batch_id = $1 and state in ('submitted', 'unknown', 'in_transit') order by id limit $2",
        batch.uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PayoutId::from).collect())
}

/// Notes that a bank gave other data for a destination.
pub(in crate::payouts) async fn add_notice(
    conn: &mut PgConnection,
    ctx: &Ctx,
    destination: DestinationId,
    entry: &StatementEntry,
) -> sqlx::Result<()> {
    let code = entry.reason.as_ref().map_or("", |why| why.code.as_str());
    sqlx::query!(
        "insert into payout_destination_notices (destination_id, entry_id, code, shown, at) values ($1, $2, $3, $4, $5)
         on conflict do nothing",
        destination.uuid(),
        entry.id.uuid(),
        code,
        entry.correction_shown.as_deref().unwrap_or("…"),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Notices that a creator's destinations have at the most that are shown.
const NOTICES_MAX: i64 = 200;

/// Those of all of a creator's destinations that were not taken away, the latest first.
pub(in crate::payouts) async fn notices(
    conn: &mut PgConnection,
    creator: CreatorId,
) -> sqlx::Result<Vec<DestinationNotice>> {
    let rows = sqlx::query!(
        "select n.destination_id, n.code, n.shown, n.at
         from payout_destinations d join payout_destination_notices n on n.destination_id = d.id
         where d.creator_id = $1 and d.state <> 'retired' order by n.at desc, n.entry_id desc limit $2",
        creator.uuid(),
        NOTICES_MAX,
    )
    .fetch_all(conn)
    .await?;
    let all = rows.into_iter().map(|row| DestinationNotice {
        destination: row.destination_id.into(),
        code: row.code,
        shown: row.shown,
        at: row.at,
    });
    Ok(all.collect())
}

/// What is kept encrypted of a destination's notices: of which entry, and with which code, the latest first.
pub(in crate::payouts) async fn corrections(
    conn: &mut PgConnection,
    id: DestinationId,
) -> sqlx::Result<Vec<(StatementEntryId, String, Vec<u8>)>> {
    let rows = sqlx::query!(
        r#"select n.entry_id, n.code, e.correction as "correction!"
           from payout_destination_notices n join payout_statement_entries e on e.id = n.entry_id
           where n.destination_id = $1 and e.correction is not null order by n.at desc, n.entry_id desc limit $2"#,
        id.uuid(),
        NOTICES_MAX,
    )
    .fetch_all(conn)
    .await?;
    let all = rows
        .into_iter()
        .map(|row| (row.entry_id.into(), row.code, row.correction));
    Ok(all.collect())
}
