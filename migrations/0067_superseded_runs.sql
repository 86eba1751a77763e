-- A state for the onboarding runs of merged duplicates.
-- Why: they must neither be swept nor count in the figures. Lock: onboarding_runs exclusively while its rows are checked
-- once more. Undo: put the former check back, after such runs are gone.
alter table onboarding_runs drop constraint onboarding_runs_state_check,
    add constraint onboarding_runs_state_check check (state in ('open', 'completed', 'abandoned', 'superseded'));
