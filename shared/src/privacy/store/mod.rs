//! The SQL of privacy. Statements over [`Holding`]s are put together from that list's own words; every value is bound.

pub(super) mod measures;
pub(super) mod retention;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use uuid::Uuid;

use super::{Holding, Outcome, Request, RequestId, RequestKind, RequestState, Treatment};
use crate::creators::PersonId;
use crate::files::FileId;
use crate::kernel::{Ctx, TypedId, stored};

/// Who a request is about.
#[derive(Debug, Clone)]
pub(super) struct Subjects {
    /// The person, and those who turned out to be them.
    pub(super) people: Vec<Uuid>,
    pub(super) creators: Vec<Uuid>,
    pub(super) logins: Vec<Uuid>,
    pub(super) clusters: Vec<String>,
}

pub(super) async fn subjects(conn: &mut PgConnection, person: PersonId) -> sqlx::Result<Subjects> {
    subjects_of(conn, &[person.uuid()]).await
}

/// As [`subjects`], of several people together.
pub(super) async fn subjects_of(
    conn: &mut PgConnection,
    people: &[Uuid],
) -> sqlx::Result<Subjects> {
    let row = sqlx::query!(
        r#"
        with recursive same as (
            select coalesce(merged_into, id) as id from people where id = any($1)
            union
            select p.id from people p join same on p.merged_into = same.id
        ), theirs as (
            select id, cluster_id from creators where person_id in (select id from same)
            union
            select c.id, c.cluster_id from creators c join creators k on k.id = c.merged_into
            where k.person_id in (select id from same)
        )
        select array(select id from same) as "people!", array(select id from theirs) as "creators!",
               array(select u.id from users u where u.creator_id in (select id from theirs)) as "logins!",
               array(select distinct cluster_id from theirs) as "clusters!"
        "#,
        people,
    )
    .fetch_one(conn)
    .await?;
    Ok(Subjects {
        people: row.people,
        creators: row.creators,
        logins: row.logins,
        clusters: row.clusters,
    })
}

/// By what somebody can be found in texts.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<String>,
    /// Addresses and numbers as they stand in lists.
    pub(super) written: Vec<String>,
    /// All names and addresses, as they are compared: without regard to capitals.
    pub(super) texts: Vec<String>,
}

pub(super) async fn names(conn: &mut PgConnection, who: &Subjects) -> sqlx::Result<Names> {
    let row = sqlx::query!(
        r#"
        select array(select distinct email_key from creators where id = any($1)
                     union select email_key from users where id = any($3)) as "emails!",
               array(select distinct phone from creators where id = any($1) and phone is not null) as "phones!",
               array(select unnest(array[email, email_key]) from creators where id = any($1)
                     union select phone from creators where id = any($1) and phone is not null) as "written!",
               array(select distinct lower(word) from (
                   select unnest(array[email, username, display_name, phone] || aliases) as word from creators where id = any($1)
                   union select legal_name from people where id = any($2)
                   union select email from users where id = any($3)) t where length(word) >= 3) as "texts!"
        "#,
        &who.creators,
        &who.people,
        &who.logins,
    )
    .fetch_one(conn)
    .await?;
    Ok(Names {
        emails: row.emails,
        phones: row.phones,
        written: row.written,
        texts: row.texts,
    })
}

/// Clears what holds their data without referring to them.
pub(super) async fn forget_elsewhere(
    conn: &mut PgConnection,
    who: &Subjects,
    names: &Names,
) -> sqlx::Result<()> {
    let ids: Vec<String> = who
        .creators
        .iter()
        .map(|id| format!("creator_{}", id.simple()))
        .chain(
            who.people
                .iter()
                .map(|id| format!("person_{}", id.simple())),
        )
        .chain(names.texts.iter().cloned())
        .collect();
    sqlx::query!(
        "delete from idempotency_keys k
         where exists (select 1 from unnest($1::text[]) t (x)
                       where strpos(lower(k.body), t.x) > 0 or strpos(k.location, t.x) > 0)",
        &ids,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "with views as (
            update creator_views v set filter = v.filter - 'q' - 'legalName'
            where exists (select 1 from unnest($1::text[]) t (x) where strpos(lower(v.filter::text), t.x) > 0)
         ), exports as (
            update creator_exports e set filter = e.filter - 'q' - 'legalName'
            where exists (select 1 from unnest($1::text[]) t (x) where strpos(lower(e.filter::text), t.x) > 0)
         )
         update creator_bulk_operations b set filter = b.filter - 'q' - 'legalName'
         where exists (select 1 from unnest($1::text[]) t (x) where strpos(lower(b.filter::text), t.x) > 0)",
        &names.texts,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// How many rows there are.
pub(super) async fn count(
    conn: &mut PgConnection,
    holding: &Holding,
    who: &Subjects,
) -> sqlx::Result<u64> {
    let query = format!(
        "select count(*) from {} where {}",
        holding.table, holding.rows
    );
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(query))
        .bind(&who.people)
        .bind(&who.creators)
        .bind(&who.logins)
        .fetch_one(conn)
        .await?;
    Ok(rows.unsigned_abs())
}

/// Does with the rows what is to be done with them.
pub(super) async fn treat(
    conn: &mut PgConnection,
    holding: &Holding,
    who: &Subjects,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let (table, rows) = (holding.table, holding.rows);
    let statement = match holding.treatment {
        Treatment::Erase => format!("delete from {table} where {rows}"),
        Treatment::Pseudonymise { set, .. } => format!("update {table} set {set} where {rows}"),
        Treatment::Retain { .. } | Treatment::Stay => return Ok(()),
    };
    sqlx::query(AssertSqlSafe(statement))
        .bind(&who.people)
        .bind(&who.creators)
        .bind(&who.logins)
        .bind(now)
        .execute(conn)
        .await
        .map(drop)
}

/// A row as JSON, and its place in its table.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) place: String,
    pub(super) json: String,
}

/// The next rows behind a place, in the order in which they lie: partition by partition, if there are any.
pub(super) async fn rows(
    conn: &mut PgConnection,
    holding: &Holding,
    who: &Subjects,
    after: Option<&str>,
    limit: i64,
) -> sqlx::Result<Vec<Row>> {
    let query = format!(
        "select t.tableoid::text || ' ' || t.ctid::text as place, (to_jsonb(t) - $4::text[])::text as json from {} t
         where ({}) and ($5::text is null
                         or (t.tableoid, t.ctid) > (split_part($5, ' ', 1)::oid, split_part($5, ' ', 2)::tid))
         order by t.tableoid, t.ctid limit $6",
        holding.table, holding.rows
    );
    let withheld: Vec<String> = holding.withheld.iter().map(ToString::to_string).collect();
    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(&who.people)
        .bind(&who.creators)
        .bind(&who.logins)
        .bind(withheld)
        .bind(after)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Row {
                place: row.try_get("place")?,
                json: row.try_get("json")?,
            })
        })
        .collect()
}

/// Has the transaction read everything as of one moment; its first statement.
pub(super) async fn read_one_moment(conn: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("set transaction isolation level repeatable read")
        .execute(conn)
        .await
        .map(drop)
}

/// A request about to be stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct NewRequest<'a> {
    pub(super) id: RequestId,
    pub(super) person: PersonId,
    pub(super) kind: RequestKind,
    pub(super) state: RequestState,
    pub(super) reason: &'a str,
    pub(super) outcome: &'a [Outcome],
}

/// False if one of the kind is under way for the person.
pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: &NewRequest<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "insert into privacy_requests (id, person_id, kind, state, reason, asked_by, asked_at, outcome)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        new.id.uuid(),
        new.person.uuid(),
        new.kind.as_str(),
        new.state.as_str(),
        new.reason,
        ctx.actor.to_string(),
        ctx.now(),
        Json(new.outcome) as _,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

struct RequestRow {
    id: Uuid,
    person_id: Uuid,
    kind: String,
    state: String,
    reason: String,
    asked_by: String,
    asked_at: DateTime<Utc>,
    confirmed_by: Option<String>,
    finished_at: Option<DateTime<Utc>>,
    error: Option<String>,
    outcome: Json<Vec<Outcome>>,
    file_id: Option<Uuid>,
}

impl TryFrom<RequestRow> for Request {
    type Error = sqlx::Error;
    fn try_from(row: RequestRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.id.into(),
            person: row.person_id.into(),
            kind: stored("kind", &row.kind)?,
            state: stored("state", &row.state)?,
            reason: row.reason,
            asked_by: row.asked_by,
            asked_at: row.asked_at,
            confirmed_by: row.confirmed_by,
            finished_at: row.finished_at,
            error: row.error,
            outcome: row.outcome.0,
            file: row.file_id.map(FileId::from),
        })
    }
}

pub(super) async fn find(conn: &mut PgConnection, id: RequestId) -> sqlx::Result<Option<Request>> {
    let row = sqlx::query_as!(
        RequestRow,
        r#"select id, person_id, kind, state, reason, asked_by, asked_at, confirmed_by, finished_at, error,
                  outcome as "outcome: Json<Vec<Outcome>>", file_id
           from privacy_requests where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Request::try_from).transpose()
}

/// As [`find`]; nobody else changes it until this transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: RequestId) -> sqlx::Result<Option<Request>> {
    let row = sqlx::query_as!(
        RequestRow,
        r#"select id, person_id, kind, state, reason, asked_by, asked_at, confirmed_by, finished_at, error,
                  outcome as "outcome: Json<Vec<Outcome>>", file_id
           from privacy_requests where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Request::try_from).transpose()
}

pub(super) async fn confirm(conn: &mut PgConnection, ctx: &Ctx, id: RequestId) -> sqlx::Result<()> {
    sqlx::query!(
        "update privacy_requests set state = 'running', confirmed_by = $2, confirmed_at = $3 where id = $1",
        id.uuid(),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn fail(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: RequestId,
    why: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update privacy_requests set state = 'failed', finished_at = $2, error = $3 where id = $1 and state = 'running'",
        id.uuid(),
        ctx.now(),
        why,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn complete_erasure(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: RequestId,
    outcome: &[Outcome],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update privacy_requests set state = 'completed', finished_at = $2, outcome = $3 where id = $1",
        id.uuid(),
        ctx.now(),
        Json(outcome) as _,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn complete_export(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: RequestId,
    file: FileId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update privacy_requests set state = 'completed', finished_at = $2, file_id = $3 where id = $1",
        id.uuid(),
        ctx.now(),
        file.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Removes stored files that hold a person's data (their documents, and uploaded or exported lists with their addresses in
/// them) and the reasons given for their exports.
pub(super) async fn drop_files(
    conn: &mut PgConnection,
    who: &Subjects,
    names: &Names,
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from files f
         where f.id in (select file_id from privacy_requests where person_id = any($1))
            or f.id in (select unnest(array[i.file_id, i.report_id]) from creator_imports i
                        join creator_import_rows r on r.import_id = i.id where r.creator_id = any($2))
            or exists (select 1 from file_parts p, unnest($3::text[]) t (x)
                       where p.file_id = f.id and position(convert_to(t.x, 'UTF8') in p.content) > 0)",
        &who.people,
        &who.creators,
        &names.written,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update privacy_requests set reason = 'erased' where person_id = any($1) and kind = 'export'",
        &who.people,
    )
    .execute(conn)
    .await
    .map(drop)
}
