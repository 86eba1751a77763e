-- Where creators are paid, for finding creators that may be one.
-- Why: `shared::creators` compares accounts when it looks for duplicates, and reads them through this view, which
-- `shared::payouts` owns. A fingerprint is all it takes: accounts themselves stay encrypted.
-- Lock: none, a view only. Undo: drop it.

create view findable_accounts as
    select creator_id, fingerprint from payout_destinations where state <> 'rejected';
comment on view findable_accounts is 'Accounts for finding creators, those of earlier too; owned by shared::payouts';
