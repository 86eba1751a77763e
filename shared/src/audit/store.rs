//! The SQL of the audit trail.

use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use serde::Deserialize;
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::entry::{Body, Personal, Written};
use super::{AuditFilter, Recorded};
use crate::kernel::TypedId;

/// Entries ready to be stored, column by column.
#[derive(Debug, Default)]
pub(super) struct Columns {
    id: Vec<Uuid>,
    actor: Vec<String>,
    action: Vec<String>,
    subject_kind: Vec<String>,
    subject_id: Vec<String>,
    entry: Vec<String>,
    personal: PersonalColumns,
}

#[derive(Debug, Default)]
struct PersonalColumns {
    entry_id: Vec<Uuid>,
    about: Vec<String>,
    salt: Vec<Vec<u8>>,
    content: Vec<String>,
}

impl Columns {
    pub(super) fn push(&mut self, written: Written) {
        let Written {
            body,
            text,
            personal,
        } = written;
        for row in personal {
            self.personal.entry_id.push(body.id.uuid());
            self.personal.about.push(row.about);
            self.personal.salt.push(row.salt);
            self.personal.content.push(row.content);
        }
        self.id.push(body.id.uuid());
        self.actor.push(body.actor);
        self.action.push(body.action);
        self.subject_kind.push(body.subject.kind);
        self.subject_id.push(body.subject.id);
        self.entry.push(text);
    }
}

pub(super) async fn insert(
    conn: &mut PgConnection,
    at: DateTime<Utc>,
    c: &Columns,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into audit_entries (id, at, actor, action, subject_kind, subject_id, entry)
         select id, $1, actor, action, subject_kind, subject_id, entry
         from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              as e (id, actor, action, subject_kind, subject_id, entry)",
        at,
        &c.id,
        &c.actor,
        &c.action,
        &c.subject_kind,
        &c.subject_id,
        &c.entry,
    )
    .execute(&mut *conn)
    .await?;
    let p = &c.personal;
    if p.entry_id.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "insert into audit_personal (entry_id, about, salt, content)
         select * from unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[])",
        &p.entry_id,
        &p.about,
        &p.salt,
        &p.content,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn erase(conn: &mut PgConnection, about: &str) -> sqlx::Result<u64> {
    let gone = sqlx::query!("delete from audit_personal where about = $1", about)
        .execute(conn)
        .await?;
    Ok(gone.rows_affected())
}

/// Entries older than `before`, the newest first.
pub(super) async fn page(
    conn: &mut PgConnection,
    filter: &AuditFilter,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> sqlx::Result<Vec<Recorded>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select e.at, e.entry,
                (select c.seq from audit_chain c where c.entry_id = e.id) as seq,
                (select json_agg(p.content::json order by p.about) from audit_personal p where p.entry_id = e.id) as contents
         from audit_entries e where true",
    );
    let equal = [
        (" and e.actor = ", &filter.actor),
        (" and e.action = ", &filter.action),
        (" and e.subject_kind = ", &filter.subject_kind),
        (" and e.subject_id = ", &filter.subject_id),
    ];
    for (condition, value) in equal {
        if let Some(value) = value {
            query.push(condition).push_bind(value.clone());
        }
    }
    if let Some(from) = filter.from {
        query.push(" and e.at >= ").push_bind(from);
    }
    if let Some(until) = filter.until {
        query.push(" and e.at < ").push_bind(until);
    }
    if let Some((at, id)) = before {
        query.push(" and (e.at, e.id) < (").push_bind(at);
        query.push(", ").push_bind(id).push(")");
    }
    query
        .push(" order by e.at desc, e.id desc limit ")
        .push_bind(limit);
    let rows: Vec<PageRow> = query.build_query_as().fetch_all(conn).await?;
    rows.into_iter()
        .map(|row| {
            let body: Body = parsed(&row.entry)?;
            let contents = row.contents.map(|Json(list)| list).unwrap_or_default();
            // none for an entry of the caller's own transaction, which is linked when that commits
            Ok(Recorded::of(row.seq.unwrap_or(0), row.at, body, &contents))
        })
        .collect()
}

#[derive(sqlx::FromRow)]
struct PageRow {
    at: DateTime<Utc>,
    entry: String,
    seq: Option<i64>,
    contents: Option<Json<Vec<Value>>>,
}

/// The text of an entry, understood.
pub(super) fn parsed(entry: &str) -> sqlx::Result<Body> {
    serde_json::from_str(entry).map_err(|error| sqlx::Error::ColumnDecode {
        index: "entry".into(),
        source: error.into(),
    })
}

/// A link of the chain with what it covers.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) seq: i64,
    pub(super) hash: Vec<u8>,
    pub(super) entry_id: Uuid,
    /// None if the entry is gone.
    pub(super) entry: Option<String>,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) actor: Option<String>,
    pub(super) action: Option<String>,
    pub(super) subject_kind: Option<String>,
    pub(super) subject_id: Option<String>,
    pub(super) personal: Option<Json<Vec<PersonalRow>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PersonalRow {
    about: String,
    salt: String,
    content: String,
}

impl From<PersonalRow> for Personal {
    fn from(row: PersonalRow) -> Self {
        Self {
            about: row.about,
            // what is no salt gives a hash that the entry does not hold
            salt: hex::decode(&row.salt).unwrap_or_default(),
            content: row.content,
        }
    }
}

/// The links after `seq` in order, as they come from the database.
pub(super) fn links(
    conn: &mut PgConnection,
    seq: i64,
    limit: i64,
) -> BoxStream<'_, sqlx::Result<Link>> {
    sqlx::query_as!(
        Link,
        r#"select c.seq, c.hash, c.entry_id, e.entry as "entry?", e.at as "at?", e.actor as "actor?", e.action as "action?",
                  e.subject_kind as "subject_kind?", e.subject_id as "subject_id?",
                  (select json_agg(json_build_object('about', p.about, 'salt', encode(p.salt, 'hex'), 'content', p.content))
                   from audit_personal p where p.entry_id = c.entry_id) as "personal: Json<Vec<PersonalRow>>"
           from audit_chain c left join audit_entries e on e.id = c.entry_id
           where c.seq > $1 order by c.seq limit $2"#,
        seq,
        limit,
    )
    .fetch(conn)
}

/// The hash at a place of the chain.
pub(super) async fn hash_at(conn: &mut PgConnection, seq: i64) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select hash from audit_chain where seq = $1", seq)
        .fetch_optional(conn)
        .await
}

/// The oldest entry that is not in the chain.
pub(super) async fn unlinked(conn: &mut PgConnection) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!(
        "select e.id from audit_entries e where not exists (select 1 from audit_chain c where c.entry_id = e.id)
         order by e.at, e.id limit 1"
    )
    .fetch_optional(conn)
    .await
}
