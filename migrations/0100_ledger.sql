-- The ledger: accounts, transfers that nobody changes, their entries, what is held, and balances.
-- Why: money moves in one place only, and the database refuses what does not balance. Transfers and entries lie in a
-- partition a month, by the time in their ids, so that a billion of them stay workable and ids stay unique over all.
-- Lock: none, all tables are new. Undo: drop them and the functions, after keeping a copy.

-- The least UUID of version 7 that can be made from a moment on: where its month's partition begins.
create function uuid_v7_floor(at timestamptz) returns uuid language sql immutable parallel safe as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

create table ledger_accounts (
    id         bigint generated always as identity primary key,
    -- whose: a creator, or the platform (zero)
    owner      uuid not null,
    creator_id uuid references creators,
    code       text not null check (code ~ '^[a-z][a-z_]{2,39}$'),
    currency   text not null check (currency ~ '^[A-Z]{3}$'),
    -- debits, held ones too, do not exceed posted credits, but by reversals
    limited    boolean not null,
    -- rows that its balance is spread over, so that many can post to it at once
    shards     smallint not null check (shards between 1 and 64),
    unique (owner, code, currency),
    check (owner = coalesce(creator_id, '00000000-0000-0000-0000-000000000000')),
    check (not limited or shards = 1)
);
comment on table ledger_accounts is 'Whose money is what, in which currency; owned by shared::ledger';

create table ledger_balances (
    account_id      bigint not null references ledger_accounts,
    shard           smallint not null check (shard >= 0),
    -- posted amounts only grow; a release may come by another row than its hold, so only their sum has a sign
    debits_posted   bigint not null default 0 check (debits_posted >= 0),
    credits_posted  bigint not null default 0 check (credits_posted >= 0),
    debits_pending  bigint not null default 0,
    credits_pending bigint not null default 0,
    primary key (account_id, shard)
) with (fillfactor = 60);
comment on table ledger_balances is 'Sums of entries by account, kept in the transaction of the entries; owned by shared::ledger';

create table ledger_transfers (
    -- UUID version 7, made by who asks, so that asking again is the same transfer
    id           uuid not null primary key,
    kind         text not null check (kind ~ '^[a-z][a-z_]{2,39}$'),
    phase        text not null check (phase in ('posted', 'pending', 'post', 'void', 'expire')),
    -- how many entries it has
    legs         smallint not null check (legs > 0),
    -- the pending transfer that this one posts, voids or expires
    resolves     uuid,
    -- the transfer that this one takes back, in part or whole
    reverses     uuid,
    effective_at timestamptz not null,
    recorded_at  timestamptz not null,
    caused_by    text not null,
    -- SHA-256 of kind, phase, links and legs: the same id with another content is a mistake
    body_hash    bytea not null check (length(body_hash) = 32),
    check ((resolves is not null) = (phase in ('post', 'void', 'expire'))),
    check (reverses is null or phase = 'posted')
) partition by range (id);
comment on table ledger_transfers is 'Movements of money, never changed; owned by shared::ledger';
create index ledger_transfers_reverses on ledger_transfers (reverses) where reverses is not null;

create table ledger_entries (
    transfer_id uuid not null,
    account_id  bigint not null,
    -- minor units of the account's currency; negative only to release what was held
    amount      bigint not null check (amount <> 0 and (pending or amount > 0)),
    leg         smallint not null check (leg > 0),
    -- else a credit
    debit       boolean not null,
    -- held, else posted
    pending     boolean not null,
    primary key (transfer_id, leg)
) partition by range (transfer_id);
comment on table ledger_entries is 'Debits and credits of transfers, never changed; owned by shared::ledger';
create index ledger_entries_account on ledger_entries (account_id, transfer_id);

create table ledger_holds (
    transfer_id uuid primary key,
    -- null = until somebody decides
    expires_at  timestamptz,
    outcome     text check (outcome in ('posted', 'voided', 'expired')),
    resolved_by uuid unique,
    check ((outcome is null) = (resolved_by is null))
);
comment on table ledger_holds is 'Pending transfers and what became of them, once; owned by shared::ledger';
create index ledger_holds_due on ledger_holds (expires_at) where outcome is null and expires_at is not null;

create table ledger_checks (
    id         uuid primary key,
    checked_at timestamptz not null,
    took_ms    bigint not null check (took_ms >= 0),
    entries    bigint not null,
    -- what does not hold; empty if everything does
    findings   jsonb not null
);
comment on table ledger_checks is 'Nightly checks of the ledger and what they found; owned by shared::ledger';
create index ledger_checks_latest on ledger_checks (checked_at desc);

-- At commit: a transfer has all its legs, and they balance, in each currency, held and posted amounts apart. The
-- currency is the account's, so an entry cannot claim another one.
create function ledger_check_transfer() returns trigger language plpgsql as $$
declare
    stated  smallint;
    present bigint;
    off     boolean;
begin
    select h.legs into stated from ledger_transfers h where h.id = new.transfer_id;
    -- the currency is looked up for each entry: a plan that is kept would rather walk through all accounts
    select sum(g.n), bool_or(g.currency is null or g.off <> 0) into present, off
    from (select l.currency, count(*) as n, sum(case when l.debit then l.amount else -l.amount end) as off
          from (select (select a.currency from ledger_accounts a where a.id = e.account_id) as currency,
                       e.debit, e.pending, e.amount
                from ledger_entries e where e.transfer_id = new.transfer_id) l
          group by l.currency, l.pending) g;
    if stated is distinct from present then
        raise exception 'transfer % states % legs and has %', new.transfer_id, stated, present using errcode = 'check_violation';
    end if;
    if off then
        raise exception 'transfer % does not balance', new.transfer_id using errcode = 'check_violation';
    end if;
    return null;
end
$$;
-- once a transfer: every statement that adds legs of one adds its first, or the trigger below refuses it
create constraint trigger ledger_entries_balance after insert on ledger_entries
    deferrable initially deferred for each row when (new.leg = 1) execute function ledger_check_transfer();

-- Legs come with the first one of their transfer, which nobody can add twice: so none is ever added later.
create function ledger_refuse_late_legs() returns trigger language plpgsql as $$
begin
    if exists (select from added a where not exists (
            select from added first where first.transfer_id = a.transfer_id and first.leg = 1)) then
        raise exception 'legs are not added to a transfer that is there' using errcode = 'restrict_violation';
    end if;
    return null;
end
$$;
create trigger ledger_entries_whole after insert on ledger_entries
    referencing new table as added for each statement execute function ledger_refuse_late_legs();

create function ledger_refuse() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: the ledger is append-only; correct it by a new transfer', tg_op, tg_table_name
        using errcode = 'restrict_violation';
end
$$;
create trigger ledger_entries_append_only before update or delete or truncate on ledger_entries
    for each statement execute function ledger_refuse();
create trigger ledger_transfers_append_only before update or delete or truncate on ledger_transfers
    for each statement execute function ledger_refuse();
create trigger ledger_accounts_stay before delete or truncate on ledger_accounts
    for each statement execute function ledger_refuse();
create trigger ledger_holds_stay before delete or truncate on ledger_holds
    for each statement execute function ledger_refuse();

-- What an account is does not change, and what was resolved stays so.
create function ledger_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'a row of % is changed that is settled', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger ledger_accounts_same before update on ledger_accounts for each row
    when ((old.id, old.owner, old.code, old.currency) is distinct from (new.id, new.owner, new.code, new.currency))
    execute function ledger_refuse_change();
create trigger ledger_holds_once before update on ledger_holds for each row
    when (old.outcome is not null or old.transfer_id <> new.transfer_id) execute function ledger_refuse_change();

-- Makes a table's partitions of `months` months from that of `from_day` on, by the time in the ids. A month whose rows
-- lie in the default partition already (the clock had jumped) stays there.
create function make_month_partitions(parent text, from_day date, months integer) returns integer language plpgsql as $$
declare
    month timestamptz := date_trunc('month', from_day::timestamp) at time zone 'UTC';
    part  text;
    made  integer := 0;
begin
    -- one at a time, also when two processes overlap
    perform pg_advisory_xact_lock(hashtext('make_month_partitions'));
    for i in 1 .. months loop
        part := format('%s_%s', parent, to_char(month at time zone 'UTC', 'YYYYMM'));
        if to_regclass(part) is null then
            begin
                execute format('create table %I partition of %I for values from (%L) to (%L)',
                               part, parent, uuid_v7_floor(month), uuid_v7_floor(month + interval '1 month'));
                made := made + 1;
            exception when check_violation then
                raise warning 'rows of % lie in the default partition of %; they stay there', part, parent;
            end;
        end if;
        month := ((month at time zone 'UTC') + interval '1 month') at time zone 'UTC';
    end loop;
    return made;
end $$;

-- The same for the ledger; a partition refuses by itself, too, whatever name it is reached by.
create function ledger_make_partitions(from_day date, months integer) returns integer language plpgsql as $$
declare
    made integer;
    part record;
begin
    made := make_month_partitions('ledger_transfers', from_day, months)
          + make_month_partitions('ledger_entries', from_day, months);
    for part in
        select c.oid::regclass as name, p.relname as parent
        from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
        where p.oid in ('ledger_transfers'::regclass, 'ledger_entries'::regclass)
          and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'append_only')
    loop
        execute format('create trigger append_only before update or delete or truncate on %s
                        for each statement execute function ledger_refuse()', part.name);
        if part.parent = 'ledger_entries' then
            execute format('create trigger whole after insert on %s referencing new table as added
                            for each statement execute function ledger_refuse_late_legs()', part.name);
        end if;
    end loop;
    return made;
end $$;

-- What no month's partition covers must not stop a transfer; the nightly check says so.
create table ledger_transfers_default partition of ledger_transfers default;
create table ledger_entries_default partition of ledger_entries default;
select ledger_make_partitions((current_date - interval '1 month')::date, 4);
