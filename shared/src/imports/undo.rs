//! Taking back what an import wrote, a few rows at a time.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;

use super::apply::Before;
use super::model::{Import, ImportState, custom};
use super::resolve::Facts;
use super::store::{self, DoneRow};
use super::{ImportError, report};
use crate::audit::{self, Entry};
use crate::creators::{self, Creator, CreatorId, Key, Known};
use crate::custom_fields::{self, Field, FieldValue, ValueChanges};
use crate::kernel::Ctx;

/// Rows that one step takes back at the most.
const UNDO_ROWS: i64 = 500;

/// Takes back the next rows.
pub(super) async fn step(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
) -> Result<(), ImportError> {
    let rows = store::rows_behind(conn, import, UNDO_ROWS).await?;
    let Some(last) = rows.last().map(|row| row.row) else {
        return finish(conn, ctx, import).await;
    };
    let keys = keys(conn, &rows).await?;
    let known = creators::lock_named(conn, &keys).await?;
    let ids: Vec<CreatorId> = rows.iter().map(|row| row.creator).collect();
    let world = World {
        by_id: known
            .iter()
            .map(|known| (known.creator.id, known.clone()))
            .collect(),
        facts: Facts::new(known),
        values: custom_fields::values_of(conn, &ids).await?,
        fields: custom_fields::held_definitions(conn).await?,
    };
    let (mut pairs, mut values, mut undone, mut kept) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match world.restored(ctx, &row) {
            Ok((before, after, custom)) => {
                undone.push(row.row);
                values.push((before.id, custom));
                pairs.push((before, after));
            }
            Err(why) => kept.push([row.row.to_string(), row.creator.to_string(), why]),
        }
    }
    pairs.retain(|(before, after)| before != after);
    creators::change_many(conn, ctx, &pairs).await?;
    custom_fields::set_many(conn, ctx, &values).await?;
    let refused = i64::try_from(kept.len()).unwrap_or(i64::MAX);
    report::add_not_undone(conn, ctx, import, kept).await?;
    Ok(store::note_undone(conn, ctx, import.id, last, &undone, refused).await?)
}

/// Whom the rows are about, and whoever has what they are to have again.
async fn keys(conn: &mut PgConnection, rows: &[DoneRow]) -> Result<Vec<Key>, ImportError> {
    let ids: Vec<CreatorId> = rows.iter().map(|row| row.creator).collect();
    let clusters: BTreeMap<CreatorId, String> = creators::known(conn, &ids)
        .await?
        .into_iter()
        .map(|known| (known.creator.id, known.creator.cluster))
        .collect();
    let keys = rows.iter().map(|row| Key {
        id: Some(row.creator),
        cluster: clusters.get(&row.creator).cloned(),
        email_key: row
            .before
            .as_ref()
            .map(|before| before.email.to_lowercase()),
        username_key: row
            .before
            .as_ref()
            .map(|before| before.username.to_ascii_lowercase()),
    });
    Ok(keys.collect())
}

struct World {
    by_id: BTreeMap<CreatorId, Known>,
    facts: Facts,
    values: BTreeMap<CreatorId, BTreeMap<String, FieldValue>>,
    fields: Vec<Field>,
}

impl World {
    /// A creator as it is and as it was before the row, with the values that it had.
    ///
    /// # Errors
    /// If somebody changed it since, or it can be so no more.
    fn restored(
        &self,
        ctx: &Ctx,
        row: &DoneRow,
    ) -> Result<(Creator, Creator, ValueChanges), String> {
        let known = self.by_id.get(&row.creator);
        let known = known.filter(|known| known.merged_into.is_none());
        let creator = &known.ok_or("it was merged since")?.creator;
        if creator.version != row.version {
            return Err("it was changed since".to_owned());
        }
        let Some(before) = &row.before else {
            let gone = Creator {
                archived_at: Some(ctx.now()),
                ..creator.clone()
            };
            return Ok((creator.clone(), gone, ValueChanges::new()));
        };
        let mut after = before.restored(creator);
        if before.archived {
            after.archived_at = Some(ctx.now());
        }
        self.facts.free(creator.id, &after)?;
        Ok((
            creator.clone(),
            after,
            self.values_before(creator.id, before)?,
        ))
    }

    fn values_before(&self, id: CreatorId, before: &Before) -> Result<ValueChanges, String> {
        let present = self.values.get(&id);
        let mut values = ValueChanges::new();
        for (key, change) in &before.custom {
            let is = present
                .and_then(|values| values.get(key))
                .map(ToString::to_string);
            if is != change.is {
                return Err(format!("its custom field `{key}` was changed since"));
            }
            let was = change.was.as_ref().map(|cell| {
                let field = self
                    .fields
                    .iter()
                    .find(|field| field.field.key.as_str() == key);
                let field =
                    field.ok_or_else(|| format!("there is no custom field `{key}` any more"))?;
                custom(field, cell).map_err(|remedy| {
                    format!("its custom field `{key}` takes the former value no more: {remedy}")
                })
            });
            values.insert(key.clone(), was.transpose()?);
        }
        Ok(values)
    }
}

async fn finish(conn: &mut PgConnection, ctx: &Ctx, import: &Import) -> Result<(), ImportError> {
    store::end(conn, ctx, import.id, ImportState::Undone, None).await?;
    let entry = Entry::new("creator.import_end", import.id).after(json!({
        "state": ImportState::Undone, "undone": import.counts.undone, "refused": import.counts.refused,
    }));
    Ok(audit::record(conn, ctx, entry).await?)
}
