//! Writing what rows came to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::model::Import;
use super::resolve::{Decision, Facts};
use super::{ImportError, store};
use crate::creators::{self, Creator, CreatorId, Registration};
use crate::custom_fields::{self, FieldValue, ValueChanges};
use crate::kernel::Ctx;

/// What a creator was before an import changed it, so that it can be so again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Before {
    pub(super) email: String,
    pub(super) username: String,
    pub(super) phone: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) handles: BTreeMap<String, String>,
    pub(super) time_zone: Option<String>,
    pub(super) owner: Option<String>,
    /// Whether it was out of lists, because another import was undone.
    pub(super) archived: bool,
    /// Values of custom fields, as cells.
    pub(super) custom: BTreeMap<String, CellChange>,
}

/// A value that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CellChange {
    pub(super) was: Option<String>,
    pub(super) is: Option<String>,
}

impl Before {
    fn of(
        creator: &Creator,
        changed: &ValueChanges,
        present: Option<&BTreeMap<String, FieldValue>>,
    ) -> Self {
        let custom = changed.iter().map(|(key, value)| {
            let was = present.and_then(|values| values.get(key));
            let change = CellChange {
                was: was.map(ToString::to_string),
                is: value.as_ref().map(ToString::to_string),
            };
            (key.clone(), change)
        });
        Self {
            email: creator.email.clone(),
            username: creator.username.clone(),
            phone: creator.phone.clone(),
            display_name: creator.display_name.clone(),
            first_name: creator.first_name.clone(),
            aliases: creator.aliases.clone(),
            handles: creator.handles.clone(),
            time_zone: creator.time_zone.clone(),
            owner: creator.owner.clone(),
            archived: creator.archived_at.is_some(),
            custom: custom.collect(),
        }
    }

    /// `creator` as it was.
    pub(super) fn restored(&self, creator: &Creator) -> Creator {
        Creator {
            email: self.email.clone(),
            username: self.username.clone(),
            phone: self.phone.clone(),
            display_name: self.display_name.clone(),
            first_name: self.first_name.clone(),
            aliases: self.aliases.clone(),
            handles: self.handles.clone(),
            time_zone: self.time_zone.clone(),
            owner: self.owner.clone(),
            ..creator.clone()
        }
    }
}

/// Writes decided rows; answers those whose address or name somebody else took at this very moment.
pub(super) async fn apply(
    conn: &mut PgConnection,
    ctx: &Ctx,
    import: &Import,
    facts: &Facts,
    decided: &[(usize, i64, Decision)],
) -> Result<BTreeSet<i64>, ImportError> {
    let (mut new, mut pairs, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut done: Vec<store::DoneRow> = Vec::with_capacity(decided.len());
    for (_, row, decision) in decided {
        match decision {
            Decision::Create(registration, custom) => {
                new.push(Registration::clone(registration));
                values.push((registration.id, custom.clone()));
                done.push(store::DoneRow {
                    row: *row,
                    creator: registration.id,
                    version: 1,
                    before: None,
                });
            }
            Decision::Update(update) => {
                let (before, after) = (&update.before, &update.after);
                let present = facts.values.get(&before.id);
                let same = Creator {
                    updated_at: before.updated_at,
                    ..after.clone()
                } == *before;
                if !same {
                    pairs.push((before.clone(), after.clone()));
                }
                values.push((before.id, update.custom.clone()));
                done.push(store::DoneRow {
                    row: *row,
                    creator: before.id,
                    version: before.version + i64::from(!same),
                    before: Some(Before::of(before, &update.custom, present)),
                });
            }
            Decision::Unchanged(_) | Decision::Skip(_) => {}
        }
    }
    let made = creators::register_many(conn, ctx, &new).await?;
    let lost: BTreeSet<CreatorId> = new
        .iter()
        .map(|registration| registration.id)
        .filter(|id| !made.contains(id))
        .collect();
    creators::change_many(conn, ctx, &pairs).await?;
    values.retain(|(id, _)| !lost.contains(id));
    custom_fields::set_many(conn, ctx, &values).await?;
    let (kept, lost): (Vec<_>, Vec<_>) = done
        .into_iter()
        .partition(|row| !lost.contains(&row.creator));
    store::add_rows(conn, import.id, &kept).await?;
    Ok(lost.into_iter().map(|row| row.row).collect())
}
