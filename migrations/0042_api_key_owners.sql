-- Whose an API key is: it opens no more than its owner may, and nothing once they are disabled.
-- Why: docs/access.md. Lock: api_keys, for a moment (a nullable column; there are few keys). Undo: drop the column.

alter table api_keys add column owner_id uuid references users;
comment on column api_keys.owner_id is 'Who made the key; null for one of the command line, which answers to nobody';
update api_keys k set owner_id = u.id from users u where k.created_by = 'user:user_' || replace(u.id::text, '-', '');
