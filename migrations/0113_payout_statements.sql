-- What banks say of payouts: their statements, and each entry with the payout that it is about.
-- Why: docs/payouts.md. The files themselves are not kept, only what they say: they have accounts and names of others.
-- Lock: none, all tables are new. Undo: drop the tables and the view.

create table payout_statements (
    id           uuid primary key,
    source       text not null check (source in ('upload', 'drop_folder')),
    -- pain.002, camt.053, camt.054 or nacha; none of a file that could not be read
    format       text check (format in ('pain.002', 'camt.053', 'camt.054', 'nacha')),
    -- of the file: the same file is the same statement
    sha256       bytea not null check (length(sha256) = 32),
    size_bytes   bigint not null check (size_bytes >= 0),
    file_name    text check (length(file_name) between 1 and 200),
    -- what the bank calls it
    bank_id      text check (length(bank_id) between 1 and 300),
    -- read: its entries are there; matched: each was looked at; refused: it could not be read
    state        text not null check (state in ('read', 'matched', 'refused')),
    entries      integer not null check (entries >= 0),
    taken_at     timestamptz not null,
    taken_by     text not null,
    matched_at   timestamptz,
    -- what is wrong with it, and where
    failure      text check (length(failure) between 1 and 500),
    check ((state = 'refused') = (failure is not null)),
    check ((state = 'refused') = (format is null)),
    check ((state = 'matched') = (matched_at is not null))
);
comment on table payout_statements is 'Files of banks that tell of payouts; owned by shared::payouts';
create unique index payout_statements_file on payout_statements (sha256) where state <> 'refused';
create unique index payout_statements_refused on payout_statements (sha256) where state = 'refused';
create index payout_statements_listed on payout_statements (taken_at desc, id desc);

create table payout_statement_accounts (
    statement_id  uuid not null references payout_statements,
    nth           integer not null check (nth >= 0),
    -- as the bank writes it
    account       text check (length(account) between 1 and 300),
    currency      text check (currency ~ '^[A-Z]{3}$'),
    from_day      date,
    to_day        date,
    -- minor units; negative if overdrawn
    opening_minor bigint,
    closing_minor bigint,
    -- everything that was booked, debits negative
    moved_minor   bigint,
    primary key (statement_id, nth)
);
comment on table payout_statement_accounts is 'What statements say of accounts as a whole; owned by shared::payouts';
create index payout_statement_accounts_days on payout_statement_accounts (currency, to_day);

create table payout_statement_entries (
    id             uuid primary key,
    statement_id   uuid not null references payout_statements,
    -- in the file, counted from 0
    place          integer not null check (place >= 0),
    -- what the bank names the payment, or the file of payments, by
    about          text not null check (about in ('end_to_end', 'trace', 'cheque', 'message', 'unknown')),
    reference      text check (length(reference) between 1 and 300),
    bank_reference text check (length(bank_reference) <= 300),
    account        text check (length(account) between 1 and 300),
    -- minor units; the direction tells which way
    amount_minor   bigint check (amount_minor > 0),
    currency       text check (currency ~ '^[A-Z]{3}$'),
    direction      text check (direction in ('debit', 'credit')),
    booked_on      date,
    outcome        text not null check (outcome in ('accepted', 'settled', 'rejected', 'returned', 'corrected', 'other')),
    reason_code    text check (length(reason_code) <= 300),
    reason_text    text check (length(reason_text) <= 300),
    -- the right data of a correction: encrypted, and what may be shown of it
    correction     bytea,
    correction_shown text check (length(correction_shown) <= 60),
    -- what it proves of a payout, which only one entry proves
    fact           text check (fact in ('said_accepted', 'said_settled', 'said_rejected', 'booked_out', 'booked_back',
                                        'corrected')),
    -- SHA-256 of what tells it from every other booking of the bank, if the bank gives it a reference
    fingerprint    bytea check (length(fingerprint) = 32),
    state          text not null check (state in ('waiting', 'matched', 'repeated', 'unmatched', 'attention', 'dismissed')),
    payout_id      uuid references payouts,
    -- the file of payouts that it is about as a whole
    batch_id       uuid references payout_batches,
    -- why somebody has to look, or what they found
    why            text check (length(why) between 1 and 500),
    decided_by     text,
    decided_at     timestamptz,
    version        bigint not null default 1,
    unique (statement_id, place),
    check ((about = 'unknown') = (reference is null)),
    check ((amount_minor is null) or (currency is not null)),
    check ((correction is null) = (correction_shown is null)),
    check ((decided_by is null) = (decided_at is null)),
    check (state not in ('attention', 'dismissed') or why is not null),
    check (state <> 'matched' or payout_id is not null or batch_id is not null)
);
comment on table payout_statement_entries is 'What banks say of payments, entry by entry; owned by shared::payouts';
create index payout_statement_entries_waiting on payout_statement_entries (statement_id, place) where state = 'waiting';
create index payout_statement_entries_theirs on payout_statement_entries (id) where state in ('unmatched', 'attention');
create index payout_statement_entries_booked on payout_statement_entries (currency, booked_on) where state <> 'waiting';
create index payout_statement_entries_payout on payout_statement_entries (payout_id) where payout_id is not null;
create index payout_statement_entries_batch on payout_statement_entries (batch_id) where batch_id is not null;
create unique index payout_statement_entries_fact on payout_statement_entries (payout_id, fact)
    where state = 'matched' and payout_id is not null and fact is not null and fact <> 'corrected';
create unique index payout_statement_entries_batch_fact on payout_statement_entries (batch_id, fact)
    where state = 'matched' and batch_id is not null and fact is not null;
create unique index payout_statement_entries_once on payout_statement_entries (fingerprint)
    where state not in ('waiting', 'repeated') and fingerprint is not null;

-- Destinations that banks gave other data for: nothing is changed by them, somebody enters the right ones anew.
create table payout_destination_notices (
    destination_id uuid not null references payout_destinations,
    entry_id       uuid not null references payout_statement_entries,
    -- C01 and so on, of Nacha
    code           text not null check (length(code) between 1 and 300),
    shown          text not null check (length(shown) <= 60),
    at             timestamptz not null,
    primary key (destination_id, entry_id)
);
comment on table payout_destination_notices is 'Where banks say that other data are right; owned by shared::payouts';

-- What payouts read of the ledger: what was posted to the account of what is handed to banks and other providers.
create view ledger_clearing as
    select e.transfer_id, a.currency, case when e.debit then -e.amount else e.amount end as minor
    from ledger_accounts a join ledger_entries e on e.account_id = a.id
    where a.code = 'payout_clearing' and not e.pending;
comment on view ledger_clearing is 'Payouts as far as they are posted; owned by shared::ledger';
