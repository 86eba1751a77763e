-- Addresses that must not be written to.
-- Why: a dead mailbox that is mailed again and again ruins the sender's name. Lock: none, the table is new. Undo: drop it.

create table suppressions (
    channel    text not null check (channel in ('email', 'sms')),
    -- normalised; kept apart from the creator, because it must outlive them
    address    text not null check (length(address) between 3 and 254),
    reason     text not null check (reason in ('hard_bounce', 'complaint', 'manual')),
    -- what the receiving server said, or who asked
    detail     text not null check (length(detail) <= 500),
    created_at timestamptz not null,
    primary key (channel, address)
);
comment on table suppressions is 'Addresses that are not written to, whoever they belong to; owned by shared::messaging';
