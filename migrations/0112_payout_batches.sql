-- Files with many payouts: which payouts each has, and whether it was handed over.
-- Why: docs/payouts.md. Lock: payouts gets two columns without a default and two indexes, for a moment; the other table is
-- new. Undo: drop the table, the columns and the indexes.

create table payout_batches (
    -- also what the bank is told as the message's id
    id             uuid primary key,
    method         text not null check (method in ('bank_transfer', 'check')),
    currency       text not null check (currency ~ '^[A-Z]{3}$'),
    format         text not null check (format in ('pain001', 'nacha', 'cheque_pdf')),
    state          text not null check (state in ('written', 'handed_over', 'failed')),
    file_name      text not null unique check (length(file_name) between 1 and 100),
    -- of the file, which is not kept: it is made again from the same rows and must come out the same
    sha256         bytea not null check (length(sha256) = 32),
    size_bytes     bigint not null check (size_bytes > 0),
    payouts        integer not null check (payouts between 1 and 5000),
    total_minor    bigint not null check (total_minor > 0),
    -- payouts that went out in this format before: trace numbers and cheques are counted from it
    counted_before bigint not null check (counted_before >= 0),
    -- files of this format before it on its day
    nth_of_day     integer not null check (nth_of_day >= 0),
    -- how often it was put into the folder, or nearly
    attempts       integer not null default 0,
    -- the time that stands in the file
    created_at     timestamptz not null,
    created_by     text not null,
    handed_over_at timestamptz,
    failed_at      timestamptz,
    failure        text check (length(failure) between 1 and 500),
    check ((state = 'handed_over') = (handed_over_at is not null)),
    check ((state = 'failed') = (failed_at is not null)),
    check ((state = 'failed') <= (failure is not null)),
    -- two that are made at once would give the same numbers: the second one is refused
    unique (format, counted_before)
);
comment on table payout_batches is 'Files with many payouts; owned by shared::payouts';
create index payout_batches_listed on payout_batches (created_at desc, id desc);
create index payout_batches_open on payout_batches (method, currency, id) where state = 'written';

alter table payouts
    add column batch_id uuid references payout_batches,
    -- what statements name it by: the end-to-end id, the trace number, or the cheque's number
    add column trace    text check (length(trace) between 1 and 35);
create index payouts_batch on payouts (batch_id, id) where batch_id is not null;
create index payouts_trace on payouts (trace) where trace is not null;
create index payouts_to_batch on payouts (method, currency, id) where state = 'scheduled';
