//! New jobs like ones that are over.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::SteerError;
use super::again::{Changes, Repeated, checked};
use crate::kernel::{Ctx, TypedId};
use crate::queue::submit::Submission;
use crate::queue::{Catalog, EnqueueError, Enqueued, JobId, NewJob, Priority, enqueue_many};

/// A job that is over, as far as another like it takes after it.
struct Old {
    id: Uuid,
    kind: String,
    queue: String,
    priority: i16,
    group_key: String,
    run_at: DateTime<Utc>,
    args: Value,
    tags: Option<Vec<String>>,
    unique_key: Option<String>,
    max_attempts: i32,
}

impl Old {
    /// A job like it, with these changes. Another payload has another key and group, which follow from it.
    fn like(self, changes: Changes) -> Submission {
        let edited = changes.args.is_some();
        let priority = Priority::from_rank(self.priority);
        let attempts = u16::try_from(self.max_attempts).ok();
        Submission {
            kind: self.kind,
            args: changes.args.unwrap_or(self.args),
            queue: Some(changes.queue.unwrap_or(self.queue)),
            priority: changes.priority.or(priority),
            run_at: changes.run_at,
            max_attempts: changes.max_attempts.or(attempts),
            unique_key: self.unique_key.filter(|_| !edited),
            group: Some(self.group_key).filter(|group| !group.is_empty() && !edited),
            tags: self.tags.unwrap_or_default(),
        }
    }
}

/// A new job like one that is over.
pub(super) async fn repeat(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    id: JobId,
    changes: Changes,
) -> Result<Repeated, SteerError> {
    let old = sqlx::query_as!(
        Old,
        "select id, kind, queue, priority, group_key, run_at, args, tags, unique_key, max_attempts
         from job_history where id = $1",
        id.uuid(),
    )
    .fetch_optional(&mut *conn)
    .await?
    .ok_or(SteerError::NotFound(id))?;
    let new = checked(old.like(changes), ctx, catalog)?;
    match enqueue_many(conn, ctx, vec![new]).await?[..] {
        [Enqueued::Inserted(new)] => {
            set_parents(conn, &[new.uuid()], &[id.uuid()]).await?;
            Ok(Repeated::New(new))
        }
        [Enqueued::Found(standing)] => Ok(Repeated::Found(standing)),
        _ => Err(SteerError::NotFound(id)),
    }
}

/// New jobs like those of `ids` that were cancelled or discarded since `since`; answers how many. A job that was to wait
/// for a moment yet to come waits for it again. Left out is what this version no longer takes, and what stands already
/// under the same unique key.
pub(in crate::queue) async fn repeat_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    catalog: &Catalog,
    ids: &[Uuid],
    since: DateTime<Utc>,
) -> Result<u64, EnqueueError> {
    let old = sqlx::query_as!(
        Old,
        "select id, kind, queue, priority, group_key, run_at, args, tags, unique_key, max_attempts
         from job_history where id = any($1) and finished_at >= $2 and state in ('cancelled', 'dead')",
        ids,
        since,
    )
    .fetch_all(&mut *conn)
    .await?;
    let like = |old: Old| -> Option<(Uuid, NewJob)> {
        let (id, run_at) = (old.id, old.run_at);
        let changes = Changes {
            run_at: Some(run_at).filter(|at| *at > ctx.now()),
            ..Changes::default()
        };
        Some((id, old.like(changes).checked(catalog, ctx.now()).ok()?))
    };
    let (parents, jobs): (Vec<Uuid>, Vec<NewJob>) = old.into_iter().filter_map(like).unzip();
    let answers = enqueue_many(conn, ctx, jobs).await?;
    let (new, parents): (Vec<Uuid>, Vec<Uuid>) = answers
        .into_iter()
        .zip(parents)
        .filter(|(answer, _)| answer.inserted())
        .map(|(answer, parent)| (answer.id().uuid(), parent))
        .unzip();
    set_parents(conn, &new, &parents).await?;
    Ok(new.len() as u64)
}

/// Says of which job each is like.
async fn set_parents(conn: &mut PgConnection, jobs: &[Uuid], parents: &[Uuid]) -> sqlx::Result<()> {
    sqlx::query!(
        "update jobs j set parent_id = n.parent from unnest($1::uuid[], $2::uuid[]) as n (id, parent) where j.id = n.id",
        jobs,
        parents,
    )
    .execute(conn)
    .await
    .map(drop)
}
