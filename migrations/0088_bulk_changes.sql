-- Bulk operations that change the priority or the queue of jobs, and taking operations back.
-- Why: operators move and reorder work by the hundred thousand, and err; what each job was before is kept for a week, so
-- that an operation can be undone as far as its jobs have not gone on since.
-- Lock: exclusive on bulk_operations, brief: a table of a few rows. Undo: drop the table, the columns and the index, put the
-- old check back.

alter table bulk_operations
    drop constraint bulk_operations_action_check,
    add constraint bulk_operations_action_check
        check (action in ('replay', 'discard', 'cancel', 'prioritise', 'move', 'undo')),
    add column to_priority smallint check (to_priority between 0 and 3),
    add column to_queue text,
    add column undoes uuid references bulk_operations,
    -- whether bulk_changes still has its rows
    add column remembers boolean not null default false,
    add constraint bulk_operations_prioritise_check check ((action = 'prioritise') = (to_priority is not null)),
    add constraint bulk_operations_move_check check ((action = 'move') = (to_queue is not null)),
    add constraint bulk_operations_undo_check check ((action = 'undo') = (undoes is not null));

-- taken back once; again only if the first time was ended before
create unique index bulk_operations_undone on bulk_operations (undoes)
    where undoes is not null and state in ('running', 'paused', 'completed');
create index bulk_operations_remembering on bulk_operations (finished_at) where remembers;

create table bulk_changes (
    operation_id uuid not null references bulk_operations,
    job_id       uuid not null,
    -- what the operation changed, as it was before
    priority     smallint,
    queue        text,
    primary key (operation_id, job_id)
);
comment on table bulk_changes is 'What jobs were before a bulk operation changed them; owned by shared::queue::bulk';
