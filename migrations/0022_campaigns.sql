-- Campaigns, the chunks their audience is worked off in, and one row for each recipient.
-- Why: docs/campaigns.md. Lock: none, all tables are new. Undo: drop them and the function.

create table campaigns (
    id                  uuid primary key,
    name                text not null check (length(name) between 1 and 200),
    type                text not null check (type in
        ('onboarding', 'retention', 'reactivation', 'upsell', 'promotion', 'milestone', 'seasonal', 'cross_promotion')),
    status              text not null default 'draft' check (status in
        ('draft', 'scheduled', 'active', 'paused', 'completed', 'cancelled')),
    -- whom to write to; an empty list of clusters or tiers means all of them
    clusters            text[] not null,
    tiers               text[] not null,
    statuses            text[] not null check (cardinality(statuses) > 0),
    subject             text not null,
    message             text not null,
    action_text         text,
    action_url          text,
    -- not before this; null = as soon as it is launched
    starts_at           timestamptz,
    launched_at         timestamptz,
    launched_by         text,
    -- the last creator that got a row, in the order of ids
    audience_cursor     uuid,
    -- when every recipient had a row
    audience_complete_at timestamptz,
    audience            bigint not null default 0,
    chunks              integer not null default 0,
    ended_at            timestamptz,
    created_by          text not null,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    check ((status = 'draft') = (launched_at is null) or status = 'cancelled'),
    check ((status in ('completed', 'cancelled')) = (ended_at is not null)),
    check ((action_text is null) = (action_url is null))
);
comment on table campaigns is 'What is sent to whom, and where it stands; owned by shared::campaigns';
create index campaigns_waiting on campaigns (launched_at, id) where status = 'scheduled';
create index campaigns_active on campaigns (id) where status = 'active';

-- What recipients have been sent cannot be rewritten afterwards.
create function campaigns_keep_content() returns trigger language plpgsql as $$
begin
    if (old.subject, old.message, old.action_text, old.action_url, old.clusters, old.tiers, old.statuses)
        is distinct from (new.subject, new.message, new.action_text, new.action_url, new.clusters, new.tiers, new.statuses)
    then
        raise exception 'the content and audience of a launched campaign are frozen' using errcode = 'check_violation';
    end if;
    return new;
end $$;
create trigger campaigns_keep_content before update on campaigns
    for each row when (old.launched_at is not null) execute function campaigns_keep_content();

-- A few hundred recipients, worked off by one job at a time.
create table campaign_chunks (
    campaign_id uuid not null references campaigns,
    chunk       integer not null check (chunk >= 0),
    recipients  integer not null check (recipients > 0),
    -- who works on it: a run of a job. The queue knows whether that job still holds its own lease.
    lease_id     uuid,
    job_id       uuid,
    job_lease_id uuid,
    -- set when every row is sent, failed, skipped or unknown; the counts are of that moment and follow every decision since
    closed_at   timestamptz,
    sent        integer not null default 0 check (sent >= 0),
    failed      integer not null default 0 check (failed >= 0),
    skipped     integer not null default 0 check (skipped >= 0),
    unknown     integer not null default 0 check (unknown >= 0),
    primary key (campaign_id, chunk),
    check ((job_id is null) = (lease_id is null) and (job_lease_id is null) = (lease_id is null)),
    check (closed_at is null or lease_id is null),
    check (closed_at is null or sent + failed + skipped + unknown = recipients)
) with (fillfactor = 70);
comment on table campaign_chunks is 'Recipients that are worked off together, and what became of them; owned by shared::campaigns';
create index campaign_chunks_open on campaign_chunks (campaign_id, chunk) where closed_at is null;

create table campaign_deliveries (
    id              uuid primary key,
    campaign_id     uuid not null references campaigns,
    creator_id      uuid not null references creators,
    chunk           integer not null,
    status          text not null default 'pending' check (status in
        ('pending', 'sending', 'sent', 'failed', 'skipped', 'unknown')),
    -- why it is not simply on its way or sent: the rule that skipped it, or what the other side said
    reason          text check (length(reason) <= 500),
    -- hand-overs begun that the receiving side answered, or may have
    attempts        smallint not null default 0,
    -- not again before this; null = any time
    next_attempt_at timestamptz,
    -- the run that has a session in hand for this row; it is the lease of the row's chunk
    lease_id        uuid,
    begun_at        timestamptz,
    ended_at        timestamptz,
    -- the person who decided what to make of `unknown`, when and why
    decided_by      text,
    decided_at      timestamptz,
    decision        text check (length(decision) <= 600),
    unique (campaign_id, creator_id),
    check ((status = 'sending') = (lease_id is not null)),
    check ((status in ('sent', 'failed', 'skipped', 'unknown')) = (ended_at is not null)),
    check (status not in ('failed', 'skipped', 'unknown') or reason is not null)
) with (
    -- Each row changes twice within a second: room beside it, and no index over what changes, keep that cheap.
    fillfactor = 60,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
comment on table campaign_deliveries is 'One row for each recipient of a campaign; owned by shared::campaigns';
create index campaign_deliveries_chunk on campaign_deliveries (campaign_id, chunk);
-- Only rows with something to explain are in it, so a row that is simply sent never touches it.
create index campaign_deliveries_reason on campaign_deliveries (campaign_id, chunk, id) where reason is not null;
