-- Versioned onboarding flows, a run for each creator, and the history of their steps.
-- Why: docs/onboarding.md. Lock: all tables are new; the runs of creators who are already there are made in one insert
-- that reads `creators` and blocks nobody. Undo: drop the tables.

create table onboarding_flows (
    cluster_id      text not null references clusters,
    version         integer not null check (version > 0),
    -- without a sign of life for this long, a run is stalled, and later given up
    stall_minutes   integer not null check (stall_minutes > 0),
    abandon_minutes integer not null check (abandon_minutes > stall_minutes),
    published_by    text not null,
    published_at    timestamptz not null,
    primary key (cluster_id, version)
);
comment on table onboarding_flows is 'Versions of what creators of a cluster go through; never changed; owned by shared::onboarding';

create table onboarding_flow_steps (
    cluster_id       text not null,
    version          integer not null,
    step             text not null check (step in ('welcome', 'profile_setup', 'verification', 'content_setup',
        'pricing_setup', 'payout_setup', 'first_content', 'marketing_setup', 'compliance_training', 'completed')),
    -- from 1
    position         integer not null check (position > 0),
    title            text not null check (length(title) between 1 and 100),
    prerequisites    text[] not null,
    required         boolean not null,
    -- JSON Schema (2020-12) of the data that completes the step
    data_schema      jsonb not null check (jsonb_typeof(data_schema) = 'object'),
    -- what shows that the step is done: the creator's word, what the database holds, a decision of staff, all other steps
    proof            text not null check (proof in ('word', 'profile', 'consent_choice', 'staff', 'other_steps')),
    expected_minutes integer not null check (expected_minutes >= 0),
    -- counted from when the step could be begun
    due_minutes      integer not null check (due_minutes > 0),
    primary key (cluster_id, version, step),
    unique (cluster_id, version, position),
    foreign key (cluster_id, version) references onboarding_flows
);
comment on table onboarding_flow_steps is 'The steps of a version; never changed; owned by shared::onboarding';

create table onboarding_runs (
    id               uuid primary key,
    creator_id       uuid not null unique references creators,
    cluster_id       text not null,
    flow_version     integer not null,
    state            text not null check (state in ('open', 'completed', 'abandoned')),
    started_at       timestamptz not null,
    last_activity_at timestamptz not null,
    -- when silence becomes a stall, and when it ends the run
    stalls_at        timestamptz not null,
    abandons_at      timestamptz not null,
    stalled_at       timestamptz,
    ended_at         timestamptz,
    foreign key (cluster_id, flow_version) references onboarding_flows,
    check ((state = 'open') = (ended_at is null)),
    check (stalled_at is null or state <> 'completed')
) with (fillfactor = 80);
comment on table onboarding_runs is 'Where each creator stands, pinned to a version of the flow; owned by shared::onboarding';
create index onboarding_runs_stalling on onboarding_runs (stalls_at) where state = 'open' and stalled_at is null;
create index onboarding_runs_abandoning on onboarding_runs (abandons_at) where state = 'open';
create index onboarding_runs_started on onboarding_runs (started_at);

create table onboarding_steps (
    run_id     uuid not null references onboarding_runs,
    step       text not null,
    state      text not null default 'pending' check (state in ('pending', 'completed', 'skipped')),
    -- when all prerequisites were there; null while one is missing
    started_at timestamptz,
    due_at     timestamptz,
    ended_at   timestamptz,
    ended_by   text,
    data       jsonb,
    primary key (run_id, step),
    check ((state = 'pending') = (ended_at is null) and (ended_at is null) = (ended_by is null)),
    check ((started_at is null) = (due_at is null)),
    check (state = 'pending' or started_at is not null)
) with (fillfactor = 70);
comment on table onboarding_steps is 'Where each step of a run stands; owned by shared::onboarding';

create table onboarding_events (
    id         uuid primary key,
    run_id     uuid not null references onboarding_runs,
    creator_id uuid not null references creators,
    kind       text not null check (kind in ('run_started', 'run_stalled', 'run_abandoned', 'run_resumed', 'run_completed',
        'step_started', 'step_completed', 'step_skipped', 'step_rejected', 'step_reopened')),
    -- the step it is about; of a stall or an end without success, the step the run stood at
    step       text,
    -- from the step's (or run's) start, where something ended
    minutes    bigint check (minutes >= 0),
    reason     text check (length(reason) between 1 and 500),
    data       jsonb,
    caused_by  text not null,
    at         timestamptz not null,
    check (step is not null or kind in ('run_started', 'run_resumed', 'run_completed', 'run_stalled', 'run_abandoned'))
);
comment on table onboarding_events is 'What happened in a run, only added to; owned by shared::onboarding';
create index onboarding_events_creator on onboarding_events (creator_id, at desc, id desc);
create index onboarding_events_run on onboarding_events (run_id, at, id);

-- The first version for every cluster there is. Stalled after three days, given up after thirty.
insert into onboarding_flows (cluster_id, version, stall_minutes, abandon_minutes, published_by, published_at)
select id, 1, 4320, 43200, 'system', now() from clusters;

insert into onboarding_flow_steps (cluster_id, version, step, position, title, prerequisites, required, data_schema, proof,
                                   expected_minutes, due_minutes)
select c.id, 1, s.step, s.position, s.title, s.prerequisites, s.required, s.data_schema, s.proof, s.expected_minutes, s.due_minutes
from clusters c
cross join lateral (values
    ('welcome', 1, 'Welcome', '{}'::text[], true,
     '{"type": "object", "properties": {"acknowledged": {"const": true}}, "additionalProperties": false}'::jsonb,
     'word', 5, 1440),
    ('profile_setup', 2, 'Fill in the profile', '{welcome}', true,
     '{"type": "object", "properties": {"profileComplete": {"const": true}}, "additionalProperties": false}',
     'profile', 15, 4320),
    ('verification', 3, 'Prove identity and age', '{profile_setup}', true,
     '{"type": "object", "properties": {"reference": {"type": "string", "minLength": 1, "maxLength": 200}}, "additionalProperties": false}',
     'staff', 30, 10080),
    -- where the age gate is stricter, nothing about content is set up before the age is proven
    ('content_setup', 4, 'Choose categories and types of content',
     case when c.enhanced_gating then '{profile_setup,verification}'::text[] else '{profile_setup}' end, true,
     jsonb_build_object(
         'type', 'object', 'required', jsonb_build_array('categories', 'contentTypes'), 'additionalProperties', false,
         'properties', jsonb_build_object(
             'categories', jsonb_build_object('type', 'array', 'minItems', 1, 'uniqueItems', true, 'items', jsonb_build_object('enum',
                 '["lifestyle", "fitness", "gaming", "art", "music", "cooking"]'::jsonb || case when c.adult then
                 '["adult", "fetish", "couples", "transgender", "gay", "lesbian", "bdsm", "roleplay"]'::jsonb else '[]' end)),
             'contentTypes', '{"type": "array", "minItems": 1, "uniqueItems": true, "items": {"enum": ["photos", "videos",
                 "live_streams", "text_posts", "audio", "custom_content", "video_calls", "messaging"]}}'::jsonb)),
     'word', 20, 10080),
    ('pricing_setup', 5, 'Set prices', '{content_setup}', true,
     '{"type": "object", "required": ["subscriptionPrice", "currency"], "additionalProperties": false, "properties": {
         "subscriptionPrice": {"anyOf": [{"type": "string", "pattern": "^[0-9]{1,6}(\\.[0-9]{1,3})?$"}, {"type": "number", "minimum": 0, "maximum": 999999}]},
         "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}}',
     'word', 10, 10080),
    ('payout_setup', 6, 'Say where to be paid', '{verification}', true,
     '{"type": "object", "additionalProperties": false, "properties": {
         "method": {"enum": ["bank_transfer", "paypal", "paxum", "cryptocurrency", "check"]},
         "reference": {"type": "string", "minLength": 1, "maxLength": 200}}}',
     'staff', 20, 10080),
    ('compliance_training', 7, 'Learn the rules', '{verification}', c.adult,
     '{"type": "object", "additionalProperties": false, "properties": {"reference": {"type": "string", "minLength": 1, "maxLength": 200}}}',
     'staff', 45, 20160),
    ('first_content', 8, 'Publish something',
     case when c.adult then '{content_setup,pricing_setup,verification,compliance_training}'::text[]
          else '{content_setup,pricing_setup,verification}' end, true,
     '{"type": "object", "additionalProperties": false, "properties": {"contentId": {"type": "string", "minLength": 1, "maxLength": 200}}}',
     'staff', 60, 20160),
    ('marketing_setup', 9, 'Say yes or no to marketing mail', '{profile_setup}', false,
     '{"type": "object", "properties": {}, "additionalProperties": false}',
     'consent_choice', 10, 20160),
    ('completed', 10, 'Done', '{}', true,
     '{"type": "object", "properties": {}, "additionalProperties": false}',
     'other_steps', 0, 43200)
) as s (step, position, title, prerequisites, required, data_schema, proof, expected_minutes, due_minutes);

-- Creators who wait for their verification already begin now; nobody else is asked to start over.
with begun as (
    insert into onboarding_runs (id, creator_id, cluster_id, flow_version, state, started_at, last_activity_at, stalls_at, abandons_at)
    select uuid_v7(), id, cluster_id, 1, 'open', now(), now(), now() + interval '3 days', now() + interval '30 days'
    from creators where status in ('pending_verification', 'pending_review')
    returning id, creator_id, cluster_id
), steps as (
    insert into onboarding_steps (run_id, step, started_at, due_at)
    select begun.id, s.step, case when s.prerequisites = '{}' then now() end,
           case when s.prerequisites = '{}' then now() + s.due_minutes * interval '1 minute' end
    from begun join onboarding_flow_steps s on s.cluster_id = begun.cluster_id and s.version = 1
    returning run_id, step, started_at
)
insert into onboarding_events (id, run_id, creator_id, kind, step, caused_by, at)
select uuid_v7(), id, creator_id, 'run_started', null, 'system', now() from begun
union all
select uuid_v7(), begun.id, begun.creator_id, 'step_started', steps.step, 'system', now()
from begun join steps on steps.run_id = begun.id and steps.started_at is not null;
