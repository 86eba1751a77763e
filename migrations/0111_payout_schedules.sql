-- Automatic payouts: each creator's frequency and threshold, and what the last run made of it.
-- Why: docs/payouts.md. Lock: none, the table is new. Undo: drop it and the view.

create table payout_schedules (
    creator_id      uuid not null references creators,
    currency        text not null check (currency ~ '^[A-Z]{3}$'),
    method          text not null check (method in ('bank_transfer', 'paypal', 'paxum', 'cryptocurrency', 'check')),
    -- null = the only one of the method that is ready
    destination_id  uuid references payout_destinations,
    frequency       text not null check (frequency in ('daily', 'weekly', 'bi_weekly', 'monthly')),
    -- minor units: nothing is paid below
    threshold_minor bigint not null check (threshold_minor > 0),
    next_on         date not null,
    set_by          text not null,
    set_at          timestamptz not null,
    -- what the last run made of it: requested, below_threshold, or the codes of what stood against it
    last_on         date,
    last_result     text check (length(last_result) <= 500),
    primary key (creator_id, currency)
);
comment on table payout_schedules is 'When creators are paid by themselves; owned by shared::payouts';
create index payout_schedules_next on payout_schedules (next_on, creator_id);

-- What creators can spend, for those who read it of many.
create view creator_available_balances as
    select a.creator_id, a.currency, b.credits_posted - b.debits_posted - b.debits_pending as available_minor
    from ledger_accounts a join ledger_balances b on b.account_id = a.id
    where a.code = 'creator_available';
comment on view creator_available_balances is 'What creators can spend, by currency; owned by shared::ledger';
