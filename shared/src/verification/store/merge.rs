//! What follows a creator or a person into another one.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::creators::{CreatorId, PersonId};
use crate::kernel::{TypedId, stored};
use crate::verification::{VerificationKind, VerificationState};

/// A verification of one of two who are one.
#[derive(Debug, Clone)]
pub(in crate::verification) struct Candidate {
    pub(in crate::verification) id: Uuid,
    pub(in crate::verification) kind: VerificationKind,
    /// Where it stands, measured by what is on file of the one who is kept.
    pub(in crate::verification) state: VerificationState,
    valid_until: Option<NaiveDate>,
    updated_at: DateTime<Utc>,
}

impl Candidate {
    /// What makes one better than another: its state, how long it counts, and which is the later.
    pub(in crate::verification) fn worth(&self) -> (u8, NaiveDate, DateTime<Utc>) {
        let state = match self.state {
            VerificationState::Unverified => 0,
            VerificationState::Revoked => 1,
            VerificationState::Rejected => 2,
            VerificationState::Expired => 3,
            VerificationState::Pending => 4,
            VerificationState::InReview => 5,
            VerificationState::Verified => 6,
        };
        let until = self.valid_until.unwrap_or(NaiveDate::MAX);
        (state, until, self.updated_at)
    }
}

struct Row {
    id: Uuid,
    kind: String,
    state: String,
    valid_until: Option<NaiveDate>,
    updated_at: DateTime<Utc>,
    still_on_file: bool,
}

fn candidates(rows: Vec<Row>, today: NaiveDate) -> sqlx::Result<Vec<Candidate>> {
    rows.into_iter()
        .map(|row| {
            let written: VerificationState = stored("state", &row.state)?;
            let (state, _) = written.standing(row.valid_until, row.still_on_file, today);
            Ok(Candidate {
                id: row.id,
                kind: stored("kind", &row.kind)?,
                state,
                valid_until: row.valid_until,
                updated_at: row.updated_at,
            })
        })
        .collect()
}

pub(in crate::verification) async fn of_creators(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
    today: NaiveDate,
) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id, v.kind, v.state, v.valid_until, v.updated_at,
                  v.proven is not distinct from case v.kind when 'email' then f.email_key when 'phone' then f.phone end
                  as "still_on_file!"
           from verifications v join creator_papers f on f.asked = $2
           where v.creator_id = $1 or v.creator_id = $2
           order by v.id for update of v"#,
        gone.uuid(),
        kept.uuid(),
    )
    .fetch_all(conn)
    .await?;
    candidates(rows, today)
}

pub(in crate::verification) async fn of_people(
    conn: &mut PgConnection,
    gone: PersonId,
    kept: PersonId,
    today: NaiveDate,
) -> sqlx::Result<Vec<Candidate>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select v.id, v.kind, v.state, v.valid_until, v.updated_at,
                  v.proven is not distinct from
                  case v.kind when 'identity' then (select identity from creator_papers where person_id = $2 limit 1) end
                  as "still_on_file!"
           from verifications v where v.person_id = $1 or v.person_id = $2
           order by v.id for update of v"#,
        gone.uuid(),
        kept.uuid(),
    )
    .fetch_all(conn)
    .await?;
    candidates(rows, today)
}

/// Lets all but `out` be the kept one's, and the history of all.
pub(in crate::verification) async fn to_creator(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
    out: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!("delete from verifications where id = any($1)", out)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "with history as (
            update verification_events set creator_id = $2 where creator_id = $1
         )
         update verifications set creator_id = $2 where creator_id = $1",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// As [`to_creator`], of a person.
pub(in crate::verification) async fn to_person(
    conn: &mut PgConnection,
    gone: PersonId,
    kept: PersonId,
    out: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!("delete from verifications where id = any($1)", out)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "with history as (
            update verification_events set person_id = $2 where person_id = $1
         )
         update verifications set person_id = $2 where person_id = $1",
        gone.uuid(),
        kept.uuid(),
    )
    .execute(conn)
    .await
    .map(drop)
}
