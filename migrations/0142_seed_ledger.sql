-- A made-up population may have its earnings one by one, through the ledger.
-- Why: balances, statements and payouts have nothing to show without them.
-- Lock: seed_population exclusively for a moment; it has one row at most. Undo: the constraint of 0075, when no such
-- population is there.

alter table seed_population drop constraint seed_population_detail_check;
alter table seed_population add constraint seed_population_detail_check check (detail in ('core', 'everything', 'ledger'));
