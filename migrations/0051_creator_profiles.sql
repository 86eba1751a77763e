-- What a creator's profile holds beyond an address and a name, and what it is found by.
-- Why: edits need a version, lists need sort keys, searches need one text with everything people type into the box.
-- Lock: the generated columns rewrite creators under an exclusive lock, about ten seconds per million rows.
-- Undo: drop the columns and the functions.

-- Everything that a profile is found by, one word after the other. Array and object to text is immutable for these
-- types, which Postgres does not know of `array_to_string`.
create function creator_search_text(username text, display_name text, first_name text, aliases text[], handles jsonb)
returns text language sql immutable parallel safe as $$
    select public.search_form(concat_ws(' ', username, display_name, first_name, array_to_string(aliases, ' '),
        (select string_agg(value, ' ') from jsonb_each_text(handles))))
$$;

alter table creators
    -- other stage names, present and former
    add column aliases        text[] not null default '{}' check (cardinality(aliases) <= 20),
    -- names on other platforms, by platform: {"instagram": "ada"}
    add column handles        jsonb not null default '{}' check (jsonb_typeof(handles) = 'object'),
    -- grows with each change that people make
    add column version        bigint not null default 1,
    -- out of lists, mails and tiers; nothing is deleted
    add column archived_at    timestamptz,
    -- the creator this one turned out to be
    add column merged_into    uuid references creators check (merged_into <> id),
    add column last_active_at timestamptz,
    -- the member of staff who looks after them, as the audit names them
    add column owner          text check (length(owner) between 1 and 200),
    add column status_since   timestamptz not null default now(),
    add column tier_since     timestamptz not null default now();
update creators set status_since = created_at, tier_since = created_at;
alter table creators
    add constraint creators_merged_are_archived check (merged_into is null or archived_at is not null),
    add column tier_rank   smallint not null generated always as (case tier
        when 'newcomer' then 0 when 'emerging' then 1 when 'rising' then 2 when 'established' then 3
        when 'star' then 4 when 'superstar' then 5 when 'legend' then 6 end) stored,
    -- what a list of names is sorted by
    add column name_key    text not null generated always as (search_form(coalesce(display_name, username))) stored,
    add column search_text text not null
        generated always as (creator_search_text(username, display_name, first_name, aliases, handles)) stored;
