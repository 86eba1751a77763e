-- A creator's tier, and the keys that lists are filtered and sorted by, in a narrow table of their own.
-- Why: each new version of a row of creators is entered into every index of the table, three of them over trigrams and
-- words, so that a night with many new tiers took minutes; and a status, which lists are filtered by, had the same price.
-- Here a change touches six small B-trees, and creators itself is not written for a tier, and in place for a status.
-- The keys are copied by triggers within the statement that changes them, so nobody who writes creators has to know.
-- Lock: creators exclusively while a million rows are copied and indexed, about half a minute. The version before cannot
-- read tiers any more: stop it first. Undo: add the three columns to creators again, fill them from here, build the
-- indexes of 0054, drop this table and its triggers.

create table creator_tiers (
    creator_id  uuid primary key references creators,
    tier        text not null check (tier in
        ('newcomer', 'emerging', 'rising', 'established', 'star', 'superstar', 'legend')),
    tier_rank   smallint not null generated always as (case tier
        when 'newcomer' then 0 when 'emerging' then 1 when 'rising' then 2 when 'established' then 3
        when 'star' then 4 when 'superstar' then 5 when 'legend' then 6 end) stored,
    since       timestamptz not null,
    -- from here on copies of what creators says; -infinity for those who were never seen
    cluster_id  text not null,
    status      text not null,
    name_key    text not null,
    last_active timestamptz not null,
    archived    boolean not null,
    created_at  timestamptz not null
);
comment on table creator_tiers is
    'The tier of every creator, beside the keys of lists; tier and since owned by shared::tiers, the rest copied from creators';

insert into creator_tiers (creator_id, tier, since, cluster_id, status, name_key, last_active, archived, created_at)
    select id, tier, tier_since, cluster_id, status, name_key, coalesce(last_active_at, '-infinity'),
           archived_at is not null, created_at
    from creators;

create index creator_tiers_by_tier on creator_tiers (tier_rank, creator_id) where not archived;
create index creator_tiers_by_last_active on creator_tiers (last_active, creator_id) where not archived;
create index creator_tiers_in_created on creator_tiers (cluster_id, status, tier_rank, created_at, creator_id) where not archived;
create index creator_tiers_in_name on creator_tiers (cluster_id, status, tier_rank, name_key, creator_id) where not archived;
create index creator_tiers_in_last_active on creator_tiers
    (cluster_id, status, tier_rank, last_active, creator_id) where not archived;
create index creator_tiers_in_tier on creator_tiers (cluster_id, status, tier_rank, creator_id) where not archived;

-- the indexes that name these columns go with them
alter table creators drop column tier_rank, drop column tier, drop column tier_since;
drop index creators_last_active;
-- room for the next version of a row on its own page, which spares all indexes
alter table creators set (fillfactor = 85);

-- Everybody begins as a newcomer.
create function creators_enter_tiers() returns trigger language plpgsql as $$
begin
    insert into creator_tiers (creator_id, tier, since, cluster_id, status, name_key, last_active, archived, created_at)
    select id, 'newcomer', created_at, cluster_id, status, name_key, coalesce(last_active_at, '-infinity'),
           archived_at is not null, created_at
    from entered;
    return null;
end $$;
create trigger creators_enter_tiers after insert on creators
    referencing new table as entered for each statement execute function creators_enter_tiers();

create function creators_copy_keys() returns trigger language plpgsql as $$
begin
    update creator_tiers
    set cluster_id = new.cluster_id, status = new.status, name_key = new.name_key,
        last_active = coalesce(new.last_active_at, '-infinity'), archived = new.archived_at is not null,
        created_at = new.created_at
    where creator_id = new.id;
    return null;
end $$;
create trigger creators_copy_keys after update on creators for each row
    when ((old.cluster_id, old.status, old.name_key, old.last_active_at, old.archived_at, old.created_at)
          is distinct from (new.cluster_id, new.status, new.name_key, new.last_active_at, new.archived_at, new.created_at))
    execute function creators_copy_keys();
