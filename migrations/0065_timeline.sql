-- What the timeline shows of the slices that were there before it: a view each, owned by the slice whose tables it reads.
-- Why: docs/creator-management.md. Lock: writes to the two indexed tables wait while an index is built; where they are
-- large, build it before under the same name with `create index concurrently`. Undo: drop views, function and indexes.

-- When a UUID of version 7 was made.
create function uuid_v7_time(id uuid) returns timestamptz language sql immutable parallel safe as $$
    select to_timestamp(('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint / 1000.0)
$$;

create index if not exists creator_consents_timeline on creator_consents (creator_id, recorded_at desc, id desc);
-- Only over what never changes: an index over the times would make each sent mail rewrite it.
create index if not exists campaign_deliveries_creator on campaign_deliveries (creator_id);

create view timeline_status as
    select creator_id, effective_from as at, id, 'status' as kind, actor as by, 'team' as visibility,
           jsonb_build_object('from', from_status, 'to', to_status, 'reason', reason) as details
    from creator_status_history;

create view timeline_tier as
    select creator_id, effective_from as at, id, 'tier' as kind, actor as by, 'team' as visibility,
           jsonb_build_object('from', from_tier, 'to', to_tier, 'reason', reason) as details
    from creator_tier_history;

create view timeline_consents as
    select creator_id, recorded_at as at, id, 'consent' as kind, recorded_by as by, 'team' as visibility,
           jsonb_build_object('channel', channel, 'state', state, 'source', source) as details
    from creator_consents;

create view timeline_onboarding as
    select creator_id, at, id, 'onboarding' as kind, caused_by as by, 'team' as visibility,
           jsonb_build_object('event', kind, 'step', step, 'minutes', minutes, 'reason', reason) as details
    from onboarding_events where kind <> 'step_started';

-- A creator has few rows among the recipients of campaigns, so they are sorted as they are read.
create view timeline_messages as
    select d.creator_id, coalesce(d.ended_at, d.begun_at, uuid_v7_time(d.id)) as at, d.id, 'message' as kind,
           c.created_by as by, 'team' as visibility,
           jsonb_build_object('channel', 'email', 'campaignId', 'campaign_' || replace(c.id::text, '-', ''),
                              'campaign', c.name, 'status', d.status, 'reason', d.reason) as details
    from campaign_deliveries d join campaigns c on c.id = d.campaign_id;
