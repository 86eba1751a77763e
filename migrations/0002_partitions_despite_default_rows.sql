-- A day whose rows already lie in a default partition (the clock had jumped) cannot get a partition of its own. That
-- must not keep the other days, and all the rest of the housekeeping, from being done.
-- Why: one bad row stops nobody. Lock: none. Undo: the function of 0001.

create or replace function queue_make_partitions(from_day date, days integer) returns void language plpgsql as $$
declare
    parent text;
    day    date;
    part   text;
begin
    -- one at a time, also when two leaders overlap
    perform pg_advisory_xact_lock(hashtext('queue_make_partitions'));
    for i in 0 .. days - 1 loop
        day := from_day + i;
        foreach parent in array array['job_history', 'job_attempts', 'job_terms'] loop
            part := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
            if to_regclass(part) is null then
                begin
                    execute format('create table %I partition of %I for values from (%L) to (%L)', part, parent, day, day + 1);
                exception when check_violation then
                    raise warning 'rows of % lie in the default partition of %; they stay there until they are old', day, parent;
                end;
            end if;
        end loop;
    end loop;
end $$;
