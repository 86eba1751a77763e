-- What lists and searches of creators are answered from.
-- Why: a list that is filtered by cluster, status or tier asks each combination for its first rows, in order; so each sort
-- key stands behind the three. Searches look for parts of words by trigrams, and for the beginnings of words that are too
-- short for one by words. docs/performance.md shows the plans. Lock: writes to creators wait while each index is built,
-- one to ten seconds per million rows; on a large installation build them with `concurrently` first. Undo: drop them.

create index creators_created on creators (created_at, id) where archived_at is null;
create index creators_name on creators (name_key, id) where archived_at is null;
create index creators_last_active on creators ((coalesce(last_active_at, '-infinity')), id) where archived_at is null;
create index creators_tier on creators (tier_rank, id) where archived_at is null;

create index creators_in_created on creators (cluster_id, status, tier_rank, created_at, id) where archived_at is null;
create index creators_in_name on creators (cluster_id, status, tier_rank, name_key, id) where archived_at is null;
create index creators_in_last_active on creators
    (cluster_id, status, tier_rank, (coalesce(last_active_at, '-infinity')), id) where archived_at is null;
create index creators_in_tier on creators (cluster_id, status, tier_rank, id) where archived_at is null;

create index creators_owner on creators (owner, id) where owner is not null;
create index creators_archived on creators (created_at, id) where archived_at is not null;

create index creators_search on creators using gin (search_text gin_trgm_ops);
create index creators_search_words on creators using gin (to_tsvector('simple', search_text));
create index creators_search_email on creators using gin (email_key gin_trgm_ops);
create index people_legal_name on people (legal_name_key text_pattern_ops) where legal_name_key is not null;
