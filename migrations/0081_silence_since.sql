-- When a silence was noted, so that it goes on while the lead changes hands.
-- Why: the time between a note and the next leader's first look belongs to the silence too; without it, kills that hit
-- one leader after another put a rescue off beyond 20 s. Lock: access exclusive on a small table, for a moment. Undo:
-- drop the column.

alter table workers add column silent_noted_at timestamptz;
