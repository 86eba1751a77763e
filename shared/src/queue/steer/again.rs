//! Running a job again, or earlier than it would.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use super::rows::{self, Locked};
use super::{Applied, SteerError, repeat};
use crate::audit::{self, Entry};
use crate::kernel::{Ctx, TypedId};
use crate::queue::ready_list::Hint;
use crate::queue::submit::Submission;
use crate::queue::{Catalog, JobId, NewJob, Notice, Priority};

/// What is to be different when a job runs again; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// Another payload.
    pub args: Option<Value>,
    /// Another queue.
    pub queue: Option<String>,
    /// Another priority.
    pub priority: Option<Priority>,
    /// Not before this.
    pub run_at: Option<DateTime<Utc>>,
    /// Other attempts.
    pub max_attempts: Option<u16>,
}

impl Changes {
    fn any(&self) -> bool {
        *self != Self::default()
    }

    /// What is to be different, by name.
    fn names(&self) -> Vec<&'static str> {
        let all = [
            ("args", self.args.is_some()),
            ("queue", self.queue.is_some()),
            ("priority", self.priority.is_some()),
            ("runAt", self.run_at.is_some()),
            ("maxAttempts", self.max_attempts.is_some()),
        ];
        all.into_iter()
            .filter_map(|(name, given)| given.then_some(name))
            .collect()
    }
}

/// How a job runs again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// The dead job itself waits again.
    Same(JobId),
    /// A new job, whose parent the old one is.
    New(JobId),
    /// A job with the same unique key waited already.
    Found(JobId),
}

impl Repeated {
    /// The job that will run.
    pub const fn id(self) -> JobId {
        match self {
            Self::Same(id) | Self::New(id) | Self::Found(id) => id,
        }
    }
}

/// Lets a waiting job run at once instead of at its time.
///
/// # Errors
/// If there is no such job, or it does not wait.
pub async fn run_now(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: JobId,
) -> Result<Applied, SteerError> {
    let job = match rows::lock(conn, id).await? {
        Some(job) => job,
        None if rows::over(conn, id).await?.is_some() => return Err(SteerError::Over(id)),
        None => return Err(SteerError::NotFound(id)),
    };
    match job.state.as_str() {
        "available" => {}
        "running" => return Err(SteerError::Running(id)),
        _ => return Err(SteerError::Dead(id)),
    }
    let moved = sqlx::query!(
        "update jobs set run_at = now() where id = $1 and run_at > now()",
        id.uuid()
    )
    .execute(&mut *conn)
    .await?;
    if moved.rows_affected() == 0 {
        return Ok(Applied::Before);
    }
    audit::record(conn, ctx, Entry::new("job.run_now", id)).await?;
    hint(ctx, catalog, id, &job);
    Ok(Applied::Now)
}

/// Runs a job again, perhaps changed: a dead one waits again with all its attempts, one that is over is repeated by a
/// new job.
///
/// # Errors
/// If there is no such job, it is not over, its unique key is taken, or the changes are not acceptable.
pub async fn retry(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: JobId,
    changes: Changes,
) -> Result<Repeated, SteerError> {
    let changed = changes.names();
    let repeated = again(conn, ctx, catalog, id, changes).await?;
    let entry = Entry::new("job.retry", id)
        .after(serde_json::json!({ "jobId": repeated.id(), "changed": changed }));
    audit::record(conn, ctx, entry).await?;
    Ok(repeated)
}

async fn again(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: JobId,
    changes: Changes,
) -> Result<Repeated, SteerError> {
    let Some(job) = rows::lock(conn, id).await? else {
        return repeat::repeat(conn, ctx, catalog, id, changes).await;
    };
    match job.state.as_str() {
        "dead" => {}
        "running" => return Err(SteerError::Running(id)),
        _ => return Err(SteerError::NotOver(id)),
    }
    let later = changes.run_at.is_some_and(|at| at > ctx.now());
    if changes.any() {
        change(conn, ctx, catalog, id, &job, &changes).await?;
    }
    if rows::replay(conn, &[id.uuid()]).await?.is_empty() {
        return Err(SteerError::KeyTaken);
    }
    if later {
        sqlx::query!(
            "update jobs set run_at = $2 where id = $1",
            id.uuid(),
            changes.run_at
        )
        .execute(conn)
        .await?;
        ctx.tell(Notice::job(id, job.kind, job.queue, "available"));
    } else if changes.any() {
        // the new queue or priority is in the row; the leader reads it from there
        ctx.tell(Notice::job(id, job.kind, job.queue, "available"));
    } else {
        hint(ctx, catalog, id, &job);
    }
    Ok(Repeated::Same(id))
}

/// Pushes the job to its ready list after the commit. Of a kind that this version does not know, the leader will.
fn hint(ctx: &Ctx, catalog: &Catalog, id: JobId, job: &Locked) {
    let priority = Priority::from_rank(job.priority).unwrap_or_default();
    if let Some(kind) = catalog.get(&job.kind) {
        ctx.add_hint(Hint {
            kind: kind.spec.kind,
            queue: job.queue.clone(),
            priority,
            id,
            due: true,
            grouped: job.grouped,
            new: false,
        });
    }
}

/// Writes the changes into a dead job's row, and what it is found by.
async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: JobId,
    job: &Locked,
    changes: &Changes,
) -> Result<(), SteerError> {
    let stored = sqlx::query!(
        "select args, tags, max_attempts from jobs where id = $1",
        id.uuid()
    )
    .fetch_one(&mut *conn)
    .await?;
    let before = args_terms(catalog, &job.kind, &stored.args);
    let wanted = Submission {
        kind: job.kind.clone(),
        args: changes.args.clone().unwrap_or(stored.args),
        queue: changes.queue.clone().or_else(|| Some(job.queue.clone())),
        priority: changes
            .priority
            .or_else(|| Priority::from_rank(job.priority)),
        run_at: changes.run_at,
        max_attempts: changes
            .max_attempts
            .or_else(|| u16::try_from(stored.max_attempts).ok()),
        unique_key: None,
        group: None,
        tags: stored.tags.unwrap_or_default(),
    };
    let wanted_args = wanted.args.clone();
    let new = checked(wanted, ctx, catalog)?;
    // a key that somebody chose by hand stays; one that follows from the arguments follows the new ones
    let unique_key = new.unique_key.clone().or_else(|| job.unique_key.clone());
    sqlx::query!(
        "update jobs set args = $2::text::jsonb, queue = $3, priority = $4, max_attempts = $5, unique_key = $6 where id = $1",
        id.uuid(),
        new.args,
        new.queue,
        new.priority.rank(),
        i32::from(new.max_attempts),
        unique_key,
    )
    .execute(&mut *conn)
    .await?;
    let after = args_terms(catalog, &job.kind, &wanted_args);
    replace_terms(conn, id, &before, &after).await?;
    Ok(())
}

/// What a job is found by because of its arguments; nothing for arguments that its kind no longer takes.
fn args_terms(catalog: &Catalog, kind: &str, args: &Value) -> Vec<String> {
    let Some(kind) = catalog.get(kind) else {
        return Vec::new();
    };
    let creator = kind.check(args).ok().and_then(|keys| keys.creator);
    NewJob::from_parts(&kind.spec, args.clone(), None, None, creator)
        .map(|job| job.terms)
        .unwrap_or_default()
}

async fn replace_terms(
    conn: &mut PgConnection,
    id: JobId,
    before: &[String],
    after: &[String],
) -> sqlx::Result<()> {
    // by term and job, as the index has it: a job alone would be looked for in every day
    sqlx::query!(
        "delete from job_terms where term = any($2) and job_id = $1",
        id.uuid(),
        before
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into job_terms (term, job_id, day) select t.term, $1, current_date from unnest($2::text[]) as t (term)",
        id.uuid(),
        after,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) fn checked(
    wanted: Submission,
    ctx: &Ctx,
    catalog: &Catalog,
) -> Result<NewJob, SteerError> {
    if catalog.get(&wanted.kind).is_none() {
        return Err(SteerError::UnknownKind(wanted.kind));
    }
    wanted
        .checked(catalog, ctx.now())
        .map_err(SteerError::Invalid)
}
