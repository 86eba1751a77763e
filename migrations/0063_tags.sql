-- Tags on creators.
-- Why: docs/creator-management.md. Lock: none, all tables are new. Undo: drop them.

create table creator_tags (
    creator_id uuid not null references creators,
    tag        text not null check (tag ~ '^[a-z0-9][a-z0-9_-]{0,49}$'),
    added_by   text not null,
    added_at   timestamptz not null,
    primary key (creator_id, tag)
);
comment on table creator_tags is 'Which creators have which tags; owned by shared::tags';
create index creator_tags_tag on creator_tags (tag, creator_id);

create table creator_tag_events (
    id         uuid primary key,
    creator_id uuid not null references creators,
    tag        text not null,
    kind       text not null check (kind in ('added', 'removed')),
    caused_by  text not null,
    at         timestamptz not null
);
comment on table creator_tag_events is 'When tags came and went, only added to; owned by shared::tags';
create index creator_tag_events_creator on creator_tag_events (creator_id, at desc, id desc);

create view timeline_tags as
    select creator_id, at, id, 'tag' as kind, caused_by as by, 'team' as visibility,
           jsonb_build_object('event', kind, 'tag', tag) as details
    from creator_tag_events;
