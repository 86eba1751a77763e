-- Searches for a common text within one cluster.
-- Why: half a percent of a million is too many to gather and sort, and walking all clusters reads nine times too much.
-- Lock: writes to creators wait while the index is built, a second or two per million rows; on a large installation build
-- it with `concurrently` first. Undo: drop it.

create index creators_cluster_created on creators (cluster_id, created_at, id) where archived_at is null;
