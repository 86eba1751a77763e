-- What payouts hold their own rows against every night: legs of transfers, and what became of holds.
-- Why: docs/payouts.md, "The nightly check"; the ledger is read by others through what it offers only.
-- Lock: none, views are new. Undo: drop them.

create view ledger_legs as
    select t.id as transfer_id, t.kind, t.phase, t.resolves, t.reverses, a.code, a.creator_id, a.currency, e.pending,
           -- of a credit as it is, of a debit less than zero
           case when e.debit then -e.amount else e.amount end as credited
    from ledger_transfers t
         join ledger_entries e on e.transfer_id = t.id
         join ledger_accounts a on a.id = e.account_id;
comment on view ledger_legs is 'Transfers with what each moves where; owned by shared::ledger';

create view ledger_outcomes as select transfer_id, outcome from ledger_holds;
comment on view ledger_outcomes is 'What became of what was held, null while it is; owned by shared::ledger';
