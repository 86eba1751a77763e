-- Payouts: which methods there are and what they cost, where creators are paid, and each payout with its history.
-- Why: docs/payouts.md. Fees, minima and limits are rows with a date and a source; a payout keeps what they made of it.
-- Lock: none, all tables are new. Undo: drop them.

create table payout_methods (
    method           text not null check (method in ('bank_transfer', 'paypal', 'paxum', 'cryptocurrency', 'check')),
    currency         text not null check (currency ~ '^[A-Z]{3}$'),
    -- ISO 3166-1 alpha-2 of where the creator lives, or * for those that have no row of their own
    country          text not null check (country ~ '^(\*|[A-Z]{2})$'),
    -- in force from this day until the next row's
    effective_from   date not null,
    -- false ends the method for this currency and country from that day on
    offered          boolean not null default true,
    -- minor units; of the gross amount
    min_minor        bigint not null check (min_minor > 0),
    fee_bps          integer not null check (fee_bps between 0 and 10000),
    fee_fixed_minor  bigint not null default 0 check (fee_fixed_minor >= 0),
    fee_cap_minor    bigint check (fee_cap_minor >= fee_fixed_minor),
    -- kept of what comes back
    return_fee_minor bigint not null default 0 check (return_fee_minor >= 0),
    -- business days until the payee has it
    eta_min_days     smallint not null check (eta_min_days >= 0),
    eta_max_days     smallint not null check (eta_max_days >= eta_min_days),
    -- where the rule comes from
    source           text not null,
    primary key (method, currency, country, effective_from)
);
comment on table payout_methods is 'How creators can be paid and what it costs, by date; owned by shared::payouts';
insert into payout_methods (method, currency, country, effective_from, min_minor, fee_bps, return_fee_minor,
                            eta_min_days, eta_max_days, source)
select m.method, c.currency, '*', '1970-01-01', m.min_minor, m.fee_bps, m.return_fee_minor, m.eta_min, m.eta_max, m.source
from (values ('bank_transfer', 5000, 250, 500, 3, 5, 'the specification''s sample'),
             ('paxum', 2000, 200, 0, 1, 2, 'the specification''s sample'),
             ('paypal', 2000, 200, 0, 1, 2, 'house rule, as for the other wallet; set your own with a later date'),
             ('cryptocurrency', 10000, 100, 0, 1, 1, 'house rule; set your own with a later date'))
         m (method, min_minor, fee_bps, return_fee_minor, eta_min, eta_max, source)
     cross join (values ('USD'), ('EUR')) c (currency);
-- cheques are drawn on a bank in the United States
insert into payout_methods (method, currency, country, effective_from, min_minor, fee_bps, fee_fixed_minor,
                            return_fee_minor, eta_min_days, eta_max_days, source) values
    ('check', 'USD', 'US', '1970-01-01', 10000, 0, 500, 1000, 7, 14, 'house rule; set your own with a later date');

create table payout_limits (
    currency         text not null check (currency ~ '^[A-Z]{3}$'),
    effective_from   date not null,
    -- minor units of the gross amount: from the first on one person approves, from the second on two
    one_from_minor   bigint not null check (one_from_minor > 0),
    two_from_minor   bigint not null check (two_from_minor >= one_from_minor),
    -- of one creator within 24 hours
    day_max_count    integer not null check (day_max_count > 0),
    day_max_minor    bigint not null check (day_max_minor > 0),
    -- after a destination was entered, before it is paid to
    cooling_hours    integer not null check (cooling_hours between 0 and 720),
    -- how long a payout waits for approval
    approval_hours   integer not null check (approval_hours between 1 and 2160),
    source           text not null,
    primary key (currency, effective_from)
);
comment on table payout_limits is 'Who must approve what, and how fast money may leave, by date; owned by shared::payouts';
insert into payout_limits (currency, effective_from, one_from_minor, two_from_minor, day_max_count, day_max_minor,
                           cooling_hours, approval_hours, source)
select c.currency, '1970-01-01', 100000, 1000000, 5, 5000000, 72, 168, 'house rule; set your own with a later date'
from (values ('USD'), ('EUR')) c (currency);

create table payout_destinations (
    id            uuid primary key,
    creator_id    uuid not null references creators,
    method        text not null check (method in ('bank_transfer', 'paypal', 'paxum', 'cryptocurrency', 'check')),
    -- which sort of account it is, such as iban
    kind          text not null,
    -- AES-256-GCM of its JSON, for this row only
    sealed        bytea not null,
    -- by which the same account is found at other creators; nothing can be read from it
    fingerprint   bytea not null check (length(fingerprint) = 32),
    -- what may be shown, such as DE89 … 3000
    masked        text not null check (length(masked) between 1 and 200),
    -- whether its holder has the legal name on record
    holder_matches boolean not null,
    state         text not null check (state in ('unverified', 'verified', 'rejected', 'retired')),
    entered_by    text not null,
    entered_at    timestamptz not null,
    decided_by    text,
    decided_at    timestamptz,
    reason        text check (length(reason) between 1 and 500),
    retired_at    timestamptz,
    check ((decided_by is null) = (decided_at is null)),
    check ((state in ('verified', 'rejected')) <= (decided_at is not null)),
    check ((state = 'retired') = (retired_at is not null))
);
comment on table payout_destinations is 'Where creators are paid; never changed but replaced; owned by shared::payouts';
create index payout_destinations_creator on payout_destinations (creator_id, entered_at desc);
create unique index payout_destinations_once on payout_destinations (creator_id, fingerprint) where state <> 'retired';
create index payout_destinations_same on payout_destinations (fingerprint);
create index payout_destinations_open on payout_destinations (entered_at) where state = 'unverified';

create table payouts (
    -- also the id under which a provider is instructed
    id               uuid primary key,
    creator_id       uuid not null references creators,
    destination_id   uuid not null references payout_destinations,
    method           text not null,
    currency         text not null check (currency ~ '^[A-Z]{3}$'),
    -- minor units; gross = fee + net, frozen when it was asked for
    gross_minor      bigint not null check (gross_minor > 0),
    fee_minor        bigint not null check (fee_minor >= 0),
    net_minor        bigint not null check (net_minor > 0),
    return_fee_minor bigint not null check (return_fee_minor >= 0),
    state            text not null check (state in
        ('requested', 'compliance_hold', 'awaiting_approval', 'approved', 'scheduled', 'batched', 'submitted', 'in_transit',
         'completed', 'rejected', 'cancelled', 'failed', 'returned', 'reversed', 'expired', 'unknown')),
    -- SHA-256 of what is approved: an approval of another content does not count
    content_hash     bytea not null check (length(content_hash) = 32),
    approvals_needed smallint not null check (approvals_needed between 0 and 2),
    approve_by       timestamptz not null,
    -- people, or the schedule
    automatic        boolean not null,
    -- the failed one that this one tries again
    retry_of         uuid references payouts,
    -- the ledger's pending transfer
    hold_id          uuid not null unique,
    requested_by     text not null,
    requested_at     timestamptz not null,
    -- how often it was handed over, and since when the latest time has no answer
    submissions      integer not null default 0,
    handed_over_at   timestamptz,
    first_handed_at  timestamptz,
    provider         text,
    reference        text,
    -- when the provider is asked, or it is handed over again
    next_step_at     timestamptz,
    completed_at     timestamptz,
    failure_code     text,
    failure_message  text,
    -- what a person has to look at, in words
    attention        text,
    -- a handing over had no answer, and nobody has told since then what it came to
    was_lost         boolean not null default false,
    updated_at       timestamptz not null,
    version          bigint not null default 1,
    check (gross_minor = fee_minor + net_minor)
);
comment on table payouts is 'Money on its way to creators; owned by shared::payouts';
create index payouts_creator on payouts (creator_id, requested_at desc, id desc);
create index payouts_state on payouts (state, requested_at desc, id desc);
create index payouts_next on payouts (next_step_at) where next_step_at is not null;
create index payouts_approve_by on payouts (approve_by) where state in ('requested', 'compliance_hold', 'awaiting_approval');
create index payouts_attention on payouts (requested_at desc, id desc) where attention is not null;
create unique index payouts_retry on payouts (retry_of) where retry_of is not null;

create table payout_events (
    id          uuid not null unique,
    payout_id   uuid not null references payouts,
    seq         integer not null,
    at          timestamptz not null,
    from_state  text,
    to_state    text not null,
    by          text not null,
    reason      text check (length(reason) <= 500),
    -- the ledger's transfer that went with it
    transfer_id uuid,
    primary key (payout_id, seq)
);
comment on table payout_events is 'What became of payouts, step by step; never changed; owned by shared::payouts';
create index payout_events_at on payout_events (at);

create table payout_approvals (
    payout_id    uuid not null references payouts,
    approver     text not null,
    -- what was approved
    content_hash bytea not null check (length(content_hash) = 32),
    at           timestamptz not null,
    primary key (payout_id, approver)
);
comment on table payout_approvals is 'Who approved which payouts; owned by shared::payouts';

create table payout_reports (
    provider  text not null,
    -- what the provider calls the event: it counts once
    event_id  text not null check (length(event_id) between 1 and 200),
    payout_id uuid not null references payouts,
    status    text not null,
    at        timestamptz not null,
    primary key (provider, event_id)
);
comment on table payout_reports is 'What providers reported of payouts, each event once; owned by shared::payouts';
create index payout_reports_payout on payout_reports (payout_id);

-- For the timeline.
create view timeline_payouts as
    select p.creator_id, e.at, e.id, 'payout' as kind, e.by, 'team' as visibility,
           jsonb_build_object('event', e.to_state, 'method', p.method, 'grossMinor', p.gross_minor, 'feeMinor', p.fee_minor,
                              'netMinor', p.net_minor, 'currency', p.currency, 'reason', e.reason,
                              'payoutId', 'payout_' || replace(p.id::text, '-', '')) as details
    from payout_events e join payouts p on p.id = e.payout_id;

-- What payouts read of creators.
create view creator_payees as
    select c.id, c.cluster_id, c.status, p.residence_country, p.legal_name_key
    from creators c join people p on p.id = c.person_id;
comment on view creator_payees is 'Creators as far as payouts need them; owned by shared::creators';
