-- Notes about creators, with every earlier wording.
-- Why: docs/creator-management.md. Lock: none, all tables are new. Undo: drop them.

create table notes (
    id           uuid primary key,
    creator_id   uuid not null references creators,
    type         text not null check (type in ('general', 'support', 'compliance', 'marketing', 'financial', 'performance')),
    priority     text not null check (priority in ('low', 'medium', 'high')),
    -- markdown
    text         text not null check (length(text) between 1 and 10000),
    -- who may read it: its author only, everybody who may read notes, those who may read notes of compliance
    visibility   text not null check (visibility in ('private', 'team', 'compliance')),
    pinned       boolean not null default false,
    follow_up_on date,
    author       text not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    version      bigint not null default 1,
    deleted_at   timestamptz,
    deleted_by   text,
    check ((deleted_at is null) = (deleted_by is null))
);
comment on table notes is 'What staff wrote about creators; owned by shared::notes';
create index notes_creator on notes (creator_id, created_at desc, id desc) where deleted_at is null;
create index notes_pinned on notes (creator_id, created_at desc, id desc) where pinned and deleted_at is null;
create index notes_follow_up on notes (follow_up_on, id) where follow_up_on is not null and deleted_at is null;

create table note_revisions (
    note_id      uuid not null references notes,
    version      bigint not null,
    type         text not null,
    priority     text not null,
    text         text not null,
    visibility   text not null,
    follow_up_on date,
    -- when this wording was replaced
    replaced_by  text not null,
    replaced_at  timestamptz not null,
    primary key (note_id, version)
);
comment on table note_revisions is 'Earlier wordings of notes, never changed; owned by shared::notes';

-- What the timeline shows of notes. Whoever reads it filters by visibility and author.
create view timeline_notes as
    select creator_id, created_at as at, id, 'note' as kind, author as by, visibility,
           jsonb_build_object('noteId', 'note_' || replace(id::text, '-', ''), 'type', type, 'priority', priority,
                              'text', text, 'pinned', pinned, 'followUpOn', follow_up_on, 'visibility', visibility) as details
    from notes where deleted_at is null;
