-- Finding the payouts of some days that no statement tells of.
-- Why: the report of reconciliation; see docs/payouts.md. Lock: nobody writes payouts while the index is built. Undo: drop it.

create index payouts_handed on payouts (first_handed_at, id) where first_handed_at is not null;
