-- What lists of creators are narrowed by although other slices keep it.
-- Why: `shared::creators` finds by tags and custom fields, and reads them through these views, which their slices own.
-- Lock: none, views only. Undo: drop them.

create view findable_tags as
    select creator_id, tag from creator_tags;
comment on view findable_tags is 'Tags for finding creators; owned by shared::tags';

create view findable_fields as
    select creator_id, field, text_value, number_value, date_value, bool_value, list_value from custom_field_values;
comment on view findable_fields is 'Values for finding creators; owned by shared::custom_fields';
