//! The SQL of tasks.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{NewTask, Task, TaskError, TaskFilter, TaskId};
use crate::creators::CreatorId;
use crate::kernel::{Ctx, Cursor, Page, PageRequest, Reach, TypedId, stored};

struct Row {
    id: Uuid,
    creator_id: Option<Uuid>,
    title: String,
    description: Option<String>,
    assignee: Option<String>,
    due_at: Option<DateTime<Utc>>,
    due_key: DateTime<Utc>,
    remind_at: Option<DateTime<Utc>>,
    reminded_at: Option<DateTime<Utc>>,
    repeat_days: Option<i32>,
    state: String,
    done_at: Option<DateTime<Utc>>,
    done_by: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    version: i64,
}

impl Row {
    fn task(self) -> sqlx::Result<Task> {
        Ok(Task {
            id: self.id.into(),
            creator: self.creator_id.map(CreatorId::from),
            task: NewTask {
                title: self.title,
                description: self.description,
                assignee: self.assignee,
                due_at: self.due_at,
                remind_at: self.remind_at,
                repeat_days: self.repeat_days,
            },
            reminded_at: self.reminded_at,
            state: stored("state", &self.state)?,
            done_at: self.done_at,
            done_by: self.done_by,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
            version: self.version,
        })
    }
}

pub(super) async fn insert(conn: &mut PgConnection, task: &Task) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into tasks (id, creator_id, title, description, assignee, due_at, remind_at, repeat_days, state, created_by,
                            created_at, updated_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        task.id.uuid(),
        task.creator.map(TypedId::uuid),
        task.task.title.trim(),
        task.task.description,
        task.task.assignee,
        task.task.due_at,
        task.task.remind_at,
        task.task.repeat_days,
        task.state.as_str(),
        task.created_by,
        task.created_at,
        task.updated_at,
        task.version,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn get(conn: &mut PgConnection, id: TaskId) -> sqlx::Result<Option<Task>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, creator_id, title, description, assignee, due_at, due_key as "due_key!", remind_at, reminded_at, repeat_days,
                  state, done_at, done_by, created_by, created_at, updated_at, version
           from tasks where id = $1"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::task).transpose()
}

/// As [`get`]; nobody else changes the task until this transaction ends.
pub(super) async fn lock(conn: &mut PgConnection, id: TaskId) -> sqlx::Result<Option<Task>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, creator_id, title, description, assignee, due_at, due_key as "due_key!", remind_at, reminded_at, repeat_days,
                  state, done_at, done_by, created_by, created_at, updated_at, version
           from tasks where id = $1 for update"#,
        id.uuid(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::task).transpose()
}

pub(super) async fn list(
    conn: &mut PgConnection,
    reach: Reach<'_>,
    filter: &TaskFilter,
    page: &PageRequest,
) -> Result<Page<Task>, TaskError> {
    let after: Option<(DateTime<Utc>, Uuid)> =
        page.cursor.as_ref().map(Cursor::decode).transpose()?;
    let (due, id) = after.unzip();
    let limit = page.limit();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, creator_id, title, description, assignee, due_at, due_key as "due_key!", remind_at, reminded_at, repeat_days,
                  state, done_at, done_by, created_by, created_at, updated_at, version
           from tasks
           where ($1::uuid is null or creator_id = $1) and ($2::text is null or assignee = $2)
             and ($3::text is null or state = $3) and ($4::timestamptz is null or due_key < $4)
             and ($5::timestamptz is null or (due_key, id) > ($5, $6::uuid))
             and ($7::text[] is null or creator_id is null
                  or exists (select 1 from creators c where c.id = creator_id and c.cluster_id = any($7)))
           order by due_key, id limit $8"#,
        filter.creator.map(TypedId::uuid),
        filter.assignee,
        filter.state.map(|state| state.as_str()),
        filter.due_before,
        due,
        id,
        reach.clusters,
        limit + 1,
    )
    .fetch_all(conn)
    .await?;
    let keyed: sqlx::Result<Vec<(DateTime<Utc>, Task)>> = rows
        .into_iter()
        .map(|row| Ok((row.due_key, row.task()?)))
        .collect();
    let page = Page::of(keyed?, limit, |(due, task)| (*due, task.id.uuid()));
    Ok(Page {
        items: page.items.into_iter().map(|(_, task)| task).collect(),
        next: page.next,
    })
}

pub(super) async fn update(conn: &mut PgConnection, task: &Task) -> sqlx::Result<()> {
    sqlx::query!(
        "update tasks set title = $2, description = $3, assignee = $4, due_at = $5, remind_at = $6, reminded_at = $7,
                          repeat_days = $8, state = $9, done_at = $10, done_by = $11, updated_at = $12, version = $13
         where id = $1",
        task.id.uuid(),
        task.task.title.trim(),
        task.task.description,
        task.task.assignee,
        task.task.due_at,
        task.task.remind_at,
        task.reminded_at,
        task.task.repeat_days,
        task.state.as_str(),
        task.done_at,
        task.done_by,
        task.updated_at,
        task.version,
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn note(
    conn: &mut PgConnection,
    ctx: &Ctx,
    task: &Task,
    kind: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into task_events (id, task_id, creator_id, kind, caused_by, at) values ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        task.id.uuid(),
        task.creator.map(TypedId::uuid),
        kind,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The tasks about `gone` are about `kept` from now on.
pub(super) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "with moved as (update task_events set creator_id = $2 where creator_id = $1)
         update tasks set creator_id = $2 where creator_id = $1",
        gone.uuid(),
        kept.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}
