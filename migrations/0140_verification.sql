-- What is verified of people and creators, by which evidence and whose decision, and until when; and what paying reads.
-- Why: docs/verification.md. A kind that nobody submitted has no row. What is proven of a person serves all their
-- creators, so it is kept once. Ages are proven by `person_age_decisions` already and are not kept a second time.
-- Lock: none that matters, the tables are new and the views are replaced in a moment; retention_rules is tiny.
-- Undo: drop the tables and the new views, put creator_payout_blocks back, delete the rule.

create table verifications (
    id            uuid primary key,
    -- whose it is: the person's, for all their creators, or the creator's alone
    person_id     uuid references people,
    creator_id    uuid references creators,
    kind          text not null,
    state         text not null check (state in ('pending', 'in_review', 'verified', 'rejected', 'expired', 'revoked')),
    -- a reference to what was submitted, or seen: never the document itself
    evidence      text check (length(evidence) between 1 and 500),
    method        text check (method in ('document', 'video_call', 'in_person', 'registry', 'statement', 'message', 'other')),
    -- what was on file when it was verified: once something else is, it counts no more
    proven        text,
    -- the last day on which it counts, in UTC; null = it has no end
    valid_until   date,
    verified_by   text,
    verified_at   timestamptz,
    -- why it was rejected or revoked, and whether another try is welcome
    reason        text check (length(reason) between 1 and 500),
    resubmittable boolean,
    version       bigint not null default 1,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    check ((kind in ('identity', 'address', 'tax')) = (person_id is not null)),
    check ((kind in ('bank_account', 'email', 'phone', 'business_entity')) = (creator_id is not null)),
    check (state <> 'verified'
           or (evidence is not null and method is not null and verified_by is not null and verified_at is not null)),
    check (state <> 'verified' or kind not in ('identity', 'email', 'phone') or proven is not null),
    check (state not in ('rejected', 'revoked') or reason is not null),
    check ((state = 'rejected') = (resubmittable is not null))
);
comment on table verifications is 'Where each kind of verification stands; owned by shared::verification';
create unique index verifications_person on verifications (person_id, kind) where person_id is not null;
create unique index verifications_creator on verifications (creator_id, kind) where creator_id is not null;
create index verifications_ending on verifications (valid_until, id) where state = 'verified' and valid_until is not null;

create table verification_events (
    id          uuid primary key,
    person_id   uuid references people,
    creator_id  uuid references creators,
    kind        text not null,
    from_state  text not null,
    to_state    text not null,
    evidence    text,
    method      text,
    valid_until date,
    reason      text,
    caused_by   text not null,
    at          timestamptz not null,
    check ((person_id is null) <> (creator_id is null))
);
comment on table verification_events is 'Every change of a verification, only added to; owned by shared::verification';
create index verification_events_person on verification_events (person_id, at desc, id desc) where person_id is not null;
create index verification_events_creator on verification_events (creator_id, at desc, id desc) where creator_id is not null;

-- For those who read where verifications stand.
create view verification_verdicts as
    select person_id, creator_id, kind, state, valid_until, proven from verifications;
comment on view verification_verdicts is 'What was decided last of each kind; owned by shared::verification';

-- What creators are known by, as verification and paying read it.
create view creator_papers as
    select c.id as asked, k.id as creator_id, k.person_id, k.status, k.email_key, k.phone,
           -- under one text, so that both can be compared with what was proven
           p.legal_name_key || ' ' || to_char(p.birth_date, 'YYYY-MM-DD') as identity,
           p.birth_date, d.decision as age_decision, d.birth_date as age_birth_date
    from creators c join creators k on k.id = coalesce(c.merged_into, c.id) join people p on p.id = k.person_id
    left join lateral (
        select decision, birth_date from person_age_decisions a
        where a.person_id = p.id order by a.decided_at desc, a.id desc limit 1) d on true;
comment on view creator_papers is 'Creators by any of their ids, with what can be proven of them; owned by shared::creators';

create or replace view creator_payout_blocks as
    select creator_id, starts_at, ends_at, source, reason from creator_blocks where 'payout' = any(blocks);

-- For the timeline.
create view timeline_verifications as
    select c.id as creator_id, e.at, e.id, 'verification' as kind, e.caused_by as by, 'team' as visibility,
           jsonb_build_object('kind', e.kind, 'from', e.from_state, 'to', e.to_state, 'method', e.method,
                              'validUntil', e.valid_until, 'reason', e.reason) as details
    from verification_events e join creators c on c.id = e.creator_id or c.person_id = e.person_id;
create view timeline_age_decisions as
    select c.id as creator_id, d.decided_at as at, d.id, 'verification' as kind, d.decided_by as by, 'team' as visibility,
           jsonb_build_object('kind', 'age', 'to', d.decision) as details
    from person_age_decisions d join creators c on c.person_id = d.person_id;

insert into retention_rules (class, effective_from, basis, years, source) values
    ('verification', '1970-01-01', 'Directive (EU) 2015/849 Art. 40(1): who was paid and how that was checked; GDPR Art. 17(3)(b)',
     5, 'domain notes; unconfirmed, ask counsel');
