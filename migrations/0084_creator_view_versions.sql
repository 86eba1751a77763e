-- A version of each kept filter, so that a stale change of one is refused (`If-Match`) as it is of anything else.
-- Lock: creator_views for a moment. Undo: drop the column.

alter table creator_views add column version bigint not null default 1;
