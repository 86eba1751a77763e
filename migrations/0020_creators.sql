-- Clusters, creators, what they agreed to and what stands against them.
-- Why: a campaign needs somebody to write to, and proof that it may. Lock: none, all tables are new. Undo: drop them.

-- Ids in the order of time (UUID version 7, RFC 9562), for rows that are made by the database.
create function uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_byte(
            overlay(uuid_send(gen_random_uuid()) placing
                substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
            6, (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112),
        'hex')::uuid
$$;

create table clusters (
    id              text primary key check (id ~ '^[a-z][a-z0-9]{1,30}$'),
    name            text not null,
    -- whether the platform shows adult content; the hub does not
    adult           boolean not null,
    -- stricter age gate and moderation than the law asks for
    enhanced_gating boolean not null default false
);
comment on table clusters is 'The platforms of the ecosystem; owned by shared::creators';

insert into clusters (id, name, adult, enhanced_gating) values
    ('fanzlab',    'FanzLab',    false, false),
    ('boyfanz',    'BoyFanz',    true,  false),
    ('girlfanz',   'GirlFanz',   true,  false),
    ('daddyfanz',  'DaddyFanz',  true,  false),
    ('pupfanz',    'PupFanz',    true,  false),
    ('taboofanz',  'TabooFanz',  true,  true),
    ('transfanz',  'TransFanz',  true,  false),
    ('cougarfanz', 'CougarFanz', true,  false),
    ('fanzcock',   'FanzCock',   true,  false);

create table creators (
    id           uuid primary key,
    cluster_id   text not null references clusters,
    email        text not null check (length(email) between 3 and 254),
    -- the form under which two spellings of one mailbox are the same
    email_key    text not null check (length(email_key) between 3 and 254),
    username     text not null check (length(username) between 3 and 30),
    username_key text not null,
    -- E.164
    phone        text check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    display_name text check (length(display_name) between 1 and 100),
    first_name   text check (length(first_name) between 1 and 100),
    status       text not null default 'pending_verification' check (status in
        ('pending_verification', 'pending_review', 'active', 'inactive', 'suspended', 'banned', 'churned')),
    tier         text not null default 'newcomer' check (tier in
        ('newcomer', 'emerging', 'rising', 'established', 'star', 'superstar', 'legend')),
    -- IANA name
    time_zone    text,
    created_by   text not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);
comment on table creators is 'Who creates on a cluster; one person on two clusters is two creators; owned by shared::creators';
-- the address first: it also answers who shares a mailbox across clusters
create unique index creators_email on creators (email_key, cluster_id);
create unique index creators_username on creators (username_key, cluster_id);

create table creator_consents (
    id          uuid primary key,
    creator_id  uuid not null references creators,
    channel     text not null check (channel in ('email', 'sms')),
    state       text not null check (state in ('granted', 'withdrawn')),
    -- how it reached us: signup_form, unsubscribe_link, support, import …
    source      text not null check (length(source) between 1 and 100),
    -- what can be shown for it: a form's version, a delivery's id, a ticket
    proof       text check (length(proof) <= 500),
    recorded_by text not null,
    recorded_at timestamptz not null
);
comment on table creator_consents is 'Every consent and withdrawal, never changed; the latest of a channel holds; owned by shared::creators';
create index creator_consents_latest on creator_consents (creator_id, channel, recorded_at desc, id desc);

create table creator_blocks (
    id         uuid primary key,
    creator_id uuid not null references creators,
    -- the slice that set it
    source     text not null check (length(source) between 1 and 100),
    reason     text not null check (length(reason) between 1 and 500),
    blocks     text[] not null check (blocks <@ array['mail', 'payout', 'reactivation'] and cardinality(blocks) > 0),
    starts_at  timestamptz not null,
    -- null = until somebody lifts it
    ends_at    timestamptz check (ends_at > starts_at),
    created_by text not null,
    created_at timestamptz not null
);
comment on table creator_blocks is 'What keeps a creator from being mailed, paid or reactivated, and since when; owned by shared::creators';
create index creator_blocks_creator on creator_blocks (creator_id);
