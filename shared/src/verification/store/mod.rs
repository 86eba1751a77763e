//! The SQL of verification.

pub(super) mod merge;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Holder, Verification, VerificationId, VerificationKind, VerificationState};
use crate::audit::Subject;
use crate::creators::{Creator, CreatorId, PersonId};
use crate::kernel::{Ctx, TypedId, stored};

/// A verification with what it rests on.
#[derive(Debug, Clone)]
pub(super) struct Holding {
    pub(super) is: Verification,
    /// What was on file when it was verified.
    pub(super) proven: Option<String>,
}

struct Row {
    kind: String,
    state: String,
    evidence: Option<String>,
    method: Option<String>,
    proven: Option<String>,
    valid_until: Option<NaiveDate>,
    verified_by: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    resubmittable: Option<bool>,
    version: i64,
    updated_at: DateTime<Utc>,
    still_on_file: bool,
}

impl Row {
    fn holding(self, today: NaiveDate) -> sqlx::Result<Holding> {
        let written: VerificationState = stored("state", &self.state)?;
        let (state, lapse) = written.standing(self.valid_until, self.still_on_file, today);
        let method = self.method.as_deref();
        Ok(Holding {
            is: Verification {
                kind: stored("kind", &self.kind)?,
                state,
                lapse,
                evidence: self.evidence,
                method: method.map(|word| stored("method", word)).transpose()?,
                valid_until: self.valid_until,
                verified_by: self.verified_by,
                verified_at: self.verified_at,
                reason: self.reason,
                resubmittable: self.resubmittable,
                version: self.version,
                updated_at: Some(self.updated_at),
            },
            proven: self.proven,
        })
    }
}

/// What is kept of a creator and of their person, by kind.
pub(super) async fn of_creator(
    conn: &mut PgConnection,
    creator: CreatorId,
    today: NaiveDate,
) -> sqlx::Result<Vec<Holding>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.kind, v.state, v.evidence, v.method, v.proven, v.valid_until, v.verified_by, v.verified_at, v.reason,
                  v.resubmittable, v.version, v.updated_at,
                  v.proven is not distinct from
                  case v.kind when 'identity' then f.identity when 'email' then f.email_key when 'phone' then f.phone end
                  as "still_on_file!"
           from creator_papers f join verifications v on v.person_id = f.person_id or v.creator_id = f.creator_id
           where f.asked = $1 order by v.kind"#,
        creator.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(|row| row.holding(today)).collect()
}

/// What is on file that a kind proves.
pub(super) async fn on_file(
    conn: &mut PgConnection,
    creator: CreatorId,
    kind: VerificationKind,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select case $2 when 'identity' then identity when 'email' then email_key when 'phone' then phone end as "on_file"
           from creator_papers where asked = $1"#,
        creator.uuid(),
        kind.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// The person or the creator whose a kind is.
fn holder(creator: &Creator, kind: VerificationKind) -> (Option<Uuid>, Option<Uuid>) {
    match kind.holder() {
        Holder::Person => (Some(creator.person.uuid()), None),
        Holder::Creator => (None, Some(creator.id.uuid())),
    }
}

/// Stores where a kind stands; whoever calls holds the creator and the person.
pub(super) async fn save(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    after: &Verification,
    proven: Option<&str>,
) -> sqlx::Result<()> {
    let (person_id, creator_id) = holder(creator, after.kind);
    let written = sqlx::query!(
        "update verifications
         set state = $4, evidence = $5, method = $6, proven = $7, valid_until = $8, verified_by = $9, verified_at = $10,
             reason = $11, resubmittable = $12, version = $13, updated_at = $14
         where kind = $3 and (person_id = $1 or creator_id = $2)",
        person_id,
        creator_id,
        after.kind.as_str(),
        after.state.as_str(),
        after.evidence,
        after.method.map(|method| method.as_str()),
        proven,
        after.valid_until,
        after.verified_by,
        after.verified_at,
        after.reason,
        after.resubmittable,
        after.version,
        ctx.now(),
    )
    .execute(&mut *conn)
    .await?;
    if written.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        "insert into verifications (id, person_id, creator_id, kind, state, evidence, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        VerificationId::new().uuid(),
        person_id,
        creator_id,
        after.kind.as_str(),
        after.state.as_str(),
        after.evidence,
        after.version,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Adds a line to the history.
pub(super) async fn add_event(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: &Creator,
    from: VerificationState,
    after: &Verification,
) -> sqlx::Result<()> {
    let (person_id, creator_id) = holder(creator, after.kind);
    sqlx::query!(
        "insert into verification_events (id, person_id, creator_id, kind, from_state, to_state, evidence, method, valid_until,
                                          reason, caused_by, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        Uuid::now_v7(),
        person_id,
        creator_id,
        after.kind.as_str(),
        from.as_str(),
        after.state.as_str(),
        after.evidence,
        after.method.map(|method| method.as_str()),
        after.valid_until,
        after.reason,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// What became of one that is over.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) subject: Subject,
    pub(super) kind: VerificationKind,
    pub(super) valid_until: Option<NaiveDate>,
}

/// Lets expire what was over before today, and adds to the history, in one statement.
pub(super) async fn expire(
    conn: &mut PgConnection,
    ctx: &Ctx,
    limit: i64,
) -> sqlx::Result<Vec<Ended>> {
    let rows = sqlx::query!(
        "with due as (
            select id from verifications where state = 'verified' and valid_until < $1
            order by valid_until, id limit $2 for update skip locked
         ), ended as (
            update verifications v set state = 'expired', version = v.version + 1, updated_at = $3
            from due where v.id = due.id
            returning v.person_id, v.creator_id, v.kind, v.evidence, v.method, v.valid_until
         ), told as (
            insert into verification_events (id, person_id, creator_id, kind, from_state, to_state, evidence, method,
                                             valid_until, caused_by, at)
            select uuid_v7(), person_id, creator_id, kind, 'verified', 'expired', evidence, method, valid_until, $4, $3
            from ended
         )
         select person_id, creator_id, kind, valid_until from ended order by kind, person_id, creator_id",
        ctx.now().date_naive(),
        limit,
        ctx.now(),
        ctx.actor.to_string(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let subject = match (row.person_id, row.creator_id) {
                (Some(person), _) => Some(Subject::of(PersonId::from(person))),
                (None, creator) => creator.map(|id| Subject::of(CreatorId::from(id))),
            };
            Ok(Ended {
                subject: subject.ok_or(sqlx::Error::RowNotFound)?,
                kind: stored("kind", &row.kind)?,
                valid_until: row.valid_until,
            })
        })
        .collect()
}
