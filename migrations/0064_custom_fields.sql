-- Fields that an installation adds to creators, with typed values.
-- Why: docs/creator-management.md. Lock: none, all tables are new. Undo: drop them.

create table custom_fields (
    key         text primary key check (key ~ '^[a-z][a-z0-9_]{0,49}$'),
    label       text not null check (length(label) between 1 and 100),
    type        text not null check (type in ('text', 'number', 'money', 'date', 'bool', 'select', 'multi_select', 'url')),
    -- of select and multi_select: what can be chosen
    options     text[] not null default '{}',
    -- of number and money (in the currency's unit): bounds, both included
    minimum     numeric,
    maximum     numeric,
    -- of money: ISO 4217
    currency    text check (currency ~ '^[A-Z]{3}$'),
    -- values stay, but none can be set
    archived_at timestamptz,
    created_by  text not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    version     bigint not null default 1,
    unique (key, type),
    check ((type in ('select', 'multi_select')) = (cardinality(options) > 0)),
    check (minimum is null or type in ('number', 'money')),
    check (maximum is null or type in ('number', 'money')),
    check (minimum <= maximum),
    check ((type = 'money') = (currency is not null))
);
comment on table custom_fields is 'Fields that an installation adds to creators; owned by shared::custom_fields';

-- One column a type, exactly one of them filled, so that each is compared as what it is.
create table custom_field_values (
    creator_id   uuid not null references creators,
    field        text not null,
    type         text not null,
    -- text, select, url
    text_value   text check (length(text_value) between 1 and 500),
    -- number, money
    number_value numeric,
    date_value   date,
    bool_value   boolean,
    -- multi_select
    list_value   text[] check (cardinality(list_value) > 0),
    set_by       text not null,
    set_at       timestamptz not null,
    primary key (creator_id, field),
    foreign key (field, type) references custom_fields (key, type),
    check (num_nonnulls(text_value, number_value, date_value, bool_value, list_value) = 1),
    check ((text_value is not null) = (type in ('text', 'select', 'url'))),
    check ((number_value is not null) = (type in ('number', 'money'))),
    check ((date_value is not null) = (type = 'date')),
    check ((bool_value is not null) = (type = 'bool')),
    check ((list_value is not null) = (type = 'multi_select'))
);
comment on table custom_field_values is 'The values of those fields; owned by shared::custom_fields';
create index custom_field_values_text on custom_field_values (field, text_value, creator_id) where text_value is not null;
create index custom_field_values_number on custom_field_values (field, number_value, creator_id) where number_value is not null;
create index custom_field_values_date on custom_field_values (field, date_value, creator_id) where date_value is not null;
create index custom_field_values_bool on custom_field_values (field, bool_value, creator_id) where bool_value is not null;
create index custom_field_values_list on custom_field_values using gin (list_value) where list_value is not null;
