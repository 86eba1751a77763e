-- People: one of them may be several creators, one on each cluster.
-- Why: a legal name, a birth date and a tax country belong to a person and not to a stage name; kept apart, so that no
-- screen shows them by accident. Creators that stand get a person each; who is the same person is for people to say.
-- Lock: creators is locked while it is filled (a second or two per million rows). The version before goes on: the
-- trigger makes a person for what it inserts. Undo: drop the column, the trigger, its function, the table and search_form.

-- A text in the form in which it is looked for: no accents, no capitals (Unicode NFKD without combining marks).
create function search_form(text) returns text language sql immutable strict parallel safe as $$
    select lower(regexp_replace(normalize($1, nfkd), '[\u0300-\u036f]', '', 'g'))
$$;

create table people (
    id                uuid primary key,
    -- never shown beside a stage name unless somebody with the right to it asks
    legal_name        text check (length(legal_name) between 1 and 200),
    -- the form under which two spellings of one name are the same
    legal_name_key    text generated always as (regexp_replace(trim(search_form(legal_name)), '\s+', ' ', 'g')) stored,
    birth_date        date,
    -- ISO 3166-1 alpha-2
    residence_country text check (residence_country ~ '^[A-Z]{2}$'),
    tax_country       text check (tax_country ~ '^[A-Z]{2}$'),
    -- grows with each change
    version           bigint not null default 1,
    -- the person this one turned out to be
    merged_into       uuid references people check (merged_into <> id),
    created_by        text not null,
    created_at        timestamptz not null,
    updated_at        timestamptz not null
);
comment on table people is 'Who stands behind one or several creators; owned by shared::creators';
create index people_identity on people (legal_name_key, birth_date) where legal_name_key is not null;

alter table creators add column person_id uuid;
insert into people (id, created_by, created_at, updated_at)
    select id, created_by, created_at, created_at from creators;
update creators set person_id = id;
alter table creators alter column person_id set not null,
    add constraint creators_person foreign key (person_id) references people;
create index creators_person on creators (person_id);

create function creators_need_a_person() returns trigger language plpgsql as $$
begin
    new.person_id := uuid_v7();
    insert into people (id, created_by, created_at, updated_at)
        values (new.person_id, new.created_by, new.created_at, new.created_at);
    return new;
end $$;
create trigger creators_need_a_person before insert on creators
    for each row when (new.person_id is null) execute function creators_need_a_person();
