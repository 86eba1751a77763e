//! What can be done with custom fields.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::PgConnection;

use super::condition::condition;
use super::{
    Asked, CustomFieldError, FIELDS_MAX, Field, FieldChanges, FieldKey, FieldValue, Given,
    NewField, store,
};
use crate::audit::{self, Entry, Subject};
use crate::creators::{self, CreatorId, FieldCondition};
use crate::kernel::{Ctx, FieldError, content_version};

/// All fields, by key, those that are archived too.
///
/// # Errors
/// If the database cannot be read.
pub async fn definitions(conn: &mut PgConnection) -> Result<Vec<Field>, CustomFieldError> {
    Ok(store::definitions(conn).await?)
}

/// Defines a field.
///
/// # Errors
/// If something about it breaks a rule, its key is taken, or there are too many.
pub async fn define(
    conn: &mut PgConnection,
    ctx: &Ctx,
    new: NewField,
) -> Result<Field, CustomFieldError> {
    new.check().map_err(CustomFieldError::Invalid)?;
    if store::count(conn).await? >= FIELDS_MAX {
        return Err(CustomFieldError::Full);
    }
    let field = Field {
        field: new,
        archived_at: None,
        version: 1,
    };
    if !store::insert(conn, ctx, &field).await? {
        return Err(CustomFieldError::KeyTaken);
    }
    record(conn, ctx, "custom_field.define", &field).await?;
    Ok(field)
}

/// Changes a field. With `expected`, only if it is still at that version.
///
/// # Errors
/// If there is none, it is at another version, a field breaks a rule, or creators have an option that is to go.
pub async fn change(
    conn: &mut PgConnection,
    ctx: &Ctx,
    key: &FieldKey,
    changes: FieldChanges,
    expected: Option<i64>,
) -> Result<Field, CustomFieldError> {
    let before = store::lock(conn, key)
        .await?
        .ok_or_else(|| CustomFieldError::NotFound(key.to_string()))?;
    if expected.is_some_and(|version| version != before.version) {
        return Err(CustomFieldError::Stale(before.version));
    }
    let archived_at = match changes.archived {
        Some(true) => before.archived_at.or(Some(ctx.now())),
        Some(false) => None,
        None => before.archived_at,
    };
    let changed = before.field.clone().with(changes);
    changed.check().map_err(CustomFieldError::Invalid)?;
    if changed == before.field && archived_at == before.archived_at {
        return Ok(before);
    }
    let gone: Vec<String> = before
        .field
        .options
        .iter()
        .filter(|option| !changed.options.contains(option))
        .cloned()
        .collect();
    if let Some(option) = store::option_in_use(conn, key, &gone).await? {
        return Err(CustomFieldError::OptionInUse(option));
    }
    let field = Field {
        field: changed,
        archived_at,
        version: before.version + 1,
    };
    store::update(conn, ctx, &field).await?;
    record(conn, ctx, "custom_field.change", &field).await?;
    Ok(field)
}

/// What lists of creators are narrowed by, as far as fields and values fit; `pointer` is where they were asked.
///
/// # Errors
/// With each that does not fit, at its place.
pub async fn conditions(
    conn: &mut PgConnection,
    pointer: &str,
    asked: Vec<Asked>,
) -> Result<Vec<FieldCondition>, CustomFieldError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let fields = store::definitions(conn).await?;
    let (mut fit, mut wrong) = (Vec::new(), Vec::new());
    for (at, one) in asked.into_iter().enumerate() {
        let field = fields
            .iter()
            .find(|field| field.field.key.as_str() == one.field)
            .ok_or_else(|| {
                let key = &one.field;
                format!("there is no custom field `{key}`; GET /api/custom-fields lists them")
            });
        match field.and_then(|field| condition(field, one.operator, one.value)) {
            Ok(condition) => fit.push(condition),
            Err(remedy) => wrong.push(FieldError::new(format!("{pointer}/{at}"), remedy)),
        }
    }
    if wrong.is_empty() {
        Ok(fit)
    } else {
        Err(CustomFieldError::Invalid(wrong))
    }
}

/// A creator's values by key.
///
/// # Errors
/// If there is no such creator.
pub async fn values(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
) -> Result<BTreeMap<String, FieldValue>, CustomFieldError> {
    let creator = creators::within_reach(conn, ctx, creator).await?.id;
    Ok(store::values(conn, &[creator])
        .await?
        .remove(&creator)
        .unwrap_or_default())
}

/// The values of many creators by key, in one statement; those without any are absent. For exports and templates.
///
/// # Errors
/// If the database cannot be read.
pub async fn values_of(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> Result<BTreeMap<CreatorId, BTreeMap<String, FieldValue>>, CustomFieldError> {
    Ok(store::values(conn, creators).await?)
}

/// The version of a creator's values.
pub fn version(values: &BTreeMap<String, FieldValue>) -> i64 {
    let parts = values
        .iter()
        .flat_map(|(key, value)| [key.clone(), value.to_string()]);
    content_version(parts)
}

/// Sets values of a creator, and removes those that are none, if all it has are at the given version ([`version`]) or none
/// is given; answers all it then has.
///
/// # Errors
/// If there is no such creator, its values are at another version, or a value does not fit its field; then with each of
/// them.
pub async fn set(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    expected: Option<i64>,
    given: BTreeMap<String, Option<Given>>,
) -> Result<BTreeMap<String, FieldValue>, CustomFieldError> {
    // no definition changes between the check and the write
    let fields = store::definitions_for_share(conn).await?;
    // two who set at once take turns
    let creator = creators::lock(conn, ctx, creator).await?.id;
    if let Some(expected) = expected
        && version(&values(conn, ctx, creator).await?) != expected
    {
        return Err(CustomFieldError::StaleValues);
    }
    let (mut removed, mut kept, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for (key, given) in given {
        match checked(&fields, &key, given) {
            Ok(Some(value)) => kept.push((key, value)),
            Ok(None) => removed.push(key),
            Err(remedy) => wrong.push(FieldError::new(format!("/{key}"), remedy)),
        }
    }
    if !wrong.is_empty() {
        return Err(CustomFieldError::Invalid(wrong));
    }
    store::remove(conn, creator, &removed).await?;
    for (key, value) in &kept {
        store::set(conn, ctx, creator, key, value).await?;
    }
    let kept = kept.iter().map(|(key, value)| (key.as_str(), value));
    let entry = entry_of_set(creator, kept, &removed);
    audit::record(conn, ctx, entry).await?;
    values(conn, ctx, creator).await
}

fn entry_of_set<'a>(
    creator: CreatorId,
    kept: impl IntoIterator<Item = (&'a str, &'a FieldValue)>,
    removed: &[String],
) -> Entry {
    let shown: BTreeMap<&str, String> = kept
        .into_iter()
        .map(|(key, value)| (key, value.to_string()))
        .collect();
    let keys: Vec<&&str> = shown.keys().collect();
    Entry::new("custom_field.set", creator)
        .after(json!({ "set": keys, "removed": removed }))
        .personal(json!(shown))
}

/// All fields, of which none is changed until the transaction ends: to check values against that are set in it.
///
/// # Errors
/// If the database cannot be read.
pub async fn held_definitions(conn: &mut PgConnection) -> Result<Vec<Field>, CustomFieldError> {
    Ok(store::definitions_for_share(conn).await?)
}

/// Values of one creator that are to be set; those that are none are to be removed.
pub type ValueChanges = BTreeMap<String, Option<FieldValue>>;

/// Sets values that were checked against [`held_definitions`], of creators that were looked up by the caller; each with
/// the trail of [`set`].
///
/// # Errors
/// If the database refuses.
pub async fn set_many(
    conn: &mut PgConnection,
    ctx: &Ctx,
    changes: &[(CreatorId, ValueChanges)],
) -> Result<(), CustomFieldError> {
    let flat: Vec<store::Change<'_>> = changes
        .iter()
        .flat_map(|(creator, values)| {
            let of_one = values.iter();
            of_one.map(|(key, value)| (*creator, key.as_str(), value.as_ref()))
        })
        .collect();
    if flat.is_empty() {
        return Ok(());
    }
    store::set_many(conn, ctx, &flat).await?;
    let entries =
        changes
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(creator, values)| {
                let kept = values
                    .iter()
                    .filter_map(|(key, value)| Some((key.as_str(), value.as_ref()?)));
                let removed: Vec<String> = values
                    .iter()
                    .filter(|(_, value)| value.is_none())
                    .map(|(key, _)| key.clone())
                    .collect();
                entry_of_set(*creator, kept, &removed)
            });
    Ok(audit::record_all(conn, ctx, entries.collect()).await?)
}

fn checked(
    fields: &[Field],
    key: &str,
    given: Option<Given>,
) -> Result<Option<FieldValue>, String> {
    let field = fields.iter().find(|field| field.field.key.as_str() == key);
    let field = field.ok_or_else(|| {
        "there is no such custom field; GET /api/custom-fields lists them".to_owned()
    })?;
    let Some(given) = given else { return Ok(None) };
    if field.archived_at.is_some() {
        return Err("this field is archived; its values can only be removed".to_owned());
    }
    field.field.value(given).map(Some)
}

async fn record(
    conn: &mut PgConnection,
    ctx: &Ctx,
    action: &'static str,
    field: &Field,
) -> sqlx::Result<()> {
    let after = json!({
        "type": field.field.field_type, "label": field.field.label, "options": field.field.options,
        "minimum": field.field.minimum.map(|bound| bound.to_string()),
        "maximum": field.field.maximum.map(|bound| bound.to_string()),
        "currency": field.field.currency, "archived": field.archived_at.is_some(), "version": field.version,
    });
    let subject = Subject::named("custom_field", field.field.key.as_str());
    audit::record(conn, ctx, Entry::new(action, subject).after(after)).await
}

/// A creator turned out to be another one: the values of the one are the other's, where that one has none of its own.
///
/// # Errors
/// If the database refuses.
pub async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    store::follow_merge(conn, gone, kept).await
}
