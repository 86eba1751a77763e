//! The SQL of custom fields. Numbers cross as text, digit for digit.

mod many;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Field, FieldKey, FieldType, FieldValue, NewField};
use crate::creators::CreatorId;
use crate::kernel::{Ctx, TypedId, stored};

pub(super) use many::{Change, set_many};

struct Row {
    key: String,
    label: String,
    r#type: String,
    options: Vec<String>,
    minimum: Option<String>,
    maximum: Option<String>,
    currency: Option<String>,
    archived_at: Option<DateTime<Utc>>,
    version: i64,
}

impl Row {
    fn field(self) -> sqlx::Result<Field> {
        let number = |column, text: Option<String>| {
            text.map(|text| stored::<Decimal>(column, &text))
                .transpose()
        };
        Ok(Field {
            field: NewField {
                key: stored::<FieldKey>("key", &self.key)?,
                label: self.label,
                field_type: stored("type", &self.r#type)?,
                options: self.options,
                minimum: number("minimum", self.minimum)?,
                maximum: number("maximum", self.maximum)?,
                currency: self.currency,
            },
            archived_at: self.archived_at,
            version: self.version,
        })
    }
}

fn fields(rows: Vec<Row>) -> sqlx::Result<Vec<Field>> {
    rows.into_iter().map(Row::field).collect()
}

pub(super) async fn definitions(conn: &mut PgConnection) -> sqlx::Result<Vec<Field>> {
    let rows = sqlx::query_as!(
        Row,
        "select key, label, type, options, minimum::text, maximum::text, currency, archived_at, version
         from custom_fields order by key",
    )
    .fetch_all(conn)
    .await?;
    fields(rows)
}

/// As [`definitions`]; none is changed until this transaction ends.
pub(super) async fn definitions_for_share(conn: &mut PgConnection) -> sqlx::Result<Vec<Field>> {
    let rows = sqlx::query_as!(
        Row,
        "select key, label, type, options, minimum::text, maximum::text, currency, archived_at, version
         from custom_fields order by key for share",
    )
    .fetch_all(conn)
    .await?;
    fields(rows)
}

pub(super) async fn lock(conn: &mut PgConnection, key: &FieldKey) -> sqlx::Result<Option<Field>> {
    let row = sqlx::query_as!(
        Row,
        "select key, label, type, options, minimum::text, maximum::text, currency, archived_at, version
         from custom_fields where key = $1 for update",
        key.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::field).transpose()
}

pub(super) async fn count(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from custom_fields"#)
        .fetch_one(conn)
        .await
}

fn text(number: Option<Decimal>) -> Option<String> {
    number.map(|number| number.to_string())
}

/// Stores a field; false if its key is taken.
pub(super) async fn insert(
    conn: &mut PgConnection,
    ctx: &Ctx,
    field: &Field,
) -> sqlx::Result<bool> {
    let new = sqlx::query!(
        "insert into custom_fields (key, label, type, options, minimum, maximum, currency, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5::text::numeric, $6::text::numeric, $7, $8, $9, $9)
         on conflict do nothing",
        field.field.key.as_str(),
        field.field.label,
        field.field.field_type.as_str(),
        &field.field.options,
        text(field.field.minimum),
        text(field.field.maximum),
        field.field.currency,
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await?;
    Ok(new.rows_affected() == 1)
}

pub(super) async fn update(conn: &mut PgConnection, ctx: &Ctx, field: &Field) -> sqlx::Result<()> {
    sqlx::query!(
        "update custom_fields set label = $2, options = $3, minimum = $4::text::numeric, maximum = $5::text::numeric,
                                  archived_at = $6, version = $7, updated_at = $8
         where key = $1",
        field.field.key.as_str(),
        field.field.label,
        &field.field.options,
        text(field.field.minimum),
        text(field.field.maximum),
        field.archived_at,
        field.version,
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// One of the options that a creator has.
pub(super) async fn option_in_use(
    conn: &mut PgConnection,
    key: &FieldKey,
    options: &[String],
) -> sqlx::Result<Option<String>> {
    if options.is_empty() {
        return Ok(None);
    }
    sqlx::query_scalar!(
        r#"select g.option as "option!" from unnest($2::text[]) as g (option)
           where exists (select 1 from custom_field_values v where v.field = $1 and v.text_value = g.option)
              or exists (select 1 from custom_field_values v where v.field = $1 and v.list_value @> array[g.option])
           limit 1"#,
        key.as_str(),
        options,
    )
    .fetch_optional(conn)
    .await
}

/// The values of creators by key.
pub(super) async fn values(
    conn: &mut PgConnection,
    creators: &[CreatorId],
) -> sqlx::Result<BTreeMap<CreatorId, BTreeMap<String, FieldValue>>> {
    let ids: Vec<Uuid> = creators.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "select creator_id, field, type, text_value, number_value::text, date_value, bool_value, list_value
         from custom_field_values where creator_id = any($1)",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut all: BTreeMap<CreatorId, BTreeMap<String, FieldValue>> = BTreeMap::new();
    for row in rows {
        let columns = Columns {
            text: row.text_value,
            number: row.number_value,
            date: row.date_value,
            flag: row.bool_value,
            list: row.list_value,
        };
        let value = columns.value(stored("type", &row.r#type)?)?;
        all.entry(row.creator_id.into())
            .or_default()
            .insert(row.field, value);
    }
    Ok(all)
}

/// A value in the column of its type.
#[derive(Debug, Default)]
struct Columns {
    text: Option<String>,
    number: Option<String>,
    date: Option<NaiveDate>,
    flag: Option<bool>,
    list: Option<Vec<String>>,
}

impl Columns {
    fn of(value: &FieldValue) -> Self {
        let mut columns = Self::default();
        match value {
            FieldValue::Text(text) | FieldValue::Select(text) | FieldValue::Url(text) => {
                columns.text = Some(text.clone())
            }
            FieldValue::Number(number) | FieldValue::Money(number) => {
                columns.number = Some(number.to_string())
            }
            FieldValue::Date(date) => columns.date = Some(*date),
            FieldValue::Bool(flag) => columns.flag = Some(*flag),
            FieldValue::MultiSelect(list) => columns.list = Some(list.clone()),
        }
        columns
    }

    fn value(self, field_type: FieldType) -> sqlx::Result<FieldValue> {
        // the table's checks say that the column of the type is filled
        let empty = || sqlx::Error::ColumnNotFound(field_type.to_string());
        let number =
            |text: Option<String>| stored::<Decimal>("number_value", &text.ok_or_else(empty)?);
        Ok(match field_type {
            FieldType::Text => FieldValue::Text(self.text.ok_or_else(empty)?),
            FieldType::Select => FieldValue::Select(self.text.ok_or_else(empty)?),
            FieldType::Url => FieldValue::Url(self.text.ok_or_else(empty)?),
            FieldType::Number => FieldValue::Number(number(self.number)?),
            FieldType::Money => FieldValue::Money(number(self.number)?),
            FieldType::Date => FieldValue::Date(self.date.ok_or_else(empty)?),
            FieldType::Bool => FieldValue::Bool(self.flag.ok_or_else(empty)?),
            FieldType::MultiSelect => FieldValue::MultiSelect(self.list.ok_or_else(empty)?),
        })
    }
}

const fn type_of(value: &FieldValue) -> FieldType {
    match value {
        FieldValue::Text(_) => FieldType::Text,
        FieldValue::Number(_) => FieldType::Number,
        FieldValue::Money(_) => FieldType::Money,
        FieldValue::Date(_) => FieldType::Date,
        FieldValue::Bool(_) => FieldType::Bool,
        FieldValue::Select(_) => FieldType::Select,
        FieldValue::MultiSelect(_) => FieldType::MultiSelect,
        FieldValue::Url(_) => FieldType::Url,
    }
}

pub(super) async fn set(
    conn: &mut PgConnection,
    ctx: &Ctx,
    creator: CreatorId,
    key: &str,
    value: &FieldValue,
) -> sqlx::Result<()> {
    let columns = Columns::of(value);
    sqlx::query!(
        "insert into custom_field_values (creator_id, field, type, text_value, number_value, date_value, bool_value, list_value,
                                          set_by, set_at)
         values ($1, $2, $3, $4, $5::text::numeric, $6, $7, $8, $9, $10)
         on conflict (creator_id, field) do update
         set text_value = excluded.text_value, number_value = excluded.number_value, date_value = excluded.date_value,
             bool_value = excluded.bool_value, list_value = excluded.list_value, set_by = excluded.set_by,
             set_at = excluded.set_at",
        creator.uuid(),
        key,
        type_of(value).as_str(),
        columns.text,
        columns.number,
        columns.date,
        columns.flag,
        columns.list.as_deref(),
        ctx.actor.to_string(),
        ctx.now(),
    )
    .execute(conn)
    .await
    .map(drop)
}

pub(super) async fn remove(
    conn: &mut PgConnection,
    creator: CreatorId,
    keys: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from custom_field_values where creator_id = $1 and field = any($2)",
        creator.uuid(),
        keys
    )
    .execute(conn)
    .await
    .map(drop)
}

/// The values of `gone` are those of `kept`, where that one has none.
pub(super) async fn follow_merge(
    conn: &mut PgConnection,
    gone: CreatorId,
    kept: CreatorId,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update custom_field_values v set creator_id = $2
         where v.creator_id = $1
           and not exists (select 1 from custom_field_values own where own.creator_id = $2 and own.field = v.field)",
        gone.uuid(),
        kept.uuid()
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "delete from custom_field_values where creator_id = $1",
        gone.uuid()
    )
    .execute(conn)
    .await
    .map(drop)
}
