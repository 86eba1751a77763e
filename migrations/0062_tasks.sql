-- Tasks: what somebody has to do, by when, with a reminder.
-- Why: docs/creator-management.md. Lock: none, all tables are new. Undo: drop them.

create table tasks (
    id          uuid primary key,
    -- null = about nobody in particular
    creator_id  uuid references creators,
    title       text not null check (length(title) between 1 and 200),
    description text check (length(description) between 1 and 5000),
    -- the subject of a user; null = whoever takes it
    assignee    text check (length(assignee) between 1 and 200),
    due_at      timestamptz,
    -- for paging in the order of due dates: those without one come last
    due_key     timestamptz not null generated always as (coalesce(due_at, timestamptz '9999-12-31 00:00:00+00')) stored,
    remind_at   timestamptz,
    reminded_at timestamptz,
    -- when it is done, the same is to be done again so many days later
    repeat_days integer check (repeat_days between 1 and 366),
    state       text not null default 'open' check (state in ('open', 'done')),
    done_at     timestamptz,
    done_by     text,
    created_by  text not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    version     bigint not null default 1,
    check ((state = 'done') = (done_at is not null) and (done_at is null) = (done_by is null)),
    check (repeat_days is null or due_at is not null)
);
comment on table tasks is 'What is to be done, by whom and when; owned by shared::tasks';
create index tasks_creator on tasks (creator_id, due_key, id);
create index tasks_assignee on tasks (assignee, due_key, id);
create index tasks_state on tasks (state, due_key, id);

create table task_events (
    id         uuid primary key,
    task_id    uuid not null references tasks,
    creator_id uuid references creators,
    kind       text not null check (kind in ('created', 'reminded', 'done', 'reopened')),
    caused_by  text not null,
    at         timestamptz not null
);
comment on table task_events is 'What happened to tasks, only added to; owned by shared::tasks';
create index task_events_creator on task_events (creator_id, at desc, id desc);
create index task_events_task on task_events (task_id, at desc, id desc);

create view timeline_tasks as
    select e.creator_id, e.at, e.id, 'task' as kind, e.caused_by as by, 'team' as visibility,
           jsonb_build_object('taskId', 'task_' || replace(t.id::text, '-', ''), 'event', e.kind, 'title', t.title,
                              'assignee', t.assignee, 'dueAt', t.due_at) as details
    from task_events e join tasks t on t.id = e.task_id;
