//! What can be done with tasks.

use serde_json::json;
use sqlx::PgConnection;

use super::{
    NewTask, RemindTask, Task, TaskChanges, TaskError, TaskFilter, TaskId, TaskState, store,
};
use crate::audit::{self, Entry};
use crate::creators::{self, CreatorError, CreatorId};
use crate::kernel::{Ctx, Page, PageRequest};
use crate::queue::{NewJob, enqueue_one};

/// Adds a task, about a creator or about nobody in particular.
///
/// # Errors
/// If a field breaks a rule or there is no such creator.
pub async fn add(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: Option<CreatorId>,
    new: NewTask,
) -> Result<Task, TaskError> {
    new.check().map_err(TaskError::Invalid)?;
    let creator = match creator {
        Some(id) => Some(creators::within_reach(conn, ctx, id).await?.id),
        None => None,
    };
    insert(conn, ctx, creator, new).await
}

async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: Option<CreatorId>,
    new: NewTask,
) -> Result<Task, TaskError> {
    let task = Task {
        id: TaskId::new(),
        creator,
        task: new,
        reminded_at: None,
        state: TaskState::Open,
        done_at: None,
        done_by: None,
        created_by: ctx.actor.to_string(),
        created_at: ctx.now(),
        updated_at: ctx.now(),
        version: 1,
    };
    store::insert(conn, &task).await?;
    store::note(conn, ctx, &task, "created").await?;
    record(conn, ctx, "task.add", &task).await?;
    schedule_reminder(conn, ctx, &task).await?;
    Ok(task)
}

/// One task.
///
/// # Errors
/// If there is none of this id.
pub async fn get(conn: &mut PgConnection, ctx: &Ctx, id: TaskId) -> Result<Task, TaskError> {
    let task = store::get(conn, id).await?.ok_or(TaskError::NotFound(id))?;
    reached(conn, ctx, task).await
}

/// The task, unless it is about a creator that the caller may not know of.
async fn reached(conn: &mut PgConnection, ctx: &Ctx, task: Task) -> Result<Task, TaskError> {
    let Some(creator) = task.creator else {
        return Ok(task);
    };
    match creators::within_reach(conn, ctx, creator).await {
        Ok(_) => Ok(task),
        Err(CreatorError::NotFound(_)) => Err(TaskError::NotFound(task.id)),
        Err(error) => Err(error.into()),
    }
}

/// The tasks that match, those due first before the others.
///
/// # Errors
/// If there is no such creator or the cursor is not ours.
pub async fn list(
    conn: &mut PgConnection,
    ctx: &Ctx,
    filter: &TaskFilter,
    page: &PageRequest,
) -> Result<Page<Task>, TaskError> {
    let mut filter = filter.clone();
    if let Some(creator) = filter.creator {
        filter.creator = Some(creators::within_reach(conn, ctx, creator).await?.id);
    }
    store::list(conn, ctx.actor.reach(), &filter, page).await
}

/// Changes a task. With `expected`, only if it is still at that version. A moved reminder comes anew.
///
/// # Errors
/// If there is none, it is at another version, or a field breaks a rule.
pub async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: TaskId,
    changes: TaskChanges,
    expected: Option<i64>,
) -> Result<Task, TaskError> {
    let before = lock(conn, ctx, id, expected).await?;
    let changed = before.task.clone().with(changes);
    changed.check().map_err(TaskError::Invalid)?;
    if changed == before.task {
        return Ok(before);
    }
    let moved = changed.remind_at != before.task.remind_at;
    let reminded_at = before.reminded_at.filter(|_| !moved);
    let task = store_next(
        conn,
        ctx,
        Task {
            task: changed,
            reminded_at,
            ..before
        },
    )
    .await?;
    record(conn, ctx, "task.change", &task).await?;
    if moved {
        schedule_reminder(conn, ctx, &task).await?;
    }
    Ok(task)
}

/// Notes that a task is done; one that recurs comes back. Doing it twice is doing it once.
///
/// # Errors
/// If there is none.
pub async fn done(conn: &mut PgConnection, ctx: &Ctx, id: TaskId) -> Result<Task, TaskError> {
    let before = lock(conn, ctx, id, None).await?;
    if before.state == TaskState::Done {
        return Ok(before);
    }
    let done_by = Some(ctx.actor.to_string());
    let task = Task {
        state: TaskState::Done,
        done_at: Some(ctx.now()),
        done_by,
        ..before
    };
    let task = store_next(conn, ctx, task).await?;
    store::note(conn, ctx, &task, "done").await?;
    record(conn, ctx, "task.done", &task).await?;
    if let Some(next) = task.task.next(ctx.now()) {
        insert(conn, ctx, task.creator, next).await?;
    }
    Ok(task)
}

/// Takes a task up again that was done. The one that followed it, if it recurs, stays.
///
/// # Errors
/// If there is none.
pub async fn reopen(conn: &mut PgConnection, ctx: &Ctx, id: TaskId) -> Result<Task, TaskError> {
    let before = lock(conn, ctx, id, None).await?;
    if before.state == TaskState::Open {
        return Ok(before);
    }
    // what followed it recurs by itself
    let task = NewTask {
        repeat_days: None,
        ..before.task
    };
    let task = Task {
        state: TaskState::Open,
        done_at: None,
        done_by: None,
        task,
        ..before
    };
    let task = store_next(conn, ctx, task).await?;
    store::note(conn, ctx, &task, "reopened").await?;
    record(conn, ctx, "task.reopen", &task).await?;
    // its reminder may have found it done; one whose time has passed does not come any more
    if task.reminded_at.is_none() && task.task.remind_at.is_some_and(|at| at > ctx.now()) {
        schedule_reminder(conn, ctx, &task).await?;
    }
    Ok(task)
}

/// Reminds of a task: notes it on the task and where the creator's story is told. Answers whether it did: not if the
/// task is done, was reminded of, or names another time by now.
///
/// # Errors
/// If the database refuses.
pub async fn remind(
    conn: &mut PgConnection,
    ctx: &Ctx,
    job: &RemindTask,
) -> Result<bool, TaskError> {
    let Some(task) = store::lock(conn, job.task_id).await? else {
        return Ok(false);
    };
    let wanted = task.state == TaskState::Open
        && task.reminded_at.is_none()
        && task.task.remind_at == Some(job.remind_at);
    if !wanted {
        return Ok(false);
    }
    let task = Task {
        reminded_at: Some(ctx.now()),
        ..task
    };
    store::update(conn, &task).await?;
    store::note(conn, ctx, &task, "reminded").await?;
    Ok(true)
}

async fn lock(
    conn: &mut PgConnection,
    ctx: &Ctx,
    id: TaskId,
    expected: Option<i64>,
) -> Result<Task, TaskError> {
    let task = store::lock(conn, id)
        .await?
        .ok_or(TaskError::NotFound(id))?;
    let task = reached(conn, ctx, task).await?;
    match expected {
        Some(version) if version != task.version => Err(TaskError::Stale(task.version)),
        Some(_) | None => Ok(task),
    }
}

/// Stores a changed task as its next version.
async fn store_next(conn: &mut PgConnection, ctx: &Ctx, task: Task) -> sqlx::Result<Task> {
    let task = Task {
        version: task.version + 1,
        updated_at: ctx.now(),
        ..task
    };
    store::update(conn, &task).await?;
    Ok(task)
}

async fn schedule_reminder(
    conn: &mut PgConnection,
    ctx: &Ctx,
    task: &Task,
) -> Result<(), TaskError> {
    let Some(remind_at) = task
        .task
        .remind_at
        .filter(|_| task.state == TaskState::Open)
    else {
        return Ok(());
    };
    let job = NewJob::of(&RemindTask {
        task_id: task.id,
        remind_at,
    })?
    .at(remind_at);
    enqueue_one(conn, ctx, job).await?;
    Ok(())
}

/// Leaves a trail, without the words: they may be about people.
async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    task: &Task,
) -> sqlx::Result<()> {
    let after = json!({
        "creator": task.creator, "assignee": task.task.assignee, "dueAt": task.task.due_at, "remindAt": task.task.remind_at,
        "repeatDays": task.task.repeat_days, "state": task.state, "version": task.version,
    });
    audit::record(conn, ctx, Entry::new(action, task.id).after(after)).await
}

/// A creator turned out to be another one: the tasks about the one are about the other from now on.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::follow_merge(conn, gone, kept).await
}
