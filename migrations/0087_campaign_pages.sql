-- Campaigns as they run: which chunks have been begun, and lists of campaigns by status.
-- Why: recipients of a chunk that nobody has begun are all pending, so figures need not read their rows; a page asks for
-- them every second. Open chunks of campaigns under way are taken as begun: their rows are read until they close.
-- Lock: brief, the column has no default that is written; the update touches open chunks only.
-- Undo: drop the index and the column.

alter table campaign_chunks add column begun_at timestamptz;
update campaign_chunks set begun_at = now() where closed_at is null;
create index campaigns_by_status on campaigns (status, id);
